"""Figures of anomalies, against values computed by hand and by scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from pipeline.metrics.ranking import auroc
from pipeline.metrics.segmentation import aupro, best_f1, f1


def as_map(*values: float) -> np.ndarray:
    return np.array([values], float)


def test_auroc_is_that_of_scikit_learn_with_ties() -> None:
    """Faults: ties that count fully or not at all; a rank that is one too low."""
    random = np.random.default_rng(0)
    scores, positive = random.integers(0, 6, 200).astype(float), random.random(200) < 0.3
    assert auroc(scores, positive) == pytest.approx(roc_auc_score(positive, scores))
    assert auroc(scores, np.zeros(200, bool)) is None


def test_aupro_of_two_regions_by_hand() -> None:
    """Two regions of 1 and 2 pixels, ten normal ones; limit 0.3.

    By falling score: region A's pixel (overlap (1 + 0) / 2 = 0.5 at rate 0), a normal pixel (0.1), one of B's two
    (0.75 at 0.1), a normal one (0.2), B's other (1 at 0.2), the other eight normal ones at score 0. Area up to 0.3:
    0.1 x 0.5 + 0.1 x 0.75 + 0.1 x 1 = 0.225 of 0.3. From a point to the next at the same rate the curve jumps.
    Faults: regions weighted by their size; the area not divided by the limit; a trapezoid over a jump.
    """
    scores = as_map(9, 0, 8, 0, 7, 5, 0, 6, 0, 0, 0, 0, 0)
    mask = as_map(1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0) > 0
    # normal pixels in order: 8 and 6 are high, the rest tie at 0
    assert aupro([scores], [mask]) == pytest.approx(0.225 / 0.3)


def test_aupro_ties_are_one_step() -> None:
    """All scores alike: the curve is the diagonal, its area up to 0.3 is 0.15 of 0.3 by both axes: 0.3 / 2 = 0.15.

    Faults: the order of pixels decides among ties.
    """
    mask = as_map(1, 1, 0, 0, 0, 0) > 0
    assert aupro([as_map(*[3] * 6)], [mask]) == pytest.approx(0.15)
    assert aupro([as_map(*[3] * 6)], [mask[:, ::-1]]) == pytest.approx(0.15)


def test_aupro_interpolates_at_the_limit() -> None:
    """Between rates 0 and 0.5 the overlap rises from 0 to 1: at 0.3 it is 0.6, the area 0.09 of 0.3.

    Faults: the curve cut at the last point before the limit.
    """
    scores, mask = as_map(5, 5, 0), as_map(1, 0, 0) > 0
    assert aupro([scores], [mask]) == pytest.approx(0.3)


def test_aupro_counts_regions_of_each_photograph_and_corners_connect() -> None:
    """Faults: regions joined over photographs; diagonal neighbours as two regions."""
    diagonal = np.eye(4) > 0
    scores = np.where(diagonal, 1.0, 0.0)
    half = np.where(diagonal & (np.arange(4) < 2), 1.0, 0.0)
    assert aupro([scores], [diagonal]) == pytest.approx(1.0)
    # one photograph's region is found by half, the other wholly: 0.75 at rate 0, then a straight line to 1 at rate 1
    assert aupro([scores, half], [diagonal, diagonal]) == pytest.approx(0.75 + 0.25 * 0.3 / 2)
    assert aupro([scores], [np.zeros((4, 4), bool)]) is None


def test_best_f1_finds_the_threshold() -> None:
    """Faults: a threshold between ties; precision and recall swapped; best of the first place only."""
    scores, positive = np.array([9, 8, 7, 6, 1.0]), np.array([1, 0, 1, 0, 0], bool)
    best = best_f1(scores, positive)
    assert best is not None
    assert (best.value, best.threshold) == (pytest.approx(0.8), 7)
    assert best_f1(scores, np.zeros(5, bool)) is None


def test_f1_by_hand() -> None:
    """Faults: empty against empty counted as perfect."""
    assert f1(np.array([1, 1, 0, 0], bool), np.array([1, 0, 1, 0], bool)) == pytest.approx(0.5)
    assert f1(np.zeros(3, bool), np.zeros(3, bool)) is None


def test_corners_connect_the_pixels_of_a_region() -> None:
    """Two pixels that touch at a corner are one region: the lone pixel, found first, is half of all regions.

    Faults: regions by edges alone, of which a slanting crack would be dozens.
    """
    mask = np.zeros((5, 5), bool)
    mask[[0, 1, 4], [0, 1, 4]] = True
    scores = np.zeros((5, 5))
    scores[4, 4] = 2
    scores[2, 0] = 1  # one of the 22 normal pixels
    rates, overlaps = [0, 0, 1 / 22, 1], [0, 1 / 2, 1 / 2, 1]
    at_limit = 1 / 2 + (0.3 - rates[2]) / (1 - rates[2]) / 2
    area = overlaps[1] * rates[2] + (0.3 - rates[2]) * (overlaps[2] + at_limit) / 2
    assert aupro([scores], [mask]) == pytest.approx(area / 0.3)
