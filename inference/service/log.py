"""What the server has to say -> standard error, a line of each kind once a minute: no client can fill the disk."""

import contextlib
import logging
import time
from collections.abc import Iterator

_SECONDS = 60.0
_MOST_KINDS = 1000
_FAULTS = "uvicorn.error"  # where uvicorn reports what the program did not catch: with its traceback


class OncePerMinute(logging.Filter):
    """Pass one record of each kind in a minute; the next one of the kind says how many were left out.

    A kind is a place in the program, the first line of the message before values are filled in, and the kind of the
    exception.
    """

    def __init__(self) -> None:
        super().__init__()
        self._seen: dict[object, tuple[float, int]] = {}  # when one was passed, and how many were not since

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether a record is written."""
        first_line = str(record.msg).partition("\n")[0]
        kind = (record.name, record.pathname, record.lineno, first_line, record.exc_info and record.exc_info[0])
        now = time.monotonic()
        since, left_out = self._seen.get(kind, (-_SECONDS, 0))
        if now - since < _SECONDS:
            self._seen[kind] = (since, left_out + 1)
            return False
        if len(self._seen) >= _MOST_KINDS:
            self._seen.clear()
        self._seen[kind] = (now, 0)
        record.left_out = f" ({left_out} more like it since the last)" if left_out else ""
        return True


class _Lines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        """Return one line, and the traceback of an exception that nobody caught."""
        line = " ".join(record.getMessage().split()) + getattr(record, "left_out", "")
        if not record.exc_info or record.exc_info[1] is None:
            return line
        if record.name == _FAULTS:
            return f"{line}\n{self.formatException(record.exc_info)}"
        return f"{line}: {record.exc_info[1]}"


@contextlib.contextmanager
def logging_to_stderr() -> Iterator[None]:
    """Write warnings and errors of all libraries to standard error in this way."""
    handler = logging.StreamHandler()
    handler.setLevel(logging.WARNING)
    handler.setFormatter(_Lines())
    handler.addFilter(OncePerMinute())
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)
