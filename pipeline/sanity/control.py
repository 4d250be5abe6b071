"""A finished run -> RUN/control: what its accuracy is compared with, to tell learning from luck."""

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
from pipeline.sanity.views import look_at_run
from pipeline.settings.recipe import Recipe
from pipeline.settings.run_folder import RunFolder, describe_machine

REPORT_FORMAT = 1


@dataclass(frozen=True)
class ControlOptions:
    """What a user may choose.

    epochs, shuffle: of the training on shuffled labels, None for the recipe's own and 0. training: whether to do it at
    all. again: make all parts anew.
    """

    epochs: int | None = None
    shuffle: int | None = None
    training: bool = True
    again: bool = False


def control_run(run: RunFolder, options: ControlOptions) -> ControlReport:
    """Do what is missing in RUN/control and return the report.

    Raises:
        InputError: the run is not finished, has but one class, or its patches are gone.
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
        **vars(measure_learning(scores, _ask_colour(run, folder, index, recipe), _ask_shuffled(shuffled, folder))),
        training=_describe_training(run, shuffled),
        views=look_at_run(run, folder, index, shuffled),
    )


def _read_finished(run: RunFolder) -> PatchIndex:
    """Return the index of a run, once it is known to be finished and to have something to tell apart."""
    files = (run.report, run.predictions, run.model, run.best)
    missing = [path.name for path in files if not path.is_file()]
    if missing:
        remedy = f"python -m pipeline {'evaluate' if missing == ['predictions.csv'] else 'resume'} {run.path}"
        raise InputError(f"{run.path}: the run must be finished. It lacks {', '.join(missing)}. Complete it: {remedy}.")
    labels = run.read_recipe().labels
    if len(labels) < 2:
        raise InputError(
            f"{run.path}: a control needs two classes or more. Received: {', '.join(labels)}. Judge it by its report."
        )
    return run_index(run)


def _check_answers(scores: Scores, index: PatchIndex, recipe: Recipe, run: RunFolder) -> None:
    """Refuse predictions.csv of another index: answers would be compared with other patches' labels."""
    if scores.labels.tolist() != [patch.label for patch in index.select("test", recipe.labels).patches]:
        raise InputError(
            f"{run.predictions}: must hold the test patches of {run.index.name}. Received: others. "
            f"Measure the run again: python -m pipeline evaluate {run.path}."
        )


def _train(run: RunFolder, folder: ControlFolder, options: ControlOptions) -> RunFolder:
    shuffled = train_shuffled(run, folder.shuffled, options.epochs, options.shuffle)
    keras.utils.clear_session()  # the training's memory
    gc.collect()
    return shuffled


def _ask_shuffled(shuffled: RunFolder | None, folder: ControlFolder) -> np.ndarray | None:
    if shuffled is None:
        return None
    origin = digest_files(shuffled.best)
    answers = remembered(list[str], folder.shuffled_answers, origin, lambda: answer_test(shuffled).tolist())
    return np.array(answers, str)


def _ask_colour(run: RunFolder, folder: ControlFolder, index: PatchIndex, recipe: Recipe) -> dict[str, np.ndarray]:
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
    )
