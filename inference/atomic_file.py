"""Text or bytes -> file, so that a reader sees the old content or the whole new one, whatever is killed when."""

import os
from collections.abc import Iterable
from pathlib import Path

_MOST_NAME_BYTES = 200  # of a file's name in that of its temporary file: systems take 255 in all


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write bytes, or text as UTF-8, under a temporary name and rename it; missing folders are made.

    Bytes of a file name that are no UTF-8 (Python's surrogate escapes) come out as those bytes.
    """
    write_pieces_atomically(path, [content])


def write_pieces_atomically(path: Path, pieces: Iterable[str | bytes]) -> None:
    """Write pieces as they come; see write_atomically."""
    path.parent.mkdir(parents=True, exist_ok=True)
    name = os.fsencode(path.name)[:_MOST_NAME_BYTES].decode("utf-8", "ignore")
    temporary = path.with_name(f".{name}.{os.getpid()}.part")
    try:
        with temporary.open("wb") as file:
            for piece in pieces:
                file.write(piece.encode("utf-8", "surrogateescape") if isinstance(piece, str) else piece)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
