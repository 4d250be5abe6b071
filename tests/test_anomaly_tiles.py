"""Tiles of a photograph: one map without seams, whatever the photograph's size."""

import numpy as np
import pytest

from inference.anomaly.memory_bank import (
    MemoryBank,
    enlarge,
    half_heights,
    memory_bank_to_file,
    nearest_distance,
    read_memory_bank,
    smooth,
)
from inference.anomaly.tiles import Tiling
from inference.errors import InputError

STRIDE, REACH = 4, 8  # of the network below, in pixels


def blur(tile: np.ndarray) -> np.ndarray:
    """Stand for a network: each place sees REACH pixels around it, beyond the tile's edge it sees zeros."""
    grey = np.pad(tile.astype(np.float32).mean(axis=2), REACH)
    sums = grey.cumsum(axis=0).cumsum(axis=1)
    sums = np.pad(sums, ((1, 0), (1, 0)))
    side = 2 * REACH
    rows = np.arange(0, tile.shape[0], STRIDE)
    low, high = rows[:, np.newaxis], rows[np.newaxis]
    boxes = sums[low + side, high + side] - sums[low, high + side] - sums[low + side, high] + sums[low, high]
    return boxes[..., np.newaxis].astype(np.float32)


@pytest.mark.parametrize("size", [(150, 200), (64, 64), (97, 33), (5, 3), (1, 1)])
def test_a_tiled_map_is_the_map_of_the_whole(size: tuple[int, int]) -> None:
    """Faults: seams, since a margin is too small; tiles shifted by a pixel; the last row of tiles lost."""
    pixels = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    tiled = Tiling(64, 16, STRIDE).look(blur, pixels)
    large = Tiling(320, 16, STRIDE).look(blur, pixels)  # one tile holds it all
    assert tiled.shape == (*Tiling(64, 16, STRIDE).map_size(*size), 1)
    assert tiled == pytest.approx(large, rel=1e-3)


def test_nearest_distance_is_that_to_the_nearest() -> None:
    """Faults: squares not rooted; the farthest; the last chunk lost."""
    random = np.random.default_rng(0)
    places, vectors = random.normal(size=(5000, 3)).astype(np.float32), random.normal(size=(7, 3)).astype(np.float32)
    expected = np.linalg.norm(places[:, np.newaxis] - vectors[np.newaxis], axis=2).min(axis=1)
    assert nearest_distance(places, vectors) == pytest.approx(expected, abs=1e-3)


def test_scores_are_enlarged_in_place() -> None:
    """Faults: half a place's shift; the places beyond the photograph's edge squeezed into it."""
    places = np.arange(6, dtype=np.float32)[np.newaxis].repeat(3, axis=0)  # 24 x 12 pixels at stride 4
    large = enlarge(places, 4, (10, 22), (10, 22))
    assert large.shape == (10, 22)
    columns = (np.arange(22) + 0.5) / 4 - 0.5
    assert large[5] == pytest.approx(np.clip(columns, 0, 5), abs=1e-4)


def test_a_relative_score_is_a_multiple_of_the_median() -> None:
    """Faults: the mean instead; a photograph like the memory bank's own vectors divided by zero."""
    bank = MemoryBank(np.zeros((1, 2), np.float32), smoothing=0, normalize_by_median=True)
    features = np.zeros((3, 3, 2), np.float32)
    features[..., 0] = 2
    features[0, 0, 0] = 100
    assert bank.scores(features, 4)[0, 0] == pytest.approx(50)
    assert np.isfinite(bank.scores(np.zeros((2, 2, 2), np.float32), 4)).all()


def test_a_border_is_not_judged_and_light_can_be_left_out() -> None:
    """Faults: a border in positions instead of pixels; a small photograph without an inside; the bank's own mean."""
    features = np.zeros((9, 9, 1), np.float32)
    features[0, 4], features[4, 4] = 50, 30
    bank = MemoryBank(np.zeros((1, 1), np.float32), smoothing=0, border=5)
    assert bank.scores(features, 4)[0, 4] == 0  # two positions wide
    assert bank.scores(features, 4)[4, 4] == 30
    assert bank.scores(features[:4], 4)[0, 4] == 50  # no inside would be left
    centred = MemoryBank(np.zeros((1, 1), np.float32), smoothing=0, centred=True)
    assert centred.scores(features + 7, 4) == pytest.approx(centred.scores(features, 4), abs=1e-4)


def test_half_heights_lie_between_median_and_peak() -> None:
    """Faults: the peak of the whole photograph instead of the neighbourhood's."""
    scores = np.ones((1, 30), np.float32)
    scores[0, 5] = 9
    halves = half_heights(scores, 3)
    assert halves[0, 2:9] == pytest.approx(np.full(7, 5))
    assert halves[0, 9:] == pytest.approx(np.ones(21))


def test_smoothing_keeps_the_sum() -> None:
    """Faults: a kernel that is not normalised; edges that darken."""
    assert smooth(np.full((4, 5), 7, np.float32), 1.0) == pytest.approx(np.full((4, 5), 7.0))
    spike = np.zeros((9, 9), np.float32)
    spike[4, 4] = 1
    assert smooth(spike, 0.7).sum() == pytest.approx(1)


def test_a_memory_bank_is_read_back_from_its_file() -> None:
    """Faults: a number of the scale read as another; a memory bank of another network accepted."""
    vectors = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float16).astype(np.float32)
    bank = MemoryBank(vectors, 1.5, 0.25, 0.5, 32, 1296, 9, 16, 24, True, False, 81, 0.05, 3)
    again = read_memory_bank(memory_bank_to_file(bank), 3)
    assert again.vectors.tolist() == vectors.tolist()
    assert list(vars(again).values())[1:] == [1.5, 0.25, 0.5, 32, 1296, 9, 16, 24, True, False, 81, 0.05, 3]
    with pytest.raises(InputError, match="does not fit"):
        read_memory_bank(memory_bank_to_file(bank), 4)
    with pytest.raises(InputError, match="damaged"):
        read_memory_bank(memory_bank_to_file(bank)[:50], 3)


def test_strips_are_the_rows_of_the_map() -> None:
    """Faults: rows lost or doubled between strips; a last strip longer than the photograph; all at once."""
    pixels = np.random.default_rng(1).integers(0, 256, (150, 70, 3), np.uint8)
    tiling = Tiling(64, 16, STRIDE, alignment=2)
    strips = list(tiling.strips(blur, pixels))
    assert [len(one) for one in strips] == [8, 8, 8, 8, 6]
    assert (np.concatenate(strips) == tiling.look(blur, pixels)).all()


def test_some_rows_of_an_enlarged_map_are_those_of_all() -> None:
    """Fault: rows scaled by the strip's height instead of the photograph's."""
    scores = np.random.default_rng(2).random((13, 9)).astype(np.float32)
    whole = enlarge(scores, 8, (100, 70), (300, 210))
    for rows in (slice(0, 128), slice(128, 256), slice(256, 384)):
        assert enlarge(scores, 8, (100, 70), (300, 210), rows) == pytest.approx(whole[rows], abs=1e-5)
