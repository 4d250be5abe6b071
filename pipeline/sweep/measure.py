"""A trial's trainings -> how good it is so far: the accuracy on validation patches, never on test patches."""

from dataclasses import dataclass
from pathlib import Path

from pipeline.data.index import read_index
from pipeline.settings.recipe import Recipe
from pipeline.sweep.folder import SweepFolder, SweepSettings, is_trained, read_epochs
from pipeline.sweep.space import Trial

FOLD = 100  # progress of a trial by one fold; an epoch is its share of that


@dataclass(frozen=True)
class FoldMeasure:
    """A fold's training after some epochs. right, n: validation patches, at the epoch of the lowest validation loss.

    loss: of validation. share: of the training that is done, 1 at its end.
    """

    right: float
    n: int
    loss: float
    epochs: int
    share: float
    seconds: float


@dataclass(frozen=True)
class TrialMeasure:
    """A trial after some epochs. accuracy, loss: over the validation patches of all folds begun.

    right, n: of the folds that are trained, `folds` in number; epochs, seconds: of all. progress: FOLD for each fold.
    """

    accuracy: float
    loss: float
    right: int
    n: int
    folds: int
    epochs: int
    seconds: float
    progress: int


def trial_history(folder: SweepFolder, settings: SweepSettings, trial: Trial) -> list[TrialMeasure]:
    """Return the measures of a trial after each epoch so far, by the files of its folds; a frozen trunk has none."""
    measures: list[TrialMeasure] = []
    before: list[FoldMeasure] = []
    for number in range(1, settings.folds + 1):
        run, recipe = folder.run(trial, number), settings.fold_recipe(trial, number)
        done = is_trained(run)  # first: what is trained then has all its epochs in the history
        epochs = fold_history(read_epochs(run), _validation_patches(run.index, recipe), recipe, done)
        measures += [pool_measures([*before, one]) for one in epochs]
        if not done:
            break
        before.append(epochs[-1])
    return measures


def fold_history(rows: list[dict[str, float]], patches: int, recipe: Recipe, done: bool) -> list[FoldMeasure]:
    """Return the measures of a fold after each epoch; rows: of history.csv.

    The rows of a frozen trunk are penalties of one training, which has no epochs.
    """
    frozen = recipe.fit.kind == "frozen"
    ends = range(1, len(rows) + 1) if not frozen else [len(rows)] if done else []
    measures = []
    for end in ends:
        best = min(rows[:end], key=lambda row: row["val_loss"])
        share = 1.0 if done and end == len(rows) else end / (recipe.fit.epochs + 1)
        seconds = sum(row.get("seconds", 0.0) for row in rows[:end])
        epochs, right = 0 if frozen else end, best["val_accuracy"] * patches
        measures.append(FoldMeasure(right, patches, best["val_loss"], epochs, share, seconds))
    return measures


def pool_measures(folds: list[FoldMeasure]) -> TrialMeasure:
    """Return the measure of a trial: 3 of 4 in one fold and 1 of 6 in another are 4 of 10."""
    total, done = sum(one.n for one in folds), [one for one in folds if one.share == 1]
    return TrialMeasure(
        accuracy=sum(one.right for one in folds) / total,
        loss=sum(one.loss * one.n for one in folds) / total,
        right=round(sum(one.right for one in done)),
        n=sum(one.n for one in done),
        folds=len(done),
        epochs=sum(one.epochs for one in folds),
        seconds=sum(one.seconds for one in folds),
        progress=round(sum(FOLD * one.share for one in folds)),
    )


def best_first(measures: dict[int, TrialMeasure]) -> list[int]:
    """Return the numbers of trials: those with the most folds first, then by accuracy, loss and number."""
    return sorted(measures, key=lambda number: (-measures[number].folds, *_worth(measures[number]), number))


def halve(measures: dict[int, TrialMeasure], factor: int, kept: int) -> list[int]:
    """Return the best of the trials, one in `factor` and at least one, and the trial `kept`, by number."""
    best = sorted(measures, key=lambda number: (*_worth(measures[number]), number))
    return sorted({kept, *best[: max(-(-len(best) // factor), 1)]})


def _worth(one: TrialMeasure) -> tuple[float, float]:
    return -one.accuracy, one.loss


def _validation_patches(index: Path, recipe: Recipe) -> int:
    return len(read_index(index).select("validation", recipe.outputs).patches) if index.is_file() else 0
