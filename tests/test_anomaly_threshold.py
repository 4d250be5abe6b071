"""The threshold of anomalies from normal data alone, and the memory bank that some anomalies do not spoil."""

import numpy as np
import pytest
from scipy import stats

from pipeline.anomaly.memory_bank import Candidates, choose_bank, fit_projection, split_folds, trim
from pipeline.anomaly.threshold import choose_threshold, expected_highest


def clean_map(seed: int) -> np.ndarray:
    """Return scores that fall off exponentially, as those of clean photographs do."""
    return 1 + np.random.default_rng(seed).exponential(0.2, (60, 80))


def spoil(scores: np.ndarray) -> np.ndarray:
    """Put an anomaly on 1 % of the area."""
    spoiled = scores.copy()
    spoiled[10:16, 10:18] = 20
    return spoiled


def test_few_clean_photographs_are_flagged() -> None:
    """Of 400 clean photographs that are not in the memory bank, about 5 % reach the threshold of 12 others.

    Faults: the lowest score as threshold, which flags all; the highest of a few, which flags one in thirteen; a
    quantile of Student for another number of photographs.
    """
    flagged = []
    for start in range(20):
        threshold = choose_threshold([clean_map(1000 * start + n) for n in range(12)], True, 0.05)
        flagged += [clean_map(1000 * start + 100 + n).max() >= threshold.score for n in range(20)]
    assert 0.01 <= np.mean(flagged) <= 0.12


def test_the_bound_is_that_of_a_prediction_interval() -> None:
    """Faults: the interval of the mean instead of the next value; a spread without Bessel's correction."""
    maps = [np.array([[value]]) for value in (2.0, 2.2, 2.1, 2.5, 1.9)]
    highest = np.array([2.0, 2.2, 2.1, 2.5, 1.9])
    expected = highest.mean() + stats.t.ppf(0.9, 4) * highest.std(ddof=1) * np.sqrt(1.2)
    threshold = choose_threshold(maps, True, 0.1)
    assert threshold.score == pytest.approx(expected)
    at_mean = 1 / (1 + np.exp((threshold.score - highest.mean()) / threshold.width))
    assert at_mean == pytest.approx(0.1)


def test_anomalies_among_the_photographs_do_not_raise_the_threshold_much() -> None:
    """Three of seven photographs hold an anomaly ten times as high as anything normal.

    Faults: the highest score of a photograph taken as it is; all three averaged into the threshold.
    """
    maps = [clean_map(n) for n in range(7)]
    clean = choose_threshold(maps, True, 0.05)
    unlabelled = choose_threshold([spoil(one) if n < 3 else one for n, one in enumerate(maps)], False, 0.05)
    assert unlabelled.score < 1.6 * clean.score < 20
    assert spoil(maps[0]).max() > 2 * unlabelled.score


def test_the_expected_highest_is_never_above_the_highest() -> None:
    """Faults: a flat photograph given a tail that it does not have."""
    flat = np.full((30, 40), 1.0)
    assert expected_highest(flat) == 1.0
    assert expected_highest(clean_map(0)) <= clean_map(0).max()
    assert expected_highest(spoil(clean_map(0))) < 5


def test_trimming_leaves_the_strange_vectors_out() -> None:
    """Two photographs share a kind of surface; one of them holds a few vectors far from all.

    Faults: trimming by the nearest of the same photograph, where anomalies resemble one another; the least strange left
    out.
    """
    random = np.random.default_rng(0)
    normal = random.normal(size=(400, 4)).astype(np.float32)
    strange = (random.normal(size=(6, 4)) * 0.1 + 15).astype(np.float32)
    candidates = Candidates(np.concatenate([normal, strange]), np.r_[np.arange(400) % 2, np.zeros(6, int)])
    kept = trim(candidates, 0.03)
    assert kept.vectors.max() < 10
    assert len(kept.vectors) > 380
    assert trim(candidates, 0).vectors.max() > 10


def test_the_coreset_covers_what_there_is() -> None:
    """Faults: a random subset, which misses a rare kind; the same vector chosen twice."""
    random = np.random.default_rng(0)
    common, rare = random.normal(size=(990, 2)), random.normal(size=(10, 2)) * 0.1 + 30
    vectors = np.concatenate([common, rare]).astype(np.float32)
    bank = choose_bank(Candidates(vectors, np.zeros(1000, int)), 12, "patchcore", seed=0)
    assert (bank[:, 0] > 20).any()
    assert len(np.unique(bank, axis=0)) == 12
    assert choose_bank(Candidates(vectors, np.zeros(1000, int)), 12, "padim", 0).shape == (1, 2)


def test_whitened_distances_are_mahalanobis() -> None:
    """Faults: whitening by the deviation instead of its inverse; the mean not subtracted."""
    random = np.random.default_rng(0)
    vectors = random.normal(size=(4000, 2)) * [3, 1] + 5
    whitened = fit_projection(vectors, [2], 2, whiten=True)(vectors)
    assert whitened.mean(axis=0) == pytest.approx([0, 0], abs=1e-3)
    assert whitened.std(axis=0) == pytest.approx([1, 1], rel=0.05)


def test_levels_weigh_alike() -> None:
    """Faults: a level with large numbers drowns the others."""
    random = np.random.default_rng(0)
    vectors = np.hstack([random.normal(size=(3000, 3)) * 100, random.normal(size=(3000, 1))])
    projected = fit_projection(vectors, [3, 1], 4, whiten=False)(vectors)
    assert projected.var(axis=0).sum() == pytest.approx(2, rel=0.05)
    assert projected.var(axis=0).max() == pytest.approx(1, rel=0.1)


def test_every_group_is_held_out_once() -> None:
    """Faults: a group in two folds or in none; empty folds."""
    assert sorted(group for fold in split_folds([3, 1, 1, 2, 5, 8], 3) for group in fold) == [1, 2, 3, 5, 8]
    assert split_folds([1, 2], 8) == [[1], [2]]
