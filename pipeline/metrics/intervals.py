"""A measured value with its 95 % interval and n: the only form in which figures enter a report."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import binomtest

from pipeline.random_generator import make_generator

RESAMPLES = 1000


@dataclass(frozen=True)
class Estimate:
    """A value with its 95 % interval, measured on n examples; None where one is undefined."""

    value: float | None
    low: float | None
    high: float | None
    n: int

    @property
    def ends(self) -> tuple[float, float] | None:
        """Return low and high; None without an interval."""
        return None if self.low is None or self.high is None else (self.low, self.high)

    def is_above(self, level: float | None) -> bool:
        """Tell whether the whole interval lies above a level; False where either is undefined."""
        return self.low is not None and level is not None and self.low > level

    def is_below(self, level: float | None) -> bool:
        """Tell whether the whole interval lies below a level; False where either is undefined."""
        return self.high is not None and level is not None and self.high < level


UNDEFINED = Estimate(None, None, None, 0)


def proportion(successes: int, n: int) -> Estimate:
    """Return a share with its Wilson score interval (Wilson 1927): 8 of 10 is 0.8, from 0.490 to 0.943."""
    if n == 0:
        return UNDEFINED
    interval = binomtest(successes, n).proportion_ci(method="wilson")
    return Estimate(successes / n, float(interval.low), float(interval.high), n)


def share_of(hits: np.ndarray) -> Estimate:
    """Return the share that is true of bool [n], as a proportion."""
    return proportion(int(hits.sum()), len(hits))


def bootstrap(value: float | None, statistic: Callable[[np.ndarray], float | None], photos: np.ndarray) -> Estimate:
    """Return a value measured on examples with a percentile interval over resampled photographs.

    Patches of one photograph are alike, so photographs are drawn, not patches (cluster bootstrap; Davison and
    Hinkley 1997, chapter 3.8). The draws depend on nothing but the number of photographs. Written by hand because
    scipy.stats.bootstrap draws single examples: it knows neither clusters of different sizes nor undefined resamples.

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
    return Estimate(value, low, high, len(photos))


def share_over_photos(hits: np.ndarray, photos: np.ndarray) -> Estimate:
    """Return a share with the wider of two 95 % intervals: Wilson's, and the one over resampled photographs.

    Wilson's takes patches of one photograph for independent, the other one has no width where every patch is right:
    each is too narrow where the other one is not.

    Args: hits bool [n]; photos str [n], as for bootstrap.
    """
    share = share_of(hits)
    if not len(hits):
        return share
    drawn = bootstrap(share.value, lambda places: float(hits[places].mean()), photos)
    lows, highs = zip(*(one.ends for one in (share, drawn) if one.ends), strict=True)
    return replace(share, low=min(lows), high=max(highs))


def mean_difference(first: np.ndarray, second: np.ndarray, photos: np.ndarray) -> Estimate:
    """Return the mean of first - second, float or bool [n], on the same examples, photographs resampled."""
    difference = first.astype(float) - second.astype(float)
    if not len(difference):
        return UNDEFINED
    return bootstrap(float(difference.mean()), lambda places: float(difference[places].mean()), photos)
