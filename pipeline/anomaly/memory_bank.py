"""Feature vectors of photographs -> their projection by principal components, and the memory bank of normal vectors.

The memory bank may come from photographs with some anomalies: the vectors farthest from those of all other photographs
are removed before the coreset is chosen, since a coreset prefers outliers.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.covariance import shrunk_covariance

from inference.anomaly.memory_bank import nearest_distance
from pipeline.progress import track
from pipeline.random_generator import make_generator

_SHRINKAGE = 0.02  # of the covariance towards a multiple of the identity, before it is inverted


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
    """Feature vectors that may enter a memory bank, float32 [vectors, dimensions], and the group of each photograph."""

    vectors: np.ndarray
    groups: np.ndarray

    def without(self, groups: Sequence[int]) -> "Candidates":
        """Return the candidates of all other groups."""
        kept = ~np.isin(self.groups, groups)
        return Candidates(self.vectors[kept], self.groups[kept])


def fit_projection(vectors: np.ndarray, channels: Sequence[int], dimensions: int, whiten: bool) -> Projection:
    """Return the principal components of the vectors, after scaling each level of the trunk to the same total variance.

    Args:
        vectors: float [vectors, features], level after level.
        channels: number of features of each level.
        dimensions: largest number of components; there are no more than features.
        whiten: scale every component to variance 1, so that distances to the mean are Mahalanobis distances.
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
    """Return the candidates without the share of vectors farthest from all vectors of other groups."""
    if share <= 0 or len(np.unique(candidates.groups)) < 2:
        return candidates
    distances = np.empty(len(candidates.vectors), np.float32)
    for group in np.unique(candidates.groups):
        own = candidates.groups == group
        distances[own] = nearest_distance(candidates.vectors[own], candidates.vectors[~own])
        distances[own] /= max(float(np.median(distances[own])), 1e-6)  # keeps a group that differs as a whole
    kept = distances <= np.quantile(distances, 1 - share)
    return Candidates(candidates.vectors[kept], candidates.groups[kept])


def choose_bank(candidates: Candidates, count: int, method: str, seed: int) -> np.ndarray:
    """Return the memory bank, float32 [vectors, dimensions]: a greedy coreset, or only the mean for padim.

    Starting from a random vector, the coreset repeatedly adds the vector farthest from those already chosen (Sener and
    Savarese 2018, arXiv:1708.00489).
    """
    vectors = candidates.vectors
    if method == "padim":
        return vectors.mean(axis=0, keepdims=True)
    if len(vectors) <= count:
        return vectors
    squares = (vectors**2).sum(axis=1)
    chosen = [int(make_generator(seed, "coreset", len(vectors)).integers(len(vectors)))]
    gaps = np.full(len(vectors), np.inf, np.float32)
    for _ in track(range(count - 1), count - 1, "vectors chosen"):
        newest = vectors[chosen[-1]]
        np.minimum(gaps, squares - 2 * (vectors @ newest) + newest @ newest, out=gaps)
        chosen.append(int(gaps.argmax()))
    return np.asarray(vectors[chosen])


def sample_positions(features: np.ndarray, count: int, seed: int, name: str) -> np.ndarray:
    """Return up to count vectors of a map [rows, columns, features], sampled at random by seed and photograph name."""
    vectors = features.reshape(-1, features.shape[-1])
    chosen = make_generator(seed, "places", name).permutation(len(vectors))[:count]
    return np.asarray(vectors[chosen])


def split_folds(groups: Sequence[int], folds: int) -> list[list[int]]:
    """Return the groups of each fold, at most `folds` of them; every group is held out once."""
    different = sorted(set(groups))
    count = min(folds, len(different))
    return [different[first::count] for first in range(count)]


def _parts(vectors: np.ndarray, channels: Sequence[int]) -> list[np.ndarray]:
    return np.split(vectors, np.cumsum(channels)[:-1], axis=1)


def _level_scale(part: np.ndarray) -> float:
    """Return the factor that scales a level's features to a total variance of 1."""
    return 1 / max(float(np.sqrt(part.var(axis=0).sum())), 1e-12)
