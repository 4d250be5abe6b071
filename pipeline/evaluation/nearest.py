"""Test patches -> the training patches with the most similar features."""

from dataclasses import dataclass

import keras
import numpy as np

from pipeline.calibration.neighbours import keras_outputs
from pipeline.data.index import Patch, PatchIndex
from pipeline.random_generator import make_generator
from pipeline.settings.recipe import Recipe

MOST_PATCHES = 5000  # of which the nearest are sought; the features of all of a large training set would take minutes
_TINY = 1e-12


@dataclass(frozen=True)
class TrainingFeatures:
    """Training patches, and their pooled features float32 [patches, features]; of: how many there are in all."""

    index: PatchIndex
    features: np.ndarray
    of: int


def training_features(network: keras.Model, index: PatchIndex, recipe: Recipe) -> TrainingFeatures:
    """Return the features of what the network was trained on, of at most MOST_PATCHES patches drawn at random."""
    train = index.select("train", recipe.outputs).patches
    order = make_generator(0, "nearest", len(train)).permutation(len(train))[:MOST_PATCHES]
    drawn = PatchIndex(index.root, tuple(train[place] for place in np.sort(order)))
    return TrainingFeatures(drawn, keras_outputs(network, 1.0, drawn, recipe)[1], len(train))


def nearest_patches(features: np.ndarray, train: TrainingFeatures, count: int) -> list[list[tuple[Patch, float]]]:
    """Return for each row of features the most alike training patches with their cosine, the nearest first.

    At most one of a photograph: copies of one box would only show the same picture again. A training with fewer
    photographs gives fewer.

    Args:
        features: float [patches, features], pooled by the same network.
        train: what to seek in.
        count: how many at most.
    """
    cosines = _unit(features) @ _unit(train.features).T  # [patches, training patches]
    return [_first_of_photos(row, train.index, count) for row in cosines]


def _first_of_photos(cosines: np.ndarray, index: PatchIndex, count: int) -> list[tuple[Patch, float]]:
    found: dict[str, tuple[Patch, float]] = {}
    for place in np.argsort(-cosines, kind="stable"):
        patch = index.patches[place]
        found.setdefault(patch.photo, (patch, float(np.clip(cosines[place], -1, 1))))
        if len(found) == count:
            break
    return list(found.values())


def _unit(features: np.ndarray) -> np.ndarray:
    features = np.asarray(features, np.float32)
    return features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), _TINY)
