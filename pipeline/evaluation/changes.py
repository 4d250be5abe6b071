"""The changes of a robustness test: what other cameras, other light and other boxes do to a picture.

Kinds and order of strengths follow ImageNet-C (Hendrycks and Dietterich 2019, arXiv:1903.12261), with two strengths
each, JPEG with four, and without weather; changes of the box are added. Lengths are shares of the picture's side, so
that the strengths mean the same for every input size.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial

import cv2
import numpy as np

from inference.pictures.encode import HALF_COLOUR, jpeg_bytes
from inference.pictures.image_io import decode_image, resize_image
from pipeline.drawn.outliers import draw_outlier

_CLUTTER_SEED = 2_000_003  # not used by any recipe
_CLUTTERS = 40

Apply = Callable[[np.ndarray, np.random.Generator], np.ndarray]


@dataclass(frozen=True)
class Change:
    """One change at one strength.

    apply: from pixels uint8 [height, width, 3] to pixels. resized: whether it is applied at the network's input size,
    so that its strength is the same for all patches; otherwise to the patch as it was cut.
    """

    name: str
    strength: str
    apply: Apply
    resized: bool = True


def white_balance(gain: float, pixels: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Return pixels with red times 1 + gain and blue times 1 - gain."""
    return _clip(pixels * np.array([1 + gain, 1.0, 1 - gain]))


def brightness(factor: float, pixels: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Return pixels times a factor."""
    return _clip(pixels * factor)


def compress(quality: int, pixels: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Return pixels after JPEG of a quality."""
    return decode_image(jpeg_bytes(pixels, quality, HALF_COLOUR))


def coarsen(part: float, pixels: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Return pixels reduced to a part of their sides and enlarged again."""
    height, width = pixels.shape[:2]
    small = resize_image(pixels, (max(round(height * part), 1), max(round(width * part), 1)))
    return resize_image(small, (height, width))


def blur(width: float, pixels: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Return pixels after a Gaussian blur; width: standard deviation as a share of the shorter side."""
    return cv2.GaussianBlur(pixels, (0, 0), width * min(pixels.shape[:2]))


def noise(deviation: float, pixels: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Return pixels with Gaussian noise of a standard deviation in levels of 255."""
    return _clip(pixels + random.normal(0, deviation, pixels.shape))


def surround(part: float, pixels: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Return pixels reduced to a part of the sides, in the middle of a drawn picture of no particular object."""
    height, width = pixels.shape[:2]
    picture = resize_image(_clutter(int(random.integers(_CLUTTERS))), (height, width)).copy()
    rows, columns = max(round(height * part), 1), max(round(width * part), 1)
    top, left = (height - rows) // 2, (width - columns) // 2
    picture[top : top + rows, left : left + columns] = resize_image(pixels, (rows, columns))
    return picture


def tighten(share: float, pixels: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Return pixels without a share of the height and the width on each side."""
    height, width = pixels.shape[:2]
    top, left = round(height * share), round(width * share)
    return pixels[top : max(height - top, top + 1), left : max(width - left, left + 1)]


CHANGES = (
    Change("warmer light", "red +15 %, blue -15 %", partial(white_balance, 0.15)),
    Change("warmer light", "red +30 %, blue -30 %", partial(white_balance, 0.3)),
    Change("colder light", "red -15 %, blue +15 %", partial(white_balance, -0.15)),
    Change("colder light", "red -30 %, blue +30 %", partial(white_balance, -0.3)),
    Change("darker", "0.7 of the brightness", partial(brightness, 0.7)),
    Change("darker", "0.45 of the brightness", partial(brightness, 0.45)),
    Change("brighter", "1.3 of the brightness", partial(brightness, 1.3)),
    Change("brighter", "1.7 of the brightness", partial(brightness, 1.7)),
    Change("JPEG", "quality 90", partial(compress, 90)),
    Change("JPEG", "quality 60", partial(compress, 60)),
    Change("JPEG", "quality 30", partial(compress, 30)),
    Change("JPEG", "quality 10", partial(compress, 10)),
    Change("lower resolution", "half the side", partial(coarsen, 0.5)),
    Change("lower resolution", "a quarter of the side", partial(coarsen, 0.25)),
    Change("blur", "1 % of the side", partial(blur, 0.01)),
    Change("blur", "2.5 % of the side", partial(blur, 0.025)),
    Change("noise", "12 of 255", partial(noise, 12.0)),
    Change("noise", "25 of 255", partial(noise, 25.0)),
    Change("clutter around", "0.7 of the side is left", partial(surround, 0.7), resized=False),
    Change("clutter around", "0.5 of the side is left", partial(surround, 0.5), resized=False),
    Change("tighter box", "10 % off each side", partial(tighten, 0.1), resized=False),
    Change("tighter box", "20 % off each side", partial(tighten, 0.2), resized=False),
)
LOOSER = (("looser box", "15 % more on each side", 0.15), ("looser box", "30 % more on each side", 0.3))


@lru_cache(maxsize=_CLUTTERS)
def _clutter(number: int) -> np.ndarray:
    return draw_outlier(_CLUTTER_SEED, number)


def _clip(pixels: np.ndarray) -> np.ndarray:
    return pixels.clip(0, 255).round().astype(np.uint8)
