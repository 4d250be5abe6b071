"""A heat map -> a picture of the patch in grey, overlaid with the heat map in colour."""

import cv2
import numpy as np

from inference.pictures.image_io import resize_image

_COVER = 0.8  # opacity of a value of 1
_DARKEST, _BRIGHTEST = 45, 185  # range of the grey, so that both ends of the colour scale stay visible


def draw_heat_map(pixels: np.ndarray, heat: np.ndarray, side: int) -> np.ndarray:
    """Return uint8 [height, width, 3] with the patch's aspect ratio and the given longer side.

    The patch is drawn in grey, since its own colours could be mistaken for the heat map. The colours of `colour_scale`
    are laid over it; their opacity grows with the value.

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
    """Return uint8 [height, width, 3]: the colours from 0 on the left to 1 on the right, on middle grey."""
    heat = np.broadcast_to(np.linspace(0, 1, width, dtype=np.float32), (height, width))
    return _lay_over(np.full((height, width), 128, np.uint8), heat)


def _lay_over(grey: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """Return the colours of heat, float [height, width], blended over grey, uint8 [height, width]."""
    dimmed = (_DARKEST + grey * ((_BRIGHTEST - _DARKEST) / 255))[..., np.newaxis]
    colours = cv2.applyColorMap(np.round(heat * 255).astype(np.uint8), cv2.COLORMAP_INFERNO)[..., ::-1]
    cover = _COVER * heat[..., np.newaxis]
    return np.round(dimmed * (1 - cover) + colours * cover).astype(np.uint8)
