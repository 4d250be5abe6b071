"""The pictures of the test vectors: drawn ones and noise, and the encoded files."""

import io
from typing import Any

import numpy as np
from PIL import Image

SIDE = 12  # pixels of a raw picture, which is enlarged to the network's size
ACROSS = 4  # pictures of a mosaic
_LARGE = (330, 250)  # width and height; no multiples of a network's side
_ORIENTATION, _QUARTER_TURN = 0x0112, 6  # EXIF


def draw_pictures(count: int, seed: int = 0) -> np.ndarray:
    """Return uint8 [count, SIDE, SIDE, 3]: plain colours, gradients, discs and noise in turn; the same for a seed."""
    return np.stack(
        [_DRAWINGS[number % len(_DRAWINGS)](np.random.default_rng((seed, number))) for number in range(count)]
    )


def draw_mosaics(count: int) -> np.ndarray:
    """Return uint8 [count, side, side, 3], each of ACROSS x ACROSS drawn pictures: a surface with many edges."""
    pictures = draw_pictures(count * ACROSS**2).reshape(count, ACROSS, ACROSS, SIDE, SIDE, 3)
    return pictures.transpose(0, 1, 3, 2, 4, 5).reshape(count, ACROSS * SIDE, ACROSS * SIDE, 3)


def draw_files() -> tuple[bytes, ...]:
    """Return the encoded files, in the order of inference.verify.vectors.FILES.

    A JPEG that its EXIF turns by a quarter, a PNG with transparent and half transparent pixels, and a PNG of fine
    stripes that is larger than any network's input, so that every filter reduces it to other pixels.
    """
    return _turned(), _transparent(), _large()


def _turned() -> bytes:
    corners = np.array([[[230, 30, 30], [30, 200, 40]], [[40, 60, 220], [235, 215, 40]]], np.uint8)
    image, exif = Image.fromarray(corners.repeat(24, 0).repeat(32, 1)), Image.Exif()
    exif[_ORIENTATION] = _QUARTER_TURN
    return _encode(image, "JPEG", quality=95, subsampling=0, exif=exif.tobytes())


def _transparent() -> bytes:
    pixels = np.zeros((64, 64, 4), np.uint8)
    pixels[..., :3] = (200, 40, 90)
    pixels[:, 16:32, 3], pixels[:, 32:48, 3], pixels[:, 48:, 3] = 85, 170, 255
    return _encode(Image.fromarray(pixels), "PNG")


def _large() -> bytes:
    width, height = _LARGE
    down, across = np.mgrid[:height, :width]
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[..., 0] = np.where((across // 3 + down // 5) % 2, 220, 20)
    pixels[..., 1] = np.where((across // 7) % 3 == 0, 190, 60)
    pixels[..., 2] = np.where((down // 2) % 5 == 0, 240, 10)
    return _encode(Image.fromarray(pixels), "PNG", optimize=True)


def _encode(image: Image.Image, container: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, container, **options)
    return file.getvalue()


def _plain(random: np.random.Generator) -> np.ndarray:
    return np.broadcast_to(random.integers(0, 256, 3, np.uint8), (SIDE, SIDE, 3))


def _gradient(random: np.random.Generator) -> np.ndarray:
    ends = random.integers(0, 256, (2, 3))
    steps = np.arange(SIDE)[:, np.newaxis, np.newaxis] / (SIDE - 1)
    picture = np.round(ends[0] + steps * (ends[1] - ends[0])).astype(np.uint8).repeat(SIDE, 1)
    return picture if random.integers(2) else picture.transpose(1, 0, 2)


def _disc(random: np.random.Generator) -> np.ndarray:
    colours, middle = random.integers(0, 256, (2, 3), np.uint8), random.integers(3, SIDE - 3, 2)
    down, across = np.mgrid[:SIDE, :SIDE]
    inside = (down - middle[0]) ** 2 + (across - middle[1]) ** 2 < random.integers(4, 20)
    return np.where(inside[..., np.newaxis], colours[0], colours[1])


def _noise(random: np.random.Generator) -> np.ndarray:
    centre = random.integers(0, 256, 3)
    return np.clip(centre + random.normal(0, 40, (SIDE, SIDE, 3)), 0, 255).astype(np.uint8)


_DRAWINGS = (_plain, _gradient, _disc, _noise)
