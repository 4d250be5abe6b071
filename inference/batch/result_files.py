"""Where results go: checked before the work, written whole or not at all, UTF-8 in every locale."""

import argparse
import os
import sys
from collections.abc import Iterable
from pathlib import Path

from ..atomic_file import write_pieces_atomically
from ..errors import InputError
from ..streams import silence
from .file_names import identify
from .outputs import FORMATS

_FOLDERS = ("preview", "masks", "scores")
_LOOKED_AT = 4096  # bytes; pictures, archives and models have a NUL among these, texts have none


def output_format(options: argparse.Namespace) -> str:
    """Return the format of the results: as asked for, or as the name of --out says."""
    if options.format:
        return str(options.format)
    suffix = options.out.suffix.lower().removeprefix(".") if options.out else ""
    return suffix if suffix in FORMATS else "json"


def check_outputs(options: argparse.Namespace) -> None:
    """Refuse before the work what could only fail after it, and to replace what no run has written.

    A killed run that is resumed may have written its files already; while its journal is there, they are replaced.

    Raises:
        InputError: a path can't be written, is an input, or is given twice.
    """
    resumed = options.resume and options.out is not None and journal_path(options.out).exists()
    overwrite = options.overwrite or resumed
    if options.out is not None:
        check_output("--out", options.out, overwrite)
        check_output("--out", journal_path(options.out), overwrite=True)
        _check_replaceable("--out", options.out, options)
        _check_replaceable("--out", journal_path(options.out), options)
    if options.errors is not None:
        check_output("--errors", options.errors, overwrite)
        _check_replaceable("--errors", options.errors, options)
        if options.out and _same(options.errors, options.out, journal_path(options.out)):
            raise InputError(f"{options.errors}: is where --out writes. Give another --errors.")
    if options.out is None and sys.stdout is None:
        raise InputError("standard output is closed. Give --out FILE.")
    for name in _FOLDERS:
        if (folder := getattr(options, name)) is not None:
            _check_folder(f"--{name}", folder)


def journal_path(out: Path) -> Path:
    """Return where the answers of a run are kept until --out is written."""
    return Path(f"{out}.journal")


def _same(path: Path, *others: Path) -> bool:
    return os.path.realpath(path) in map(os.path.realpath, others)


def check_output(name: str, path: Path, overwrite: bool) -> None:
    """Refuse before the work what could only fail after it; name: the option that gave the path."""
    if path.is_dir():
        raise InputError(f"{path}: is a folder. Give the name of a file to {name}.")
    if path.exists() and not path.is_file():
        raise InputError(f"{path}: is no regular file. Give another {name}.")
    if path.exists() and not overwrite:
        raise InputError(f"{path}: exists already. Give another {name}, or --overwrite to replace it.")
    _check_writable(name, _target(path))


def _check_replaceable(name: str, path: Path, options: argparse.Namespace) -> None:
    """Refuse what exists and is an input, under any of its names, or no text, as results are."""
    if not path.exists():
        return
    inputs = [options.model, options.boxes, options.labels, options.video, *options.images]
    if identify(path) in [identify(Path(one)) for one in inputs if one]:
        raise InputError(f"{path}: is an input of this run. Give another {name}.")
    try:
        is_text = b"\0" not in _first_bytes(path)
    except OSError as fault:
        raise InputError(f"{path}: cannot be read: {fault.strerror or fault}. Give another {name}.") from fault
    if not is_text:
        raise InputError(f"{path}: is not replaced, because no run has written it. Give another {name}.")


def _first_bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_LOOKED_AT)


def _check_folder(name: str, folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}: is no folder. Give another {name}.")
    _check_writable(name, folder / "file")


def _check_writable(name: str, path: Path) -> None:
    nearest = next(folder for folder in path.absolute().parents if folder.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK):
        raise InputError(
            f"{path}: cannot be written: {nearest} is no folder that you may write to. Give another {name}."
        )


def write_pieces(path: Path, pieces: Iterable[str | bytes], name: str) -> None:
    """Write text or bytes under a name that appears when it is whole; name: the option that gave the path.

    Where the path is a symbolic link, the file that it leads to is written, as a shell's > does.
    """
    try:
        write_pieces_atomically(_target(path), pieces)
    except OSError as fault:
        raise InputError(f"{path}: cannot be written: {fault.strerror or fault}. Give another {name}.") from fault


def _target(path: Path) -> Path:
    return Path(os.path.realpath(path))


def print_text(text: str) -> None:
    """Write to standard output, at once; a reader that stops, as `head` does, ends the program without a message.

    Raises:
        InputError: it can't be written.
    """
    try:
        sys.stdout.buffer.write(text.encode())
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        silence(sys.stdout)
        raise SystemExit(1) from None
    except OSError as fault:
        silence(sys.stdout)
        raise InputError(f"standard output cannot be written: {fault.strerror or fault}.") from fault
