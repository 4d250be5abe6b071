"""File of boxes (COCO JSON or CSV) -> the regions to classify, by the key of their photograph."""

import math
import posixpath
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from inference.boxes.entries import Entries, WrittenBox, read_text
from inference.boxes.formats import tell_format
from inference.errors import InputError
from inference.pictures.listing import printable
from inference.pictures.regions import Box

_SUPPORTED = (
    "Supported: COCO JSON (the lists images and annotations, or a list of results that name their photograph in "
    "file_name or image_id); CSV (a header such as file,x,y,width,height or file,xmin,ymin,xmax,ymax)."
)


@dataclass(frozen=True)
class BoxFile:
    """The boxes of a file by plain_name of their photograph, in order, and a message for each invalid entry."""

    boxes: dict[str, tuple[Box, ...]]
    refused: tuple[str, ...] = ()

    def boxes_of(self, key: str) -> tuple[Box, ...]:
        """Return the boxes of the picture with this key; empty where the file has none for it."""
        return self.boxes.get(plain_name(key), ())


def read_boxes(path: Path) -> BoxFile:
    """Return the boxes of a COCO or CSV file; the format is told by content.

    Boxes are in pixels of the upright photograph, whose top left corner is 0, 0. A photograph's name is its path
    relative to the folder that is classified. COCO's bbox [10, 20, 30, 40] of a.jpg and CSV's line a.jpg,10,20,40,60
    under file,xmin,ymin,xmax,ymax both give {"a.jpg": ((10.0, 20.0, 30.0, 40.0),)}.
    An invalid entry is left out and reported in `refused` with its line, id or number.

    Raises:
        InputError: the file can't be read, is in neither format, or no entry of it is valid.
    """
    name = printable(path.name)
    found = _read_entries(path, name)
    boxes: dict[str, list[Box]] = {}
    for box in found.boxes:
        with found.collect_refusal(box.origin):
            region = _check_extent(box)
            boxes.setdefault(plain_name(box.photo.strip()), []).append(region)
    refused = tuple(refusal.message for refusal in found.refusals)
    if not boxes:
        why = f"Refused entries: {len(refused)}, the first: {refused[0]}" if refused else f"Add one. {_SUPPORTED}"
        raise InputError(f"{name}: must hold at least one valid box; received none. {why}")
    return BoxFile({photo: tuple(some) for photo, some in boxes.items()}, refused)


def unused(boxes: Iterable[str], keys: Iterable[str]) -> list[str]:
    """Return the names, sorted, of photographs that have boxes but are not among the pictures with these keys."""
    return sorted(set(boxes) - {plain_name(key) for key in keys})


def plain_name(name: str) -> str:
    r"""Return the normalized spelling by which names are compared: `.\a\b.jpg` gives `a/b.jpg`, accents are composed.

    macOS writes an accent as a separate character, other systems do not.
    """
    return unicodedata.normalize("NFC", posixpath.normpath(printable(name).replace("\\", "/")))


def _read_entries(path: Path, name: str) -> Entries:
    try:
        text = read_text(path)
    except InputError as fault:
        raise InputError(f"{printable(str(path))}: {fault}") from fault
    known = tell_format(text)
    if known is None:
        raise InputError(f"{printable(str(path))}: does not hold boxes in a supported format. {_SUPPORTED}")
    return known.read(text, name, False)


def _check_extent(box: WrittenBox) -> Box:
    if not all(math.isfinite(value) for value in box.extent) or min(box.extent[2:]) <= 0:
        raise InputError(
            "a box must have finite coordinates and a positive width and height; "
            f"received {box.written}. Correct or remove it."
        )
    return box.extent
