"""A logit -> the probability that it stands for."""

import numpy as np


def logistic(values: np.ndarray) -> np.ndarray:
    """Return 1 / (1 + exp(-values)), without overflow."""
    return 1 / (1 + np.exp(-np.clip(values, -60, 60)))
