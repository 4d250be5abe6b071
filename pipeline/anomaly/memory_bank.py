"""Feature vectors of photographs -> the projection that keeps what varies, and the bank of normal ones.

The bank may come from photographs that hold some anomalies: vectors that are least like those of every other
photograph are trimmed away before the coreset is chosen, since a coreset prefers what is far from the rest.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.covariance import shrunk_covariance

from inference.anomaly.memory_bank import nearest_distance
from pipeline.random_generator import make_generator

_SHRINKAGE = 0.02  # of the covariance towards a sphere, where it is inverted


@dataclass(frozen=True)
class Projection:
    """A linear map of feature vectors: vectors @ weights + biases."""

    weights: np.ndarray  # float32 [features, dimensions]
    biases: np.ndarray  # float32 [dimensions]

    def __call__(self, vectors: np.ndarray) -> np.ndarray:
        """Return float32 [vectors, dimensions]."""
        return np.asarray(vectors @ self.weights + self.biases, np.float32)


@dataclass(frozen=True)
class Candidates:
    """Feature vectors that may enter a bank: float32 [vectors, dimensions], and the group of each one's photograph."""

    vectors: np.ndarray
    groups: np.ndarray

    def without(self, groups: Sequence[int]) -> "Candidates":
        """Return those of other groups."""
        kept = ~np.isin(self.groups, groups)
        return Candidates(self.vectors[kept], self.groups[kept])


def fit_projection(vectors: np.ndarray, channels: Sequence[int], dimensions: int, whiten: bool) -> Projection:
    """Return the map to the directions of largest variance, each level of the trunk with the same total variance.

    Args:
        vectors: float [vectors, features], features level after level.
        channels: how many of the features come from each level.
        dimensions: at most; fewer where there are fewer features.
        whiten: give every direction the variance 1, so that distances to the mean are Mahalanobis distances.
    """
    vectors = np.asarray(vectors, np.float64)
    mean = vectors.mean(axis=0)
    scale = np.concatenate(
        [np.full(count, _level_scale(part)) for count, part in zip(channels, _parts(vectors, channels), strict=True)]
    )
    covariance = np.atleast_2d(np.cov(((vectors - mean) * scale).T))
    values, directions = np.linalg.eigh(shrunk_covariance(covariance, _SHRINKAGE))
    order = np.argsort(values)[::-1][:dimensions]
    weights = scale[:, np.newaxis] * directions[:, order]
    if whiten:
        weights = weights / np.sqrt(values[order])
    return Projection(weights.astype(np.float32), (-mean @ weights).astype(np.float32))


def trim(candidates: Candidates, share: float) -> Candidates:
    """Leave out the share of the vectors that is farthest from all vectors of other groups."""
    if share <= 0 or len(np.unique(candidates.groups)) < 2:
        return candidates
    distances = np.empty(len(candidates.vectors), np.float32)
    for group in np.unique(candidates.groups):
        own = candidates.groups == group
        distances[own] = nearest_distance(candidates.vectors[own], candidates.vectors[~own])
        distances[own] /= max(float(np.median(distances[own])), 1e-6)  # a group that differs as a whole stays
    kept = distances <= np.quantile(distances, 1 - share)
    return Candidates(candidates.vectors[kept], candidates.groups[kept])


def choose_bank(candidates: Candidates, count: int, method: str, seed: int) -> np.ndarray:
    """Return the bank, float32 [vectors, dimensions]: a greedy coreset, or for padim the mean alone.

    The coreset adds again and again the vector that is farthest from those chosen (Sener and Savarese 2018,
    arXiv:1708.00489), starting from a random one.
    """
    vectors = candidates.vectors
    if method == "padim":
        return vectors.mean(axis=0, keepdims=True)
    if len(vectors) <= count:
        return vectors
    squares = (vectors**2).sum(axis=1)
    chosen = [int(make_generator(seed, "coreset", len(vectors)).integers(len(vectors)))]
    gaps = np.full(len(vectors), np.inf, np.float32)
    while len(chosen) < count:
        newest = vectors[chosen[-1]]
        np.minimum(gaps, squares - 2 * (vectors @ newest) + newest @ newest, out=gaps)
        chosen.append(int(gaps.argmax()))
    return np.asarray(vectors[chosen])


def draw_places(features: np.ndarray, count: int, seed: int, name: str) -> np.ndarray:
    """Return up to count vectors of a map [rows, columns, features], chosen at random by the photograph's name."""
    vectors = features.reshape(-1, features.shape[-1])
    chosen = make_generator(seed, "places", name).permutation(len(vectors))[:count]
    return np.asarray(vectors[chosen])


def split_folds(groups: Sequence[int], folds: int) -> list[list[int]]:
    """Return the groups of each fold: every group is held out once; at most so many folds."""
    different = sorted(set(groups))
    count = min(folds, len(different))
    return [different[first::count] for first in range(count)]


def _parts(vectors: np.ndarray, channels: Sequence[int]) -> list[np.ndarray]:
    return np.split(vectors, np.cumsum(channels)[:-1], axis=1)


def _level_scale(part: np.ndarray) -> float:
    """Return what gives a level's features a total variance of 1."""
    return 1 / max(float(np.sqrt(part.var(axis=0).sum())), 1e-12)
