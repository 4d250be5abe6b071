"""A finished run -> RUN/control: comparisons that distinguish learning from chance."""

import gc
import shutil
import sys
from dataclasses import dataclass

import keras
import numpy as np

from inference.errors import InputError
from pipeline.classification.stages import run_index
from pipeline.data.index import PatchIndex
from pipeline.evaluation.colour_baseline import predict_by_colour
from pipeline.evaluation.predictions import read_predictions
from pipeline.metrics.classification import Scores
from pipeline.report.sections import ClassificationReport, Training
from pipeline.report.stored import read_section
from pipeline.sanity.folder import ControlFolder, digest_files, remembered
from pipeline.sanity.measure import measure_learning
from pipeline.sanity.sections import ControlReport, ShuffledTraining
from pipeline.sanity.shuffled_labels import answer_test, read_shuffle, train_shuffled
from pipeline.sanity.views import measure_run_views
from pipeline.settings.recipe import Recipe
from pipeline.settings.run_folder import RunFolder, describe_machine

REPORT_FORMAT = 1


@dataclass(frozen=True)
class ControlOptions:
    """The options of a control.

    epochs, shuffle: of the training on shuffled labels; None: the recipe's epochs, shuffle 0. training: whether to do
    that training. again: recompute all parts.
    """

    epochs: int | None = None
    shuffle: int | None = None
    training: bool = True
    again: bool = False


def control_run(run: RunFolder, options: ControlOptions) -> ControlReport:
    """Return the report; parts missing in RUN/control are computed first.

    Raises:
        InputError: the run is not finished, has only one class, or its patches are missing.
    """
    recipe, index = run.read_recipe(), _read_finished(run)
    scores = read_predictions(run.predictions, recipe.labels)
    scores = scores.take(np.flatnonzero(scores.positive))
    _check_answers(scores, index, recipe, run)
    folder = ControlFolder(run.path / "control")
    if options.again:
        shutil.rmtree(folder.path, ignore_errors=True)
    shuffled = _train(run, folder, options) if options.training else None
    report = read_section(ClassificationReport, run.report, "Evaluate again.")
    return ControlReport(
        format=REPORT_FORMAT,
        recipe=recipe.name,
        title=recipe.title,
        run=run.path.resolve().name,
        machine=describe_machine(),
        seed=recipe.seed,
        data=report.data.kind,
        released=report.released,
        **vars(measure_learning(scores, _by_colour(run, folder, index, recipe), _by_shuffled(shuffled, folder))),
        training=_describe_training(run, shuffled),
        views=measure_run_views(run, folder, index, shuffled),
    )


def _read_finished(run: RunFolder) -> PatchIndex:
    """Return the index of a run; refuse a run that is not finished or has only one class."""
    files = (run.report, run.predictions, run.model, run.best)
    missing = [path.name for path in files if not path.is_file()]
    if missing:
        remedy = f"python -m pipeline {'evaluate' if missing == ['predictions.csv'] else 'resume'} {run.path}"
        raise InputError(f"{run.path}: the run must be finished. It lacks {', '.join(missing)}. Complete it: {remedy}.")
    labels = run.read_recipe().labels
    if len(labels) < 2:
        raise InputError(
            f"{run.path}: a control needs at least two classes. Received: {', '.join(labels)}. Use the report instead."
        )
    return run_index(run)


def _check_answers(scores: Scores, index: PatchIndex, recipe: Recipe, run: RunFolder) -> None:
    """Refuse predictions.csv of another index, whose answers belong to other patches."""
    if scores.labels.tolist() != [patch.label for patch in index.select("test", recipe.labels).patches]:
        raise InputError(
            f"{run.predictions}: must hold the test patches of {run.index.name}. Received: other patches. "
            f"Measure the run again: python -m pipeline evaluate {run.path}."
        )


def _train(run: RunFolder, folder: ControlFolder, options: ControlOptions) -> RunFolder:
    shuffled = train_shuffled(run, folder.shuffled, options.epochs, options.shuffle)
    keras.utils.clear_session()  # the training's memory
    gc.collect()
    return shuffled


def _by_shuffled(shuffled: RunFolder | None, folder: ControlFolder) -> np.ndarray | None:
    if shuffled is None:
        return None
    origin = digest_files(shuffled.best)
    answers = remembered(list[str], folder.shuffled_answers, origin, lambda: answer_test(shuffled).tolist())
    return np.array(answers, str)


def _by_colour(run: RunFolder, folder: ControlFolder, index: PatchIndex, recipe: Recipe) -> dict[str, np.ndarray]:
    def ask() -> dict[str, list[str]]:
        print("classifying by colour alone ...", file=sys.stderr, flush=True)
        return {name: answers.tolist() for name, answers in predict_by_colour(index, recipe).items()}

    found = remembered(dict[str, list[str]], folder.colour, digest_files(run.index), ask)
    return {name: np.array(answers, str) for name, answers in found.items()}


def _describe_training(run: RunFolder, shuffled: RunFolder | None) -> ShuffledTraining | None:
    if shuffled is None:
        return None
    recipe, own = run.read_recipe(), shuffled.read_recipe()
    return ShuffledTraining(
        **vars(read_section(Training, shuffled.fit, "Train again with --again.")),
        shuffle_seed=read_shuffle(shuffled),
        planned_epochs=own.fit.epochs,
        run_epochs=read_section(Training, run.fit, "Start a new run.").epochs,
        run_planned_epochs=recipe.fit.epochs,
        without_teacher=bool(recipe.fit.teacher),
        trunk_only=own.network.weights != recipe.network.weights,
        frozen=recipe.fit.kind == "frozen",
    )
