"""File of boxes (COCO JSON, CSV or another export) -> the regions to classify, by the key of their photograph."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError
from ..pictures.image_io import encoded_size
from ..pictures.listing import Picture, printable
from ..pictures.regions import Box
from .entries import Entries, WrittenBox, read_text
from .formats import tell_format
from .matching import (
    Fit,
    NothingFitsError,
    PhotoMatcher,
    describe_fits,
    find_rivals,
    plain_name,
    refuse_rival,
)
from .unsupported import describe_unsupported

_SUPPORTED = (
    "Supported: COCO JSON (the lists images and annotations, or a list of results that name their photograph in "
    "file_name or image_id); CSV (a header such as file,x,y,width,height or file,xmin,ymin,xmax,ymax); labelme; VGG "
    "Image Annotator; CVAT XML."
)


@dataclass(frozen=True)
class BoxFile:
    """The boxes of a file by photograph, in order, and a message for each invalid entry.

    boxes: by the key of their picture as match found it, before that by the name that the file writes.
    in_fractions: they are fractions of the picture's width and height, not pixels. notes: what was read leniently.
    """

    boxes: dict[str, tuple[Box, ...]]
    refused: tuple[str, ...] = ()
    in_fractions: bool = False
    notes: tuple[str, ...] = ()

    def boxes_of(self, key: str) -> tuple[Box, ...]:
        """Return the boxes of the picture with this key; empty where the file has none for it."""
        return self.boxes.get(key, ())

    def match(self, pictures: Iterable[Picture]) -> "BoxFile":
        """Return the boxes in pixels by the keys of the pictures that they mean, which may be spelled otherwise.

        A name that fits none, or several, stays as it is written; see PhotoMatcher.
        """
        by_key = {picture.key: picture for picture in pictures}
        matcher = PhotoMatcher(by_key)
        fits: dict[str, Fit] = {}
        refused = list(self.refused)
        for name in self.boxes:
            try:
                fits[name] = matcher.find(name)
            except NothingFitsError:
                continue  # the file may be of more photographs; see unused
            except InputError as fault:
                refused.append(str(fault))
        refused += [refuse_rival(name, fits.pop(name).path) for name in find_rivals(fits)]
        boxes: dict[str, tuple[Box, ...]] = {}
        for name, some in self.boxes.items():
            key = fits[name].path if name in fits else plain_name(printable(name))
            some = _in_pixels(some, by_key[key]) if self.in_fractions and name in fits else some
            boxes[key] = (*boxes.get(key, ()), *some)
        return BoxFile(boxes, tuple(refused), notes=(*self.notes, *describe_fits(fits)))


def read_boxes(path: Path) -> BoxFile:
    """Return the boxes of a COCO or CSV file, or another of TEXT_FORMATS; the format is told by content.

    Boxes are in pixels of the upright photograph, whose top left corner is 0, 0, or all in fractions of it. A
    photograph's name is its path relative to the folder that is classified, or what PhotoMatcher can match. COCO's
    bbox [10, 20, 30, 40] of a.jpg and CSV's line a.jpg,10,20,40,60 under file,xmin,ymin,xmax,ymax both give
    {"a.jpg": ((10.0, 20.0, 30.0, 40.0),)}.
    An invalid entry is left out and reported in `refused` with its line, id or number.

    Raises:
        InputError: the file can't be read, is in neither format, or no entry of it is valid.
    """
    name = printable(path.name)
    found = _read_entries(path, name)
    found.tell_units()
    boxes: dict[str, list[Box]] = {}
    for box in found.boxes:
        with found.collect_refusal(box.origin):
            region = _check_extent(box)
            boxes.setdefault(box.photo.strip(), []).append(region)
    refused = tuple(refusal.message for refusal in found.refusals)
    if not boxes:
        why = f"Refused entries: {len(refused)}, the first: {refused[0]}" if refused else f"Add one. {_SUPPORTED}"
        raise InputError(f"{name}: must hold at least one valid box; received none. {why}")
    named = {photo: tuple(some) for photo, some in boxes.items()}
    return BoxFile(named, refused, found.in_fractions, tuple(found.notes))


def unused(boxes: Iterable[str], keys: Iterable[str]) -> list[str]:
    """Return the names, sorted, of photographs that have boxes but are not among the pictures with these keys."""
    return sorted(set(boxes).difference(keys))


def _read_entries(path: Path, name: str) -> Entries:
    try:
        text = read_text(path)
    except InputError as fault:
        raise InputError(f"{printable(str(path))}: {fault}") from fault
    known = tell_format(text)
    if known is None:
        told = describe_unsupported(text) or "does not hold boxes in a supported format."
        raise InputError(f"{printable(str(path))}: {told} {_SUPPORTED}")
    return known.read(text, name, False)


def _in_pixels(boxes: tuple[Box, ...], picture: Picture) -> tuple[Box, ...]:
    try:
        width, height = encoded_size(picture.read())
    except InputError:  # the same fault is reported where the picture is decoded
        return boxes
    return tuple((x * width, y * height, w * width, h * height) for x, y, w, h in boxes)


def _check_extent(box: WrittenBox) -> Box:
    if not all(math.isfinite(value) for value in box.extent) or min(box.extent[2:]) <= 0:
        raise InputError(
            "a box must have finite coordinates and a positive width and height; "
            f"received {box.written}. Correct or remove it."
        )
    return box.extent
