"""Pixels -> the bytes of a picture file, every parameter of the encoder stated: the one writer of pictures."""

import io

import numpy as np
from PIL import Image

FULL_COLOUR, HALF_COLOUR = 0, 2  # of a JPEG: 4:4:4 keeps small letters and thin lines sharp; 4:2:0 is smaller


def png_bytes(picture: np.ndarray | Image.Image, compress_level: int = 6, optimize: bool = False) -> bytes:
    """Return uint8 [height, width] or [height, width, 3], or an image, as PNG."""
    return _encode(picture, "PNG", compress_level=compress_level, optimize=optimize)


def jpeg_bytes(
    picture: np.ndarray | Image.Image, quality: int = 90, subsampling: int = FULL_COLOUR, optimize: bool = False
) -> bytes:
    """Return uint8 [height, width] or [height, width, 3], or an image, as JPEG; quality: 1 to 95."""
    return _encode(picture, "JPEG", quality=quality, subsampling=subsampling, optimize=optimize)


def _encode(picture: np.ndarray | Image.Image, form: str, **parameters: int) -> bytes:
    image = Image.fromarray(np.ascontiguousarray(picture)) if isinstance(picture, np.ndarray) else picture
    data = io.BytesIO()
    image.save(data, form, **parameters)
    return data.getvalue()
