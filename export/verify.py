"""Keras, float and int8 on the same test patches -> parity.json, and the check of the conversion."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import keras
import numpy as np

from inference.errors import InputError
from inference.model.decide import UNKNOWN, DecisionRule
from inference.model.neighbours import Neighbours
from pipeline.calibration.neighbours import keras_probabilities
from pipeline.calibration.temperature import decision_rule
from pipeline.data.index import PatchIndex
from pipeline.evaluation.cost import measure_latency
from pipeline.evaluation.evaluate import runner_probabilities
from pipeline.metrics.classification import Scores, score
from pipeline.metrics.intervals import share_over_photos
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


class AccuracyLossError(InputError):
    """Report a file that loses more accuracy than the recipe allows."""


def check_parity(parity: dict[str, Any], mode: str, max_accuracy_loss: float) -> None:
    """Refuse a conversion that loses too much accuracy compared with Keras on the same patches.

    One patch is always allowed: of 60 patches it is 1.7 points, but not significant.

    Raises:
        AccuracyLossError: the loss is larger than allowed.
    """
    keras_accuracy, accuracy = parity["keras"]["accuracy"]["value"], parity[mode]["accuracy"]["value"]
    if keras_accuracy is None:
        return
    n = parity[mode]["accuracy"]["n"]
    allowed, loss = max(max_accuracy_loss, 1 / n), keras_accuracy - accuracy
    if loss > allowed + 1e-9:
        raise AccuracyLossError(
            f"the {mode} file may lose at most {allowed:.3f} of accuracy. Received: {loss:.3f} "
            f"({keras_accuracy:.3f} in Keras, {accuracy:.3f} converted, n = {n}). Continue with: python -m pipeline "
            "resume RUN --set export.mode=float32, or allow it by --set export.max_accuracy_loss=0.03."
        )


def _rates(scores: Scores) -> dict[str, Any]:
    positives, negatives = (scores.take(np.flatnonzero(chosen)) for chosen in (scores.positive, ~scores.positive))
    return {
        "accuracy": asdict(share_over_photos(positives.best == positives.labels, positives.photos)),
        "rejected_background": asdict(share_over_photos(negatives.results == UNKNOWN, negatives.photos)),
    }
