"""Keras, float and int8 on the same patches -> parity.json: the test's for the report, validation's for the gate."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import keras
import numpy as np

from export.gate import compare_answers
from inference.model.decide import UNKNOWN, DecisionRule
from inference.model.neighbours import Neighbours
from pipeline.calibration.neighbours import keras_probabilities
from pipeline.calibration.temperature import decision_rule
from pipeline.data.index import PatchIndex
from pipeline.evaluation.cost import measure_latency
from pipeline.evaluation.evaluate import runner_probabilities
from pipeline.metrics.classification import Scores, score
from pipeline.metrics.intervals import share_over_photos
from pipeline.report.sections import Gate
from pipeline.settings.recipe import Recipe


def measure_parity(
    network: keras.Model,
    calibration: dict[str, Any],
    neighbours: Neighbours | None,
    models: dict[str, Path],
    index: PatchIndex,
    recipe: Recipe,
) -> dict[str, Any]:
    """Return the comparison of converted files with the Keras model on the test patches, by the runner's code.

    For "keras" and each mode: accuracy on the classes' patches with nothing rejected, and rejected_background; for each
    mode also the agreement of answers (with rejection) with Keras, the mean and largest difference of a probability,
    and milliseconds.
    """
    test = index.select("test")
    reference = keras_probabilities(network, calibration["temperature"], neighbours, test, recipe)
    probabilities = {mode: runner_probabilities(path, test) for mode, path in models.items()}
    parity = compare(probabilities, reference, test, decision_rule(recipe, calibration["threshold"]))
    for mode, path in models.items():
        parity[mode]["latency_ms"] = asdict(measure_latency(path))
    return parity


def measure_gate(
    network: keras.Model,
    calibration: dict[str, Any],
    neighbours: Neighbours | None,
    model: Path,
    index: PatchIndex,
    recipe: Recipe,
) -> Gate | None:
    """Return the comparison of a converted file with the Keras model on the validation patches, by the runner's code.

    None without validation patches of the classes, which nothing could be decided by.
    """
    validation = index.select("validation")
    if not validation.select("validation", recipe.labels).patches:
        return None
    reference = keras_probabilities(network, calibration["temperature"], neighbours, validation, recipe)
    labels, photos = [patch.label for patch in validation.patches], [patch.photo for patch in validation.patches]
    rule = decision_rule(recipe, calibration["threshold"])
    given = runner_probabilities(model, validation, "validation patches")
    return compare_answers(score(reference, labels, photos, rule), score(given, labels, photos, rule))


def compare(
    probabilities: dict[str, np.ndarray], reference: np.ndarray, test: PatchIndex, rule: DecisionRule
) -> dict[str, Any]:
    """Return the figures of measure_parity without milliseconds.

    probabilities: by mode, [patches, outputs]. reference: those of Keras.
    """
    labels, photos = [patch.label for patch in test.patches], [patch.photo for patch in test.patches]
    expected = score(reference, labels, photos, rule)
    parity: dict[str, Any] = {"keras": _rates(expected)}
    for mode, rows in probabilities.items():
        given = score(rows, labels, photos, rule)
        agreement = asdict(share_over_photos(given.results == expected.results, expected.photos))
        parity[mode] = {**_rates(given), "agreement": agreement, **differences(rows, reference)}
    return parity


def differences(given: np.ndarray, expected: np.ndarray, unit: float = 1.0) -> dict[str, float]:
    """Return the mean and largest absolute difference of two arrays, in multiples of the unit."""
    difference = np.abs(given - expected) / unit
    return {"mean_difference": float(difference.mean()), "max_difference": float(difference.max())}


def parity_line(parity: dict[str, Any], mode: str) -> str:
    """Return one mode's parity as text."""
    measured = parity[mode]
    if "accuracy" not in measured:
        return (
            f"scores differ from Keras by {measured['mean_difference']:.4f} of the threshold on average, "
            f"n = {measured['n']:,} positions"
        )
    accuracy, agreement = measured["accuracy"], measured["agreement"]
    return (
        f"accuracy {accuracy['value']:.3f} ({parity['keras']['accuracy']['value']:.3f} in Keras), agreement "
        f"{agreement['value']:.3f}, n = {agreement['n']}"
    )


def _rates(scores: Scores) -> dict[str, Any]:
    positives, negatives = (scores.take(np.flatnonzero(chosen)) for chosen in (scores.positive, ~scores.positive))
    return {
        "accuracy": asdict(share_over_photos(positives.best == positives.labels, positives.photos)),
        "rejected_background": asdict(share_over_photos(negatives.results == UNKNOWN, negatives.photos)),
    }
