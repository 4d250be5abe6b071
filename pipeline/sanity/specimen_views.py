"""Test patches + their photographs -> views of a specimen with its surroundings, and the position of the specimen.

A view is twice as wide and high as the box of its patch (with its margin). Its position around the box is random, not
centred: otherwise a network that prefers the middle of a picture would seem to look at specimens. The view is clipped
to the photograph. Other specimens of the same class in the view count as specimen too.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from inference.errors import InputError
from inference.pictures.image_io import read_image
from pipeline.data.index import Patch, PatchIndex
from pipeline.data.windows import Window, intersection
from pipeline.random_generator import make_generator

MOST_VIEWS = 1000
TIMES = 2  # sides of a view as a multiple of the sides of the box
MOST_COVER = 0.6  # views with a larger share of specimen are left out
CENTRE_SIDE = 0.5**0.5  # half of the area

FULL, MIXED, LOST = "the box fills its photograph", "another class is in view", "the photograph can't be read"


@dataclass(frozen=True)
class View:
    """A picture for the network and a part of it.

    pixels: uint8 [height, width, 3]. inside: bool [height, width], True on the specimen, or in the centre.
    """

    patch: Patch
    pixels: np.ndarray
    inside: np.ndarray


class SpecimenViews:
    """The views of test patches, generated one by one to save memory; left_out counts the other patches by reason."""

    def __init__(self, test: PatchIndex, images: Path, labels: tuple[str, ...]) -> None:
        self.left_out: Counter[str] = Counter()
        self._images, self._boxes = images, _boxes_by_photo(test, labels)
        self._patches = sample_patches(PatchIndex(test.root, tuple(p for p in test.patches if p.label in labels)))

    @property
    def most(self) -> int:
        """Return the number of patches, and so of views if none is left out."""
        return len(self._patches)

    def __iter__(self) -> Iterator[View]:
        """Yield the views, photograph by photograph."""
        name, pixels = "", None
        for patch in sorted(self._patches, key=lambda patch: patch.photo):
            if patch.photo != name:
                name, pixels = patch.photo, _read_photograph(self._images / patch.photo)
            view = make_view(patch, self._boxes[patch.photo], pixels)
            if isinstance(view, View):
                yield view
            else:
                self.left_out[view] += 1


def make_view(patch: Patch, boxes: list[tuple[str, Window]], pixels: np.ndarray | None) -> View | str:
    """Return the view of a patch of a photograph, uint8 [height, width, 3], or the reason why there is none.

    boxes: label and window of every specimen in the photograph, including the patch's own.
    """
    own = _window(patch)
    if pixels is None or own.x + own.width > pixels.shape[1] or own.y + own.height > pixels.shape[0]:
        return LOST  # the photograph was replaced
    frame = pixels.shape[1], pixels.shape[0]
    window = surrounding_window(own, frame, make_generator(0, "view", patch.file))
    if any(label != patch.label and intersection(box, window) for label, box in boxes):
        return MIXED
    inside = mark_boxes([box for _, box in boxes], window)
    if inside.mean() > MOST_COVER:
        return FULL
    part = pixels[window.y : window.y + window.height, window.x : window.x + window.width]
    return View(patch, part, inside)


def surrounding_window(box: Window, frame: tuple[int, int], random: np.random.Generator) -> Window:
    """Return a random window that contains a box, twice as wide and high, inside the frame (width, height).

    Box (10, 20, 30, 40) in the frame (45, 1000): x 0, width 45; height 80, y from 0 to 20.
    """
    x, width = _surround(box.x, box.width, frame[0], random)
    y, height = _surround(box.y, box.height, frame[1], random)
    return Window(x, y, width, height)


def mark_boxes(boxes: list[Window], window: Window) -> np.ndarray:
    """Return bool [height, width] of a window, True inside any of the boxes."""
    inside = np.zeros((window.height, window.width), bool)
    for box in boxes:
        left, top = max(box.x - window.x, 0), max(box.y - window.y, 0)
        right, bottom = max(box.x + box.width - window.x, 0), max(box.y + box.height - window.y, 0)
        inside[top:bottom, left:right] = True
    return inside


def centre_views(test: PatchIndex) -> Iterator[View]:
    """Yield the test pictures with the centre as inside: half of the area, with the picture's aspect ratio."""
    for patch in sample_patches(test):
        pixels = read_image(test.path(patch))
        yield View(patch, pixels, mark_centre(pixels.shape[0], pixels.shape[1]))


def mark_centre(height: int, width: int) -> np.ndarray:
    """Return bool [height, width], True in the middle: of 10 x 10 pixels the middle 7 x 7."""
    inside = np.zeros((height, width), bool)
    rows, columns = (max(round(side * CENTRE_SIDE), 1) for side in (height, width))
    top, left = (height - rows) // 2, (width - columns) // 2
    inside[top : top + rows, left : left + columns] = True
    return inside


def sample_patches(index: PatchIndex) -> list[Patch]:
    """Return at most MOST_VIEWS patches, sampled at random, in the order of the index."""
    count = len(index.patches)
    chosen = np.sort(make_generator(0, "views", count).permutation(count)[:MOST_VIEWS])
    return [index.patches[position] for position in chosen]


def _boxes_by_photo(test: PatchIndex, labels: tuple[str, ...]) -> dict[str, list[tuple[str, Window]]]:
    boxes: dict[str, list[tuple[str, Window]]] = {}
    for patch in test.patches:
        if patch.label in labels:
            boxes.setdefault(patch.photo, []).append((patch.label, _window(patch)))
    return boxes


def _surround(start: int, length: int, limit: int, random: np.random.Generator) -> tuple[int, int]:
    """Return start and length of a random interval around another one, inside 0 to limit."""
    longer = min(TIMES * length, limit)
    first, last = max(start + length - longer, 0), min(start, limit - longer)
    return int(random.integers(first, last + 1)), longer


def _window(patch: Patch) -> Window:
    return Window(patch.x, patch.y, patch.width, patch.height)


def _read_photograph(path: Path) -> np.ndarray | None:
    try:
        return read_image(path)
    except InputError:
        return None
