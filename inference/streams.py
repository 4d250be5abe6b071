"""Standard streams that are closed or full: a run goes on without them, and no traceback tells of them."""

import os
import sys
from typing import TextIO

_CONTROL = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))}


def open_closed_streams() -> None:
    """Put the null device where a standard stream is closed.

    Else the next file that is opened, such as the journal, takes its number, and what LiteRT's C++ side writes to
    standard error lands in it.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # the lowest free number
    if sys.stderr is None:
        sys.stderr = os.fdopen(2, "w", closefd=False)


def say(message: str) -> None:
    """Print a line on standard error, as `visible` returns it; do nothing where that can't be written."""
    try:
        print(visible(message), file=sys.stderr, flush=True)
    except OSError:
        silence(sys.stderr)


def visible(message: str) -> str:
    """Return a message with its control characters spelled out, so that no file name can command the terminal."""
    return message.translate(_CONTROL)


def silence(stream: TextIO) -> None:
    """Send to the null device what a stream still holds, or Python complains of it once more at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
