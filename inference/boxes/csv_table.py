"""CSV -> Entries: one box a line; the header, or a known layout without one, decides which column is what.

xmin, ymin, xmax, ymax are 0-based pixel edges (xmax = x + width); x, y is the top left corner, x_center, y_center the
middle. Where a table has both xmax and width, width and height are the picture's, unless they repeat the box. A column
bbox holds all four, "[x, y, width, height]". Where no header says what the numbers are, or it says only x, y or bbox,
all boxes together may tell another order.
"""

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..errors import InputError, quote
from .entries import Entries, WrittenBox, check_name, parse_number, stated_size
from .order import Order

_COLUMN_NAMES = {  # role -> the names that programs give to its column, the most specific one first
    "photo": (
        *("filename", "file_name", "file", "image_path", "image_name", "image", "img", "path", "photo"),
        *("image_id", "imageid", "img_path", "filepath", "file_path", "image_file", "img_name", "image_filename"),
        *("image_file_name", "photo_name", "picture", "fname", "image_url", "url", "image_uri", "uri", "external_id"),
        "frame",
    ),
    "label": (
        *("label", "class", "class_name", "label_name", "category", "category_name", "labelname", "classname"),
        *("class_label", "labels", "object_class", "species", "tag", "object", "type", "name"),
        *("class_id", "label_id", "category_id"),
    ),
    "left": (
        *("xmin", "x_min", "x0", "x1", "left", "min_x", "start_x", "xtl", "bbox_xmin", "bbox_x1", "box_xmin", "box_x1"),
        *("top_left_x", "bbox_left", "box_left", "bbox_x", "box_x", "x"),
    ),
    "top": (
        *("ymin", "y_min", "y0", "y1", "top", "min_y", "start_y", "ytl", "bbox_ymin", "bbox_y1", "box_ymin", "box_y1"),
        *("top_left_y", "bbox_top", "box_top", "bbox_y", "box_y", "y"),
    ),
    "right": (
        *("xmax", "x_max", "x2", "right", "max_x", "end_x", "xbr", "bbox_xmax", "bbox_x2", "box_xmax", "box_x2"),
        *("bottom_right_x", "bbox_right", "box_right", "x1"),  # x1 beside x0
    ),
    "bottom": (
        *("ymax", "y_max", "y2", "bottom", "max_y", "end_y", "ybr", "bbox_ymax", "bbox_y2", "box_ymax", "box_y2"),
        *("bottom_right_y", "bbox_bottom", "box_bottom", "y1"),
    ),
    "across": ("x_center", "x_centre", "xcenter", "center_x", "centre_x", "xc", "cx"),
    "down": ("y_center", "y_centre", "ycenter", "center_y", "centre_y", "yc", "cy"),
    "width": ("width", "bbox_width", "box_width", "bbox_w", "box_w", "w"),
    "height": ("height", "bbox_height", "box_height", "bbox_h", "box_h", "h"),
    "bbox": ("bbox", "bounding_box", "box", "bboxes"),
    "picture_width": ("image_width", "img_width", "picture_width", "photo_width", "original_width"),
    "picture_height": ("image_height", "img_height", "picture_height", "photo_height", "original_height"),
    "split": ("set", "split", "subset"),
}
_CORNERS = ("left", "top", "right", "bottom")
_EXTENT = ("left", "top", "width", "height")
_CENTRE = ("across", "down", "width", "height")
_BOX = ("bbox",)
_VAGUE = ("x", "bbox_x")  # the left edge, or by hand the middle
_PICTURE = ("picture_width", "picture_height")
_NUMBERS = {*_CORNERS, *_EXTENT, *_PICTURE}
_AUTOML = ("split", "photo", "label", "left", "top", "", "", "right", "bottom", "", "")  # Vertex AI too
_AUTOML_HEADER = ["set", "path", "label", "x_min", "y_min", "x_max", "y_min", "x_max", "y_max", "x_min", "y_max"]
# Tables without header: the role of each field, "" of one that is empty or not read.
_LAYOUTS = (
    ("photo", "left", "top", "right", "bottom", "label"),  # keras-retinanet
    ("photo", "label", "left", "top", "right", "bottom"),
    _AUTOML,
    ("photo", "label", "left", "top", "", "", "right", "bottom", "", ""),  # the same without sets
    ("label", "left", "top", "width", "height", "photo", *_PICTURE),  # make-sense
    ("photo", *_PICTURE, "label", "left", "top", "right", "bottom"),  # TensorFlow's tutorials
)
_DELIMITERS = (",", ";", "\t", "|")
_SEPARATOR = re.compile(r'"?sep=(.)"?\s*$', re.IGNORECASE)  # the line by which Excel is told the separator
_THOUSANDS = re.compile(r"\d{1,3},\d{3}")
_NOTHING = ("", "nan", "none", "null")  # what a photograph without boxes has in its columns
_ROUNDING = 1.01  # of a picture's size in pixels, and of a fraction
_MOST_NAMES = 4  # of a column, that a message lists
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
    sizes: dict[str, set[tuple[object, object] | None]] = {}
    for number, line in enumerate(text.split("\n")[header.lines :], start=header.lines + 1):
        if not _is_passed_over(line, header):
            fields = _read_line(found, line, header, f"{file}: line {number}", box_roles)
            sizes.setdefault(fields.get("photo", ""), set()).add(_stated_size(fields, header))
    if not _repeat_boxes(found, sizes):
        known = {name: some.copy().pop() for name, some in sizes.items() if len(some) == 1}
        found.photos = [replace(photo, stated_size=known.get(photo.name)) for photo in found.photos]
    return found


def _is_passed_over(line: str, header: _Header) -> bool:
    """Tell empty lines, those of separators alone, comments, and a header that is repeated where tables were joined."""
    fields = _split_fields(line[:_HEADER_LENGTH], header.delimiter)
    comment = line.startswith("#") and len(fields) != len(header.names)
    return not any(fields) or comment or (header.named and _spell_names(fields) == header.names)


def _stated_size(fields: dict[str, str], header: _Header) -> tuple[object, object] | None:
    """Return what may be the size of the picture of a line: columns of its own, or width and height beside edges."""
    roles = _PICTURE if _PICTURE[0] in fields else ("width", "height") if header.box_roles in (_CORNERS, _BOX) else ()
    return stated_size(*(fields.get(role, "") for role in roles)) if roles else None


def _repeat_boxes(found: Entries, sizes: dict[str, set[tuple[object, object] | None]]) -> bool:
    """Tell whether the sizes of pictures may be those of their boxes, or are of no use since boxes are fractions."""
    small = all(max(map(abs, box.numbers)) <= _ROUNDING for box in found.boxes)
    return small or all(
        any(size is None or _fit(size, box.extent) for size in sizes.get(box.photo, ())) for box in found.boxes
    )


def _fit(size: tuple[object, object], extent: tuple[float, float, float, float]) -> bool:
    sides = [side for side in size if isinstance(side, int | float)]
    return len(sides) == 2 and all(abs(a - b) <= _ROUNDING for a, b in zip(sides, extent[2:], strict=True))


def _read_header(text: str) -> _Header:
    """Return what the first line says that is neither empty nor a comment; see _read_first."""
    lines = text[: 2 * _HEADER_LENGTH].split("\n")
    told = None
    for number, line in enumerate(lines, start=1):
        if separator := _SEPARATOR.match(line):
            told = separator[1]
        elif line.strip():
            header = _read_first(line[:_HEADER_LENGTH], (told,) if told else _DELIMITERS, number)
            if _is_table(header) or not line.startswith("#"):
                return header
    return _Header(",", [], {})


def _read_first(line: str, delimiters: Sequence[str], lines: int) -> _Header:
    """Return the header as split by the separator that gives the most known columns, else a layout without header."""
    splits = {delimiter: _split_fields(line, delimiter) for delimiter in delimiters}
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
    return "photo" in header.columns and bool(header.columns.keys() - {"photo", "label", "split", *_PICTURE})


def _split_fields(line: str, delimiter: str) -> list[str]:
    reader = csv.reader([line], delimiter=delimiter, skipinitialspace=True)
    return [field.strip() for field in next(reader, [])]


def _name_columns(fields: list[str], delimiter: str, lines: int) -> _Header:
    names = _spell_names(fields)
    plain = [_plain(name) for name in names]
    columns = {
        role: plain.index(known[0])
        for role, aliases in _COLUMN_NAMES.items()
        if (known := [_plain(alias) for alias in aliases if _plain(alias) in plain])
    }
    for role, other in (("right", "left"), ("bottom", "top")):  # x1 alone is the left edge
        if role in columns and columns[role] == columns.get(other):
            del columns[role]
    return _Header(delimiter, names, columns, lines)


def _spell_names(fields: list[str]) -> list[str]:
    """Return the names of columns as messages write them: without case, blanks, units in brackets, quotes."""
    return [re.sub(r"[\s-]+", "_", re.sub(r"\s*[(\[].*?[)\]]|^#\s*|'", "", field.lower())) for field in fields]


def _plain(name: str) -> str:
    """Return a name as names are compared: image_path and ImagePath are one."""
    return name.replace("_", "")


def _has_layout(fields: list[str], layout: tuple[str, ...]) -> bool:
    """Tell whether the fields of a line are numbers where a layout has numbers, and text where it has names."""
    if len(fields) != len(layout):
        return False
    expected = [(field, role) for field, role in zip(fields, layout, strict=True) if role and field]
    named = {role for _, role in expected} - {"split", *_PICTURE}
    return (named == {"photo"} or {*layout} - {"split", *_PICTURE, ""} == named) and all(
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
        wanted = "; ".join(f"{role}: {', '.join(_COLUMN_NAMES[role][:_MOST_NAMES])}" for role in missing)
        raise InputError(
            f"{file}: line {header.lines}: the header lacks a column for {wanted}. "
            f"Received {quote(header.names)}. Add it."
        )
    twice = sorted({name for name in header.names if header.names.count(name) > 1})
    if any(header.names[header.columns[role]] in twice for role in roles):
        raise InputError(
            f"{file}: line {header.lines}: a column may occur once; received {', '.join(twice)} again. Rename one."
        )


def _read_line(found: Entries, line: str, header: _Header, origin: str, box_roles: tuple[str, ...]) -> dict[str, str]:
    """Add the photograph, on its first line, and the box of one line, if it has any; return the field of each role."""
    fields: dict[str, str] = {}
    with found.collect_refusal(origin, _guess_photo(line, header)):
        fields = _split_line(line, header)
    if not fields:
        return {}
    with found.collect_refusal(origin, fields["photo"]):
        found.name_photo(check_name(fields["photo"]), origin, fields.get("split", ""))
        if any(fields[role].lower() not in _NOTHING for role in box_roles):
            found.boxes.append(_read_box(fields, header, origin))
    return fields


def _guess_photo(line: str, header: _Header) -> str | None:
    """Return what may be the name of the photograph in a line that is not valid CSV."""
    pieces = line.split(header.delimiter)
    column = header.columns["photo"]
    return pieces[column].strip(' "') if column < len(pieces) else None


def _split_line(line: str, header: _Header) -> dict[str, str]:
    """Return the field of each role. Lines are split one by one, so that an open quote affects one line only."""
    try:
        reader = csv.reader([line], delimiter=header.delimiter, skipinitialspace=True, strict=True)
        fields = [field.strip() for field in next(reader)]
    except csv.Error as fault:
        raise InputError(f"a line must be well-formed CSV: {fault}; received {quote(line)}. Correct it.") from fault
    while len(fields) > len(header.names) and not fields[-1]:
        fields.pop()
    if not any(header.names[len(fields) :]):  # these columns have no name
        fields += [""] * (len(header.names) - len(fields))
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
        parts = re.split(r"[\s,;]+", fields["bbox"].strip("[](){} "))
        if len(parts) != 4:
            raise InputError(
                f"bbox must be [x, y, width, height]; received {quote(fields['bbox'])}. Correct or remove it."
            )
        texts = dict(zip(_EXTENT, parts, strict=True))
    left, top, third, fourth = (_parse_coordinate(text, name, header) for name, text in texts.items())
    numbers = (left, top, third, fourth)
    return WrittenBox(fields["photo"], fields.get("label"), numbers, header.orders, origin, written)


def _parse_coordinate(text: str, name: str, header: _Header) -> float:
    """Return a number; a comma in it is that of a decimal, unless it may be of thousands: a quoted "1,234"."""
    decimal = text.count(",") == 1 and not (header.delimiter == "," and _THOUSANDS.fullmatch(text))
    return parse_number(text.replace(",", ".") if decimal else text, name)
