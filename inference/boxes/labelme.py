"""labelme JSON, one file per photograph -> Entries: points of shapes in pixels; every shape gives its enclosing box."""

import math
from pathlib import PurePosixPath
from typing import Any

from ..errors import InputError, quote
from .coco import parse_json
from .entries import Entries, NamedPhoto, WrittenBox, as_number, check_name, enclose, stated_size
from .order import Order


def is_labelme(text: str) -> bool:
    """Tell whether a text is of labelme: it alone has both of these fields."""
    return text.lstrip()[:1] == "{" and '"shapes"' in text and '"imagePath"' in text


def read_labelme(text: str, file: str, labelled: bool) -> Entries:
    """Return what a file of labelme says; a shape that can't be read is refused with its position.

    Raises:
        InputError: the text is not JSON, or names no photograph.
    """
    document = parse_json(text, file)
    shapes = document.get("shapes")
    if not isinstance(shapes, list):
        raise InputError(f"{file}: shapes must be a list; received {quote(shapes)}. Save it in labelme again.")
    name = check_name(document.get("imagePath"))
    found = Entries("labelme")
    size = stated_size(document.get("imageWidth"), document.get("imageHeight"))
    found.photos.append(NamedPhoto(name, file, size, (PurePosixPath(file).stem,)))
    for position, shape in enumerate(shapes, start=1):
        origin = f"{file}: shape {position}"
        with found.collect_refusal(origin, name):
            found.boxes.append(_read_box(shape, name, origin, labelled))
    return found


def _read_box(shape: Any, photo: str, origin: str, labelled: bool) -> WrittenBox:
    written = shape.get("points") if isinstance(shape, dict) else None
    points = [_read_point(point) for point in written] if isinstance(written, list) else []
    label = shape.get("label") if points else None
    if len(points) < 2 or (labelled and not isinstance(label, str)):
        raise InputError(
            f"a shape must have a label and two points or more; received {quote(shape)}. Draw it as a rectangle."
        )
    if shape.get("shape_type") == "circle":  # its centre and a point on it
        (x, y), radius = points[0], math.dist(points[0], points[1])
        points = [(x - radius, y - radius), (x + radius, y + radius)]
    return WrittenBox(photo, label, enclose(points), (Order.CORNERS,), origin, f"points {quote(written)}")


def _read_point(point: Any) -> tuple[float, float]:
    numbers = [as_number(value) for value in point] if isinstance(point, list) else []
    if len(numbers) != 2 or numbers[0] is None or numbers[1] is None:
        raise InputError(f"a point must be two finite numbers [x, y]; received {quote(point)}. Correct or remove it.")
    return float(numbers[0]), float(numbers[1])
