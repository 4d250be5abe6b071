"""A file that one process at a time works on; what a killed process had locked is free at once."""

import contextlib
import os
import sys
import time
from pathlib import Path
from typing import IO

from .errors import InputError

if sys.platform != "win32":
    import fcntl

_RETRY_SECONDS = 0.5


def open_locked(path: Path, remedy: str, patience_seconds: float = 0.0) -> IO[bytes]:
    """Open a file, made where there is none, for this process alone, until it is closed or the process ends.

    remedy: behind "Wait for its end, or ", for messages.
    patience_seconds: how long to wait for another process that may be about to end.

    Raises:
        InputError: another process works on it, or it can't be written.
    """
    last_try = time.monotonic() + patience_seconds
    while True:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o666), "r+b")
        except OSError as fault:
            remedy = remedy[0].upper() + remedy[1:]
            raise InputError(f"{path}: cannot be written: {fault.strerror or fault}. {remedy}.") from fault
        if not _lock(file):
            file.close()
            if time.monotonic() < last_try:
                time.sleep(_RETRY_SECONDS)
                continue
            raise InputError(f"{path}: another run is working on it. Wait for its end, or {remedy}.")
        with contextlib.suppress(OSError):
            if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                return file
        file.close()  # the run that had locked it has deleted it


def _lock(file: IO[bytes]) -> bool:
    """Lock a file until it is closed or the process ends; return whether no other process has locked it."""
    if sys.platform != "win32":  # where such locks are unknown
        try:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            return True  # a file system without locks
    return True
