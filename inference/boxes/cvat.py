"""CVAT for images, XML -> Entries: boxes and outlines in pixels; every shape gives its enclosing box."""

import re
from xml.etree import ElementTree

from ..errors import InputError, quote
from .entries import (
    Entries,
    NamedPhoto,
    Numbers,
    WrittenBox,
    check_name,
    enclose,
    parse_number,
    stated_size,
)
from .order import Order
from .xml_tree import parse_xml

_EDGES = ("xtl", "ytl", "xbr", "ybr")
_OUTLINES = ("polygon", "polyline")
_ROOT = re.compile(r"<annotations[\s>]")


def is_cvat(text: str) -> bool:
    """Tell whether a text is CVAT's XML."""
    return text.lstrip().startswith("<") and bool(_ROOT.search(text))


def read_cvat(text: str, file: str, labelled: bool) -> Entries:
    """Return what CVAT's XML says; a shape that can't be read is refused with its photograph and position.

    Raises:
        InputError: it is not XML, or is of a video.
    """
    try:
        root = parse_xml(text)
    except InputError as fault:
        raise InputError(f"{file}: {fault}") from fault
    if root.find("track") is not None:
        raise InputError(f"{file}: must hold images; received tracks of a video. Export it as `CVAT for images`.")
    found = Entries("cvat")
    for position, image in enumerate(root.findall("image"), start=1):
        origin = f"{file}: image {position}"
        with found.collect_refusal(origin):
            name = check_name(image.get("name"))
            size = stated_size(image.get("width"), image.get("height"))
            found.photos.append(NamedPhoto(name, origin, size, split=image.get("subset", "")))
            _read_shapes(found, image, name, origin)
    return found


def _read_shapes(found: Entries, image: ElementTree.Element, name: str, origin: str) -> None:
    shapes = [shape for shape in image if shape.tag == "box" or shape.tag in _OUTLINES]
    for position, shape in enumerate(shapes, start=1):
        shape_origin = f"{origin}: {shape.tag} {position}"
        with found.collect_refusal(shape_origin, name):
            edges = _read_edges(shape)
            found.boxes.append(
                WrittenBox(name, shape.get("label"), edges, (Order.CORNERS,), shape_origin, quote(shape.attrib))
            )


def _read_edges(shape: ElementTree.Element) -> Numbers:
    if shape.tag in _OUTLINES:
        points = [point.split(",") for point in shape.get("points", "").split(";")]
        if not all(len(point) == 2 for point in points):
            raise InputError(f"points must be x,y;x,y; received {quote(shape.get('points'))}. Correct or remove it.")
        return enclose([(parse_number(x, "x"), parse_number(y, "y")) for x, y in points])
    if parse_number(shape.get("rotation", "0"), "rotation"):
        raise InputError("a box must be upright; received one with rotation. Draw it without.")
    left, top, right, bottom = (parse_number(shape.get(edge, ""), edge) for edge in _EDGES)
    return left, top, right, bottom
