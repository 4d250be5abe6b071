"""Score, size and darkness of a region -> its name, by a linear classifier fitted on few examples.

With so few examples these four numbers separate the names better than the network's features do; docs/wood.md.
"""

from dataclasses import dataclass

import numpy as np

from ..model.array_file import Column, arrays_to_file, misfit, read_arrays
from ..model.decide import UNKNOWN
from .anomaly_map import AnomalyMap
from .components import Component

NAMES_NAME = "names.npz"
EXAMPLES_NAME = "region_examples.npz"  # see inference.anomaly.region_examples
NUMBERS = 4
NORMAL_NAMES = {"clean", "good", "normal", "ok"}  # of examples; never of a region
_LEAST_PROBABILITY = 0.5
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

    def name_region(self, description: np.ndarray) -> tuple[str, float]:
        """Return the name of a region that was found [numbers], and its probability.

        A region that resembles clean examples most, or no name with at least half of the probability, is "unknown";
        the probability is then that of all other names being wrong.
        """
        probabilities = self.probabilities(description[np.newaxis])[0]
        names = {n: float(p) for n, p in zip(self.labels, probabilities, strict=True) if n.lower() not in NORMAL_NAMES}
        best = max(names, key=names.__getitem__, default=UNKNOWN)
        if names.get(best, 0.0) < _LEAST_PROBABILITY:
            return UNKNOWN, 1 - names.get(best, 0.0)
        return best, names[best]


def describe(component: Component, anomaly_map: AnomalyMap) -> np.ndarray:
    """Return float32 [NUMBERS] for one region: logarithms of its highest score, length, breadth and darkness.

    The score counts as a multiple of the photograph's median. Length and breadth, in pixels that the network saw, are
    those of the ellipse with the same second moments. Darkness is the photograph's median brightness as a multiple of
    the region's mean.
    """
    inside, mask = component.slices, component.mask
    highest = float(anomaly_map.scores[inside][mask].max()) / max(anomaly_map.median_score, 1e-6)
    darkness = anomaly_map.median_grey / max(float(anomaly_map.grey[inside][mask].mean()), 1.0)
    length, breadth = (axis / anomaly_map.factor for axis in _axes(component))
    return np.log(np.maximum([highest, length, breadth, darkness], 1e-6)).astype(np.float32)


def _axes(component: Component) -> tuple[float, float]:
    """Return length and breadth in pixels."""
    points = np.argwhere(component.mask).astype(np.float64)
    spread = np.cov(points.T, bias=True) + np.eye(2) / 12  # a pixel is a square, not a point
    breadth, length = 4 * np.sqrt(np.maximum(np.linalg.eigvalsh(spread), 1e-6))
    return float(length), float(breadth)


def names_to_file(names: RegionNames) -> bytes:
    """Return the bytes of names.npz; the labels stand in the card."""
    return arrays_to_file({name: getattr(names, name).astype(np.float32) for name in _COLUMNS})


def read_names(data: bytes, labels: tuple[str, ...], name: str = "model") -> RegionNames:
    """Read names.npz of a model whose card has these names.

    Raises:
        InputError: it is damaged or does not fit the model.
    """
    centre, spread, weights, biases = read_arrays(data, _COLUMNS, NAMES_NAME, name).values()
    fits = len(centre) == len(spread) == NUMBERS and weights.shape == (NUMBERS, len(labels))
    if not fits or len(biases) != len(labels) or len(labels) < 2 or not (spread > 0).all():
        raise misfit(NAMES_NAME, name)
    return RegionNames(labels, centre, spread, weights, biases)
