"""best.keras + validation patches -> temperature and reject threshold; test data is not used."""

import sys
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

from inference.model.decide import DecisionRule
from inference.model.held_out import HELD_OUT_NAME, held_out_to_file
from inference.model.neighbours import NEIGHBOURS_NAME, neighbours_to_file
from pipeline.calibration.neighbours import fit_neighbours, hold_out, keras_probabilities, note_few
from pipeline.calibration.predict import predict
from pipeline.calibration.risk import limit_risk
from pipeline.data.index import PatchIndex
from pipeline.metrics.classification import Scores, auroc_background, score
from pipeline.metrics.intervals import share_over_photos
from pipeline.settings.labels import BACKGROUND
from pipeline.settings.recipe import Recipe

_HIGHEST = 0.999  # nearer to 1 the rounding of the file's kernels decides what is unknown
_TEMPERATURES = (0.2, 20.0)  # bounds: a few patches without a mistake would give a temperature near 0


@dataclass(frozen=True)
class Calibration:
    """The content of calibration.json, and further files for the artefact, by name."""

    values: dict[str, Any]
    files: dict[str, bytes] = field(default_factory=dict)


def calibrate(network: keras.Model, index: PatchIndex, recipe: Recipe) -> Calibration:
    """Return temperature and threshold for the plain softmax."""
    return Calibration(calibrate_softmax(network, index, recipe))


def calibrate_softmax(network: keras.Model, index: PatchIndex, recipe: Recipe) -> dict[str, Any]:
    """Return temperature and threshold, fitted on the validation patches of the index.

    The temperature minimises the negative log-likelihood of patches with an output for their label; the threshold is
    the highest that accepts the required share of the classes' patches, changed where calibrate.risk requires it.
    """
    validation = index.select("validation")
    temperature, probabilities = _scale_softmax(network, validation, recipe)
    return {"temperature": temperature, **_describe(probabilities, validation, recipe)}


def calibrate_with_neighbours(network: keras.Model, index: PatchIndex, recipe: Recipe) -> Calibration:
    """Return the same with confidences that also depend on similar training patches; see calibration.neighbours."""
    validation = index.select("validation")
    temperature, _ = _scale_softmax(network, validation, recipe)
    neighbours = fit_neighbours(network, temperature, index, recipe)
    probabilities = keras_probabilities(network, temperature, neighbours, validation, recipe)
    knn_score = {name: getattr(neighbours, name) for name in ("count", "middle", "width", "slope", "offset")}
    values = {
        "temperature": temperature,
        "knn_score": knn_score | {"pictures": len(neighbours.vectors), "note": note_few(index, recipe)},
        **_describe(probabilities, validation, recipe),
    }
    if note := values["knn_score"]["note"]:
        print(f"note: {note}", file=sys.stderr)
    held_out = hold_out(network, values, neighbours, index, recipe)
    files = {NEIGHBOURS_NAME: neighbours_to_file(neighbours), HELD_OUT_NAME: held_out_to_file(held_out)}
    return Calibration(values, files)


CALIBRATIONS = {"temperature": calibrate, "neighbours": calibrate_with_neighbours}


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """Return the T > 0 that maximises the likelihood of the labels under softmax(logits / T).

    Source: Guo et al. 2017, arXiv:1706.04599. Args: logits [n, outputs]; labels int [n], -1 is ignored.
    """
    known = labels >= 0

    def loss(log_temperature: float) -> float:
        scaled = log_softmax(logits[known] / np.exp(log_temperature), axis=1)
        return -float(scaled[np.arange(known.sum()), labels[known]].mean())

    bounds = tuple(np.log(_TEMPERATURES))
    return float(np.exp(minimize_scalar(loss, bounds=bounds, method="bounded").x))


def highest_threshold(confidences: np.ndarray, accepted: float) -> float:
    """Return the highest threshold that at least the given share of the confidences reaches, at most _HIGHEST.

    Confidences 0.2, 0.4, 0.6, 0.8 with accepted 0.75: 0.4 (three of four reach it).
    """
    needed = int(np.ceil(round(accepted * len(confidences), 9)))
    return min(float(np.sort(confidences)[len(confidences) - needed]), _HIGHEST) if needed else 1.0


def decision_rule(recipe: Recipe, threshold: float) -> DecisionRule:
    """Return the decision rule of the recipe's network."""
    reject = tuple(label for label in recipe.outputs if label == BACKGROUND)
    return DecisionRule(recipe.outputs, reject, threshold, recipe.calibrate.decision)


def _scale_softmax(network: keras.Model, validation: PatchIndex, recipe: Recipe) -> tuple[float, np.ndarray]:
    """Return the temperature and the probabilities of the validation patches, float [patches, outputs]."""
    logits = predict(network, validation, recipe)  # [patches, outputs]
    temperature = fit_temperature(logits, np.array([_number(patch.label, recipe) for patch in validation.patches]))
    return temperature, softmax(logits / temperature, axis=1)


def _describe(probabilities: np.ndarray, validation: PatchIndex, recipe: Recipe) -> dict[str, Any]:
    """Return the threshold and figures of the validation patches, from probabilities [patches, outputs]."""
    labels, photos = [patch.label for patch in validation.patches], [patch.photo for patch in validation.patches]
    scores = score(probabilities, labels, photos, decision_rule(recipe, 0.0))
    positives = scores.take(np.flatnonzero(scores.positive))
    return {
        **_threshold(scores, recipe),
        "accuracy": share_over_photos(positives.best == positives.labels, positives.photos),
        "auroc_background": auroc_background(scores),
    }


def _threshold(scores: Scores, recipe: Recipe) -> dict[str, Any]:
    """Return the threshold that accepts enough patches and, if required, limits the risk, with its figures."""
    positives, negatives = (scores.take(np.flatnonzero(chosen)) for chosen in (scores.positive, ~scores.positive))
    settings = recipe.calibrate
    threshold, risk = highest_threshold(positives.confidences, settings.accepted), {}
    if settings.risk:
        threshold, figures = limit_risk(positives, settings.risk, threshold)
        risk = {"risk": figures}
    return {
        "threshold": threshold,
        "target_accepted": settings.accepted,
        "accepted": share_over_photos(positives.confidences >= threshold, positives.photos),
        "rejected_background": share_over_photos(negatives.confidences < threshold, negatives.photos),
        **risk,
    }


def _number(label: str, recipe: Recipe) -> int:
    return recipe.outputs.index(label) if label in recipe.outputs else -1
