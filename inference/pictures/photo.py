"""A decoded photograph, perhaps at a reduced size -> the whole of it, or a region, at the network's size."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from PIL import Image

Size = tuple[int, int]  # height, width
Region = tuple[slice, slice]  # rows, columns in pixels of the photograph
Reduction = Callable[[Size], int]  # size of a photograph -> the most that one side of it may be divided by

_PIXELS_KEPT = 2  # for each of the network's, along a side: fewer would blur what the network sees
_LEAST_SIDE = 256  # pixels kept along a side: answers of networks of 32 pixels would move by a hundredth below it


@dataclass(frozen=True)
class Photo:
    """A decoded photograph, upright, perhaps reduced.

    image: RGB; each pixel stands for factor x factor pixels of the photograph.
    size: (height, width) of the photograph itself.
    lead: rows above and columns left of the photograph that the image covers, too: where the factor does not divide
        a side, its last pixels reach beyond the photograph, and turning it upright can make them the first.
    """

    image: Image.Image
    size: Size
    factor: int = 1
    lead: tuple[int, int] = (0, 0)

    @classmethod
    def of(cls, pixels: np.ndarray) -> "Photo":
        """Return a photograph in full size, of uint8 [height, width, 3], RGB."""
        return cls(Image.fromarray(pixels), (pixels.shape[0], pixels.shape[1]))

    def resized(self, size: Size, region: Region | None = None) -> np.ndarray:
        """Return the photograph, or a region of it, as uint8 [height, width, 3]; see image_io.resize_image.

        The edges are those of the photograph also where they lie inside a pixel of the reduced image: columns 0 to 99
        at factor 8 are the pixels 0 to 11 and half of pixel 12.
        """
        rows, columns = region or (slice(0, self.size[0]), slice(0, self.size[1]))
        top, bottom = ((edge + self.lead[0]) / self.factor for edge in (rows.start, rows.stop))
        left, right = ((edge + self.lead[1]) / self.factor for edge in (columns.start, columns.stop))
        x, y = math.floor(left), math.floor(top)
        whole = (x, y, math.ceil(right), math.ceil(bottom))
        image = self.image if whole == (0, 0, *self.image.size) else self.image.crop(whole)
        box = (left - x, top - y, right - x, bottom - y)
        return np.asarray(image.resize(size[::-1], Image.Resampling.BILINEAR, box))


def reduction_to(size: Size, regions: Callable[[Size], Iterable[Region]] | None = None) -> Reduction:
    """Return how far a photograph may be reduced: it, or each region, keeps twice the network's sides and 256 pixels.

    size: (height, width) of the network's pictures.
    regions: those of a photograph of a size; default: the whole photograph.

    Of 4000 x 3000 pixels for a network of 128 x 128: 3000 // 256 = 11. Of a region of 700 x 600 in it: 2.
    """

    def reduction(photo: Size) -> int:
        shown = [photo] if regions is None else [_size_of(region) for region in regions(photo)]
        return min((min(_reductions(one, size)) for one in shown), default=1)

    return reduction


def _reductions(shown: Size, size: Size) -> tuple[int, int]:
    height, width = (shown[axis] // max(_PIXELS_KEPT * size[axis], _LEAST_SIDE) for axis in (0, 1))
    return height, width


def _size_of(region: Region) -> Size:
    rows, columns = region
    return rows.stop - rows.start, columns.stop - columns.start
