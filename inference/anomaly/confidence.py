"""A raw score -> the confidence of an answer: the score's place between the bulk of scores and the threshold."""

import numpy as np

from ..model.logistic import logistic

LEAST_CLEAR = 0.85  # confidence of "normal" below which a score is nearer to the threshold than to the bulk
MEANING = (
    "The confidence says how far a photograph's score is from the threshold: 50 % at the threshold, about 95 % at the "
    "bulk of scores. It is no share of right answers. “normal” with 81 % is flagged from --threshold 0.19 down; below "
    f"{LEAST_CLEAR:.0%} it is near the threshold: look at it."
)


def anomaly_probability(score: float, threshold: float, width: float) -> float:
    """Return where a raw score lies, in [0, 1]: 0.5 at the threshold, rising with the score.

    threshold: raw score in use, after --threshold; -inf and inf give 1 and 0. width: raw score that changes the logit
    by 1, chosen so that the bulk of scores is at about 0.05 with the model's own threshold.
    """
    return float(logistic(np.array((score - threshold) / width)))


def answer_confidence(probability: float, is_anomaly: bool) -> float:
    """Return the confidence of an answer, in [0.5, 1]: 0.19 is "normal" with 0.81.

    Where a score is above the threshold and no region is large enough to count, "normal" has 0.5.
    """
    return max(probability, 0.5) if is_anomaly else 1 - min(probability, 0.5)


def is_near_threshold(confidence: float) -> bool:
    """Return whether "normal" with this confidence was nearly an anomaly."""
    return confidence < LEAST_CLEAR
