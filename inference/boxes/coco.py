"""COCO JSON -> Entries: bbox is [x, y, width, height] in pixels, x and y the box's top left corner, 0-based."""

import json
from collections.abc import Callable
from typing import Any, TypeGuard, TypeVar

from ..errors import InputError, quote
from .entries import (
    Entries,
    NamedPhoto,
    Numbers,
    WrittenBox,
    as_number,
    check_name,
    enclose,
    pair_up,
    stated_size,
)
from .order import Order
from .rle import enclose_rle, is_one_piece, is_rle
from .unsupported import describe_json, describe_unsupported, is_json_lines

_REMEDY = "Label Studio, CVAT, Roboflow, Labelbox and others have it in their list of exports."
_ORDERS = (Order.EXTENT, Order.CORNERS, Order.CENTRE)  # the standard's first; by hand the others are written too
_PHOTO_KEYS = ("file_name", "filename", "path", "coco_url")  # LVIS has the last alone
_Read = TypeVar("_Read")
_Table = dict[Any, _Read | None]  # id -> what the entry says; None where the entry was refused


def is_json(text: str) -> bool:
    """Tell whether a text is JSON by its first character."""
    return text.lstrip()[:1] in ("{", "[")


def read_coco(text: str, file: str, labelled: bool) -> Entries:
    """Return what a COCO detection file says; invalid entries are refused, each with its id in the message.

    labelled: every box must have a category. Otherwise categories are not read, and a list of results, each with the
    name of its photograph, is accepted too. A box without bbox is the one around its segmentation.

    Raises:
        InputError: the text is not JSON or lacks a list of COCO.
    """
    document = parse_json(text, file)
    _check_kind(document, text, file)
    found = Entries("coco")
    if isinstance(document, list) and not labelled:
        _read_results(found, document, f"{file}: result")
        return found
    _check_lists(document, ("images", "annotations", *(("categories",) if labelled else ())), file)
    images = _read_table(found, f"{file}: image", document["images"], _read_image)
    categories = None
    if labelled:
        categories = _read_table(found, f"{file}: category", document["categories"], _read_category)
    found.photos.extend(photo for photo in images.values() if photo is not None)
    _read_boxes(found, f"{file}: annotation", document["annotations"], images, categories)
    return found


def parse_json(text: str, file: str) -> Any:
    """Return what a JSON text holds; file: its name for the message.

    Raises:
        InputError: it is not JSON.
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as fault:
        if is_json_lines(text):
            raise InputError(f"{file}: {describe_unsupported(text)}") from fault
        raise InputError(f"{file}: must be JSON: {fault}. Export it again.") from fault


def _check_kind(document: Any, text: str, file: str) -> None:
    """Refuse the JSON of another program, by its name; COCO may have names of those in its attributes."""
    is_coco = isinstance(document, dict) and isinstance(document.get("images"), list)
    if not is_coco and (told := describe_json(text)):
        raise InputError(f"{file}: {told}")


def _check_lists(document: Any, lists: tuple[str, ...], file: str) -> None:
    if not isinstance(document, dict) or not all(isinstance(document.get(name), list) for name in lists):
        received = quote(sorted(document)) if isinstance(document, dict) else type(document).__name__
        raise InputError(
            f"{file}: COCO JSON has the lists {', '.join(lists)}; received {received}. Export it as COCO. {_REMEDY}"
        )


def _read_table(found: Entries, where: str, entries: list[Any], read: Callable[[Any, str], _Read]) -> _Table[_Read]:
    """Return id -> entry; None for an invalid entry and for an id that two different entries use."""
    table: _Table[_Read] = {}
    for position, entry in enumerate(entries, start=1):
        origin = f"{where} {_name_entry(entry, position)}"
        with found.collect_refusal(origin):
            key = _read_id(entry)
            repeated, earlier = key in table, table.get(key)
            table[key] = None  # until this entry has proved valid
            said = read(entry, origin)
            if not repeated or said == earlier:
                table[key] = said
            else:
                raise InputError(
                    f"an id may occur once; received {quote(key)} again. Give each entry its own id: "
                    "boxes that refer to an id with two meanings are left out."
                )
    return table


def _read_boxes(
    found: Entries, where: str, entries: list[Any], images: _Table[NamedPhoto], categories: _Table[str] | None
) -> None:
    """Add the boxes; those of a refused image get no message of their own."""
    seen: set[Any] = set()
    repeated = 0
    for position, entry in enumerate(entries, start=1):
        origin = f"{where} {_name_entry(entry, position)}"
        known = _photo_of(entry, images)
        with found.collect_refusal(origin, known.name if known else None):
            _check_entry(entry)
            if categories is not None and entry.get("id") is not None:
                key = _read_id(entry)
                repeated += key in seen
                seen.add(key)
            photo = _look_up(entry, "image_id", images, "images")
            if photo is not None:
                label = None if categories is None else _find_label(entry, categories)
                found.boxes.append(_read_box(entry, photo.name, label, origin))
    if repeated:
        found.notes.append(f"{where} ids occur again in {repeated} of {len(entries)} annotations; all boxes are read")


def _read_results(found: Entries, entries: list[Any], where: str) -> None:
    """Add the boxes of a list of results; a numeric image_id would refer to a file that is not given."""
    for position, entry in enumerate(entries, start=1):
        origin = f"{where} {_name_entry(entry, position)}"
        with found.collect_refusal(origin):
            _check_entry(entry)
            name = entry.get("file_name", entry.get("image_id"))
            if not isinstance(name, str):
                raise InputError(
                    f"a result's file_name or image_id must be the photograph's path; received {quote(name)}. "
                    "Write the path, or give a whole data set with images and annotations."
                )
            found.name_photo(check_name(name), origin)
            found.boxes.append(_read_box(entry, name, None, origin))


def _read_box(entry: dict[str, Any], photo: str, label: str | None, origin: str) -> WrittenBox:
    shape = entry.get("segmentation")
    if as_number(entry.get("iscrowd")) == 1 and not (is_rle(shape) and is_one_piece(shape)):
        raise InputError(
            "a box must hold one object; received iscrowd 1, a region of many. "
            "Draw a box round each object, or remove this one."
        )
    bbox = entry.get("bbox")
    if not bbox and shape:
        return WrittenBox(photo, label, _enclose_shape(shape), (Order.CORNERS,), origin, f"segmentation {quote(shape)}")
    values = [as_number(value) for value in bbox] if isinstance(bbox, list) else []
    numbers = [value for value in values if value is not None]
    if len(values) != 4 or len(numbers) != 4:
        raise InputError(
            f"bbox must be four finite numbers [x, y, width, height]; received {quote(bbox)}. Correct or remove it."
        )
    x, y, width, height = (float(value) for value in numbers)  # the sum of two huge integers would fit no float
    return WrittenBox(photo, label, (x, y, width, height), _ORDERS, origin, f"bbox {quote(bbox)}")


def _enclose_shape(shape: Any) -> Numbers:
    """Return the edges of the box around polygons [[x, y, x, y ...] ...], perhaps a single flat one, or an RLE mask."""
    if is_rle(shape):
        return enclose_rle(shape)
    rings = shape if isinstance(shape, list) and all(isinstance(ring, list) for ring in shape) else [shape]
    points: list[tuple[float, float]] = []
    for ring in rings:
        numbers = [as_number(value) for value in ring] if isinstance(ring, list) else [None]
        if None in numbers:
            raise InputError(f"a segmentation must be polygons or RLE; received {quote(shape)}. Correct or remove it.")
        points += pair_up([float(number) for number in numbers if number is not None])
    return enclose(points)


def _read_image(entry: dict[str, Any], origin: str) -> NamedPhoto:
    written = next((entry[key] for key in _PHOTO_KEYS if entry.get(key)), entry.get("file_name"))
    name, width, height = check_name(written), entry.get("width"), entry.get("height")
    return NamedPhoto(name, origin, stated_size(width, height))


def _read_category(entry: dict[str, Any], origin: str) -> str:
    name = entry.get("name")
    if not isinstance(name, str):
        raise InputError(f"a category has a name; received {quote(name)}. Name the class.")
    return name


def _find_label(entry: dict[str, Any], categories: _Table[str]) -> str:
    label = _look_up(entry, "category_id", categories, "categories")
    if label is None:
        raise InputError(
            f"category_id must be the id of a valid category; received {entry['category_id']}. Correct it."
        )
    return label


def _check_entry(entry: Any) -> None:
    if not isinstance(entry, dict):
        raise InputError(f"an entry must be an object in braces; received {quote(entry)}. Correct or remove it.")


def _read_id(entry: Any) -> Any:
    """Return an entry's id, a number or a text."""
    _check_entry(entry)
    key = entry.get("id")
    if not _is_id(key):
        raise InputError(f"an id must be a number or a text; received {quote(key)}. Give the entry an id of its own.")
    return key


def _look_up(entry: dict[str, Any], field: str, table: _Table[_Read], where: str) -> _Read | None:
    """Return the entry that a box refers to; None where that entry was refused."""
    key = _key_in(table, entry.get(field))
    if key is None:
        raise InputError(
            f"{field} must be an id of the list {where}; received {quote(entry.get(field))}. "
            f"Add that entry to {where} or remove this box."
        )
    return table[key]


def _key_in(table: _Table[_Read], written: Any) -> Any:
    """Return the id of a table that is meant: "1" is 1 and 1.0 is 1, unless the table has both; None for none."""
    if not _is_id(written):
        return None
    number = as_number(written)
    whole = number is not None and number == int(number)
    spellings = [written, *([int(number), str(int(number))] if whole and number is not None else [])]
    return next((key for key in spellings if key in table), None)


def _photo_of(entry: Any, images: _Table[NamedPhoto]) -> NamedPhoto | None:
    """Return the photograph of a box; None where the box does not refer to a valid image."""
    key = _key_in(images, entry.get("image_id")) if isinstance(entry, dict) else None
    return None if key is None else images[key]


def _is_id(value: Any) -> bool:
    return isinstance(value, str) or _is_number(value)


def _is_number(value: Any) -> TypeGuard[int | float]:
    return not isinstance(value, str) and as_number(value) is not None


def _name_entry(entry: Any, position: int) -> str:
    """Return what identifies an entry in messages: its id, else its position in the list."""
    key = entry.get("id") if isinstance(entry, dict) else None
    return f"number {position}" if key is None else f"id {key if _is_number(key) else quote(key)}"
