"""A measured value with its 95 % interval and n: the only form in which figures enter a report."""

from collections.abc import Callable
from typing import Any

import numpy as np

from pipeline.random_generator import make_generator

Z_95 = 1.959964
RESAMPLES = 1000


def proportion(successes: int, n: int) -> dict[str, Any]:
    """Return a share with its Wilson score interval (Wilson 1927): 8 of 10 is 0.8, from 0.490 to 0.943."""
    if n == 0:
        return {"value": None, "low": None, "high": None, "n": 0}
    share = successes / n
    spread = 1 + Z_95**2 / n
    centre = (share + Z_95**2 / (2 * n)) / spread
    half = Z_95 * np.sqrt(share * (1 - share) / n + Z_95**2 / (4 * n * n)) / spread
    return {"value": share, "low": float(max(centre - half, 0.0)), "high": float(min(centre + half, 1.0)), "n": n}


def bootstrap(
    value: float | None, statistic: Callable[[np.ndarray], float | None], photos: np.ndarray
) -> dict[str, Any]:
    """Return a value measured on examples with a percentile interval over resampled photographs.

    Patches of one photograph are alike, so photographs are drawn, not patches (cluster bootstrap; Davison and
    Hinkley 1997, chapter 3.8). The draws depend on nothing but the number of photographs.

    Args:
        value: the statistic of all examples.
        statistic: from positions of examples, int [m], to its value, None where it is undefined.
        photos: the photograph's name of each example, [n].
    """
    names, owner, sizes = np.unique(photos, return_inverse=True, return_counts=True)
    by_photo = np.argsort(owner, kind="stable")  # positions of examples, photograph after photograph
    starts = np.cumsum(sizes) - sizes
    random = make_generator(0, "bootstrap", len(names))
    values = []
    for _ in range(RESAMPLES if len(names) > 1 else 0):
        drawn = random.integers(0, len(names), len(names))
        ends = np.cumsum(sizes[drawn])
        within = np.arange(ends[-1]) - np.repeat(ends - sizes[drawn], sizes[drawn])  # 0, 1, ... in each photograph
        resampled = statistic(by_photo[np.repeat(starts[drawn], sizes[drawn]) + within])
        if resampled is not None:
            values.append(resampled)
    low, high = (float(v) for v in np.percentile(values, [2.5, 97.5])) if values else (None, None)
    return {"value": value, "low": low, "high": high, "n": len(photos)}


def share_over_photos(hits: np.ndarray, photos: np.ndarray) -> dict[str, Any]:
    """Return a share with the wider of two 95 % intervals: Wilson's, and the one over resampled photographs.

    Wilson's takes patches of one photograph for independent, the other one has no width where every patch is right:
    each is too narrow where the other one is not.

    Args: hits bool [n]; photos str [n], as for bootstrap.
    """
    share = proportion(int(hits.sum()), len(hits))
    if not len(hits):
        return share
    drawn = bootstrap(share["value"], lambda places: float(hits[places].mean()), photos)
    ends = [(one["low"], one["high"]) for one in (share, drawn) if one["low"] is not None]
    return share | {"low": min(low for low, _ in ends), "high": max(high for _, high in ends)}


def mean_difference(first: np.ndarray, second: np.ndarray, photos: np.ndarray) -> dict[str, Any]:
    """Return the mean of first - second, float or bool [n], on the same examples, photographs resampled."""
    difference = first.astype(float) - second.astype(float)
    if not len(difference):
        return proportion(0, 0)
    return bootstrap(float(difference.mean()), lambda places: float(difference[places].mean()), photos)
