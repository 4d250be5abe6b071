"""Cross-validations of several seeds: the same folds trained anew, so that chance of the training is seen.

A folder holds one cross-validation for each seed. Their predictions are not pooled: each photograph would count several
times.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from inference.errors import InputError
from pipeline.crossval.folds import CrossvalFolder, CrossvalSettings, check_crossval, fill_crossval
from pipeline.crossval.over_folds import folds_text, over_folds
from pipeline.crossval.sections import CrossvalReport, OverFolds, OverSeeds
from pipeline.data.sources import DataPlace
from pipeline.metrics.intervals import Estimate
from pipeline.settings.recipe import Recipe
from pipeline.settings.run_folder import new_folder

REPORT_FORMAT = 1
_MOST_SEEDS = 100


@dataclass(frozen=True)
class SeedsFolder:
    """runs/<recipe>/<time>-crossval<folds>-seeds<n>/: a cross-validation for each seed, and seeds.json."""

    path: Path

    report = property(lambda self: self.path / "seeds.json")

    def crossvals(self) -> list[CrossvalFolder]:
        """Return the cross-validations in the order of their seeds; none if the folder is another one."""
        found = [CrossvalFolder(path) for path in self.path.glob("seed-*") if CrossvalFolder(path).settings.is_file()]
        return sorted(found, key=lambda folder: folder.read_settings().recipe.seed)


def start_seeds(recipe: Recipe, place: DataPlace, folds: int, seeds: int) -> SeedsFolder:
    """Create the folder of cross-validations with the recipe's seed and those that follow it.

    Raises:
        InputError: the data can't be found, or the number of folds or seeds is invalid.
    """
    if not 1 <= seeds <= _MOST_SEEDS:
        raise InputError(f"--seeds must be 1 to {_MOST_SEEDS}. Received: {seeds}.")
    check_crossval(recipe, place, folds)
    folder = SeedsFolder(new_folder(place.runs / recipe.name, f"crossval{folds}-seeds{seeds}"))
    for seed in reversed(range(recipe.seed, recipe.seed + seeds)):  # the first last: without it nothing is resumed
        settings = CrossvalSettings(folds, replace(recipe, seed=seed), place)
        fill_crossval(folder.path / f"seed-{seed}", settings)
    return folder


def report_seeds(reports: Sequence[CrossvalReport]) -> OverSeeds:
    """Return the pooled figures of each seed, with their mean and standard deviation."""
    figures: dict[str, list[Estimate | None]] = {
        "accuracy": [one.pooled.accuracy for one in reports],
        "accuracy_each_photo": [one.pooled.accuracy_each_photo for one in reports],
        "accepted": [one.pooled.accepted for one in reports],
        "accuracy_of_accepted": [one.pooled.accuracy_of_accepted for one in reports],
        "rejected_background": [one.pooled.rejected_background for one in reports],
    }
    return OverSeeds(
        format=REPORT_FORMAT,
        recipe=reports[0].recipe,
        folds=reports[0].folds,
        seeds=tuple(one.seed for one in reports),
        n=reports[0].pooled.accuracy.n,
        figures={name: _over(values) for name, values in figures.items()},
    )


def seeds_lines(report: OverSeeds) -> list[str]:
    """Return the report for a terminal."""
    heading = f"{report.recipe}: {len(report.seeds)} seeds of {report.folds} folds, n={report.n}: mean, sd (each seed)"
    return [heading, *(f"  {name.replace('_', ' '):24}{folds_text(one)}" for name, one in report.figures.items())]


def _over(estimates: Sequence[Estimate | None]) -> OverFolds:
    return over_folds([one.value if one else None for one in estimates])
