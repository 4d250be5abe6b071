"""CSV -> Entries: one box a line; the header, or a known layout without one, decides which column is what.

xmin, ymin, xmax, ymax are 0-based pixel edges (xmax = x + width); x, y is the top left corner, x_center, y_center the
middle. Where a table has both xmax and width, width and height are usually the picture's, or repeat the box: they are
not read. A column bbox holds all four, "[x, y, width, height]". Where no header says what the numbers are, or it says
only x, y or bbox, all boxes together may tell another order.
"""

import csv
import re
from dataclasses import dataclass

from ..errors import InputError, quote
from .entries import Entries, WrittenBox, check_name, parse_number
from .order import Order

_COLUMN_NAMES = {  # role -> the names that programs give to its column, the most specific one first
    "photo": (
        *("filename", "file_name", "file", "image_path", "image_name", "image", "img", "path", "photo"),
        *("image_id", "imageid", "img_path", "filepath", "file_path", "image_file", "img_name"),
    ),
    "label": ("label", "class", "class_name", "label_name", "category", "category_name", "labelname", "classname"),
    "left": ("xmin", "x_min", "x1", "left", "bbox_x", "x"),
    "top": ("ymin", "y_min", "y1", "top", "bbox_y", "y"),
    "right": ("xmax", "x_max", "x2", "right"),
    "bottom": ("ymax", "y_max", "y2", "bottom"),
    "across": ("x_center", "x_centre", "xcenter", "center_x", "centre_x", "xc", "cx"),
    "down": ("y_center", "y_centre", "ycenter", "center_y", "centre_y", "yc", "cy"),
    "width": ("width", "bbox_width", "box_width", "bbox_w", "w"),
    "height": ("height", "bbox_height", "box_height", "bbox_h", "h"),
    "bbox": ("bbox", "bounding_box"),
    "split": ("set", "split", "subset"),
}
_CORNERS = ("left", "top", "right", "bottom")
_EXTENT = ("left", "top", "width", "height")
_CENTRE = ("across", "down", "width", "height")
_BOX = ("bbox",)
_VAGUE = ("x", "bbox_x")  # the left edge, or by hand the middle
_NUMBERS = {*_CORNERS, *_EXTENT, "number"}
_AUTOML = ("split", "photo", "label", "left", "top", "", "", "right", "bottom", "", "")  # Vertex AI too
_AUTOML_HEADER = ["set", "path", "label", "x_min", "y_min", "x_max", "y_min", "x_max", "y_max", "x_min", "y_max"]
# Tables without header: the role of each field; "number" and "text" are not read, "" is empty or not read.
_LAYOUTS = (
    ("photo", "left", "top", "right", "bottom", "label"),  # keras-retinanet
    ("photo", "label", "left", "top", "right", "bottom"),
    _AUTOML,
    ("photo", "label", "left", "top", "", "", "right", "bottom", "", ""),  # the same without sets
    ("label", "left", "top", "width", "height", "photo", "number", "number"),  # make-sense
    ("photo", "number", "number", "label", "left", "top", "right", "bottom"),  # TensorFlow's tutorials
)
_DELIMITERS = (",", ";", "\t", "|")
_SEPARATOR = re.compile(r'"?sep=(.)"?\s*$', re.IGNORECASE)  # the line by which Excel is told the separator
_HEADER_LENGTH = 10_000  # characters; a longer first line is not a header, and csv refuses it


@dataclass(frozen=True)
class _Header:
    """What the first line says: the separator, how many fields a line has and which column has which role."""

    delimiter: str
    names: list[str]
    columns: dict[str, int]
    lines: int = 1  # how many lines come before the first box
    named: bool = True  # the first line names the columns

    @property
    def box_roles(self) -> tuple[str, ...]:
        if {"right", "bottom"} <= self.columns.keys():
            return _CORNERS
        if "bbox" in self.columns:
            return _BOX
        return _CENTRE if {"across", "down"} <= self.columns.keys() else _EXTENT

    @property
    def orders(self) -> tuple[Order, ...]:
        """Return what the numbers of a box may be, what they usually are first; one where the header says it."""
        roles = self.box_roles
        usual = Order.CORNERS if roles == _CORNERS else Order.CENTRE if roles == _CENTRE else Order.EXTENT
        if roles == _BOX or (not self.named and tuple(self.names[self.columns["left"] :][:4]) == _CORNERS):
            return (usual, *(order for order in Order if order is not usual))
        vague = roles == _EXTENT and self.names[self.columns["left"]] in _VAGUE
        return (usual, Order.CENTRE) if vague else (usual,)


def is_csv(text: str) -> bool:
    """Tell whether a text is a table of boxes, if perhaps one with an incomplete header."""
    return _is_table(_read_header(text))


def read_csv(text: str, file: str, labelled: bool) -> Entries:
    """Return what a table says. A line with the name of a photograph alone stands for a photograph without boxes.

    labelled: every box must have a label.

    Raises:
        InputError: the header lacks a column or has one twice.
    """
    header = _read_header(text)
    box_roles = ("label", *header.box_roles) if labelled else header.box_roles
    _check_header(header, ("photo", *box_roles), file)
    found = Entries("csv")
    for number, line in enumerate(text.split("\n")[header.lines :], start=header.lines + 1):
        if line.strip():
            _read_line(found, line, header, f"{file}: line {number}", box_roles)
    return found


def _read_header(text: str) -> _Header:
    """Return the header as split by the separator that gives the most known columns, else a layout without header."""
    first, _, rest = text[: 2 * _HEADER_LENGTH].partition("\n")
    told = _SEPARATOR.match(first)
    line, delimiters, lines = (rest.partition("\n")[0], (told[1],), 2) if told else (first, _DELIMITERS, 1)
    splits = {delimiter: _split_fields(line[:_HEADER_LENGTH], delimiter) for delimiter in delimiters}
    readings = [_name_columns(fields, delimiter, lines) for delimiter, fields in splits.items()]
    header = max(readings, key=lambda header: len(header.columns))
    if header.names == _AUTOML_HEADER:  # it has two columns of each name
        return _lay_out(header.delimiter, _AUTOML, lines)
    if _is_table(header):
        return header
    found = [
        (delimiter, layout) for delimiter in delimiters for layout in _LAYOUTS if _has_layout(splits[delimiter], layout)
    ]
    return _lay_out(*found[0], lines - 1) if found else header


def _lay_out(delimiter: str, layout: tuple[str, ...], lines: int) -> _Header:
    columns = {role: layout.index(role) for role in _COLUMN_NAMES if role in layout}
    return _Header(delimiter, list(layout), columns, lines, named=False)


def _is_table(header: _Header) -> bool:
    return "photo" in header.columns and bool(header.columns.keys() - {"photo", "split"})


def _split_fields(line: str, delimiter: str) -> list[str]:
    return [field.strip() for field in next(csv.reader([line], delimiter=delimiter), [])]


def _name_columns(fields: list[str], delimiter: str, lines: int) -> _Header:
    names = [re.sub(r"[\s-]+", "_", field.lower()) for field in fields]
    columns = {
        role: names.index(known[0])
        for role, aliases in _COLUMN_NAMES.items()
        if (known := [alias for alias in aliases if alias in names])
    }
    return _Header(delimiter, names, columns, lines)


def _has_layout(fields: list[str], layout: tuple[str, ...]) -> bool:
    """Tell whether the fields of a line are numbers where a layout has numbers, and text where it has names."""
    if len(fields) != len(layout):
        return False
    expected = [(field, role) for field, role in zip(fields, layout, strict=True) if role and field]
    named = {role for _, role in expected} - {"split", "number"}
    return (named == {"photo"} or {*layout} - {"split", "number", ""} == named) and all(
        _is_number(field) == (role in _NUMBERS) or role == "label" for field, role in expected
    )


def _is_number(text: str) -> bool:
    try:
        float(text.replace(",", "."))
    except ValueError:
        return False
    return True


def _check_header(header: _Header, roles: tuple[str, ...], file: str) -> None:
    missing = [role for role in roles if role not in header.columns]
    if missing:
        wanted = "; ".join(f"{role}: {', '.join(_COLUMN_NAMES[role])}" for role in missing)
        raise InputError(
            f"{file}: line {header.lines}: the header lacks a column for {wanted}. "
            f"Received {quote(header.names)}. Add it."
        )
    twice = sorted({name for name in header.names if header.names.count(name) > 1})
    if any(header.names[header.columns[role]] in twice for role in roles):
        raise InputError(
            f"{file}: line {header.lines}: a column may occur once; received {', '.join(twice)} again. Rename one."
        )


def _read_line(found: Entries, line: str, header: _Header, origin: str, box_roles: tuple[str, ...]) -> None:
    """Add the photograph, on its first line, and the box of one line, if it has any."""
    fields: dict[str, str] = {}
    with found.collect_refusal(origin, _guess_photo(line, header)):
        fields = _split_line(line, header)
    if not fields:
        return
    with found.collect_refusal(origin, fields["photo"]):
        found.name_photo(check_name(fields["photo"]), origin, fields.get("split", ""))
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
    written = ", ".join(f"{name} {text}" for name, text in texts.items())
    if roles == _BOX:
        parts = fields["bbox"].strip("[]() ").replace(";", ",").split(",")
        if len(parts) != 4:
            raise InputError(
                f"bbox must be [x, y, width, height]; received {quote(fields['bbox'])}. Correct or remove it."
            )
        texts = dict(zip(_EXTENT, parts, strict=True))
    left, top, third, fourth = (_parse_coordinate(text, name, header.delimiter) for name, text in texts.items())
    numbers = (left, top, third, fourth)
    return WrittenBox(fields["photo"], fields.get("label"), numbers, header.orders, origin, written)


def _parse_coordinate(text: str, name: str, delimiter: str) -> float:
    """Return a number; with another separator than the comma, a comma is that of a decimal."""
    return parse_number(text if delimiter == "," or text.count(",") != 1 else text.replace(",", "."), name)
