"""Number formats of reports: shares as percentages, intervals with their n, bytes."""

from dataclasses import dataclass

from pipeline.metrics.intervals import Estimate

ABSENT = "\N{EN DASH}"
THIN = "\N{NARROW NO-BREAK SPACE}"


@dataclass(frozen=True)
class NumberStyle:
    """A number format: factor, digits after the decimal point, and unit."""

    factor: float
    digits: int
    unit: str = ""


STYLES = {"share": NumberStyle(100, 1, "%"), "decimal": NumberStyle(1, 3), "ratio": NumberStyle(1, 2)}


def show(value: float | None, style: str = "share") -> str:
    """Return a number with its unit for a page: the share 0.931 as 93.1 %, the decimal 0.0312 as 0.031."""
    return ABSENT if value is None else _digits(value, style) + (THIN + STYLES[style].unit).rstrip()


def share(value: float | None) -> str:
    """Return a share in [0, 1] as a percentage: 0.931 -> 93.1 %."""
    return show(value)


def decimal(value: float | None) -> str:
    """Return a plain number with three decimals: 0.0312 -> 0.031."""
    return show(value, "decimal")


def percent(value: float | None) -> str:
    """Return a share in ASCII, for sentences and terminals: 0.931 -> 93.1 %."""
    return f"{_digits(value, 'share')} %"


def interval(estimate: Estimate, style: str = "share", between: str = " to ") -> str:
    """Return the ends of an interval without a unit: 90.4 to 95.1."""
    return between.join(_digits(end, style) for end in (estimate.low, estimate.high))


def bounds(estimate: Estimate, style: str = "share") -> str:
    """Return an interval for a page, without its n: 90.4-95.1 %."""
    if not estimate.ends:
        return "no interval"
    return interval(estimate, style, ABSENT) + (THIN + STYLES[style].unit).rstrip()


def spread(estimate: Estimate, style: str = "share") -> str:
    """Return interval and n for a page: 90.4-95.1 %, n = 464."""
    return f"{bounds(estimate, style)}, n{THIN}={THIN}{estimate.n:,}"


def columns(estimate: Estimate, style: str = "share") -> str:
    """Return value, interval and n in columns for a terminal: 92.9 %  [90.2, 94.9]    n=464."""
    if estimate.value is None:
        return f"not defined, n={estimate.n}"
    value = f"{_digits(estimate.value, style)} {STYLES[style].unit}".rstrip()
    ends = f"[{interval(estimate, style, ', ')}]" if estimate.ends else "no interval"
    return f"{value:>7}  {ends:<14}  n={estimate.n}"


def size(count: float | None) -> str:
    """Return a number of bytes in decimal units: 612345 -> 612 kB, 1234567 -> 1.23 MB."""
    if count is None:
        return ABSENT
    return f"{count / 1e6:.2f}{THIN}MB" if count >= 1e6 else f"{count / 1e3:.0f}{THIN}kB"


def ordinal(number: int) -> str:
    """Return the ordinal of a number from 1 on: 1st, 2nd, 3rd, 4th, 11th, 21st."""
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def _digits(value: float | None, style: str) -> str:
    factor, digits = STYLES[style].factor, STYLES[style].digits
    return "?" if value is None else f"{factor * value:.{digits}f}"
