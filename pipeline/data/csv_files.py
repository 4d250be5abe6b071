"""Rows as dataclasses of strings and numbers <-> CSV files with the field names as header."""

import csv
import io
from collections.abc import Callable, Iterable
from dataclasses import MISSING, astuple, fields
from pathlib import Path
from typing import Any, TypeVar

from inference.atomic_file import write_atomically
from inference.errors import InputError

Row = TypeVar("Row", bound=Any)  # a dataclass
_PARSERS: dict[Any, Callable[[str], Any]] = {str: str, int: int, float: float}


def write_csv(path: Path, kind: type[Row], rows: Iterable[Row]) -> None:
    """Write header and rows atomically; floats are written with full precision."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(entry.name for entry in fields(kind))
    writer.writerows(astuple(row) for row in rows)
    write_atomically(path, text.getvalue())


def read_csv(path: Path, kind: type[Row], remedy: str) -> list[Row]:
    """Return the rows; trailing columns of fields with a default may be missing, as in files of earlier versions.

    remedy: for the error message, what the user can do about a damaged file.

    Raises:
        InputError: the header is wrong, or a line does not match it.
    """
    columns = fields(kind)
    try:
        with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
            header, *lines = list(csv.reader(file)) or [[]]
    except (OSError, csv.Error) as fault:
        raise InputError(f"{path}: is no CSV file: {fault}. {remedy}") from fault
    names = [entry.name for entry in columns]
    if header != names[: len(header)] or any(entry.default is MISSING for entry in columns[len(header) :]):
        raise InputError(f"{path}: line 1 must be {','.join(names)}. Received: {header}. {remedy}")
    parsers = [_PARSERS[entry.type] for entry in columns[: len(header)]]
    rows = []
    for number, line in enumerate(lines, start=2):
        try:
            rows.append(kind(*(parse(text) for parse, text in zip(parsers, line, strict=True))))
        except ValueError as fault:
            raise InputError(f"{path}: line {number}: {fault}. Received: {line}. {remedy}") from fault
    return rows
