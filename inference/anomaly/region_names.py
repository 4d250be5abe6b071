"""What a found region is: its features and shape -> a name, by a linear map that was fitted on few examples."""

from dataclasses import dataclass

import numpy as np

from inference.anomaly.components import Component
from inference.array_file import Column, arrays_to_file, misfit, read_arrays

NAMES_NAME = "names.npz"
SHAPE_NUMBERS = 3  # logarithms of length, breadth and filling
_COLUMNS = {
    "centre": Column(np.float32, 1),
    "spread": Column(np.float32, 1),
    "weights": Column(np.float32, 2),
    "biases": Column(np.float32, 1),
}


@dataclass(frozen=True)
class RegionNames:
    """A linear classifier of region descriptions.

    labels: of its outputs. centre, spread: float32 [numbers], what is subtracted and divided by first.
    weights: float32 [numbers, labels]. biases: float32 [labels].
    """

    labels: tuple[str, ...]
    centre: np.ndarray
    spread: np.ndarray
    weights: np.ndarray
    biases: np.ndarray

    def probabilities(self, descriptions: np.ndarray) -> np.ndarray:
        """Return float [regions, labels] for descriptions [regions, numbers]."""
        logits = (descriptions - self.centre) / self.spread @ self.weights + self.biases
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True))

    def name(self, description: np.ndarray) -> tuple[str, float]:
        """Return the most probable name of one region [numbers] and its probability."""
        probabilities = self.probabilities(description[np.newaxis])[0]
        best = int(probabilities.argmax())
        return self.labels[best], float(probabilities[best])


def describe(features: np.ndarray, component: Component, pixels_per_place: float) -> np.ndarray:
    """Return float32 [2 x features + SHAPE_NUMBERS] for one region of a map [rows, columns, features].

    The mean of the features over the places that the region covers, by the share of each that it covers; how that
    differs from the mean around it; then the region's shape. Every region covers the place of its first pixel.
    """
    top, left, shares = _coverage(component, pixels_per_place, features.shape[:2])
    rows, columns = shares.shape
    inner = features[top : top + rows, left : left + columns].reshape(rows * columns, -1)
    weights = shares.reshape(-1)
    inside = weights @ inner / weights.sum()
    reach = 2 + max(rows, columns) // 2
    area = features[max(0, top - reach) : top + rows + reach, max(0, left - reach) : left + columns + reach]
    around = area.reshape(-1, area.shape[2]).mean(axis=0)
    return np.concatenate([inside, inside - around, _shape(component)]).astype(np.float32)


def _coverage(component: Component, pixels: float, size: tuple[int, int]) -> tuple[int, int, np.ndarray]:
    """Return first row and column of the places that a region covers, and how many of its pixels each holds."""
    rows, columns = np.nonzero(component.mask)
    place_rows = np.minimum(((rows + component.box[1]) / pixels).astype(np.int64), size[0] - 1)
    place_columns = np.minimum(((columns + component.box[0]) / pixels).astype(np.int64), size[1] - 1)
    top, left = int(place_rows.min()), int(place_columns.min())
    shares = np.zeros((int(place_rows.max()) - top + 1, int(place_columns.max()) - left + 1), np.float32)
    np.add.at(shares, (place_rows - top, place_columns - left), 1.0)
    return top, left, shares


def _shape(component: Component) -> np.ndarray:
    """Return the logarithms of length and breadth (of the ellipse with the same second moments) and of filling."""
    points = np.argwhere(component.mask).astype(np.float64)
    spread = np.cov(points.T, bias=True) + np.eye(2) / 12  # a pixel is a square, not a point
    breadth, length = 4 * np.sqrt(np.maximum(np.linalg.eigvalsh(spread), 1e-6))
    filling = component.area / (np.pi / 4 * length * breadth)
    return np.log([length, breadth, filling])


def names_to_file(names: RegionNames) -> bytes:
    """Return the bytes of names.npz; the labels stand in the card."""
    return arrays_to_file({name: getattr(names, name).astype(np.float32) for name in _COLUMNS})


def read_names(data: bytes, features: int, labels: tuple[str, ...], name: str = "model") -> RegionNames:
    """Read names.npz of a network whose map has so many features.

    Raises:
        InputError: it is damaged or does not fit the model.
    """
    centre, spread, weights, biases = read_arrays(data, _COLUMNS, NAMES_NAME, name).values()
    numbers = 2 * features + SHAPE_NUMBERS
    fits = len(centre) == len(spread) == numbers and weights.shape == (numbers, len(labels))
    if not fits or len(biases) != len(labels) or len(labels) < 2 or not (spread > 0).all():
        raise misfit(NAMES_NAME, name)
    return RegionNames(labels, centre, spread, weights, biases)
