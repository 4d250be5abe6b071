"""The progress of a batch on standard error: a bar in a terminal, else a line after five seconds, then every ten."""

import sys
import time
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

from ..streams import say, visible

_LINE_SECONDS = 10.0
_FIRST_SECONDS = 5.0
_DELAY_SECONDS = 2.0  # before a bar is shown of work that is mostly quick

Item = TypeVar("Item")


class BatchProgress:
    """Counts pictures and names faults; silent where quiet."""

    def __init__(self, total: int, quiet: bool = False, unit: str = "pictures", delay: float = 0.0) -> None:
        """total: pictures, or what unit says, that are to be done in this run. delay: seconds before a bar is shown."""
        self._total, self._quiet, self._unit = total, quiet, unit
        self._done, self._begun = 0, time.monotonic()
        self._said = self._begun + _FIRST_SECONDS - _LINE_SECONDS
        self._bar = _make_bar(total, unit, delay) if not quiet and sys.stderr.isatty() else None

    def __enter__(self) -> "BatchProgress":
        return self

    def __exit__(self, *raised: object) -> None:
        """Leave the bar as it is; what is said later comes below it."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def advance(self, count: int = 1) -> None:
        """Count one picture, or several."""
        self._done += count
        if self._bar is not None:
            self._bar.update(count)
        elif not self._quiet and time.monotonic() - self._said >= _LINE_SECONDS:
            self._said = time.monotonic()
            self.say(self._line())

    def say(self, message: str) -> None:
        """Print a line above the bar."""
        if self._bar is not None:
            self._bar.write(visible(message), file=sys.stderr)
        elif not self._quiet:
            say(message)

    def _line(self) -> str:
        rate = self._done / max(time.monotonic() - self._begun, 1e-9)
        left = (self._total - self._done) / max(rate, 1e-9)
        speed = f"{rate:,.0f} a second" if rate >= 1 else f"{1 / max(rate, 1e-9):,.0f} s each"
        return f"{self._done:,} of {self._total:,} {self._unit}, {speed}, about {duration(left)} left"


def track(items: Iterable[Item], total: int, unit: str) -> Iterator[Item]:
    """Yield the items and show how many of them are done."""
    with count(total, unit) as progress:
        for item in items:
            yield item
            progress.advance()


def count(total: int, unit: str) -> BatchProgress:
    """Return a context whose `advance` counts what is done."""
    return BatchProgress(total, unit=unit, delay=_DELAY_SECONDS)


def duration(seconds: float) -> str:
    """Return a time as minutes and seconds: 65 gives 1:05."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def _make_bar(total: int, unit: str, delay: float) -> Any:
    """Return tqdm's bar, or None where tqdm, which comes with ai-edge-litert, is missing: then lines do."""
    try:
        from tqdm import tqdm
    except ImportError:
        return None
    shown = {"dynamic_ncols": True, "smoothing": 0.1, "leave": not delay, "delay": delay}
    return tqdm(total=total, unit=f" {unit}", file=sys.stderr, **shown)
