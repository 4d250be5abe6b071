"""This command once more in a child process, for work that libraries may end without a Python exception.

JAX ends a process whose partners are lost from C++, or lets it wait for them for minutes, with pages of messages. The
child's messages of that kind go to a file; the parent reads it and says in one line what happened.
"""

import atexit
import os
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from inference.errors import InputError

_CHILD = "TOUCHSTONE_CHILD_PROCESS"
_LOST = re.compile(r"Gloo \S+ failed|coordination service|CoordinationService|DEADLINE_EXCEEDED|UNAVAILABLE")
_KILLED = (-9, -15)  # by SIGKILL, also where memory ran out, or SIGTERM
_TAIL_BYTES = 4000


def is_child() -> bool:
    """Return whether repeat_in_child started this process."""
    return _CHILD in os.environ


def repeat_in_child(remedy: str) -> int:
    """Run this process' command in a child; return its exit code.

    Raises:
        InputError: the child lost its partners, or was killed.
        SystemExit: another fault, with the end of the child's messages.
    """
    with tempfile.TemporaryDirectory() as place:
        messages = Path(place) / "messages"
        environment = {**os.environ, _CHILD: "1", "TMPDIR": place}  # what the child leaves there is deleted
        with messages.open("wb") as log:
            command = [sys.executable, *sys.orig_argv[1:]]
            child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=2, stderr=log, env=environment)
            code = child.wait()
        said = messages.read_text(encoding="utf-8", errors="replace")
    if code in (0, 2):
        return code
    if _LOST.search(said):
        raise InputError(f"another process of this training ended, or can't be reached. {remedy}")
    if code in _KILLED:
        raise InputError(f"this process of the training was ended by signal {-code}. {remedy}")
    raise SystemExit(said[-_TAIL_BYTES:])


@contextmanager
def explained() -> Iterator[None]:
    """Do a child's work: it ends with its parent, and at once where it fails, without waiting for its partners."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    sys.stderr = os.fdopen(os.dup(1), "w", buffering=1)  # what Python prints is for the user
    os.dup2(2, 1)  # messages of libraries go to the parent's file
    try:
        yield
    except BaseException as fault:
        expected = isinstance(fault, InputError | OSError)  # the command line prints these
        if not expected:
            assert sys.__stderr__ is not None
            sys.stderr = sys.__stderr__
        atexit.register(os._exit, 2 if expected else 3)  # runs before JAX' own, which was registered earlier
        raise


def _end_with_parent() -> None:
    os.read(0, 1)  # returns when the parent has ended; sys.stdin would be locked at the interpreter's end
    os._exit(2)
