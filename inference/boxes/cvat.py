"""CVAT for images, XML -> Entries: boxes and outlines in pixels; every shape gives its enclosing box."""

import math
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

_EXTENT = ("left", "top", "width", "height")
_EDGES = ("xtl", "ytl", "xbr", "ybr")
_OUTLINES = ("polygon", "polyline")
_NO_SHAPES = ("tag", "attribute")  # of the whole image
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
    shapes = [shape for shape in image if shape.tag not in _NO_SHAPES]
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
    if shape.tag not in ("box", "ellipse", "mask"):
        raise InputError(f"a shape must be a box, polygon, ellipse or mask; received <{shape.tag}>. Draw a box.")
    return _turn(_read_upright(shape), parse_number(shape.get("rotation", "0"), "rotation"))


def _read_upright(shape: ElementTree.Element) -> Numbers:
    """Return the edges of a shape before its rotation."""
    if shape.tag == "ellipse":
        x, y, rx, ry = (parse_number(shape.get(name, ""), name) for name in ("cx", "cy", "rx", "ry"))
        return x - rx, y - ry, x + rx, y + ry
    if shape.tag == "mask":
        left, top, width, height = (parse_number(shape.get(name, ""), name) for name in _EXTENT)
        return left, top, left + width, top + height
    left, top, right, bottom = (parse_number(shape.get(edge, ""), edge) for edge in _EDGES)
    return left, top, right, bottom


def _turn(edges: Numbers, degrees: float) -> Numbers:
    """Return the edges of the upright box around a box that is turned about its middle."""
    if not degrees:
        return edges
    left, top, right, bottom = edges
    across, down = (left + right) / 2, (top + bottom) / 2
    cosine, sine = abs(math.cos(math.radians(degrees))), abs(math.sin(math.radians(degrees)))
    width = (right - left) * cosine + (bottom - top) * sine
    height = (right - left) * sine + (bottom - top) * cosine
    return across - width / 2, down - height / 2, across + width / 2, down + height / 2
