"""Class probabilities -> the decision that a user reads: a label or "unknown", and a confidence."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

UNKNOWN = "unknown"


@dataclass(frozen=True)
class Decision:
    """The answer for one picture: result is a label or "unknown", confidence lies in [0, 1].

    confidence belongs to the best label even when that label was rejected.
    mask: uint8 [height, width] of the photograph, 0 or 255, from decisions that segment; otherwise None.
    """

    result: str
    confidence: float
    mask: np.ndarray | None = None


@dataclass(frozen=True)
class DecisionRule:
    """What a decision needs of the card; see inference.model.card.Card."""

    labels: tuple[str, ...]
    reject_labels: tuple[str, ...]
    threshold: float


def decide_softmax(probabilities: np.ndarray, rule: DecisionRule) -> Decision:
    """Choose the most probable label that is no reject label; "unknown" where it stays below the threshold.

    A learned "none of them" output takes its share of the probability and so lowers the confidence of every
    label: one threshold serves networks with and without it. Threshold 0 rejects nothing.

    Labels (a, b, none), probabilities (0.5, 0.1, 0.4), threshold 0.6: the best label is a with confidence 0.5,
    so the result is "unknown".

    Args:
        probabilities: float [labels], each in [0, 1].
        rule: the labels in the same order, and the threshold.
    """
    candidates = [place for place, label in enumerate(rule.labels) if label not in rule.reject_labels]
    best = max(candidates, key=lambda place: float(probabilities[place]))
    confidence = min(max(float(probabilities[best]), 0.0), 1.0)
    result = rule.labels[best] if confidence >= rule.threshold else UNKNOWN
    return Decision(result, confidence)


# neighbours: the same of probabilities that inference.model.neighbours has weighed
DECISIONS: dict[str, Callable[[np.ndarray, DecisionRule], Decision]] = {
    "softmax": decide_softmax,
    "neighbours": decide_softmax,
}
ANOMALY = "anomaly"  # decided place by place, by inference.anomaly.detector
DECISION_NAMES = (*DECISIONS, ANOMALY)
