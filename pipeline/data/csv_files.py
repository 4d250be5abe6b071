"""Rows that are dataclasses of texts and numbers <-> a CSV file whose header is their fields."""

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
    """Write the rows under a header, whole or not at all; floats with every digit."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(entry.name for entry in fields(kind))
    writer.writerows(astuple(row) for row in rows)
    write_atomically(path, text.getvalue())


def read_csv(path: Path, kind: type[Row], remedy: str) -> list[Row]:
    """Return the rows; last columns whose fields have a default may be missing, as earlier versions wrote them.

    remedy: what the user can do about a damaged file, for the message.

    Raises:
        InputError: the header is another one, or a line does not fit it.
    """
    columns = fields(kind)
    with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
        header, *lines = list(csv.reader(file)) or [[]]
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
