"""A photograph as a detector sees it, and its raw scores."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True)
class SeenPhotograph:
    """A photograph as the network sees it, reduced and normalised, and what regions are described by.

    pixels: uint8 [height, width, 3]. grey: the photograph's brightness at its own size, uint8 [height, width].
    """

    pixels: np.ndarray
    grey: np.ndarray


@dataclass(frozen=True)
class AnomalyMap:
    """The raw scores of a photograph.

    position_scores: of the positions of the feature map, float32 [rows, columns].
    scores: the same at the photograph's size, float32 [height, width].
    grey: the photograph's brightness, uint8 [height, width].
    factor: pixels of the photograph for each pixel that the network saw, 1 unless it was reduced.
    """

    position_scores: np.ndarray
    scores: np.ndarray
    grey: np.ndarray
    factor: float

    @cached_property
    def median_score(self) -> float:
        """Return the median of scores."""
        return float(np.median(self.scores))

    @cached_property
    def median_grey(self) -> float:
        """Return the median brightness."""
        return float(np.median(self.grey))

    @property
    def seen(self) -> tuple[int, int]:
        """Return (height, width) that the network saw."""
        height, width = self.scores.shape
        return max(1, round(height / self.factor)), max(1, round(width / self.factor))
