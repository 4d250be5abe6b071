"""A photograph and boxes in it -> the pixels of each region."""

import math

import numpy as np

from ..errors import InputError
from .photo import Region, Size

Box = tuple[float, float, float, float]  # left, top, width, height in pixels of the upright photograph


def cut_region(pixels: np.ndarray, box: Box, margin: float = 0.0) -> np.ndarray:
    """Return the pixels of a box, uint8 [height, width, 3]: whole pixels, cut off at the photograph's edge.

    margin: share of the box's side added on each side, as in training. Box (10, 20, 100, 50) with margin 0.1 in a
    large photograph: columns 0 to 119, rows 15 to 74.

    Raises:
        InputError: the box has no area inside the photograph.
    """
    return pixels[find_region((pixels.shape[0], pixels.shape[1]), box, margin)]


def find_region(size: Size, box: Box, margin: float = 0.0) -> Region:
    """Return rows and columns of a box in a photograph of size (height, width); see cut_region."""
    left, top, width, height = box
    if not all(math.isfinite(value) for value in box) or width <= 0 or height <= 0:
        raise InputError(f"a box must have a finite place and a positive size. Received: {list(box)}.")
    rows = _span(top, height, margin, size[0])
    columns = _span(left, width, margin, size[1])
    if rows.start >= rows.stop or columns.start >= columns.stop:
        received = f"{list(box)} in {size[1]} x {size[0]} pixels"
        raise InputError(f"a box must overlap its photograph, in the frame after EXIF rotation. Received: {received}.")
    return rows, columns


def _span(start: float, length: float, margin: float, side: int) -> slice:
    """Return whole pixels; the unpadded box must overlap, so that a margin never makes a region of nothing.

    Sums of large numbers may be infinite, which can't be rounded: they are cut off before.
    """
    first, last, pad = round(start), round(min(start + length, side)), round(min(length * margin, side))
    if max(first, 0) >= last:
        return slice(0, 0)
    return slice(max(first - pad, 0), min(last + pad, side))
