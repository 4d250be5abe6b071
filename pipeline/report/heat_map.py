"""A map of evidence -> a picture that shows it: the patch in grey, coloured where the evidence lies."""

import cv2
import numpy as np

from inference.pictures.image_io import resize_image

_COVER = 0.8  # how much of the grey a value of 1 hides
_DARKEST, _BRIGHTEST = 45, 185  # of the grey: neither end of the colours drowns in it


def draw_heat_map(pixels: np.ndarray, heat: np.ndarray, side: int) -> np.ndarray:
    """Return uint8 [height, width, 3], the longer side as given, in the proportions of the patch.

    The patch is drawn in grey, since its own colours would be taken for heat. Over it lie the colours of
    `colour_scale`, the more opaque the more evidence there is.

    Args:
        pixels: uint8 [height, width, 3], RGB.
        heat: float [rows, columns], 0 to 1, over the whole patch.
        side: longer side of the result in pixels.
    """
    factor = side / max(pixels.shape[:2])
    height, width = (max(round(length * factor), 1) for length in pixels.shape[:2])
    grey = cv2.cvtColor(resize_image(pixels, (height, width)), cv2.COLOR_RGB2GRAY)
    fine = cv2.resize(np.asarray(heat, np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    return _lay_over(grey, np.clip(fine, 0, 1))


def colour_scale(width: int, height: int) -> np.ndarray:
    """Return uint8 [height, width, 3]: the colours from no evidence, left, to the most, on middle grey."""
    heat = np.broadcast_to(np.linspace(0, 1, width, dtype=np.float32), (height, width))
    return _lay_over(np.full((height, width), 128, np.uint8), heat)


def _lay_over(grey: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """Return the colours of float [height, width] heat over uint8 [height, width] grey."""
    dimmed = (_DARKEST + grey * ((_BRIGHTEST - _DARKEST) / 255))[..., np.newaxis]
    colours = cv2.applyColorMap(np.round(heat * 255).astype(np.uint8), cv2.COLORMAP_INFERNO)[..., ::-1]
    cover = _COVER * heat[..., np.newaxis]
    return np.round(dimmed * (1 - cover) + colours * cover).astype(np.uint8)
