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
    """What a decision needs of the card; see inference.model.card.Card. decision: a key of DECISIONS."""

    labels: tuple[str, ...]
    reject_labels: tuple[str, ...]
    threshold: float
    decision: str = "softmax"

    def most_probable(self, probabilities: np.ndarray) -> int:
        """Return the number of the label with the highest probability that is no reject label."""
        answers = [number for number, label in enumerate(self.labels) if label not in self.reject_labels]
        return max(answers, key=lambda number: float(probabilities[number]))

    def accept(self, best: int, confidence: float) -> Decision:
        """Return the label of this number, or "unknown" where the confidence is below the threshold."""
        confidence = min(max(float(confidence), 0.0), 1.0)
        return Decision(self.labels[best] if confidence >= self.threshold else UNKNOWN, confidence)


def decide(probabilities: np.ndarray, rule: DecisionRule) -> Decision:
    """Decide by float [labels] as the rule's decision does."""
    return DECISIONS[rule.decision](probabilities, rule)


def decide_softmax(probabilities: np.ndarray, rule: DecisionRule) -> Decision:
    """Choose the most probable label that is no reject label; "unknown" where its probability is below the threshold.

    A learned "none of them" output takes its share of the probability and so lowers the confidence of every
    label: one threshold serves networks with and without it. Threshold 0 rejects nothing.

    Labels (a, b, none), probabilities (0.5, 0.1, 0.4), threshold 0.6: the best label is a with confidence 0.5,
    so the result is "unknown".

    Args:
        probabilities: float [labels], each in [0, 1].
        rule: the labels in the same order, and the threshold.
    """
    best = rule.most_probable(probabilities)
    return rule.accept(best, probabilities[best])


DECISIONS: dict[str, Callable[[np.ndarray, DecisionRule], Decision]] = {
    "softmax": decide_softmax,
    "neighbours": decide_softmax,  # in cards alone: the same, for a file that carries neighbours.npz
}
ANOMALY = "anomaly"  # decided for each position of the anomaly map, by inference.anomaly.detector
DECISION_NAMES = (*DECISIONS, ANOMALY)
