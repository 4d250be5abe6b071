"""Test patches -> the training patches with the most similar features."""

from dataclasses import dataclass

import keras
import numpy as np

from pipeline.calibration.neighbours import keras_outputs
from pipeline.data.index import Patch, PatchIndex
from pipeline.random_generator import make_generator
from pipeline.settings.recipe import Recipe

MOST_PATCHES = 5000  # searched at most; computing features of a large training set takes minutes
_TINY = 1e-12


@dataclass(frozen=True)
class TrainingFeatures:
    """Training patches and their pooled features, float32 [patches, features]; of: number of all training patches."""

    index: PatchIndex
    features: np.ndarray
    of: int


def training_features(network: keras.Model, index: PatchIndex, recipe: Recipe) -> TrainingFeatures:
    """Return the features of at most MOST_PATCHES training patches, sampled at random."""
    train = index.select("train", recipe.outputs).patches
    order = make_generator(0, "nearest", len(train)).permutation(len(train))[:MOST_PATCHES]
    drawn = PatchIndex(index.root, tuple(train[position] for position in np.sort(order)))
    return TrainingFeatures(drawn, keras_outputs(network, 1.0, drawn, recipe)[1], len(train))


def nearest_patches(features: np.ndarray, train: TrainingFeatures, count: int) -> list[list[tuple[Patch, float]]]:
    """Return the most similar training patches of each row of features with their cosine, the nearest first.

    At most one per photograph, so that copies of one box are not repeated; fewer if there are fewer photographs.

    Args:
        features: float [patches, features], pooled by the same network.
        train: the training patches to search.
        count: largest number of patches per row.
    """
    cosines = _unit(features) @ _unit(train.features).T  # [patches, training patches]
    return [_first_of_photos(row, train.index, count) for row in cosines]


def _first_of_photos(cosines: np.ndarray, index: PatchIndex, count: int) -> list[tuple[Patch, float]]:
    found: dict[str, tuple[Patch, float]] = {}
    for position in np.argsort(-cosines, kind="stable"):
        patch = index.patches[position]
        found.setdefault(patch.photo, (patch, float(np.clip(cosines[position], -1, 1))))
        if len(found) == count:
            break
    return list(found.values())


def _unit(features: np.ndarray) -> np.ndarray:
    features = np.asarray(features, np.float32)
    return features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), _TINY)
