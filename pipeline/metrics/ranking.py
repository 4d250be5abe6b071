"""Scores -> how well they rank positives above negatives."""

import numpy as np
from scipy.stats import rankdata


def auroc(scores: np.ndarray, positive: np.ndarray) -> float | None:
    """Return the area under the ROC curve, ties counting half; None without both positives and negatives.

    It is the Mann-Whitney statistic divided by the number of pairs (Hanley and McNeil 1982, Radiology 143). Not
    scikit-learn's roc_auc_score, which takes 20 times as long for 100 scores, and a bootstrap needs it 1000 times.

    Args: scores float [n]; positive bool [n].
    """
    positives = int(positive.sum())
    negatives = len(positive) - positives
    if not positives or not negatives:
        return None
    above = rankdata(scores)[positive].sum() - positives * (positives + 1) / 2
    return float(above / (positives * negatives))
