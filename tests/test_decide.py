"""Probabilities -> decision, on numbers that one can check in one's head."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from inference.model.decide import DECISIONS, UNKNOWN, DecisionRule, decide_softmax

LABELS = ("a", "b", "none")


def rule(threshold: float, reject_labels: tuple[str, ...] = ("none",)) -> DecisionRule:
    return DecisionRule(LABELS, reject_labels, threshold)


def decide(probabilities: list[float], threshold: float) -> tuple[str, float]:
    decision = decide_softmax(np.array(probabilities), rule(threshold))
    return decision.result, decision.confidence


def test_the_best_label_is_given_with_its_own_probability() -> None:
    """Catches labels out of step with the outputs, and a confidence of another label."""
    assert decide([0.75, 0.25, 0.0], 0.5) == ("a", 0.75)
    assert decide([0.25, 0.75, 0.0], 0.5) == ("b", 0.75)


def test_a_confidence_below_the_threshold_is_unknown() -> None:
    """Catches a threshold that is ignored, and a confidence that is lost where the label is rejected."""
    assert decide([0.5, 0.125, 0.375], 0.6) == (UNKNOWN, 0.5)


def test_a_confidence_at_the_threshold_is_accepted() -> None:
    """Catches > in place of >=: threshold 1 would reject certainty, threshold 0 a probability of 0."""
    assert decide([0.5, 0.5, 0.0], 0.5) == ("a", 0.5)
    assert decide([0.0, 1.0, 0.0], 1.0) == ("b", 1.0)


def test_a_reject_label_is_never_the_answer() -> None:
    """Catches "none of them" given as if it were a class, also when it is the most probable output."""
    assert decide([0.125, 0.25, 0.625], 0.2) == ("b", 0.25)
    assert decide([0.125, 0.25, 0.625], 0.3) == (UNKNOWN, 0.25)


def test_threshold_zero_rejects_nothing() -> None:
    """Catches "unknown" where the user turned rejection off, even for a network sure of "none of them"."""
    assert decide([0.0, 0.0, 1.0], 0.0) == ("a", 0.0)


def test_without_reject_labels_every_label_can_be_the_answer() -> None:
    """Catches the last output taken for "none of them" by its place."""
    decision = decide_softmax(np.array([0.25, 0.125, 0.625]), rule(0.5, reject_labels=()))
    assert (decision.result, decision.confidence, decision.mask) == ("none", 0.625, None)


def test_rounding_of_the_network_stays_out_of_the_confidence() -> None:
    """Catches confidences such as 1.0000001 or -0.0000001, which a float softmax can give."""
    assert decide([1.0000001, -1e-7, 0.0], 0.5) == ("a", 1.0)
    assert decide([-1e-7, -1e-7, 1.0], 0.0)[1] == 0.0


@pytest.mark.parametrize("name", DECISIONS)
@settings(max_examples=200, derandomize=True, database=None)
@given(
    probabilities=arrays(np.float32, 3, elements=st.floats(0, 1, width=32)),
    threshold=st.floats(0, 1),
)
def test_every_decision_keeps_its_contract(name: str, probabilities: np.ndarray, threshold: float) -> None:
    """Catches a decision that answers outside the labels, outside [0, 1], or rejects at threshold 0."""
    decision = DECISIONS[name](probabilities, rule(threshold))
    assert decision.result in ("a", "b", UNKNOWN)
    assert isinstance(decision.confidence, float)
    assert 0 <= decision.confidence <= 1
    assert (decision.result == UNKNOWN) == (decision.confidence < threshold)
    assert DECISIONS[name](probabilities, rule(0.0)).result != UNKNOWN
