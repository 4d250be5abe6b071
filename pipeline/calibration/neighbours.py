"""Features of training patches -> inference.model.neighbours.Neighbours, which reject unknown objects.

Median and standard deviation of the k-nearest-neighbour scores come only from validation patches of the known classes.
The effect of a score on the confidence is fitted on all validation patches; background counts as a wrong answer.
"""

from dataclasses import replace
from typing import Any

import keras
import numpy as np
from sklearn.covariance import shrunk_covariance

from inference.enrollment.platt import fit_platt
from inference.model.held_out import HeldOut
from inference.model.neighbours import Neighbours, class_spread, neighbours_to_file, read_neighbours
from models.build import with_probabilities
from pipeline.calibration.predict import predict
from pipeline.data.index import PatchIndex
from pipeline.random_generator import make_generator
from pipeline.settings.recipe import Recipe
from pipeline.settings.run_folder import RunFolder

COUNT = 10  # k, where every class has twice as many vectors
HELD_OUT = 1000  # largest number of validation patches stored in an artefact
_LEAST_WIDTH = 1e-3
_SHRINKAGE = 0.3  # towards a multiple of the identity: where no training patch varies, others may
_ROUNDING = 1e-5  # of the largest variation: less is rounding, which must not be scaled up
_MOST_SHOWN = 5


def keras_outputs(
    network: keras.Model, temperature: float, index: PatchIndex, recipe: Recipe
) -> tuple[np.ndarray, np.ndarray]:
    """Return the Keras model's probabilities [patches, outputs] and pooled features [patches, features], float32."""
    model = with_probabilities(network, temperature, features=True)
    probabilities, features = predict(model, index, recipe)
    return probabilities, features


def fit_neighbours(network: keras.Model, temperature: float, index: PatchIndex, recipe: Recipe) -> Neighbours:
    """Return training patches of the classes as neighbours, with a calibration fitted on validation patches."""
    train = _choose_neighbours(index.select("train", recipe.labels), recipe.calibrate.neighbours)
    _, features = keras_outputs(network, temperature, train, recipe)
    classes = _numbers(train, recipe)
    count = max(1, min(COUNT, min(train.counts().values()) // 2))  # so that it is within the smallest class
    projection = whitening_projection(features, classes, recipe.calibrate.dimensions)
    plain = Neighbours(projection, np.zeros((1, projection.shape[1])), np.zeros(1, int), 1, 0.0, 1.0)
    found = replace(plain, vectors=plain.project(features), classes=classes, count=count)
    # with the vectors at the precision of the file
    found = read_neighbours(neighbours_to_file(found), len(recipe.labels), features.shape[1])

    validation = index.select("validation", recipe.outputs)
    probabilities, features = keras_outputs(network, temperature, validation, recipe)
    answers, numbers = probabilities[:, : len(recipe.labels)], _numbers(validation, recipe)
    scores = found.knn_score(features[numbers >= 0])
    found = replace(found, middle=float(np.median(scores)), width=max(float(scores.std()), _LEAST_WIDTH))
    evidence = found.evidence(answers.max(axis=1), found.scaled_knn_score(found.project(features)))
    slope, offset = fit_platt(evidence, answers.argmax(axis=1) == numbers)
    return replace(found, slope=slope, offset=offset)


def hold_out(
    network: keras.Model, calibration: dict[str, Any], neighbours: Neighbours, index: PatchIndex, recipe: Recipe
) -> HeldOut:
    """Return features, class numbers and probabilities of at most HELD_OUT validation patches of the classes."""
    validation = _sample(index.select("validation", recipe.labels), HELD_OUT)
    probabilities, features = keras_outputs(network, calibration["temperature"], validation, recipe)
    return HeldOut(
        neighbours.project(features),
        _numbers(validation, recipe),
        probabilities,
        min(calibration["target_accepted"], calibration["accepted"].value),  # fewer where calibrate.risk demands it
        calibration["threshold"],
    )


def read_run_neighbours(run: RunFolder, network: keras.Model, recipe: Recipe) -> Neighbours | None:
    """Return the neighbours of a calibrated run, or None."""
    if not run.neighbours.is_file():
        return None
    features = with_probabilities(network, 1.0, features=True).output[1].shape[-1]
    return read_neighbours(run.neighbours.read_bytes(), len(recipe.outputs), features, str(run.neighbours))


def keras_probabilities(
    network: keras.Model, temperature: float, neighbours: Neighbours | None, index: PatchIndex, recipe: Recipe
) -> np.ndarray:
    """Return the Keras model's probabilities, float32 [patches, outputs], as the runner's Classifier computes them."""
    return weigh_outputs(*keras_outputs(network, temperature, index, recipe), neighbours, recipe)


def weigh_outputs(
    probabilities: np.ndarray, features: np.ndarray, neighbours: Neighbours | None, recipe: Recipe
) -> np.ndarray:
    """Return the probabilities of keras_outputs, float32 [patches, outputs], weighted by the run's neighbours, if
    any."""
    if neighbours is None:
        return probabilities
    return neighbours.weigh(probabilities, features, np.arange(len(recipe.labels)))


def whitening_projection(features: np.ndarray, classes: np.ndarray, dimensions: int) -> np.ndarray:
    """Return float32 [features, at most `dimensions`]: principal components, whitened by the spread around class means.

    Directions in which classes vary, for example with brightness, count less than directions in which each class is
    constant: within-class covariance normalisation (Hatch et al. 2006,
    https://www.isca-archive.org/interspeech_2006/hatch06_interspeech.html). Cosines do not depend on the projection's
    scale: its largest number is 1, so that float16 can hold it.

    Args:
        features: float [patches, features].
        classes: int [patches].
        dimensions: largest number of components; those without variance are left out, but one.
    """
    _, variations, directions = np.linalg.svd(features - features.mean(axis=0), full_matrices=False)
    varied = int((variations > _ROUNDING * variations[0]).sum())
    components = directions[: max(1, min(dimensions, varied))].T
    _, covariance = class_spread(features @ components, classes)
    variances, axes = np.linalg.eigh(shrunk_covariance(covariance, _SHRINKAGE))
    whitening = components @ axes / np.sqrt(np.maximum(variances, np.finfo(np.float32).tiny))
    return (whitening / np.abs(whitening).max()).astype(np.float16).astype(np.float32)  # at the precision of the file


def _choose_neighbours(index: PatchIndex, most: int) -> PatchIndex:
    """Return at most `most` patches, equally many of each class if possible, in the order of the index."""
    chosen = set(index.in_turns(most, make_generator(0, "neighbours", len(index.patches))))
    return PatchIndex(index.root, tuple(patch for patch in index.patches if patch in chosen))


def note_few(index: PatchIndex, recipe: Recipe) -> str:
    """Return which classes have so few neighbours that a picture of theirs has no COUNT near ones; "" if none has."""
    train = index.select("train", recipe.labels)
    stored, given = _choose_neighbours(train, recipe.calibrate.neighbours).counts(), train.counts()
    few = [label for label in stored if stored[label] < 2 * COUNT]
    if not few:
        return ""
    rest = f" and {len(few) - _MOST_SHOWN} more" if len(few) > _MOST_SHOWN else ""
    left_out = any(stored[label] < given[label] for label in few)
    remedy = "Raise calibrate.neighbours" if left_out else "Add pictures"
    return (
        f"Fewer than {2 * COUNT} training patches of {', '.join(few[:_MOST_SHOWN])}{rest} are stored for comparison, "
        f"so pictures of these may more often be unknown. {remedy}, or try --set calibrate.kind=temperature."
    )


def _sample(index: PatchIndex, most: int) -> PatchIndex:
    """Return at most `most` patches, sampled at random, in the order of the index."""
    count = len(index.patches)
    positions = np.sort(make_generator(0, "neighbours", count).permutation(count)[:most])
    return PatchIndex(index.root, tuple(index.patches[position] for position in positions))


def _numbers(index: PatchIndex, recipe: Recipe) -> np.ndarray:
    """Return the class number of each patch, int [patches]; -1 for background."""
    return np.array([recipe.labels.index(p.label) if p.label in recipe.labels else -1 for p in index.patches])
