"""Raw scores and masks -> AUPRO and F1, defined as in published figures."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from sklearn.metrics import f1_score, precision_recall_curve

AUPRO_LIMIT = 0.3  # upper limit of the false positive rate, as in Bergmann et al. 2021


def aupro(scores: Sequence[np.ndarray], masks: Sequence[np.ndarray], limit: float = AUPRO_LIMIT) -> float | None:
    """Return the area under the per-region overlap curve up to a false positive rate, divided by that rate.

    The curve is the mean overlap with the connected regions of the masks (8-connected) against the false positive rate
    of pixels. Every score is a threshold; between thresholds the curve is linear. Source: Bergmann et al. 2021, "The
    MVTec Anomaly Detection Dataset", section 5.3. None without a region or without a normal pixel.

    Args: scores float [height, width] and masks bool [height, width], one per photograph.
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
    """The highest F1 over all thresholds, and its threshold."""

    value: float
    threshold: float


def best_f1(scores: np.ndarray, positive: np.ndarray) -> BestF1 | None:
    """Return the highest F1 over all thresholds, chosen by the masks; None without positives."""
    if not positive.any():
        return None
    precision, recall, thresholds = precision_recall_curve(positive, scores, drop_intermediate=True)
    values = 2 * precision * recall / np.maximum(precision + recall, np.finfo(float).tiny)
    best = int(values[:-1].argmax())  # the last point has no threshold
    return BestF1(float(values[best]), float(thresholds[best]))


def f1(found: np.ndarray, positive: np.ndarray) -> float | None:
    """Return F1 of found, bool [n], against positive, bool [n]; None if both are empty."""
    return float(f1_score(positive, found)) if found.any() or positive.any() else None


def _region_weights(masks: Sequence[np.ndarray]) -> tuple[np.ndarray, int]:
    """Return 1 / region size for each pixel of all masks, 0 outside of regions, and the number of regions."""
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
    """Return the last index of each sequence of equal values."""
    return np.flatnonzero(np.r_[ranked[1:] != ranked[:-1], True])
