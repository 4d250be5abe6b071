"""Where results go: checked before the work, written whole or not at all, UTF-8 in every locale."""

import argparse
import os
import sys
from collections.abc import Iterable
from pathlib import Path

from inference.atomic_file import write_pieces_atomically
from inference.batch.outputs import FORMATS
from inference.errors import InputError


def output_format(options: argparse.Namespace) -> str:
    """Return the format of the results: as asked for, or as the name of --out says."""
    if options.format:
        return str(options.format)
    suffix = options.out.suffix.lower().removeprefix(".") if options.out else ""
    return suffix if suffix in FORMATS else "json"


def check_output(name: str, path: Path, overwrite: bool) -> None:
    """Refuse before the work what could only fail after it; name: the option that gave the path."""
    if path.is_dir():
        raise InputError(f"{path}: is a folder. Give the name of a file to {name}.")
    if path.exists() and not overwrite:
        raise InputError(f"{path}: exists already. Give another {name}, or --overwrite to replace it.")
    nearest = next(folder for folder in path.absolute().parents if folder.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK):
        raise InputError(
            f"{path}: cannot be written: {nearest} is no folder that you may write to. Give another {name}."
        )


def write_pieces(path: Path, pieces: Iterable[str], name: str) -> None:
    """Write text under a name that appears when it is whole; name: the option that gave the path."""
    try:
        write_pieces_atomically(path, pieces)
    except OSError as fault:
        raise InputError(f"{path}: cannot be written: {fault.strerror or fault}. Give another {name}.") from fault


def print_text(text: str) -> None:
    """Write to standard output, at once; a reader that stops, as `head` does, ends the program without a message."""
    try:
        sys.stdout.buffer.write(text.encode())
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains of it once more at its end
        raise SystemExit(1) from None
