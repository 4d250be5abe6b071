"""Platt scaling: evidence becomes a confidence, by numpy alone in the runner."""

import numpy as np
import pytest
from scipy.optimize import minimize

from inference.enrollment.platt import fit_platt


@pytest.mark.parametrize("seed", range(4))
def test_platt_scaling_is_where_scipy_finds_the_lowest_loss(seed: int) -> None:
    """Catches a search that stops early, leaves its bounds, or forgets the weights."""
    random = np.random.default_rng(seed)
    evidence, weights = random.normal(1, 3, 60), random.uniform(0.1, 2, 60)
    right = random.random(60) < 1 / (1 + np.exp(-(0.3 * evidence + (-1) ** seed)))
    hits, misses = int(right.sum()), int((~right).sum())
    target = np.where(right, (hits + 1) / (hits + 2), 1 / (misses + 2))

    def loss(found: np.ndarray) -> float:
        logits = np.exp(found[0]) * evidence + found[1]
        doubt = found[0] ** 2 / (1 + min(hits, misses))
        return float(np.average(np.logaddexp(0, logits) - target * logits, weights=weights) + doubt)

    best = minimize(loss, np.zeros(2), bounds=[(np.log(0.1), np.log(10)), (-20, 20)], method="L-BFGS-B", tol=1e-14)
    slope, offset = fit_platt(evidence, right, weights)
    assert (np.log(slope), offset) == pytest.approx(tuple(best.x), abs=1e-4)


def test_platt_scaling_finds_the_true_slope() -> None:
    """Catches hits and misses exchanged, and a slope without bounds where there is no mistake."""
    random = np.random.default_rng(0)
    evidence = random.normal(0, 2, 20_000)
    right = random.random(20_000) < 1 / (1 + np.exp(-(0.5 * evidence + 1)))
    assert fit_platt(evidence, right) == (pytest.approx(0.5, abs=0.03), pytest.approx(1.0, abs=0.05))
    slope, offset = fit_platt(np.linspace(2, 8, 100), np.full(100, True))
    assert slope > 0.5
    assert 1 / (1 + np.exp(-(slope * -10 + offset))) < 0.02, "without a mistake, little evidence is still little"
