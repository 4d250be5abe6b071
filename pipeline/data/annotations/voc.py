"""Pascal VOC XML > Entries: one file per photograph, pixel edges, 0-based, so that xmax = x + width.

Some programs count pixels from 1, as the original data set did. The file does not say so; their boxes are shifted by
one pixel to the right and down.
"""

import posixpath
import re
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

from inference.boxes.entries import (
    Entries,
    NamedPhoto,
    WrittenBox,
    as_number,
    enclose,
    pair_up,
    parse_number,
    stated_size,
)
from inference.boxes.matching import drop_extension
from inference.boxes.order import Order
from inference.boxes.xml_tree import parse_xml
from inference.errors import InputError, printable, quote
from pipeline.data.file_listing import list_visible

_ROOT = re.compile(rb"<annotation[\s>]")
_EDGES = ("xmin", "ymin", "xmax", "ymax")
_COORDINATE = re.compile(r"[xy]\d*")


def read_voc(path: Path) -> Entries:
    """Return what one .xml file, or every .xml file under a folder, says; a file that can't be read is refused.

    A file that names no photograph, or one that another file names too, is of the photograph of its own name.
    """
    found = Entries("voc")
    folder = path if path.is_dir() else path.parent
    roots: dict[str, ElementTree.Element] = {}
    for name in list_voc_files(path) if path.is_dir() else [path.name]:
        with found.collect_refusal(printable(name)):
            roots[name] = _parse(folder / name)
    named = Counter(_text_of(root, "filename") for root in roots.values())
    for name, root in roots.items():
        with found.collect_refusal(printable(name)):
            written, own = _text_of(root, "filename"), name[: -len(".xml")]
            stale = named[written] > 1 and drop_extension(written) != drop_extension(posixpath.basename(own))
            _read_photo(found, root, own if stale or not written else written, own, printable(name))
    return found


def list_voc_files(folder: Path) -> list[str]:
    """Return the .xml files under a folder, sorted, relative to it."""
    return [name for name in list_visible(folder) if name.lower().endswith(".xml")]


def holds_voc(file: Path) -> bool:
    """Tell whether an .xml file is of this format, valid or not; one that can't be read is not."""
    try:
        return bool(_ROOT.search(file.read_bytes().replace(b"\0", b"")))  # UTF-16 too
    except OSError:
        return False


def _parse(path: Path) -> ElementTree.Element:
    try:
        root = parse_xml(path.read_bytes())
    except OSError as fault:
        raise InputError(f"cannot be read: {fault.strerror or fault}.") from fault
    if root.tag != "annotation":
        raise InputError(f"Pascal VOC begins with <annotation>; received <{printable(root.tag)}>. Export it as VOC.")
    return root


def _read_photo(found: Entries, root: ElementTree.Element, name: str, own: str, origin: str) -> None:
    found.photos.append(NamedPhoto(name, origin, _read_size(root), (own,)))
    for position, node in enumerate(root.findall("object"), start=1):
        if _text_of(node, "deleted") == "1":  # LabelMe on the web keeps what was removed
            continue
        box_origin = f"{origin}: object {position}"
        with found.collect_refusal(box_origin, name):
            found.boxes.append(_read_box(node, name, box_origin))


def _read_size(root: ElementTree.Element) -> tuple[object, object] | None:
    """Return the stated (width, height) in pixels, None where none is stated."""
    texts = [_text_of(root, f"size/{side}") for side in ("width", "height")]
    if any(text and as_number(text) is None for text in texts):
        raise InputError(
            f"<size> must hold whole pixels; received width {quote(texts[0])} and height {quote(texts[1])}. "
            "State the photograph's size or leave <size> out."
        )
    return stated_size(*texts)


def _read_box(node: ElementTree.Element, photo: str, origin: str) -> WrittenBox:
    """Return the box of an object, or the box around its polygon."""
    if node.find("bndbox") is None:
        edges = _enclose_polygon(node)
        return WrittenBox(photo, _text_of(node, "name"), edges, (Order.CORNERS,), origin, f"a polygon in {edges}")
    texts = [_text_of(node, f"bndbox/{edge}") for edge in _EDGES]
    left, top, right, bottom = (parse_number(text, edge) for edge, text in zip(_EDGES, texts, strict=True))
    written = ", ".join(f"{edge} {text}" for edge, text in zip(_EDGES, texts, strict=True))
    return WrittenBox(photo, _text_of(node, "name"), (left, top, right, bottom), (Order.CORNERS,), origin, written)


def _enclose_polygon(node: ElementTree.Element) -> tuple[float, float, float, float]:
    """Return the box around <polygon>, written as x1, y1, x2, y2 ... or as points x, y."""
    values = [one for one in node.iterfind("polygon//*") if _COORDINATE.fullmatch(one.tag)]
    if not values:
        kinds = ", ".join(f"<{printable(one.tag)}>" for one in node) or "nothing"
        raise InputError(f"an object must have a <bndbox> or <polygon>; received {kinds}. Export upright boxes.")
    return enclose(pair_up([parse_number(one.text or "", one.tag) for one in values]))


def _text_of(node: ElementTree.Element, path: str) -> str:
    return (node.findtext(path) or "").strip()
