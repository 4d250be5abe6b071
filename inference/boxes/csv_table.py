"""CSV -> Entries: one box a line, in pixels; the header decides which column is what and how they are separated.

xmin, ymin, xmax, ymax are 0-based pixel edges (xmax = x + width); x, y is the top left corner. Where a table has
both xmax and width, width and height are usually the picture's, or repeat the box: they are not read.
"""

import csv
from dataclasses import dataclass

from inference.boxes.entries import Entries, WrittenBox, check_name, parse_number
from inference.errors import InputError, quote

_COLUMN_NAMES = {  # role -> the names that programs give to its column, the most specific one first
    "photo": ("filename", "file_name", "file", "image_path", "image_name", "image", "img", "path", "photo"),
    "label": ("label", "class", "class_name", "label_name", "category", "category_name"),
    "left": ("xmin", "x_min", "x1", "left", "bbox_x", "x"),
    "top": ("ymin", "y_min", "y1", "top", "bbox_y", "y"),
    "right": ("xmax", "x_max", "x2", "right"),
    "bottom": ("ymax", "y_max", "y2", "bottom"),
    "width": ("width", "bbox_width", "box_width", "bbox_w", "w"),
    "height": ("height", "bbox_height", "box_height", "bbox_h", "h"),
}
_CORNERS = ("left", "top", "right", "bottom")
_EXTENT = ("left", "top", "width", "height")
_HEADER_LENGTH = 10_000  # characters; a longer first line is not a header, and csv refuses it


@dataclass(frozen=True)
class _Header:
    """What the first line says: the separator, how many fields a line has and which column has which role."""

    delimiter: str
    names: list[str]
    columns: dict[str, int]

    @property
    def box_roles(self) -> tuple[str, ...]:
        return _CORNERS if {"right", "bottom"} <= self.columns.keys() else _EXTENT


def is_csv(text: str) -> bool:
    """Tell whether the first line is the header of a table of boxes, if perhaps an incomplete one."""
    columns = _read_header(text.split("\n", maxsplit=1)[0]).columns
    return "photo" in columns and len(columns) >= 2


def read_csv(text: str, file: str, labelled: bool) -> Entries:
    """Return what a table says. A line with the name of a photograph alone stands for a photograph without boxes.

    labelled: every box must have a label.

    Raises:
        InputError: the header lacks a column or has one twice.
    """
    lines = text.split("\n")
    header = _read_header(lines[0])
    box_roles = ("label", *header.box_roles) if labelled else header.box_roles
    _check_header(header, ("photo", *box_roles), file)
    found = Entries("csv")
    for number, line in enumerate(lines[1:], start=2):
        if line.strip():
            _read_line(found, line, header, f"{file}: line {number}", box_roles)
    return found


def _read_header(line: str) -> _Header:
    """Return the header as split by the separator that gives the most known columns."""
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


def _check_header(header: _Header, roles: tuple[str, ...], file: str) -> None:
    missing = [role for role in roles if role not in header.columns]
    if missing:
        wanted = "; ".join(f"{role}: {', '.join(_COLUMN_NAMES[role])}" for role in missing)
        raise InputError(
            f"{file}: line 1: the header lacks a column for {wanted}. Received {quote(header.names)}. Add it."
        )
    twice = sorted({name for name in header.names if header.names.count(name) > 1})
    if any(header.names[header.columns[role]] in twice for role in roles):
        raise InputError(f"{file}: line 1: a column may occur once; received {', '.join(twice)} again. Rename one.")


def _read_line(found: Entries, line: str, header: _Header, origin: str, box_roles: tuple[str, ...]) -> None:
    """Add the photograph, on its first line, and the box of one line, if it has any."""
    fields: dict[str, str] = {}
    with found.collect_refusal(origin, _guess_photo(line, header)):
        fields = _split_line(line, header)
    if not fields:
        return
    with found.collect_refusal(origin, fields["photo"]):
        found.name_photo(check_name(fields["photo"]), origin)
        if any(fields[role] for role in box_roles):
            found.boxes.append(_read_box(fields, header, origin))


def _guess_photo(line: str, header: _Header) -> str | None:
    """Return what may be the name of the photograph in a line that is not valid CSV."""
    pieces = line.split(header.delimiter)
    column = header.columns["photo"]
    return pieces[column].strip(' "') if column < len(pieces) else None


def _split_line(line: str, header: _Header) -> dict[str, str]:
    """Return the field of each role. Lines are split one by one, so that an open quote affects one line only."""
    try:
        fields = [field.strip() for field in next(csv.reader([line], delimiter=header.delimiter, strict=True))]
    except csv.Error as fault:
        raise InputError(f"a line must be well-formed CSV: {fault}; received {quote(line)}. Correct it.") from fault
    if len(fields) != len(header.names):
        raise InputError(
            f"a line must have the header's {len(header.names)} fields; received {len(fields)}: {quote(line)}. "
            "Correct it; a name that holds the separator needs quotes."
        )
    return {role: fields[column] for role, column in header.columns.items()}


def _read_box(fields: dict[str, str], header: _Header, origin: str) -> WrittenBox:
    roles = header.box_roles
    texts = {header.names[header.columns[role]]: fields[role] for role in roles}
    left, top, third, fourth = (parse_number(text, name) for name, text in texts.items())
    written = ", ".join(f"{name} {text}" for name, text in texts.items())
    numbers = (left, top, third, fourth)
    return WrittenBox(fields["photo"], fields.get("label"), numbers, roles == _CORNERS, origin, written)
