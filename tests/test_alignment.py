"""The pixel offset of a feature map, and regions described for their names."""

from collections.abc import Callable

import numpy as np
import pytest

from inference.anomaly.anomaly_map import AnomalyMap
from inference.anomaly.components import find_components
from inference.anomaly.region_names import describe
from inference.anomaly.tiles import Tiling
from pipeline.anomaly.alignment import measure_alignment

SIDE, STRIDE = 128, 4


def late(shift: int) -> Callable[[np.ndarray], np.ndarray]:
    """Return a network whose positions see what is so many pixels below and to the right of them."""

    def network(tile: np.ndarray) -> np.ndarray:
        grey = np.pad(tile.astype(np.float32).mean(axis=2), ((0, shift), (0, shift)), mode="edge")[shift:, shift:]
        return grey.reshape(SIDE // STRIDE, STRIDE, SIDE // STRIDE, STRIDE).mean(axis=(1, 3))[..., np.newaxis]

    return network


def surfaces() -> list[np.ndarray]:
    random = np.random.default_rng(0)
    return [np.repeat(random.normal(140, 4, (90, 100, 1)), 3, axis=2).astype(np.uint8) for _ in range(4)]


@pytest.mark.parametrize("shift", [0, 1, 3, 6])
def test_the_offset_of_a_map_is_measured(shift: int) -> None:
    """Faults: the wrong sign, which doubles the shift of every mask; half a position too much; positions for pixels."""
    assert measure_alignment(late(shift), Tiling(SIDE, 32, STRIDE), surfaces(), seed=0) == shift


def test_tiles_correct_the_offset() -> None:
    """A spot is seen where it is, in photographs of one tile and of several.

    Faults: an offset that moves tiles the wrong way, or the first one alone.
    """
    pixels = np.full((200, 220, 3), 140, np.uint8)
    for row, column in ((40, 60), (150, 170)):
        pixels[row - 4 : row + 4, column - 4 : column + 4] = 0
    seen = Tiling(SIDE, 32, STRIDE, alignment=6).look(late(6), pixels)[..., 0]
    assert [seen[row // STRIDE, column // STRIDE] for row, column in ((40, 60), (150, 170))] == [0, 0]
    assert (seen < 70).sum() <= 2 * 4


def test_regions_are_described_by_score_size_and_darkness() -> None:
    """Faults: breadth and length swapped; darkness the wrong way round; pixels of a reduced photograph."""
    mask = np.zeros((60, 90), bool)
    mask[20:24, 10:70] = True
    (region,) = find_components(mask)
    grey = np.full(mask.shape, 200, np.uint8)
    grey[mask] = 50
    highest, length, breadth, darkness = np.exp(describe(region, AnomalyMap(mask, np.where(mask, 6.0, 2.0), grey, 2.0)))
    assert highest == pytest.approx(3)
    assert darkness == pytest.approx(4)
    assert length == pytest.approx(60 * 2 / np.sqrt(3) / 2, rel=0.01)  # of the ellipse with the same second moments
    assert breadth == pytest.approx(4 * 2 / np.sqrt(3) / 2, rel=0.05)
