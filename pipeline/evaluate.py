"""A finished run + its test patches -> the report dict, measured on the released file through the runner's code."""

from pathlib import Path
from typing import Any

import keras
import numpy as np

from inference.classifier import Classifier
from inference.decide import UNKNOWN
from pipeline.annotation_source import printable
from pipeline.baseline import measure_baseline
from pipeline.calibrate import decision_rule
from pipeline.cost import measure_cost
from pipeline.index import PatchIndex
from pipeline.metrics import Scores, measure, score
from pipeline.neighbours import keras_probabilities, read_run_neighbours
from pipeline.predictions import write_predictions
from pipeline.recipe import BACKGROUND
from pipeline.run_folder import RunFolder, describe_machine, read_json, relative_to_run
from pipeline.splits import SPLITS

REPORT_FORMAT = 1
WORST_MISTAKES = 12


def evaluate_run(run: RunFolder, index: PatchIndex) -> dict[str, Any]:
    """Write predictions.csv and return the report of a run; see pipeline.report for its form.

    Raises:
        InputError: an earlier stage of the run is missing.
    """
    recipe = run.read_recipe()
    test = index.select("test")
    files = {recipe.export.mode: run.model} | ({"float32": run.float_model} if run.float_model.is_file() else {})
    network = keras.models.load_model(run.best, compile=False)
    calibration = read_json(run.calibration, "Calibrate first: python -m pipeline resume RUN.")
    parity = read_json(run.parity, "Export first: python -m export RUN.")
    rule = decision_rule(recipe, calibration["threshold"])
    labels, photos = [patch.label for patch in test.patches], [patch.photo for patch in test.patches]
    probabilities = {mode: runner_probabilities(path, test) for mode, path in files.items()}
    neighbours = read_run_neighbours(run, network, recipe)
    probabilities["keras"] = keras_probabilities(network, calibration["temperature"], neighbours, test, recipe)
    scores = {mode: score(rows, labels, photos, rule) for mode, rows in probabilities.items()}
    write_predictions(scores[recipe.export.mode], test, run.predictions)
    return {
        "format": REPORT_FORMAT,
        "recipe": recipe.name,
        "title": recipe.title,
        "run": run.path.name,
        "machine": describe_machine(),
        "seed": recipe.seed,
        "data": _describe_data(run, index),
        "training": read_json(run.fit, "Train first: python -m pipeline resume RUN."),
        "calibration": calibration,
        "released": recipe.export.mode,
        "models": {mode: measure(part) for mode, part in scores.items()},
        "baseline": measure_baseline(index, recipe),
        "cost": measure_cost(network, run.best, files),
        "parity": {mode: parity[mode] for mode in files},
        "worst": _worst_mistakes(scores[recipe.export.mode], test, run.path),
    }


def runner_probabilities(model: Path, index: PatchIndex) -> np.ndarray:
    """Return float32 [patches, outputs] of a .tflite, picture by picture through the runner's Classifier."""
    classifier = Classifier(model)
    return np.stack([classifier.probabilities(index.path(patch)) for patch in index.patches])


def _describe_data(run: RunFolder, index: PatchIndex) -> dict[str, Any]:
    data = read_json(run.data, "Cut the patches first: python -m pipeline run RECIPE.")
    parts = {split: index.select(split) for split in SPLITS}
    return {
        "kind": data["kind"],
        "photos": {split: len({patch.photo for patch in part.patches}) for split, part in parts.items()},
        "patches": {split: part.counts() for split, part in parts.items()},
        "clipped_boxes": data["clipped_boxes"],
        "refused": data["refused"],
    }


def _worst_mistakes(scores: Scores, index: PatchIndex, folder: Path) -> list[dict[str, Any]]:
    """List wrongly labelled patches, the most confident first, files relative to the run's folder.

    A rejected patch is no mistake worth showing.
    """
    expected = np.where(scores.positive, scores.labels, UNKNOWN)
    wrong = np.flatnonzero((scores.results != expected) & (scores.results != UNKNOWN))
    order = wrong[np.argsort(-scores.confidences[wrong], kind="stable")][:WORST_MISTAKES]
    return [
        {
            "file": relative_to_run(index.path(index.patches[place]), folder),
            "photo": printable(index.patches[place].photo),
            "label": index.patches[place].label if scores.positive[place] else BACKGROUND,
            "result": str(scores.results[place]),
            "confidence": float(scores.confidences[place]),
        }
        for place in order
    ]
