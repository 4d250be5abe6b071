"""Feature vectors of photographs that all may show anomalies -> one Gaussian of the normal ones.

The vectors farthest from the mean are left out and the Gaussian is fitted again, a few times (iterated trimming, as in
the concentration steps of Rousseeuw and van Driessen 1999, "A fast algorithm for the minimum covariance determinant
estimator"). Distances are those of PaDiM (arXiv:2011.08785) with one Gaussian for all positions.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from inference.anomaly.surface import Surface, describe_colour, mahalanobis_distances

KEPT = 0.9  # of the vectors in every fit but the first
_FITS = 4
_SHRINKAGE = 1e-3  # of the covariance towards a multiple of the identity
_GAIN = 1 / 1.4  # of the two distances together, whose bulks partly agree
_LEAST_EXPLAINED = 0.5  # share of the variance of colour that the grain must explain to be subtracted
_MAD = 1.4826  # standard deviations per median absolute deviation of a normal distribution


@dataclass(frozen=True)
class Gaussian:
    """Mean, float32 [dimensions], and whitening, float32 [dimensions, dimensions], of normal vectors."""

    mean: np.ndarray
    whitening: np.ndarray

    def distances(self, vectors: np.ndarray) -> np.ndarray:
        """Return the Mahalanobis distances of vectors [..., dimensions], float32 [...]."""
        return mahalanobis_distances(vectors, self.mean, self.whitening)


@dataclass(frozen=True)
class Bulk:
    """Median and standard deviation (from the median absolute deviation) of logarithms of distances or scores."""

    median: float
    deviation: float

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Return how many deviations the logarithms of positive values lie above the median."""
        return np.asarray((np.log(np.maximum(values, 1e-6)) - self.median) / self.deviation)


def fit_gaussian(vectors: np.ndarray) -> Gaussian:
    """Return the Gaussian of float vectors [vectors, dimensions] without the tenth farthest from it."""
    vectors = np.asarray(vectors, np.float64)
    kept = np.ones(len(vectors), bool)
    for _ in range(_FITS):
        mean, covariance = vectors[kept].mean(axis=0), np.atleast_2d(np.cov(vectors[kept].T))
        ridge = max(float(np.trace(covariance)) / len(covariance), 1e-12)
        covariance = (1 - _SHRINKAGE) * covariance + _SHRINKAGE * ridge * np.eye(len(covariance))
        whitening = np.linalg.cholesky(np.linalg.inv(covariance))
        distances = (((vectors - mean) @ whitening) ** 2).sum(axis=1)
        kept = distances <= np.quantile(distances, KEPT)
    return Gaussian(mean.astype(np.float32), whitening.astype(np.float32))


def fit_bulk(values: np.ndarray) -> Bulk:
    """Return the bulk of positive values, float [n]."""
    logs = np.log(np.maximum(values, 1e-6))
    median = float(np.median(logs))
    return Bulk(median, max(_MAD * float(np.median(np.abs(logs - median))), 1e-6))


def fit_surface(
    pictures: Sequence[np.ndarray], distances: Sequence[np.ndarray], normal: Sequence[np.ndarray], stride: int
) -> Surface:
    """Return the colour of a surface and the exponents that give both distances the same spread.

    Args:
        pictures: uint8 [height, width, 3], as the network sees them.
        distances: of the feature vectors, float32 [rows, columns] per picture.
        normal: positions that are no background, bool [rows, columns] per picture.
        stride: of the maps, in pixels.
    """
    bulk = fit_bulk(np.concatenate([one[inside] for one, inside in zip(distances, normal, strict=True)]))
    axis = choose_grain_axis(pictures, normal, stride)
    numbers = _colours(pictures, normal, stride, axis)
    gaussian = fit_gaussian(numbers)
    colours = fit_bulk(gaussian.distances(numbers))
    return Surface(
        gaussian.mean,
        gaussian.whitening,
        axis,
        feature_median=float(np.exp(bulk.median)),
        feature_power=_GAIN,
        colour_median=float(np.exp(colours.median)),
        colour_power=_GAIN * bulk.deviation / colours.deviation,
    )


def choose_grain_axis(pictures: Sequence[np.ndarray], normal: Sequence[np.ndarray], stride: int) -> int:
    """Return the axis whose medians explain most of the variance of colour inside photographs; -1 if they do not."""
    variances = {axis: _variance(pictures, normal, stride, axis) for axis in (-1, 0, 1)}
    best = min((0, 1), key=lambda axis: variances[axis])
    return best if variances[best] <= (1 - _LEAST_EXPLAINED) * variances[-1] else -1


def _variance(pictures: Sequence[np.ndarray], normal: Sequence[np.ndarray], stride: int, axis: int) -> float:
    numbers = [_colours([one], [inside], stride, axis) for one, inside in zip(pictures, normal, strict=True)]
    return float(np.mean([one[:, :3].var(axis=0).sum() for one in numbers]))


def _colours(pictures: Sequence[np.ndarray], normal: Sequence[np.ndarray], stride: int, axis: int) -> np.ndarray:
    """Return the colour numbers of all normal positions, float32 [positions, COLOUR_NUMBERS]."""
    return np.concatenate(
        [describe_colour(one, stride, ~inside, axis)[inside] for one, inside in zip(pictures, normal, strict=True)]
    )
