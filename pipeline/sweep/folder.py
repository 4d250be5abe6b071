"""The folder of a sweep: settings, a run for each trial and validation fold, the report, and the run of the best."""

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from inference.errors import InputError
from pipeline.classification.stages import FIT, PATCHES, check_index, prepare_data
from pipeline.data.index import PatchIndex
from pipeline.data.sources import DataPlace, place_from_json
from pipeline.settings.recipe import Recipe, override_all, recipe_from_json, recipe_to_json
from pipeline.settings.run_folder import RunFolder, new_folder, read_json, write_json
from pipeline.stages import complete, forget_networks, is_complete, start_run
from pipeline.sweep.space import Dimension, Trial

_STAGES = (PATCHES, FIT)


@dataclass(frozen=True)
class SweepSettings:
    """What all trials share.

    folds: of validation; engine: "local" or "ray"; run_best: whether to run the best; words: the recipe and the options
    of a run with the recipe's own settings, () where an earlier version began the sweep.
    """

    recipe: Recipe
    place: DataPlace
    space: tuple[Dimension, ...]
    trials: tuple[Trial, ...]
    folds: int
    engine: str
    run_best: bool = True
    words: tuple[str, ...] = ()

    def fold_recipe(self, trial: Trial, fold: int) -> Recipe:
        """Return the recipe of a trial with this fold, 1 to folds, as the validation."""
        folds = (("split.validation_folds", str(self.folds)), ("split.validation_fold", str(fold)))
        return override_all(self.recipe, (*trial.overrides, *folds))


@dataclass(frozen=True)
class SweepFolder:
    """runs/<recipe>/<time>-sweep<trials>-seed<n>/."""

    path: Path

    settings = property(lambda self: self.path / "sweep_settings.json")
    report = property(lambda self: self.path / "sweep.json")
    page = property(lambda self: self.path / "sweep.html")
    best = property(lambda self: RunFolder(self.path / "best"))

    def run(self, trial: Trial, fold: int) -> RunFolder:
        """Return the run of a trial on a fold; it need not exist yet."""
        return RunFolder(self.path / f"trial-{trial.number:02}" / f"fold-{fold}")

    def stopped(self, number: int) -> Path:
        """Return the file that says that a trial was ended early."""
        return self.path / f"trial-{number:02}" / "stopped"

    def read_settings(self) -> SweepSettings:
        """Return the settings of the sweep.

        Raises:
            InputError: the folder holds no sweep, or one of another version.
        """
        values = read_json(self.settings, "Give a folder made by `pipeline sweep`.")
        try:
            return SweepSettings(
                recipe_from_json(json.dumps(values["recipe"])),
                place_from_json(values["source"]),
                tuple(_dimension(one) for one in values["space"]),
                tuple(_trial(one) for one in values["trials"]),
                values["folds"],
                values["engine"],
                values["run_best"],
                tuple(values.get("words", ())),
            )
        except (KeyError, TypeError) as fault:
            raise InputError(f"{self.settings}: is damaged or of another version: {fault}. Start anew.") from fault


def start_sweep(settings: SweepSettings) -> SweepFolder:
    """Create the folder of a sweep, with everything needed to resume it.

    Raises:
        InputError: the number of folds is invalid.
    """
    settings.fold_recipe(settings.trials[0], 1)
    recipe = settings.recipe
    name = f"sweep{len(settings.trials)}-seed{recipe.seed}"
    folder = SweepFolder(new_folder(settings.place.runs / recipe.name, name))
    values = {
        "recipe": json.loads(recipe_to_json(recipe)),
        "source": settings.place.to_json(),
        "space": [asdict(one) for one in settings.space],
        "trials": [asdict(one) for one in settings.trials],
        "folds": settings.folds,
        "engine": settings.engine,
        "run_best": settings.run_best,
        "words": list(settings.words),
    }
    write_json(folder.settings, values)
    return folder


def cut_folds(settings: SweepSettings) -> None:
    """Cut the patches of all folds, which the trials share, and check that no fold holds a test photograph of a run.

    Raises:
        InputError: one does, since its folder of patches keeps the split of an earlier set of photographs; or a run of
            the best, or a trial, could not begin.
    """
    whole = prepare_data(settings.place, settings.recipe).index
    if settings.run_best:
        check_index(whole, settings.recipe)
    tested = _photos(whole, "test")
    for fold in range(1, settings.folds + 1):
        print(f"patches of validation fold {fold} of {settings.folds}", file=sys.stderr, flush=True)
        recipe = settings.fold_recipe(settings.trials[0], fold)
        index = prepare_data(settings.place, recipe).index
        check_index(index, recipe)
        if leaked := tested & (_photos(index, "train") | _photos(index, "validation")):
            raise InputError(
                f"{len(leaked)} test photographs of the recipe would be trained on, since photographs were added to an "
                f"earlier split, for example {min(leaked)}. Sweep in another folder: --runs DIR."
            )


def complete_fold(folder: SweepFolder, settings: SweepSettings, trial: Trial, fold: int) -> None:
    """Train a trial on a fold, or go on where its training was killed."""
    run = folder.run(trial, fold)
    if is_complete(run, _STAGES):
        return
    print(f"trial {trial.number} of {len(settings.trials)}, fold {fold}: {run.path}", file=sys.stderr, flush=True)
    if not run.source.is_file():
        start_run(settings.fold_recipe(trial, fold), settings.place, run.path)
    complete(run, _STAGES)
    forget_networks()


def is_trained(run: RunFolder) -> bool:
    """Return whether the training of a fold is done."""
    return is_complete(run, _STAGES)


def read_epochs(run: RunFolder) -> list[dict[str, float]]:
    """Return the epochs that a training has done so far; none before the first."""
    from pipeline.training.callbacks import read_history  # imports Keras

    try:
        return read_history(run.history)
    except InputError:  # its first line is being written
        return []


def _photos(index: PatchIndex, split: str) -> set[str]:
    return {patch.photo for patch in index.patches if patch.split == split}


def _dimension(values: dict) -> Dimension:
    choices = {shown: tuple(texts) for shown, texts in values["choices"].items()}
    ends = tuple(values["ends"]) if values["ends"] else None
    return Dimension(values["name"], tuple(values["settings"]), choices, ends)


def _trial(values: dict) -> Trial:
    return Trial(values["number"], values["shown"], tuple((name, text) for name, text in values["overrides"]))
