"""Pascal VOC XML > Entries: one file per photograph, pixel edges, 0-based, so that xmax = x + width.

Some programs count pixels from 1, as the original data set did. The file does not say so; their boxes are shifted by
one pixel to the right and down.
"""

from pathlib import Path
from xml.etree import ElementTree

from inference.boxes.entries import Entries, NamedPhoto, WrittenBox, parse_number
from inference.errors import InputError, printable, quote
from pipeline.data.file_listing import list_files

_EDGES = ("xmin", "ymin", "xmax", "ymax")


def read_voc(path: Path) -> Entries:
    """Return what one .xml file, or every .xml file under a folder, says; a file that can't be read is refused."""
    found = Entries("voc")
    names = list_voc_files(path) if path.is_dir() else [path.name]
    folder = path if path.is_dir() else path.parent
    for name in names:
        with found.collect_refusal(printable(name)):
            _read_photo(found, folder / name, printable(name))
    return found


def list_voc_files(folder: Path) -> list[str]:
    """Return the .xml files under a folder, sorted, relative to it."""
    return [name for name in list_files(folder) if name.lower().endswith(".xml")]


class _TreeWithoutDoctype(ElementTree.TreeBuilder):
    """Refuse a document type: it can define entities that expand without bound or read other files."""

    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        raise InputError(f"must be XML without DOCTYPE; received DOCTYPE {quote(name)}. Delete that declaration.")


def _parse(path: Path) -> ElementTree.Element:
    parser = ElementTree.XMLParser(target=_TreeWithoutDoctype())
    try:
        parser.feed(path.read_bytes())
        root: ElementTree.Element = parser.close()
    except OSError as fault:
        raise InputError(f"cannot be read: {fault.strerror or fault}.") from fault
    except (ElementTree.ParseError, ValueError, LookupError) as fault:  # the latter two: unknown encodings
        raise InputError(f"must be XML: {fault}. Export it again.") from fault
    if root.tag != "annotation":
        raise InputError(f"Pascal VOC begins with <annotation>; received <{printable(root.tag)}>. Export it as VOC.")
    return root


def _read_photo(found: Entries, path: Path, origin: str) -> None:
    root = _parse(path)
    name = _text_of(root, "filename")
    if not name:
        raise InputError("<filename> must name the photograph; received nothing. Write its name there.")
    found.photos.append(NamedPhoto(name, origin, _read_size(root)))
    for position, node in enumerate(root.findall("object"), start=1):
        box_origin = f"{origin}: object {position}"
        with found.collect_refusal(box_origin, name):
            found.boxes.append(_read_box(node, name, box_origin))


def _read_size(root: ElementTree.Element) -> tuple[int, int] | None:
    """Return the stated (width, height) in pixels, None where none is stated."""
    width, height = _text_of(root, "size/width"), _text_of(root, "size/height")
    if not width and not height:
        return None
    try:
        return int(width), int(height)
    except ValueError as fault:
        raise InputError(
            f"<size> must hold whole pixels; received width {quote(width)} and height {quote(height)}. "
            "State the photograph's size or leave <size> out."
        ) from fault


def _read_box(node: ElementTree.Element, photo: str, origin: str) -> WrittenBox:
    texts = [_text_of(node, f"bndbox/{edge}") for edge in _EDGES]
    left, top, right, bottom = (parse_number(text, edge) for edge, text in zip(_EDGES, texts, strict=True))
    written = ", ".join(f"{edge} {text}" for edge, text in zip(_EDGES, texts, strict=True))
    return WrittenBox(photo, _text_of(node, "name"), (left, top, right, bottom), True, origin, written)


def _text_of(node: ElementTree.Element, path: str) -> str:
    return (node.findtext(path) or "").strip()
