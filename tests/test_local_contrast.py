"""Local contrast normalisation, and a photograph's score from its highest positions."""

import numpy as np
import pytest

from inference.anomaly.anomaly_map import AnomalyMap
from inference.anomaly.components import Component
from inference.anomaly.detector import Detector
from inference.anomaly.local_contrast import box_mean, normalize_local_contrast
from inference.anomaly.memory_bank import MemoryBank, top_mean
from pipeline.anomaly.threshold import choose_threshold, expected_highest


def grain(height: int = 120, width: int = 160) -> np.ndarray:
    """Return a grey surface with fine structure, float [height, width, 3]."""
    return np.repeat(np.random.default_rng(0).normal(110, 12, (height, width, 1)), 3, axis=2)


def test_exposure_and_a_shadow_change_nothing() -> None:
    """Faults: only the mean evened, not the contrast; the whole photograph's mean instead of the surroundings'."""
    surface = grain()
    shadow = np.linspace(0.5, 1.2, surface.shape[1])[None, :, None]
    lit = [np.clip(one, 0, 255).astype(np.uint8) for one in (surface, surface * shadow)]
    plain, dark = (normalize_local_contrast(one, 31) for one in lit)
    difference = np.abs(plain.astype(float) - dark.astype(float))
    assert difference.mean() < 4
    assert plain.std() > 25
    assert abs(plain.mean() - 118) < 2


def test_a_spot_stays_and_a_flat_photograph_is_not_blown_up() -> None:
    """Faults: a spot averaged away; noise of one grey level stretched to full contrast."""
    surface = np.clip(grain(), 0, 255).astype(np.uint8)
    surface[50:56, 60:66] = 20
    evened = normalize_local_contrast(surface, 31)
    assert evened[50:56, 60:66].max() < 60
    flat = np.full((40, 40, 3), 90, np.uint8)
    flat[::2] += 1
    assert normalize_local_contrast(flat, 31).std() < 10


def test_colour_stays() -> None:
    """Faults: the photograph made grey, which would hide a stain of another hue."""
    surface = np.clip(grain(), 0, 255).astype(np.uint8)
    surface[40:60, 40:60, 2] //= 2
    evened = normalize_local_contrast(surface, 61).astype(int)
    assert evened[50, 50, 0] - evened[50, 50, 2] > 30


@pytest.mark.parametrize("window", [1, 2, 5, 301])
def test_box_means_are_those_of_mirrored_squares(window: int) -> None:
    """Faults: windows shifted by one; edges darkened by zeros; a window larger than the photograph."""
    values = np.random.default_rng(1).normal(size=(9, 12)).astype(np.float32)
    reach = window // 2
    padded = np.pad(values, reach, mode="symmetric")
    expected = [
        [padded[row : row + 2 * reach + 1, column : column + 2 * reach + 1].mean() for column in range(12)]
        for row in range(9)
    ]
    assert box_mean(values, window) == pytest.approx(np.array(expected), abs=1e-5)


def test_the_highest_places_make_the_score() -> None:
    """Faults: the lowest places; a share that rounds to none; the mean of all."""
    scores = np.arange(100, dtype=np.float32).reshape(10, 10)
    assert top_mean(scores, 0.05) == pytest.approx(97)
    assert top_mean(scores, 0.0) == 99
    assert top_mean(scores, 0.2) == pytest.approx(np.arange(80, 100).mean())


@pytest.mark.parametrize("share", [0.01, 0.05, 0.1])
def test_the_bulk_foretells_the_mean_of_the_highest_places(share: float) -> None:
    """Faults: the lowest of the share instead of its mean; anomalies on 1 % of the places that raise it."""
    scores = 1 + np.random.default_rng(3).exponential(0.2, (200, 200))
    assert expected_highest(scores, share) == pytest.approx(top_mean(scores, share), rel=0.08)
    spoiled = scores.copy()
    spoiled[:20, :20] = 50
    assert expected_highest(spoiled, share) == pytest.approx(top_mean(scores, share), rel=0.15)


def test_a_diffuse_anomaly_is_found_by_its_many_places() -> None:
    """One high place does not make an anomaly where the score is that of many; many middling ones do.

    Faults: regions of a photograph that is normal; a score that the threshold was not made for.
    """
    maps = [1 + np.random.default_rng(n).exponential(0.2, (40, 40)) for n in range(12)]
    threshold = choose_threshold(maps, True, 0.05, share=0.05)
    detector = Detector.__new__(Detector)
    detector.threshold = 0.5
    detector.memory_bank = MemoryBank(np.zeros((1, 1), np.float32), threshold.score, threshold.width, score_share=0.05)
    single, many = (maps[0].astype(np.float32).copy() for _ in range(2))
    single[5, 5] = 5
    many[:10, :10] += 1.5
    assert find(detector, single) == []
    assert max(one.area for one in find(detector, many)) >= 20


def find(detector: Detector, scores: np.ndarray) -> list[Component]:
    return detector.find(AnomalyMap(scores, scores, np.zeros(scores.shape, np.uint8), 1.0))


def test_strips_of_a_high_photograph_leave_no_trace() -> None:
    """Faults: surroundings that end at a strip; rows that are lost or doubled."""
    pixels = np.random.default_rng(5).integers(0, 256, (600, 40, 3), np.uint8)
    turned = np.ascontiguousarray(pixels.swapaxes(0, 1))  # one strip
    found = normalize_local_contrast(pixels, 81).astype(int)
    assert np.abs(found - normalize_local_contrast(turned, 81).swapaxes(0, 1)).max() <= 1
