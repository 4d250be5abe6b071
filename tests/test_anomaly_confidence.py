"""The confidence of an answer about anomalies: the score's place between the bulk and the threshold."""

from dataclasses import replace

import numpy as np
import pytest

from inference.anomaly.anomaly_map import AnomalyMap
from inference.anomaly.confidence import anomaly_probability, answer_confidence
from inference.anomaly.detector import Detector
from inference.anomaly.memory_bank import MemoryBank
from inference.drawing.outlines import NEAR_STYLE, NORMAL_STYLE, bar_of
from pipeline.anomaly.threshold import ScoreThreshold, bulk_threshold, choose_threshold

THRESHOLDS = (0.0, 0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99, 1.0)
MAPS = [1 + np.random.default_rng(n).exponential(0.2, (40, 40)).astype(np.float32) for n in range(12)]
RARE, COMMON = choose_threshold(MAPS, False, 0.05), bulk_threshold([one.ravel() for one in MAPS])


def detector_with(chosen: ScoreThreshold, threshold: float = 0.5, smallest_area: int = 1) -> Detector:
    detector = Detector.__new__(Detector)
    detector.threshold = threshold
    detector.memory_bank = MemoryBank(
        np.zeros((1, 1), np.float32), chosen.score, chosen.width, smallest_area=smallest_area
    )
    return detector


def probability_of(detector: Detector, scores: np.ndarray) -> tuple[str, float]:
    """Return the result, and the confidence as one in "anomaly"."""
    seen = AnomalyMap(scores, scores, np.zeros(scores.shape, np.uint8), 1.0)
    decision = detector.decide(seen, detector.find(seen))
    assert 0.5 <= decision.confidence <= 1
    return decision.result, decision.confidence if decision.result == "anomaly" else 1 - decision.confidence


@pytest.mark.parametrize("chosen", [RARE, COMMON], ids=["rare", "common"])
@pytest.mark.parametrize("smallest_area", [1, 3])
def test_a_higher_threshold_never_makes_an_anomaly_surer(chosen: ScoreThreshold, smallest_area: int) -> None:
    """Faults: "normal 83 %" that --threshold 0.1 turns into "normal 90 %"; "anomaly 50 %" at --threshold 0.5 alone."""
    for scores in MAPS:
        found = [probability_of(detector_with(chosen, one, smallest_area), scores) for one in THRESHOLDS]
        values = [probability for _, probability in found]
        assert values == sorted(values, reverse=True)
        assert (found[0], found[-1]) == (("anomaly", 1.0), ("normal", 0.0))


@pytest.mark.parametrize("chosen", [RARE, COMMON], ids=["rare", "common"])
@pytest.mark.parametrize("threshold", [0.1, 0.5, 0.9])
def test_a_higher_score_never_makes_an_anomaly_less_sure(chosen: ScoreThreshold, threshold: float) -> None:
    """Faults: a confidence that jumps at the threshold, or that is kept at the threshold below it."""
    detector = detector_with(chosen, threshold)
    scores = np.full((8, 8), 0.5, np.float32)
    values = []
    for steps in np.linspace(-6, 6, 60):
        scores[4, 4] = detector.score_threshold + steps * chosen.width
        values.append(probability_of(detector, scores)[1])
    assert values == sorted(values)
    assert values[0] < 0.5 < values[-1]
    assert max(np.diff(values)) < 0.06


def test_normal_says_at_which_threshold_it_is_an_anomaly() -> None:
    """Fault: a confidence without a meaning; "normal" with 81 % is flagged from --threshold 0.19 down."""
    scores = MAPS[0]
    detector = detector_with(replace(COMMON, score=1.2 * float(scores.max())))
    result, probability = probability_of(detector, scores)
    assert result == "normal"
    for threshold, expected in ((probability * 0.999, "anomaly"), (min(probability * 1.001, 1), "normal")):
        detector.threshold = threshold
        detector.__dict__.pop("score_threshold", None)
        assert probability_of(detector, scores)[0] == expected


def test_the_bulk_is_surely_normal() -> None:
    """Fault: a width in other units than the scores."""
    bulk = float(np.median(np.concatenate([one.ravel() for one in MAPS])))
    assert anomaly_probability(bulk, COMMON.score, COMMON.width) == pytest.approx(0.05, abs=0.001)
    assert anomaly_probability(float(np.mean(RARE.highest)), RARE.score, RARE.width) == pytest.approx(0.05, abs=0.001)


def test_a_photograph_near_the_threshold_is_not_shown_as_surely_normal() -> None:
    """Fault: "normal 81 %" in green for a score half-way between the bulk and the threshold."""
    half_way = answer_confidence(anomaly_probability(RARE.score - 1.47 * RARE.width, RARE.score, RARE.width), False)
    words, style = bar_of({"result": "normal", "confidence": half_way, "regions": [], "score": 1.0})
    assert words == ("normal, near the threshold", "81 %")
    assert style is NEAR_STYLE
    assert bar_of({"result": "normal", "confidence": 0.95, "regions": [], "score": 1.0})[1] is NORMAL_STYLE
