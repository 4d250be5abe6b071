"""CSV -> boxes: one box a line, in pixels; the header decides which column is what and how they are separated.

xmin, ymin, xmax, ymax are 0-based pixel edges (xmax = x + width); x, y is the top left corner. Where both xmax and
width are there, width and height belong to the picture or repeat the box, by custom: they are not read.
"""

import csv
import math
from dataclasses import dataclass

from inference.boxes.entries import BoxReading, check_name, quote
from inference.errors import InputError

_COLUMN_NAMES = {  # role -> the names that programs give to its column, the most telling first, as in training
    "file": ("filename", "file_name", "file", "image_path", "image_name", "image", "img", "path", "photo"),
    "left": ("xmin", "x_min", "x1", "left", "bbox_x", "x"),
    "top": ("ymin", "y_min", "y1", "top", "bbox_y", "y"),
    "right": ("xmax", "x_max", "x2", "right"),
    "bottom": ("ymax", "y_max", "y2", "bottom"),
    "width": ("width", "bbox_width", "box_width", "bbox_w", "w"),
    "height": ("height", "bbox_height", "box_height", "bbox_h", "h"),
}
_CORNERS = ("left", "top", "right", "bottom")
_EXTENT = ("left", "top", "width", "height")
_HEADER_LENGTH = 10_000  # characters; a longer first line is no header, and csv refuses it


@dataclass(frozen=True)
class _Header:
    """What the first line says: the separator, how many fields a line has and which column has which role."""

    delimiter: str
    names: list[str]
    columns: dict[str, int]

    @property
    def box_roles(self) -> tuple[str, ...]:
        return _CORNERS if {"right", "bottom"} <= self.columns.keys() else _EXTENT


def is_table(text: str) -> bool:
    """Tell whether the first line is the header of a table of boxes, complete or nearly so."""
    columns = _read_header(text.split("\n", maxsplit=1)[0]).columns
    return "file" in columns and len(columns) >= 2


def read_csv(text: str, file: str) -> BoxReading:
    """Read a table. Other columns are passed over, and so is a line that names a photograph and no box.

    Raises:
        InputError: the header lacks a column or has one twice.
    """
    lines = text.split("\n")
    header = _read_header(lines[0])
    _check_header(header, file)
    reading = BoxReading()
    for number, line in enumerate(lines[1:], start=2):
        if line.strip():
            with reading.entry(f"{file}: line {number}"):
                _read_line(line, header, reading)
    return reading


def _read_header(line: str) -> _Header:
    """Return the reading, among the three separators, that makes out the most columns."""
    readings = [_split_header(line[:_HEADER_LENGTH], delimiter) for delimiter in (",", ";", "\t")]
    return max(readings, key=lambda header: len(header.columns))


def _split_header(line: str, delimiter: str) -> _Header:
    fields = next(csv.reader([line], delimiter=delimiter), [])
    names = [field.strip().lower().replace(" ", "_") for field in fields]
    columns = {
        role: names.index(known[0])
        for role, aliases in _COLUMN_NAMES.items()
        if (known := [alias for alias in aliases if alias in names])
    }
    return _Header(delimiter, names, columns)


def _check_header(header: _Header, file: str) -> None:
    missing = [role for role in ("file", *header.box_roles) if role not in header.columns]
    if missing:
        wanted = "; ".join(f"{role}: {', '.join(_COLUMN_NAMES[role])}" for role in missing)
        raise InputError(
            f"{file}: line 1: the header lacks a column for {wanted}. Received {quote(header.names)}. Add it."
        )
    twice = sorted({name for name in header.names if header.names.count(name) > 1})
    if any(header.names[column] in twice for column in header.columns.values()):
        raise InputError(f"{file}: line 1: a column may occur once; received {', '.join(twice)} again. Rename one.")


def _read_line(line: str, header: _Header, reading: BoxReading) -> None:
    fields = _split_line(line, header)
    photo = check_name(fields[header.columns["file"]])
    texts = {role: fields[header.columns[role]] for role in header.box_roles}
    if not any(texts.values()):
        return
    left, top, third, fourth = (_parse_number(text, role) for role, text in texts.items())
    extent = (third - left, fourth - top) if header.box_roles == _CORNERS else (third, fourth)
    reading.add(photo, (left, top, *extent))


def _split_line(line: str, header: _Header) -> list[str]:
    """Return a line's fields. Lines are split one by one, so that an open quote spoils one line, not the rest."""
    try:
        fields = [field.strip() for field in next(csv.reader([line], delimiter=header.delimiter, strict=True))]
    except csv.Error as fault:
        raise InputError(f"a line must be well-formed CSV: {fault}; received {quote(line)}. Correct it.") from fault
    if len(fields) != len(header.names):
        raise InputError(
            f"a line must have the header's {len(header.names)} fields; received {len(fields)}: {quote(line)}. "
            "Correct it; a name that holds the separator needs quotes."
        )
    return fields


def _parse_number(text: str, role: str) -> float:
    try:
        number = float(text.replace("_", "?"))  # float() takes 1_000 for a number
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise InputError(f"{role} must be a finite number; received {quote(text)}. Correct or remove this box.")
    return number
