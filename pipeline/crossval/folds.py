"""Cross-validation: one ordinary run per fold; each photograph is tested once, by a run not trained on it."""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from inference.errors import InputError
from pipeline.data.sources import DataPlace, place_from_json
from pipeline.settings.recipe import Recipe, override_all, recipe_from_json, recipe_to_json
from pipeline.settings.run_folder import RunFolder, new_folder, read_json, write_json
from pipeline.stages import Stage, complete, forget_networks, is_complete, start_run


@dataclass(frozen=True)
class CrossvalSettings:
    """The settings that the folds share; recipe has no fold selected."""

    folds: int
    recipe: Recipe
    place: DataPlace

    def fold_recipe(self, number: int) -> Recipe:
        """Return the recipe with this fold, 1 to folds, as the test set.

        A fold whose file loses more than export.max_accuracy_loss does not end the others: the pooled report says it.
        """
        changes = (
            ("split.folds", str(self.folds)),
            ("split.fold", str(number)),
            ("export.max_accuracy_loss", "1.0"),
        )
        return override_all(self.recipe, changes)


@dataclass(frozen=True)
class CrossvalFolder:
    """runs/<recipe>/<time>-crossval<folds>-seed<n>/: settings, one run folder per fold, the pooled report."""

    path: Path

    settings = property(lambda self: self.path / "crossval_settings.json")
    report = property(lambda self: self.path / "crossval.json")

    def fold(self, number: int) -> RunFolder:
        """Return the run of a fold, 1 to folds; it need not exist yet."""
        return RunFolder(self.path / f"fold-{number}")

    def read_settings(self) -> CrossvalSettings:
        """Return the settings that the folds share.

        Raises:
            InputError: the folder holds no cross-validation, or one of another version.
        """
        values = read_json(self.settings, "Give a folder made by `pipeline crossval`.")
        recipe = recipe_from_json(json.dumps(values["recipe"]))
        return CrossvalSettings(values["folds"], recipe, place_from_json(values["source"]))


def start_crossval(recipe: Recipe, place: DataPlace, folds: int) -> CrossvalFolder:
    """Create the folder of a cross-validation, with everything needed to resume it.

    Raises:
        InputError: the data can't be found, or the number of folds is invalid.
    """
    place.check(recipe.source.kind)
    CrossvalSettings(folds, recipe, place).fold_recipe(1)  # refuses an invalid number of folds
    folder = CrossvalFolder(new_folder(place.runs / recipe.name, f"crossval{folds}-seed{recipe.seed}"))
    write_json(
        folder.settings, {"folds": folds, "recipe": json.loads(recipe_to_json(recipe)), "source": place.to_json()}
    )
    return folder


def complete_folds(folder: CrossvalFolder, stages: Sequence[Stage], numbers: Sequence[int] = ()) -> None:
    """Do the missing stages of the given folds, or of all; other processes may do other folds at the same time.

    Raises:
        InputError: there is no such fold.
    """
    settings = folder.read_settings()
    for number in numbers:
        if not 1 <= number <= settings.folds:
            raise InputError(f"--fold must be 1 to {settings.folds}, the folds of {folder.path}. Received: {number}.")
    for number in numbers or range(1, settings.folds + 1):
        run = folder.fold(number)
        if not is_complete(run, stages):
            print(f"fold {number} of {settings.folds}: {run.path}", file=sys.stderr, flush=True)
            if not run.source.is_file():
                start_run(settings.fold_recipe(number), settings.place, run.path)
            complete(run, stages)
            if any(stage.needs_tensorflow for stage in stages):
                forget_networks()


def missing_folds(folder: CrossvalFolder, stages: Sequence[Stage]) -> list[int]:
    """Return the numbers of the folds that lack a stage."""
    folds = folder.read_settings().folds
    return [number for number in range(1, folds + 1) if not is_complete(folder.fold(number), stages)]
