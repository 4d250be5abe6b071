"""How a report spells numbers: shares as percentages, intervals with their n, bytes."""

from collections.abc import Mapping
from typing import Any

Report = Mapping[str, Any]
Estimate = Mapping[str, Any]  # value, low, high: the 95 % interval; n; value None where undefined

ABSENT = "\N{EN DASH}"


THIN = "\N{NARROW NO-BREAK SPACE}"


def share(value: float | None) -> str:
    """Return a share in [0, 1] as a percentage: 0.931 -> 93.1 %."""
    return ABSENT if value is None else f"{100 * value:.1f}{THIN}%"


def decimal(value: float | None) -> str:
    """Return a plain number with three decimals: 0.0312 -> 0.031."""
    return ABSENT if value is None else f"{value:.3f}"


STYLES = {"share": share, "decimal": decimal}


def bounds(estimate: Estimate, style: str = "share") -> str:
    """Return an interval without its n: 90.4 to 95.1 as 90.4-95.1 %, the first unit left out."""
    if estimate["low"] is None or estimate["high"] is None:
        return "no interval"
    low, high = STYLES[style](estimate["low"]), STYLES[style](estimate["high"])
    return f"{low.removesuffix(THIN + '%')}{ABSENT}{high}"


def spread(estimate: Estimate, style: str = "share") -> str:
    """Return interval and n as one text: 90.4-95.1 %, n = 464."""
    return f"{bounds(estimate, style)}, n{THIN}={THIN}{estimate['n']:,}"


def size(count: float | None) -> str:
    """Return a number of bytes in decimal units: 612345 -> 612 kB, 1234567 -> 1.23 MB."""
    if count is None:
        return ABSENT
    return f"{count / 1e6:.2f}{THIN}MB" if count >= 1e6 else f"{count / 1e3:.0f}{THIN}kB"
