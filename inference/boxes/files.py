"""File of boxes (COCO JSON, CSV or another export) -> the regions to classify, by the key of their photograph."""

import functools
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError
from ..pictures.image_io import encoded_size
from ..pictures.limits import DEFAULT_LIMITS, Limits
from ..pictures.listing import Picture, printable
from ..pictures.regions import Box
from .entries import Entries, Refusal, WrittenBox, read_text
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
from .order import Frame
from .unsupported import describe_unsupported

_SUPPORTED = (
    "Supported: COCO JSON (the lists images and annotations, or a list of results that name their photograph in "
    "file_name or image_id); CSV (a header such as file,x,y,width,height or file,xmin,ymin,xmax,ymax); labelme; VGG "
    "Image Annotator; CVAT XML."
)


@dataclass(frozen=True)
class BoxFile:
    """The boxes of a file in pixels by the key of their picture, in order, and a message for each invalid entry.

    A name that fits no picture, or several, is its own key. notes: what was read leniently.
    """

    boxes: dict[str, tuple[Box, ...]]
    refused: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def boxes_of(self, key: str) -> tuple[Box, ...]:
        """Return the boxes of the picture with this key; empty where the file has none for it."""
        return self.boxes.get(key, ())


def read_boxes(path: Path, pictures: Iterable[Picture], limits: Limits = DEFAULT_LIMITS) -> BoxFile:
    """Return the boxes of a COCO or CSV file, or another of TEXT_FORMATS; the format is told by content.

    Boxes are in pixels of the upright photograph, whose top left corner is 0, 0, or all in fractions of it. A
    photograph's name is the key of its picture, or what PhotoMatcher can match. COCO's bbox [10, 20, 30, 40] of a.jpg
    and CSV's line a.jpg,10,20,40,60 under file,xmin,ymin,xmax,ymax both give {"a.jpg": ((10.0, 20.0, 30.0, 40.0),)}.
    An invalid entry is left out and reported in `refused` with its line, id or number.

    limits: of the pictures; one that exceeds them has no size, which fractions need.

    Raises:
        InputError: the file can't be read, is in neither format, or no entry of it is valid.
    """
    name = printable(path.name)
    found = _read_entries(path, name)
    found.tell_units()
    by_key = {picture.key: picture for picture in pictures}
    fits = _match_names(found, by_key)
    size_of = functools.cache(lambda key: _read_size(by_key[key], limits))
    found.tell_orders(lambda written: _frame_of(fits.get(written.strip()), size_of))
    boxes = _place_boxes(found, fits, size_of)
    refused = tuple(refusal.message for refusal in found.refusals)
    if not boxes:
        why = f"Refused entries: {len(refused)}, the first: {refused[0]}" if refused else f"Add one. {_SUPPORTED}"
        raise InputError(f"{name}: must hold at least one valid box; received none. {why}")
    return BoxFile(boxes, refused, (*found.notes, *describe_fits(fits)))


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


def _match_names(found: Entries, pictures: Iterable[str]) -> dict[str, Fit]:
    """Return written name, without blanks around it -> its picture, where one fits; see PhotoMatcher."""
    matcher = PhotoMatcher(pictures)
    fits: dict[str, Fit] = {}
    for name in dict.fromkeys(box.photo.strip() for box in found.boxes):
        try:
            fits[name] = matcher.find(name)
        except NothingFitsError:
            continue  # the file may be of more photographs; see unused
        except InputError as fault:
            found.refusals.append(Refusal(str(fault)))
    found.refusals += [Refusal(refuse_rival(name, fits.pop(name).path)) for name in find_rivals(fits)]
    return fits


def _read_size(picture: Picture, limits: Limits) -> Frame | InputError:
    try:
        return encoded_size(picture.read(limits), limits)
    except InputError as fault:
        return fault


def _frame_of(fit: Fit | None, size_of: Callable[[str], Frame | InputError]) -> Frame | None:
    size = None if fit is None else size_of(fit.path)
    return None if isinstance(size, InputError) else size  # the fault is reported where the picture is decoded


def _place_boxes(
    found: Entries, fits: Mapping[str, Fit], size_of: Callable[[str], Frame | InputError]
) -> dict[str, tuple[Box, ...]]:
    """Return the valid boxes in pixels by the key of their picture."""
    boxes: dict[str, list[Box]] = {}
    for box in found.boxes:
        name = box.photo.strip()
        with found.collect_refusal(box.origin):
            x, y, width, height = _check_extent(box)
            key = fits[name].path if name in fits else plain_name(printable(name))
            across, down = _unit_in_pixels(key, size_of) if found.in_fractions and name in fits else (1, 1)
            boxes.setdefault(key, []).append((x * across, y * down, width * across, height * down))
    return {key: tuple(some) for key, some in boxes.items()}


def _unit_in_pixels(key: str, size_of: Callable[[str], Frame | InputError]) -> Frame:
    size = size_of(key)
    if isinstance(size, InputError):
        raise InputError(f"fractions need the size of their photograph. {key}: {size}")
    return size


def _check_extent(box: WrittenBox) -> Box:
    if not all(math.isfinite(value) for value in box.extent) or min(box.extent[2:]) <= 0:
        raise InputError(
            "a box must have finite coordinates and a positive width and height; "
            f"received {box.written}. Correct or remove it."
        )
    return box.extent
