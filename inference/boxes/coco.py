"""COCO JSON -> boxes: bbox is [x, y, width, height] in pixels, x and y the box's top left corner, 0-based."""

import json
from collections.abc import Callable
from typing import Any

from inference.boxes.entries import BoxReading, check_name, quote
from inference.errors import InputError
from inference.pictures.listing import printable

_NameOf = Callable[[dict[str, Any]], object]  # entry with a bbox -> what it says of its photograph's name


def is_json(text: str) -> bool:
    """Tell JSON from a table by its first sign."""
    return text.lstrip()[:1] in ("{", "[")


def read_coco(text: str, file: str) -> BoxReading:
    """Read a data set {"images": [...], "annotations": [...]} or a list of results; categories are not needed.

    Raises:
        InputError: the text is no JSON or lacks a list.
    """
    document = _parse(text, file)
    reading = BoxReading()
    if isinstance(document, list):
        _read_entries(document, f"{file}: result", _name_in_result, reading)
        return reading
    lists = [document.get("images"), document.get("annotations")]
    if not all(isinstance(entries, list) for entries in lists):
        raise InputError(
            f"{file}: COCO JSON has the lists images and annotations; received {quote(sorted(document))}. "
            "Export it as COCO."
        )
    names = _read_names(lists[0], f"{file}: image", reading)
    _read_entries(lists[1], f"{file}: annotation", lambda entry: _look_up(entry, names), reading)
    return reading


def _parse(text: str, file: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as fault:
        raise InputError(f"{file}: must be JSON: {printable(str(fault))}. Export it again.") from fault


def _read_names(images: list[Any], origin: str, reading: BoxReading) -> dict[object, str]:
    """Return the photographs' names by id; an id with two meanings means nothing, so that no box is guessed."""
    names: dict[object, set[str]] = {}
    for number, entry in enumerate(images, start=1):
        with reading.entry(f"{origin} number {number}"):
            _check_entry(entry)
            known = names.setdefault(_check_id(entry.get("id")), set())
            known.add(check_name(entry.get("file_name")))
            if len(known) > 1:
                raise InputError(
                    f"an id may occur once; received {quote(entry['id'])} again. "
                    "Give each image its own id: boxes that refer to an id with two meanings are left out."
                )
    return {key: known.pop() for key, known in names.items() if len(known) == 1}


def _read_entries(entries: list[Any], origin: str, name_of: _NameOf, reading: BoxReading) -> None:
    for number, entry in enumerate(entries, start=1):
        with reading.entry(f"{origin} number {number}"):
            _check_entry(entry)
            _check_box(entry)
            reading.add(name_of(entry), entry["bbox"])


def _look_up(entry: dict[str, Any], names: dict[object, str]) -> str:
    key = _check_id(entry.get("image_id"))
    if key not in names:
        raise InputError(
            f"image_id must be the id of a sound image; received {quote(key)}. Correct it or add that image."
        )
    return names[key]


def _name_in_result(entry: dict[str, Any]) -> object:
    """Return the name in a list of results; numbers refer to a file that is not there."""
    name = entry.get("file_name", entry.get("image_id"))
    if not isinstance(name, str):
        raise InputError(
            f"a result's file_name or image_id must be the photograph's path; received {quote(name)}. "
            "Write the path, or give a whole data set with images and annotations."
        )
    return name


def _check_entry(entry: Any) -> None:
    if not isinstance(entry, dict):
        raise InputError(f"an entry must be an object in braces; received {quote(entry)}. Correct or remove it.")


def _check_id(value: Any) -> object:
    if type(value) not in (int, float, str):  # true is no number here
        raise InputError(f"an id must be a number or a text; received {quote(value)}. Correct or remove the entry.")
    return value


def _check_box(entry: dict[str, Any]) -> None:
    box = entry.get("bbox")
    if not isinstance(box, list) or len(box) != 4 or not all(type(value) in (int, float) for value in box):
        raise InputError(
            f"bbox must be four numbers [x, y, width, height]; received {quote(box)}. Correct or remove it."
        )
    if entry.get("iscrowd") in (1, "1"):
        raise InputError("a box must hold one object; received iscrowd 1. Draw a box round each object.")
