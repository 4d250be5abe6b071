"""A finished run + its test patches -> its report, measured on the released file with the runner's code."""

from pathlib import Path

import numpy as np

from inference.model.classifier import Classifier
from inference.version import VERSION
from models.flips import FLIPS
from pipeline.calibration.neighbours import keras_outputs, read_run_neighbours, weigh_outputs
from pipeline.calibration.temperature import decision_rule
from pipeline.data.index import PatchIndex
from pipeline.data.outliers import PHOTO as DRAWN_OUTLIERS
from pipeline.data.splits import SPLITS
from pipeline.evaluation.colour_baseline import measure_baseline
from pipeline.evaluation.cost import measure_cost
from pipeline.evaluation.explanations import explain_mistakes
from pipeline.evaluation.label_errors import check_labels
from pipeline.evaluation.mistakes import TestAnswers, true_probabilities
from pipeline.evaluation.predictions import write_predictions
from pipeline.evaluation.robustness import measure_robustness
from pipeline.metrics.classification import Scores, measure, score
from pipeline.progress import track
from pipeline.report.sections import Calibration, ClassificationReport, DataSummary, Parity, Training
from pipeline.report.stored import read_section
from pipeline.settings.recipe import Recipe
from pipeline.settings.run_folder import RunFolder, describe_machine, read_json
from pipeline.training.saved_network import read_classifier, read_network

REPORT_FORMAT = 2  # 1 had "worst" in place of "mistakes" and "label_errors"


def evaluate_run(run: RunFolder, index: PatchIndex) -> ClassificationReport:
    """Return the report of a run; write predictions.csv, heat maps and label_errors.csv.

    Raises:
        InputError: an earlier stage of the run is missing.
    """
    recipe = run.read_recipe()
    released = recipe.export.mode
    test = index.select("test")
    files = {released: run.model} | ({"float32": run.float_model} if run.float_model.is_file() else {})
    network, exported = read_network(run.best), read_classifier(run, recipe)
    calibration = read_section(Calibration, run.calibration, "Calibrate first: python -m pipeline resume RUN.")
    parity = {mode: read_section(Parity, run.parity, "Export first: python -m export RUN.", mode) for mode in files}
    softmax, features = keras_outputs(exported, calibration.temperature, test, recipe)
    probabilities = {mode: runner_probabilities(path, test) for mode, path in files.items()}
    neighbours = read_run_neighbours(run, exported, recipe)
    probabilities["keras"] = weigh_outputs(softmax, features, neighbours, recipe)
    scores = _score_all(probabilities, test, recipe, calibration.threshold)
    truths = true_probabilities(probabilities[released], [patch.label for patch in test.patches], recipe)
    answers = TestAnswers(test, scores[released], truths, features)
    write_predictions(answers.scores, answers.losses, test, run.predictions)
    validation, _ = keras_outputs(exported, calibration.temperature, index.select("validation"), recipe)
    return ClassificationReport(
        format=REPORT_FORMAT,
        recipe=recipe.name,
        title=recipe.title,
        run=run.path.name,
        machine=describe_machine(),
        seed=recipe.seed,
        data=_describe_data(run, index),
        training=read_section(Training, run.fit, "Train first: python -m pipeline resume RUN."),
        calibration=calibration,
        released=released,
        models={mode: measure(part) for mode, part in scores.items()},
        baseline=measure_baseline(index, recipe, scores[released]),
        cost=measure_cost(network, run.best, files, len(FLIPS[recipe.export.flips])),
        parity=parity,
        mistakes=explain_mistakes(answers, network, index, recipe, run),
        label_errors=check_labels({"validation": validation, "test": softmax}, index, recipe, run),
        robustness=measure_robustness(run, index, recipe),
        version=VERSION,
    )


def _score_all(
    probabilities: dict[str, np.ndarray], test: PatchIndex, recipe: Recipe, threshold: float
) -> dict[str, Scores]:
    rule = decision_rule(recipe, threshold)
    labels, photos = [patch.label for patch in test.patches], [patch.photo for patch in test.patches]
    return {mode: score(rows, labels, photos, rule) for mode, rows in probabilities.items()}


def runner_probabilities(model: Path, index: PatchIndex, what: str = "test patches") -> np.ndarray:
    """Return float32 [patches, outputs] of a .tflite, computed by the runner's Classifier; what: of the progress."""
    classifier = Classifier(model)
    patches = track(index.patches, len(index.patches), what)
    return np.stack([classifier.probabilities(index.path(patch)) for patch in patches])


def _describe_data(run: RunFolder, index: PatchIndex) -> DataSummary:
    data = read_json(run.data, "Cut the patches first: python -m pipeline run RECIPE.")
    parts = {split: index.select(split) for split in SPLITS}
    return DataSummary(
        kind=data["kind"],
        photos={split: len({p.photo for p in part.patches} - {DRAWN_OUTLIERS}) for split, part in parts.items()},
        patches={split: part.counts() for split, part in parts.items()},
        clipped_boxes=data["clipped_boxes"],
        refused=tuple(data["refused"]),
    )
