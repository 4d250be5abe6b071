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

        The folds' files are of the recipe's numeric type, whatever they lose: the pooled report says it.
        """
        changes = (
            ("split.folds", str(self.folds)),
            ("split.fold", str(number)),
            ("export.max_accuracy_loss", "1.0"),
            ("export.max_unknown_change", "1.0"),
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
    check_crossval(recipe, place, folds)
    folder = new_folder(place.runs / recipe.name, f"crossval{folds}-seed{recipe.seed}")
    return fill_crossval(folder, CrossvalSettings(folds, recipe, place))


def check_crossval(recipe: Recipe, place: DataPlace, folds: int) -> None:
    """Raise InputError if the data can't be found, or the number of folds is invalid."""
    place.check(recipe.source.kind)
    CrossvalSettings(folds, recipe, place).fold_recipe(1)


def fill_crossval(path: Path, settings: CrossvalSettings) -> CrossvalFolder:
    """Write the settings of a new cross-validation into its folder."""
    folder = CrossvalFolder(path)
    recipe, source = json.loads(recipe_to_json(settings.recipe)), settings.place.to_json()
    write_json(folder.settings, {"folds": settings.folds, "recipe": recipe, "source": source})
    return folder


def complete_folds(folder: CrossvalFolder, stages: Sequence[Stage], numbers: Sequence[int] = ()) -> None:
    """Do the missing stages of the given folds, or of all; other processes may do other folds at the same time.

    Raises:
        InputError: there is no such fold.
    """
    for number in chosen_folds(folder, numbers):
        complete_fold(folder, number, stages)


def chosen_folds(folder: CrossvalFolder, numbers: Sequence[int]) -> Sequence[int]:
    """Return the given numbers of folds, or all.

    Raises:
        InputError: there is no such fold.
    """
    folds = folder.read_settings().folds
    for number in numbers:
        if not 1 <= number <= folds:
            raise InputError(f"--fold must be 1 to {folds}, the folds of {folder.path}. Received: {number}.")
    return numbers or range(1, folds + 1)


def complete_fold(folder: CrossvalFolder, number: int, stages: Sequence[Stage], patience_seconds: float = 0.0) -> None:
    """Do the missing stages of a fold; patience_seconds: as for pipeline.stages.complete."""
    settings, run = folder.read_settings(), folder.fold(number)
    if is_complete(run, stages):
        return
    print(f"fold {number} of {settings.folds}: {run.path}", file=sys.stderr, flush=True)
    if not run.source.is_file():
        start_run(settings.fold_recipe(number), settings.place, run.path)
    complete(run, stages, patience_seconds)
    if any(stage.needs_tensorflow for stage in stages):
        forget_networks()


def missing_folds(folder: CrossvalFolder, stages: Sequence[Stage]) -> list[int]:
    """Return the numbers of the folds that lack a stage."""
    folds = folder.read_settings().folds
    return [number for number in range(1, folds + 1) if not is_complete(folder.fold(number), stages)]
