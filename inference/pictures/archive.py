"""A zip archive of pictures -> its members and their bytes, within the limits of a run."""

import functools
import zipfile
from collections import Counter
from pathlib import Path
from typing import IO

from ..errors import InputError, printable
from .limits import Limits

_STARTS = (b"PK\3\4", b"PK\5\6")  # of an archive with members, of an empty one


def is_archive(path: Path) -> bool:
    """Tell by a file's start: a photograph may hold the bytes of an archive, or have one behind it."""
    try:
        with path.open("rb") as file:
            return file.read(4) in _STARTS
    except OSError:
        return False  # it is reported where it is read


def with_slashes(member: str) -> str:
    """Return the name of an archive's member with the slashes that some programs on Windows write as backslashes."""
    return member.replace("\\", "/")


@functools.lru_cache(maxsize=4)
def open_archive(path: Path) -> zipfile.ZipFile:
    """Open an archive once: its list of members can be long."""
    try:
        return zipfile.ZipFile(path)
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as fault:  # ValueError: a name that is no UTF-8
        raise InputError(f"{printable(str(path))}: is a damaged zip archive: {fault}. Make it again.") from fault


@functools.lru_cache(maxsize=4)
def _repeated_members(path: Path) -> frozenset[str]:
    counts = Counter(with_slashes(info.filename) for info in open_archive(path).infolist())
    return frozenset(name for name, count in counts.items() if count > 1)


def read_member(path: Path, member: str, limits: Limits) -> bytes:
    """Return the bytes of a member.

    Raises:
        InputError: it is damaged, encrypted, too large, or there more than once.
    """
    if with_slashes(member) in _repeated_members(path):
        raise InputError("is in its archive more than once. Make the archive again, with one picture of this name.")
    try:
        with open_archive(path).open(member) as file:
            return read_at_most(file, open_archive(path).getinfo(member).file_size, limits)
    except (InputError, OSError, MemoryError):
        raise
    except Exception as fault:  # zipfile raises BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError
        raise InputError(f"is damaged in its archive: {fault}. Make the archive again.") from fault


def read_at_most(file: IO[bytes], size: int, limits: Limits) -> bytes:
    """Read a file whose stated size may be wrong."""
    data = b"" if size > limits.bytes else file.read(limits.bytes + 1)
    if size > limits.bytes or len(data) > limits.bytes:
        raise InputError(f"is too large: more than {limits.bytes:,} bytes. Reduce it or allow more (--max-megabytes).")
    return data
