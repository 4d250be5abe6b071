"""Estimates with 95 % intervals and n: the form of all figures in reports and cards."""

import math
from dataclasses import dataclass

import numpy as np

_Z = 1.959963984540054  # 97.5 % point of the normal distribution


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
    """Return a share with its Wilson score interval (Wilson 1927): 8 of 10 is 0.8, from 0.490 to 0.943.

    Not by scipy, which a runner lacks; a test compares.
    """
    if n == 0:
        return UNDEFINED
    share = successes / n
    weight = 1 / (1 + _Z**2 / n)
    middle = weight * (share + _Z**2 / (2 * n))
    half = weight * _Z * math.sqrt(share * (1 - share) / n + (_Z / (2 * n)) ** 2)
    # at the ends the limit is exactly 0 or 1, which rounding misses
    return Estimate(share, middle - half if successes else 0.0, middle + half if successes < n else 1.0, n)


def share_of(hits: np.ndarray) -> Estimate:
    """Return the share of True in bool [n], as a proportion."""
    return proportion(int(hits.sum()), len(hits))
