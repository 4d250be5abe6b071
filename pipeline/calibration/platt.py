"""Logits of right and wrong answers -> slope and offset of Platt scaling."""

from typing import Any

import numpy as np
from scipy.optimize import minimize

_SLOPES = (0.1, 10.0)


def fit_platt(evidence: np.ndarray, right: np.ndarray, weights: np.ndarray | None = None) -> tuple[float, float]:
    """Return slope and offset so that logistic(slope x evidence + offset) is the probability of a right answer.

    The targets are slightly below 1 and above 0. The slope is regularised towards 1, more so with fewer mistakes, since
    it cannot be estimated without mistakes. Source: Platt 1999, "Probabilistic outputs for support vector machines".

    Args:
        evidence: logits, float [answers].
        right: bool [answers].
        weights: float [answers], sample weights, by default equal.
    """
    hits, misses = int(right.sum()), int((~right).sum())
    target = np.where(right, (hits + 1) / (hits + 2), 1 / (misses + 2))

    def loss(parameters: np.ndarray) -> float:
        logits = np.exp(parameters[0]) * evidence + parameters[1]
        doubt = parameters[0] ** 2 / (1 + min(hits, misses))
        return float(np.average(np.logaddexp(0, logits) - target * logits, weights=weights) + doubt)

    bounds: list[Any] = [tuple(np.log(_SLOPES)), (-20, 20)]
    found = minimize(loss, x0=np.zeros(2), bounds=bounds, method="L-BFGS-B").x
    return float(np.exp(found[0])), float(found[1])
