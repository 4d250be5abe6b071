"""COCO JSON > Source: bbox is [x, y, width, height] in pixels, x and y the box's top left corner, 0-based."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeGuard, TypeVar

from inference.errors import InputError, printable, quote
from pipeline.data.annotations.source import NamedPhoto, Source, WrittenBox, read_text

_LISTS = ("images", "annotations", "categories")
_Read = TypeVar("_Read")
_Table = dict[Any, _Read | None]  # id -> what the entry says; None where the entry was refused


def read_coco(path: Path) -> Source:
    """Return what a COCO detection file says; entries that break a rule are refused by their id.

    Raises:
        InputError: the file is not JSON or has not the three lists of COCO.
    """
    document = _parse(path)
    source = Source("coco")
    file = printable(path.name)
    images = _read_table(source, f"{file}: image", document["images"], _read_image)
    categories = _read_table(source, f"{file}: category", document["categories"], _read_category)
    source.photos.extend(photo for photo in images.values() if photo is not None)
    _read_boxes(source, f"{file}: annotation", document["annotations"], images, categories)
    return source


def _parse(path: Path) -> dict[str, list[Any]]:
    """Return the document once its shape is sure."""
    file = printable(path.name)
    try:
        document = json.loads(read_text(path))
    except (ValueError, RecursionError) as fault:
        raise InputError(f"{file}: must be JSON: {fault}. Export it again.") from fault
    missing = [name for name in _LISTS if not isinstance(document, dict) or not isinstance(document.get(name), list)]
    if missing:
        received = quote(sorted(document)) if isinstance(document, dict) else type(document).__name__
        raise InputError(
            f"{file}: COCO JSON has the lists {', '.join(_LISTS)}; received {received}. Export it as COCO."
        )
    return document


def _read_table(source: Source, where: str, entries: list[Any], read: Callable[[Any, str], _Read]) -> _Table[_Read]:
    """Return id -> entry. An id with two meanings means nothing: boxes that refer to it must not guess."""
    table: _Table[_Read] = {}
    for position, entry in enumerate(entries, start=1):
        origin = f"{where} {_name_entry(entry, position)}"
        with source.collect_refusal(origin):
            key = _read_id(entry)
            repeated, earlier = key in table, table.get(key)
            table[key] = None  # until this entry has proved sound
            said = read(entry, origin)
            if not repeated or said == earlier:
                table[key] = said
            if repeated:
                raise InputError(
                    f"an id may occur once; received {quote(key)} again. Give each entry its own id: "
                    "boxes that refer to an id with two meanings are left out."
                )
    return table


def _read_boxes(
    source: Source, where: str, entries: list[Any], images: _Table[NamedPhoto], categories: _Table[str]
) -> None:
    """Add the boxes; those of a refused image are covered by the message about that image."""
    seen: set[Any] = set()
    for position, entry in enumerate(entries, start=1):
        origin = f"{where} {_name_entry(entry, position)}"
        photo = _photo_of(entry, images)
        with source.collect_refusal(origin, photo.name if photo else None):
            _check_box_id(entry, seen)
            if _look_up(entry, "image_id", images, "images") is not None:
                source.boxes.append(_read_box(entry, images, categories, origin))


def _read_box(entry: dict[str, Any], images: _Table[NamedPhoto], categories: _Table[str], origin: str) -> WrittenBox:
    photo = images[entry["image_id"]]
    label = _look_up(entry, "category_id", categories, "categories")
    if photo is None or label is None:
        raise InputError(f"category_id must be that of a sound category; received {entry['category_id']}. Correct it.")
    _check_no_crowd(entry)
    edges = _read_edges(entry.get("bbox"))
    return WrittenBox(photo.name, label, edges, False, origin, f"bbox {quote(entry['bbox'])}")


def _read_image(entry: dict[str, Any], origin: str) -> NamedPhoto:
    name = entry.get("file_name")
    if not isinstance(name, str) or not name.strip():
        raise InputError(f"an image has a file_name; received {quote(name)}. Name the photograph.")
    width, height = entry.get("width"), entry.get("height")
    if width is None and height is None:
        return NamedPhoto(name, origin)
    if not _is_number(width) or not _is_number(height):
        raise InputError(
            f"width and height must be numbers; received {quote(width)} and {quote(height)}. "
            "State the photograph's size or leave both out."
        )
    return NamedPhoto(name, origin, (width, height))


def _read_category(entry: dict[str, Any], origin: str) -> str:
    name = entry.get("name")
    if not isinstance(name, str):
        raise InputError(f"a category has a name; received {quote(name)}. Name the class.")
    return name


def _read_id(entry: Any) -> Any:
    """Return an entry's id: a number or a text, since nothing else can be referred to."""
    if not isinstance(entry, dict):
        raise InputError(f"an entry must be an object in braces; received {quote(entry)}. Correct or remove it.")
    key = entry.get("id")
    if not isinstance(key, str) and not _is_number(key):
        raise InputError(f"an id must be a number or a text; received {quote(key)}. Give the entry an id of its own.")
    return key


def _check_box_id(entry: Any, seen: set[Any]) -> None:
    """Refuse a second box of the same id; a box without any is unusual but clear."""
    if isinstance(entry, dict) and entry.get("id") is None:
        return
    key = _read_id(entry)
    if key in seen:
        raise InputError(f"an id may occur once; received {quote(key)} again. Give each box its own id.")
    seen.add(key)


def _check_no_crowd(entry: dict[str, Any]) -> None:
    if entry.get("iscrowd") in (1, "1"):
        raise InputError(
            "a box must hold one object; received iscrowd 1, a region of many. "
            "Draw a box round each object, or remove this one."
        )


def _look_up(entry: dict[str, Any], field: str, table: _Table[_Read], where: str) -> _Read | None:
    """Return the entry that a box refers to, None where that entry was itself refused."""
    key = entry.get(field)
    if not isinstance(key, str | int | float) or key not in table:
        raise InputError(
            f"{field} must be an id of the list {where}; received {quote(key)}. "
            f"Add that entry to {where} or remove this box."
        )
    return table[key]


def _photo_of(entry: Any, images: _Table[NamedPhoto]) -> NamedPhoto | None:
    """Return the photograph of a box that may itself be malformed."""
    key = entry.get("image_id") if isinstance(entry, dict) else None
    return images.get(key) if isinstance(key, str | int | float) else None


def _read_edges(bbox: Any) -> tuple[float, float, float, float]:
    """Return left, top, right, bottom in pixels: [10, 20, 30, 40] gives 10, 20, 40, 60."""
    if not isinstance(bbox, list) or len(bbox) != 4 or not all(_is_number(value) for value in bbox):
        raise InputError(
            f"bbox must be four finite numbers [x, y, width, height]; received {quote(bbox)}. Correct or remove it."
        )
    x, y, width, height = (float(value) for value in bbox)  # the sum of two huge integers would fit no float
    return x, y, x + width, y + height


def _is_number(value: Any) -> TypeGuard[int | float]:
    """Tell a finite number from everything else that JSON may hold; Python reads NaN, and true as 1."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer beyond any float
        return False


def _name_entry(entry: Any, position: int) -> str:
    """Return the words that find an entry in its file: its id, else its position in the list."""
    key = entry.get("id") if isinstance(entry, dict) else None
    return f"number {position}" if key is None else f"id {key if _is_number(key) else quote(key)}"
