"""Logits of right and wrong answers -> slope and offset of Platt scaling."""

import numpy as np

from ..model.logistic import logistic

_LOG_SLOPES, _OFFSETS = (np.log(0.1), np.log(10.0)), (-20.0, 20.0)
_STEPS = 100
_SMALLEST_STEP = 1e-10


def fit_platt(evidence: np.ndarray, right: np.ndarray, weights: np.ndarray | None = None) -> tuple[float, float]:
    """Return slope and offset so that logistic(slope x evidence + offset) is the probability of a right answer.

    The targets are slightly below 1 and above 0. The slope is regularised towards 1, more so with fewer mistakes, since
    it cannot be estimated without mistakes. Source: Platt 1999, "Probabilistic outputs for support vector machines".
    By Newton's method with halved steps, within bounds; the slope's logarithm is the parameter.

    Args:
        evidence: logits, float [answers].
        right: bool [answers].
        weights: float [answers], sample weights, by default equal.
    """
    hits, misses = int(right.sum()), int((~right).sum())
    target = np.where(right, (hits + 1) / (hits + 2), 1 / (misses + 2))
    shares = np.full(len(evidence), 1 / len(evidence)) if weights is None else weights / np.sum(weights)
    stiffness = 1 / (1 + min(hits, misses))
    low, high = np.array([_LOG_SLOPES, _OFFSETS]).T

    def loss(parameters: np.ndarray) -> float:
        logits = np.exp(parameters[0]) * evidence + parameters[1]
        return float(shares @ (np.logaddexp(0, logits) - target * logits) + stiffness * parameters[0] ** 2)

    def newton_step(parameters: np.ndarray) -> np.ndarray:
        scaled = np.exp(parameters[0]) * evidence
        probabilities = logistic(scaled + parameters[1])
        first, second = shares * (probabilities - target), shares * probabilities * (1 - probabilities)
        gradient = np.array([first @ scaled + 2 * stiffness * parameters[0], first.sum()])
        mixed = second @ scaled
        # without the term first @ scaled, which may be negative: then a step downhill is certain
        curvature = np.array([[second @ scaled**2 + 2 * stiffness, mixed], [mixed, second.sum()]])
        free = ~(((parameters <= low) & (gradient > 0)) | ((parameters >= high) & (gradient < 0)))
        step = np.zeros(2)
        step[free] = -np.linalg.solve(curvature[np.ix_(free, free)] + 1e-12 * np.eye(int(free.sum())), gradient[free])
        return step

    found, best = np.zeros(2), loss(np.zeros(2))
    for _ in range(_STEPS):
        step = newton_step(found)
        while (value := loss(np.clip(found + step, low, high))) > best and np.abs(step).max() > _SMALLEST_STEP:
            step = step / 2
        if np.abs(step).max() <= _SMALLEST_STEP:
            break
        found, best = np.clip(found + step, low, high), value
    return float(np.exp(found[0])), float(found[1])
