"""Estimates with 95 % intervals and n: the form of all figures in a report."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import binomtest

from pipeline.random_generator import make_generator

RESAMPLES = 1000


@dataclass(frozen=True)
class Estimate:
    """A value with its 95 % interval, measured on n examples; undefined parts are None."""

    value: float | None
    low: float | None
    high: float | None
    n: int

    @property
    def ends(self) -> tuple[float, float] | None:
        """Return low and high; None without an interval."""
        return None if self.low is None or self.high is None else (self.low, self.high)

    def is_above(self, level: float | None) -> bool:
        """Return whether the whole interval is above a level; False if either is undefined."""
        return self.low is not None and level is not None and self.low > level

    def is_below(self, level: float | None) -> bool:
        """Return whether the whole interval is below a level; False if either is undefined."""
        return self.high is not None and level is not None and self.high < level


UNDEFINED = Estimate(None, None, None, 0)


def proportion(successes: int, n: int) -> Estimate:
    """Return a share with its Wilson score interval (Wilson 1927): 8 of 10 is 0.8, from 0.490 to 0.943."""
    if n == 0:
        return UNDEFINED
    interval = binomtest(successes, n).proportion_ci(method="wilson")
    return Estimate(successes / n, float(interval.low), float(interval.high), n)


def share_of(hits: np.ndarray) -> Estimate:
    """Return the share of True in bool [n], as a proportion."""
    return proportion(int(hits.sum()), len(hits))


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

    Wilson's interval assumes that patches of one photograph are independent; the bootstrap interval has no width if
    every patch is right.

    Args: hits bool [n]; photos str [n], as for bootstrap.
    """
    share = share_of(hits)
    if not len(hits):
        return share
    drawn = bootstrap(share.value, lambda positions: float(hits[positions].mean()), photos)
    lows, highs = zip(*(one.ends for one in (share, drawn) if one.ends), strict=True)
    return replace(share, low=min(lows), high=max(highs))


def mean_difference(first: np.ndarray, second: np.ndarray, photos: np.ndarray) -> Estimate:
    """Return the mean of first - second, float or bool [n], on the same examples, with photographs resampled."""
    difference = first.astype(float) - second.astype(float)
    if not len(difference):
        return UNDEFINED
    return bootstrap(float(difference.mean()), lambda positions: float(difference[positions].mean()), photos)
