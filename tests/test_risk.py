"""The limit of wrong answers: kept as often as promised, on photographs, and refused where too little is known."""

import numpy as np
import pytest

from inference.errors import InputError
from pipeline.calibration.risk import certified_thresholds, check_photo_count, fewest_photos, limit_risk, one_per_photo
from pipeline.metrics.classification import Scores

PHOTOS = 100
REPEATS = 3000
# parts of the photographs from the most to the least confident, and how often their answers are wrong
NOT_MONOTONE = ((0.3, 0.05), (0.2, 0.2), (0.25, 0.0), (0.25, 0.3))  # risks at their ends: 0.05, 0.11, 0.073, 0.13
EVERYWHERE_TOO_HIGH = ((1.0, 0.101),)


def scores_of(confidences: np.ndarray, wrong: np.ndarray, photos: list[str] | None = None) -> Scores:
    count = len(confidences)
    names = np.array(photos or [f"{number}.jpg" for number in range(count)])
    best = np.where(wrong, "b", "a")
    return Scores(("a", "b"), np.full(count, "a"), names, best, best, confidences, np.full(count, "b"))


def true_risk(threshold: float, parts: tuple[tuple[float, float], ...]) -> float:
    """Return the share of wrong answers among those above a threshold, confidences being uniform in [0, 1]."""
    left = given = 1 - threshold
    wrong = 0.0
    for share, risk in parts:
        wrong += min(share, left) * risk
        left -= min(share, left)
    return wrong / given


def draw(random: np.random.Generator, parts: tuple[tuple[float, float], ...]) -> tuple[np.ndarray, np.ndarray]:
    """Return confidences and whether the answers are wrong, of PHOTOS photographs."""
    confidences = random.random(PHOTOS)
    ends = np.cumsum([share for share, _ in parts])
    risks = np.array([risk for _, risk in parts])[np.searchsorted(ends[:-1], 1 - confidences)]
    return confidences, random.random(PHOTOS) < risks


@pytest.mark.parametrize(("limit", "photos"), [(0.05, 45), (0.1, 22), (0.5, 4)])
def test_the_number_of_photographs_that_a_limit_needs(limit: float, photos: int) -> None:
    """Catches a number that is one too small: 0.95 ** 44 is more than 0.1."""
    assert fewest_photos(limit) == photos
    assert (1 - limit) ** photos <= 0.1 < (1 - limit) ** (photos - 1)


def test_thresholds_worked_example() -> None:
    """Catches an off-by-one: four right answers show a risk below 0.5, and one wrong among five does not."""
    confidences = np.array([0.4, 0.9, 0.8, 0.7, 0.6, 0.5])
    wrong = confidences == 0.5
    found = certified_thresholds(confidences, wrong, 0.5)
    assert found is not None
    assert all(0.5 < threshold < 0.5 + 1e-9 for threshold in found)
    assert certified_thresholds(confidences, np.zeros(6, bool), 0.5) == (0.0, pytest.approx(0.5))


@pytest.mark.parametrize("parts", [NOT_MONOTONE, EVERYWHERE_TOO_HIGH], ids=["not monotone", "too high"])
def test_the_limit_is_broken_as_rarely_as_promised(parts: tuple[tuple[float, float], ...]) -> None:
    """Catches tests that go on after one has failed (18 % where the risk is too high), and shares taken for bounds."""
    random = np.random.default_rng(0)
    found = [certified_thresholds(*draw(random, parts), limit=0.1) for _ in range(REPEATS)]
    broken = [true_risk(pair[0], parts) > 0.1 for pair in found if pair]
    assert 0.01 < sum(broken) / REPEATS <= 0.11  # 3000 repeats: 0.1 +- 0.011


def test_equal_confidences_are_accepted_or_rejected_together() -> None:
    """Catches a threshold between answers that no threshold can tell apart."""
    confidences = np.array([0.9] * 4 + [0.8] * 4)
    found = certified_thresholds(confidences, np.arange(8) >= 6, 0.5)
    assert found is not None
    assert 0.8 < found[0] < 0.8 + 1e-9


def test_a_photograph_counts_once_however_many_boxes_it_has() -> None:
    """Catches 45 boxes of nine photographs taken for 45 independent answers."""
    photos = [f"{number // 5}.jpg" for number in range(45)]
    drawn = one_per_photo(np.array(photos))
    assert len({photos[position] for position in drawn}) == len(drawn) == 9
    with pytest.raises(InputError, match=r"at least 45 validation photographs.*Received: 9"):
        limit_risk(scores_of(np.linspace(0.5, 1, 45), np.zeros(45, bool), photos), 0.05, 0.0)


@pytest.mark.parametrize(("threshold", "expected"), [(0.0, 0.0), (0.3, 0.3), (0.99, 0.55)])
def test_the_threshold_for_accepted_patches_moves_only_as_far_as_needed(threshold: float, expected: float) -> None:
    """Catches a limit that switches the rejection off, or one that is not shown where so few are answered."""
    confidences = np.arange(1, 101) / 100
    chosen, figures = limit_risk(scores_of(confidences, np.zeros(100, bool)), 0.05, threshold)
    assert chosen == pytest.approx(expected)
    assert figures["answered"].n == 100
    assert figures["wrong"] == 0


def test_a_limit_that_no_threshold_keeps_is_refused() -> None:
    """Catches a promise although the most confident answer is wrong."""
    confidences = np.linspace(0, 1, 60)
    with pytest.raises(InputError, match=r"Received: 1 wrong answers to the 45 most confident of 60"):
        limit_risk(scores_of(confidences, confidences == 1), 0.05, 0.5)


def test_no_limit_needs_no_photographs() -> None:
    """Catches a refusal of runs that promise nothing."""
    check_photo_count(0, 0.0)
