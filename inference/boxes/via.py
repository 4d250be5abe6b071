"""VGG Image Annotator, version 2, JSON or CSV -> Entries: shapes in pixels; every shape gives its enclosing box."""

import csv
import json
from collections.abc import Iterator
from typing import Any

from ..errors import InputError, quote
from .coco import parse_json
from .entries import Entries, Numbers, WrittenBox, as_number, check_name, enclose
from .order import Order

_CSV_COLUMNS = ("filename", "region_shape_attributes", "region_attributes")
_LABEL_NAMES = ("label", "class", "name", "type", "category", "object")
# (photograph, shape, attributes, origin); shape is None where the photograph has no region
_Region = tuple[Any, Any, Any, str]


def is_via_json(text: str) -> bool:
    """Tell whether a text is a project or an export of VIA."""
    return text.lstrip()[:1] == "{" and ('"shape_attributes"' in text or '"_via_img_metadata"' in text)


def is_via_csv(text: str) -> bool:
    """Tell whether the first line is the header of VIA's table."""
    return all(column in text.split("\n", maxsplit=1)[0] for column in _CSV_COLUMNS)


def read_via_json(text: str, file: str, labelled: bool) -> Entries:
    """Return what VIA's JSON says.

    Raises:
        InputError: it is not JSON.
    """
    document = parse_json(text, file)
    return _read_regions(_list_json(document.get("_via_img_metadata", document), file), labelled)


def read_via_csv(text: str, file: str, labelled: bool) -> Entries:
    """Return what VIA's table says.

    Raises:
        InputError: a line can't be split.
    """
    return _read_regions(_list_csv(text, file), labelled)


def _list_json(photos: dict[str, Any], file: str) -> Iterator[_Region]:
    for key, entry in photos.items():
        origin = f"{file}: {quote(key)}"
        name = entry.get("filename") if isinstance(entry, dict) else None
        yield name, None, None, origin
        regions = entry.get("regions") if isinstance(entry, dict) else None
        listed = list(regions.values()) if isinstance(regions, dict) else regions or []  # VIA 1 numbers them
        for position, region in enumerate(listed, start=1):
            parts = region if isinstance(region, dict) else {}
            yield (
                name,
                parts.get("shape_attributes", {}),
                parts.get("region_attributes"),
                f"{origin}: region {position}",
            )


def _list_csv(text: str, file: str) -> Iterator[_Region]:
    lines = text.split("\n")
    names = next(csv.reader([lines[0].lstrip("#")]))
    for number, line in enumerate(lines[1:], start=2):
        if line.strip():
            fields = dict(zip(names, next(csv.reader([line])), strict=False))
            name, shape, attributes = (fields.get(column, "") for column in _CSV_COLUMNS)
            yield name, _parse_field(shape) or None, _parse_field(attributes), f"{file}: line {number}"


def _parse_field(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _read_regions(regions: Iterator[_Region], labelled: bool) -> Entries:
    found = Entries("via")
    for name, shape, attributes, origin in regions:
        with found.collect_refusal(origin, name if isinstance(name, str) else None):
            found.name_photo(check_name(name), origin)
            if shape is not None:
                label = _read_label(attributes) if labelled else None
                found.boxes.append(
                    WrittenBox(name, label, _enclose_shape(shape), (Order.CORNERS,), origin, quote(shape))
                )
    return found


def _read_label(attributes: Any) -> str:
    """Return the only attribute of a region, or the one whose name says that it is the class."""
    values = attributes if isinstance(attributes, dict) else {}
    told = {name: text for name, value in values.items() if (text := _chosen(value))}
    named = [told[name] for name in told if name.lower() in _LABEL_NAMES]
    texts = list(told.values()) if len(told) == 1 else named
    if len(texts) != 1:
        raise InputError(
            f"a region must have one attribute for its class, or one called {', '.join(_LABEL_NAMES)}; "
            f"received {quote(attributes)}. Correct it in VIA."
        )
    return texts[0]


def _chosen(value: Any) -> str:
    """Return a value, or the only option that is checked."""
    if isinstance(value, dict):
        checked = [name for name, on in value.items() if on]
        return checked[0] if len(checked) == 1 else ""
    return value.strip() if isinstance(value, str) else ""


def _enclose_shape(shape: Any) -> Numbers:
    if not isinstance(shape, dict):
        raise InputError(f"a shape must be an object in braces; received {quote(shape)}. Export it again.")
    kind = shape.get("name")
    if kind == "rect":
        x, y, width, height = _numbers(shape, "x", "y", "width", "height")
        return x, y, x + width, y + height
    if kind in ("circle", "ellipse"):
        x, y, rx, ry = _numbers(shape, "cx", "cy", *(("r", "r") if kind == "circle" else ("rx", "ry")))
        return x - rx, y - ry, x + rx, y + ry
    columns, rows = shape.get("all_points_x"), shape.get("all_points_y")
    if not isinstance(columns, list) or not isinstance(rows, list) or len(columns) != len(rows):
        raise InputError(f"a shape must be a rect, circle, ellipse or polygon; received {quote(shape)}. Draw a rect.")
    points = zip(_check_numbers(columns, shape), _check_numbers(rows, shape), strict=True)
    return enclose(list(points))


def _numbers(shape: dict[str, Any], *names: str) -> list[float]:
    return _check_numbers([shape.get(name) for name in names], shape)


def _check_numbers(values: list[Any], shape: dict[str, Any]) -> list[float]:
    numbers = [float(number) for value in values if (number := as_number(value)) is not None]
    if len(numbers) != len(values):
        raise InputError(f"a shape must have finite numbers; received {quote(shape)}. Correct or remove it.")
    return numbers
