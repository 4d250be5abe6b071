"""Examples -> estimates whose intervals take photographs as the units; see inference.figures.estimate."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from inference.figures.estimate import UNDEFINED, Estimate, proportion, share_of
from pipeline.random_generator import make_generator

__all__ = [
    "FEWEST_PHOTOS",
    "UNDEFINED",
    "Estimate",
    "bootstrap",
    "mean_difference",
    "proportion",
    "share_of",
    "share_over_photos",
]

RESAMPLES = 1000
FEWEST_PHOTOS = 10  # below which resampled photographs give an interval that is too narrow to decide by


def bootstrap(value: float | None, statistic: Callable[[np.ndarray], float | None], photos: np.ndarray) -> Estimate:
    """Return a value with a percentile interval over resampled photographs.

    Patches of one photograph are not independent, so photographs are resampled, not patches (cluster bootstrap; Davison
    and Hinkley 1997, chapter 3.8). The resamples depend only on the number of photographs. scipy.stats.bootstrap is not
    used because it resamples single examples: it supports neither clusters of different sizes nor undefined resamples.

    There is no interval where all resamples give the same value, such as 1.0 of three flawless photographs: it would
    have no width, whatever n.

    Args:
        value: the statistic of all examples.
        statistic: function from positions of examples, int [m], to the value, None if it is undefined.
        photos: photograph name of each example, [n].
    """
    names, owner, sizes = np.unique(photos, return_inverse=True, return_counts=True)
    by_photo = np.argsort(owner, kind="stable")  # positions of examples, sorted by photograph
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
    several = len(set(values)) > 1
    low, high = (float(v) for v in np.percentile(values, [2.5, 97.5])) if several else (None, None)
    return Estimate(value, low, high, len(photos))


def share_over_photos(hits: np.ndarray, photos: np.ndarray) -> Estimate:
    """Return a share with the wider of two 95 % intervals: Wilson's, and the one over resampled photographs.

    Wilson's interval assumes that patches of one photograph are independent: where each has a photograph of its own it
    is right as it is. The bootstrap interval has no width if every patch is right.

    Args: hits bool [n]; photos str [n], as for bootstrap.
    """
    share = share_of(hits)
    _, owner, sizes = np.unique(photos, return_inverse=True, return_counts=True)
    if len(sizes) in (1, len(hits)) or not len(hits):  # one photograph can't be resampled
        return share
    shares = _resampled_shares(np.bincount(owner, hits), sizes)
    low, high = (float(end) for end in np.percentile(shares, [2.5, 97.5]))
    assert share.ends is not None  # it has examples
    return replace(share, low=min(low, share.ends[0]), high=max(high, share.ends[1]))


def _resampled_shares(hits: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Return the share in each resample of photographs, from the hits and the examples of each photograph."""
    random = make_generator(0, "bootstrap", len(sizes))
    drawn = (random.integers(0, len(sizes), len(sizes)) for _ in range(RESAMPLES))
    return np.array([hits[chosen].sum() / sizes[chosen].sum() for chosen in drawn])


def mean_difference(first: np.ndarray, second: np.ndarray, photos: np.ndarray) -> Estimate:
    """Return the mean of first - second, float or bool [n], on the same examples, with photographs resampled."""
    difference = first.astype(float) - second.astype(float)
    if not len(difference):
        return UNDEFINED
    return bootstrap(float(difference.mean()), lambda positions: float(difference[positions].mean()), photos)
