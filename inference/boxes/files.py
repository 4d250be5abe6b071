"""File of boxes (COCO JSON or CSV) -> the regions to classify, by the key of their photograph."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from inference.boxes.coco import is_json, read_coco
from inference.boxes.csv_table import is_table, read_csv
from inference.boxes.entries import BoxReading, plain_name
from inference.errors import InputError
from inference.pictures.listing import printable
from inference.pictures.regions import Box

_KNOWN = (
    "Known: COCO JSON (the lists images and annotations, or a list of results that name their photograph in "
    "file_name or image_id); CSV (a header such as file,x,y,width,height or file,xmin,ymin,xmax,ymax)."
)


@dataclass(frozen=True)
class BoxFile:
    """The boxes of a file by plain name of their photograph, in the file's order, and a message for each bad entry."""

    boxes: dict[str, tuple[Box, ...]]
    refused: tuple[str, ...] = ()

    def boxes_of(self, key: str) -> tuple[Box, ...]:
        """Return the boxes of the picture with this key: none where the file names none."""
        return self.boxes.get(plain_name(key), ())


def read_boxes(path: Path) -> BoxFile:
    """Return the boxes of a COCO or CSV file; the format is told by content.

    Boxes are in pixels of the upright photograph, whose top left corner is 0, 0. A photograph's name is its path
    relative to the folder that is classified. COCO's bbox [10, 20, 30, 40] of a.jpg and CSV's line a.jpg,10,20,40,60
    under file,xmin,ymin,xmax,ymax both give {"a.jpg": ((10.0, 20.0, 30.0, 40.0),)}.
    An entry that breaks a rule is left out and named in `refused` by its line or number.

    Raises:
        InputError: the file can't be read, is of neither format, or no entry of it holds a sound box.
    """
    name = printable(path.name)
    text = _read_text(path)
    if is_json(text):
        reading = read_coco(text, name)
    elif is_table(text):
        reading = read_csv(text, name)
    else:
        raise InputError(f"{printable(str(path))}: holds boxes of no known format. {_KNOWN}")
    _check_holds_box(reading, name)
    return BoxFile({photo: tuple(boxes) for photo, boxes in reading.boxes.items()}, tuple(reading.refused))


def unused(boxes: Iterable[str], keys: Iterable[str]) -> list[str]:
    """Return the photographs, sorted, that have boxes but are not among the pictures with these keys."""
    return sorted(set(boxes) - {plain_name(key) for key in keys})


def _check_holds_box(reading: BoxReading, name: str) -> None:
    if reading.boxes:
        return
    count = len(reading.refused)
    why = f"Refused entries: {count}, the first: {reading.refused[0]}" if count else f"Add one. {_KNOWN}"
    raise InputError(f"{name}: must hold a sound box; received none. {why}")


def _read_text(path: Path) -> str:
    r"""Return the text with \n line ends; bytes that are no UTF-8 become surrogates, as in file names."""
    try:
        data = path.read_bytes()
    except OSError as fault:
        reason = fault.strerror or fault
        raise InputError(f"{printable(str(path))}: cannot be read: {reason}. Give a file of boxes.") from fault
    if b"\0" in data:
        raise InputError(
            f"{printable(str(path))}: must be UTF-8 text; received binary data or UTF-16. Save it as UTF-8."
        )
    return data.decode("utf-8-sig", "surrogateescape").replace("\r\n", "\n").replace("\r", "\n")
