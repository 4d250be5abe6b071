"""Raw scores and masks -> how well anomalies are found: AUROC, AUPRO and F1, as published figures define them."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from sklearn.metrics import f1_score, precision_recall_curve, roc_auc_score

AUPRO_LIMIT = 0.3  # false positive rate up to which the area is taken, as in Bergmann et al. 2021


def auroc(scores: np.ndarray, positive: np.ndarray) -> float | None:
    """Return the probability that a positive has a higher score than a negative, ties counting half; None without both.

    Args: scores float [n]; positive bool [n].
    """
    return None if positive.all() or not positive.any() else float(roc_auc_score(positive, scores))


def aupro(scores: Sequence[np.ndarray], masks: Sequence[np.ndarray], limit: float = AUPRO_LIMIT) -> float | None:
    """Return the area under the per-region overlap up to a false positive rate, as a share of the largest possible.

    At each threshold: the mean, over the connected regions of the masks (corners connect), of the share of the region
    that is found, against the share of all normal pixels that is. Exact: every score is a threshold. Between two of
    them the curve is straight. Bergmann et al. 2021, "The MVTec Anomaly Detection Dataset", section 5.3. None without
    a region or without a normal pixel.

    Args: scores float [height, width] and masks bool [height, width], one each a photograph.
    """
    values = np.concatenate([one.ravel() for one in scores]).astype(np.float64)
    weights, regions = _region_weights(masks)
    normal = ~np.concatenate([mask.ravel() for mask in masks])
    if not regions or not normal.any():
        return None
    order = np.argsort(-values, kind="stable")
    ends = _ends(-values[order])
    rates = np.r_[0, np.cumsum(normal[order])[ends] / normal.sum()]
    overlaps = np.r_[0, np.cumsum(weights[order])[ends] / regions]
    inside = rates <= limit
    rates, overlaps = np.r_[rates[inside], limit], np.r_[overlaps[inside], np.interp(limit, rates, overlaps)]
    return float(np.trapezoid(overlaps, rates) / limit)


@dataclass(frozen=True)
class BestF1:
    """The highest F1 of any threshold, and that threshold."""

    value: float
    threshold: float


def best_f1(scores: np.ndarray, positive: np.ndarray) -> BestF1 | None:
    """Return the best F1 of all thresholds: an upper bound, since the masks choose it; None without positives."""
    if not positive.any():
        return None
    precision, recall, thresholds = precision_recall_curve(positive, scores, drop_intermediate=True)
    values = 2 * precision * recall / np.maximum(precision + recall, np.finfo(float).tiny)
    best = int(values[:-1].argmax())  # the last point has no threshold
    return BestF1(float(values[best]), float(thresholds[best]))


def f1(found: np.ndarray, positive: np.ndarray) -> float | None:
    """Return F1 of what was found, bool [n], against what is there, bool [n]; None where both are empty."""
    return float(f1_score(positive, found)) if found.any() or positive.any() else None


def _region_weights(masks: Sequence[np.ndarray]) -> tuple[np.ndarray, int]:
    """Return for each pixel of all masks 1 / the size of its region, 0 outside, and the number of regions."""
    parts, regions = [], 0
    for mask in masks:
        count, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
        sizes = np.bincount(labels.ravel(), minlength=count).astype(np.float64)
        shares = 1 / np.maximum(sizes, 1)
        shares[0] = 0
        parts.append(shares[labels].ravel())
        regions += count - 1
    return np.concatenate(parts), regions


def _ends(ranked: np.ndarray) -> np.ndarray:
    """Return the last place of each run of equal values."""
    return np.flatnonzero(np.r_[ranked[1:] != ranked[:-1], True])
