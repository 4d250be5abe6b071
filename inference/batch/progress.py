"""The progress of a batch on standard error: a bar in a terminal, a line every ten seconds otherwise."""

import sys
import time
from typing import Any

from inference.streams import say, visible

_LINE_SECONDS = 10.0


class BatchProgress:
    """Counts pictures and names faults; silent where quiet."""

    def __init__(self, total: int, quiet: bool = False) -> None:
        """total: pictures that are to be done in this run."""
        self._total, self._quiet = total, quiet
        self._done, self._begun = 0, time.monotonic()
        self._said = self._begun
        self._bar = _make_bar(total) if not quiet and sys.stderr.isatty() else None

    def __enter__(self) -> "BatchProgress":
        return self

    def __exit__(self, *raised: object) -> None:
        """Leave the bar as it is; what is said later comes below it."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def advance(self) -> None:
        """Count one picture."""
        self._done += 1
        if self._bar is not None:
            self._bar.update()
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
        return f"{self._done:,} of {self._total:,} pictures, {rate:,.0f} a second, about {_duration(left)} left"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def _make_bar(total: int) -> Any:
    """Return tqdm's bar, or None where tqdm, which comes with ai-edge-litert, is missing: then lines do."""
    try:
        from tqdm import tqdm
    except ImportError:
        return None
    return tqdm(total=total, unit=" pictures", file=sys.stderr, dynamic_ncols=True, smoothing=0.1)
