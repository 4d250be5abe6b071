"""Example regions with their names -> region_examples.npz behind the network, and the classifier that they give.

The examples stay in the file, so that others can be added to a finished model; see inference.enrollment.regions.
"""

import json
from dataclasses import dataclass

import numpy as np

from ..model.array_file import Column, arrays_to_file, misfit, read_arrays
from ..pictures.image_io import resize_image
from .anomaly_map import AnomalyMap
from .components import Component, find_components
from .detector import Detector
from .region_names import EXAMPLES_NAME, NUMBERS, RegionNames, describe

FEWEST_EXAMPLES = 2  # of a name
_WIDENINGS = (0.85, 0.92, 1.0, 1.08, 1.18)  # scales of the views of each example
VIEWS = 4 * len(_WIDENINGS)  # of each example
_SHRINKAGE = 0.2  # of the covariance towards its diagonal, since there are few examples
_COLUMNS = {
    "names": Column(np.uint8, 1),
    "numbers": Column(np.int32, 1),
    "descriptions": Column(np.float32, 2),
    "scale": Column(np.float64, 1),
}


@dataclass(frozen=True)
class RegionExamples:
    """The views of all examples.

    labels: the names. numbers: of each view's name, int32 [views]. descriptions: float32 [views, NUMBERS].
    scale: factor that scales example pictures to the scale of the photographs.
    """

    labels: tuple[str, ...]
    numbers: np.ndarray
    descriptions: np.ndarray
    scale: float = 1.0

    def fit(self) -> RegionNames | None:
        """Return the classifier of names; None with fewer than two names, which nothing can tell apart."""
        return fit_names(self.labels, self.numbers, self.descriptions) if len(self.labels) > 1 else None

    def with_views(self, label: str, descriptions: np.ndarray) -> "RegionExamples":
        """Return these and more views of a name, which may be new."""
        labels = self.labels if label in self.labels else tuple(sorted((*self.labels, label)))
        moved = np.array([labels.index(name) for name in self.labels], np.int32)[self.numbers]
        numbers = np.r_[moved, np.full(len(descriptions), labels.index(label))].astype(np.int32)
        return RegionExamples(labels, numbers, np.concatenate([self.descriptions, descriptions]), self.scale)

    def without(self, label: str) -> "RegionExamples":
        """Return these without a name."""
        kept, number = tuple(name for name in self.labels if name != label), self.labels.index(label)
        others = self.numbers != number
        numbers = self.numbers[others] - (self.numbers[others] > number)
        return RegionExamples(kept, numbers.astype(np.int32), self.descriptions[others], self.scale)


NO_EXAMPLES = RegionExamples((), np.zeros(0, np.int32), np.zeros((0, NUMBERS), np.float32))


def fit_names(labels: tuple[str, ...], numbers: np.ndarray, descriptions: np.ndarray) -> RegionNames:
    """Return a linear discriminant (Fisher 1936) with a fixed covariance shrinkage and equal priors.

    Not by scikit-learn, which a runner lacks; a test compares.
    """
    centre, spread = descriptions.mean(axis=0), np.maximum(descriptions.std(axis=0), 1e-6)
    scaled = ((descriptions - centre) / spread).astype(np.float64)
    parts = [scaled[numbers == number] for number in range(len(labels))]
    covariance = np.mean([_shrink(np.cov(part.T, bias=True)) for part in parts], axis=0)
    means = np.stack([part.mean(axis=0) for part in parts])
    weights = np.linalg.lstsq(covariance, means.T, rcond=None)[0]
    biases = -(means.T * weights).sum(axis=0) / 2
    return RegionNames(labels, *(np.asarray(one, np.float32) for one in (centre, spread, weights, biases)))


def describe_views(detector: Detector, pixels: np.ndarray, scale: float) -> np.ndarray:
    """Return float32 [views, numbers]: descriptors of the region with the highest score, in each view of a picture.

    The first view is the unchanged picture; the others are mirrored, smaller and larger.
    """
    views = []
    for widening in sorted(_WIDENINGS, key=lambda value: abs(value - 1)):
        factor = scale * widening
        size = (max(1, round(pixels.shape[0] * factor)), max(1, round(pixels.shape[1] * factor)))
        seen = resize_image(pixels, size)
        for turned in (seen, seen[:, ::-1], seen[::-1], seen[::-1, ::-1]):
            found = detector.anomaly_map(np.ascontiguousarray(turned))
            views.append(describe(highest_region(found), found))
    return np.stack(views)


def highest_region(anomaly_map: AnomalyMap) -> Component:
    """Return the region around the highest score, down to half of that score's height above the median."""
    median, highest = anomaly_map.median_score, float(anomaly_map.scores.max())
    regions = find_components(anomaly_map.scores >= median + (highest - median) / 2)
    return max(regions, key=lambda one: float(anomaly_map.scores[one.slices][one.mask].max()))


def examples_to_file(examples: RegionExamples) -> bytes:
    """Return the bytes of region_examples.npz."""
    return arrays_to_file(
        {
            "names": np.frombuffer(json.dumps(examples.labels).encode(), np.uint8),
            "numbers": examples.numbers.astype(np.int32),
            "descriptions": examples.descriptions.astype(np.float32),
            "scale": np.array([examples.scale], np.float64),
        }
    )


def read_region_examples(data: bytes, name: str = "model") -> RegionExamples:
    """Read region_examples.npz.

    Raises:
        InputError: it is damaged.
    """
    names, numbers, descriptions, scale = read_arrays(data, _COLUMNS, EXAMPLES_NAME, name).values()
    try:
        labels = json.loads(names.tobytes())
    except ValueError as fault:
        raise misfit(EXAMPLES_NAME, name) from fault
    fits = isinstance(labels, list) and all(isinstance(one, str) for one in labels) and len(set(labels)) == len(labels)
    fits = fits and descriptions.shape == (len(numbers), NUMBERS) and len(scale) == 1 and scale[0] > 0
    if not fits or sorted(set(numbers.tolist())) != list(range(len(labels))):
        raise misfit(EXAMPLES_NAME, name)
    return RegionExamples(tuple(labels), numbers, descriptions, float(scale[0]))


def _shrink(covariance: np.ndarray) -> np.ndarray:
    """Move a covariance towards a multiple of the identity with the same trace."""
    size = len(covariance)
    return (1 - _SHRINKAGE) * covariance + _SHRINKAGE * np.trace(covariance) / size * np.eye(size)
