"""Local contrast normalisation of a photograph: uneven light and exposure removed, in numpy alone."""

import numpy as np

from .tiles import mirrored

_MIDDLE, _SPREAD = 118.0, 35.0  # grey levels that the normalised photograph has as mean and standard deviation
_STRIP = 256  # rows that are normalised at once: memory stays bounded
_LEAST_SPREAD = 2.0  # grey levels; below, noise would be blown up


def normalize_local_contrast(pixels: np.ndarray, window: int) -> np.ndarray:
    """Return uint8 [height, width, 3] with the same mean and contrast of brightness around every pixel.

    From each colour the mean of its surroundings is taken away, and all are divided by the standard deviation of the
    surroundings' brightness: a shadow or another exposure changes nothing, an edge stays (local contrast
    normalisation, Jarrett et al. 2009, "What is the best multi-stage architecture for object recognition?").

    Args:
        pixels: uint8 [height, width, 3], RGB.
        window: side of the square that is a pixel's surroundings, in pixels.
    """
    reach = window // 2
    strips = []
    for top in range(0, len(pixels), _STRIP):
        bottom = min(top + _STRIP, len(pixels))
        rows = mirrored(np.arange(top - reach, bottom + reach), len(pixels))
        strips.append(_normalize(pixels[rows], window)[reach : reach + bottom - top])
    return np.concatenate(strips)


def _normalize(pixels: np.ndarray, window: int) -> np.ndarray:
    colours = pixels.astype(np.float32)
    grey = colours.mean(axis=2)
    middle = box_mean(grey, window)
    spread = np.sqrt(np.maximum(box_mean(grey**2, window) - middle**2, _LEAST_SPREAD**2))
    normalised = [(colours[..., channel] - box_mean(colours[..., channel], window)) / spread for channel in range(3)]
    return np.clip(np.stack(normalised, axis=2) * _SPREAD + _MIDDLE + 0.5, 0, 255).astype(np.uint8)


def box_mean(values: np.ndarray, window: int) -> np.ndarray:
    """Return the mean over a square of an odd number of pixels, at least window, around each: float32 [rows, columns].

    Running sums along one axis after the other: the time does not depend on the window. Mirrored at the edges, again
    and again where the window is larger than the picture.
    """
    reach = window // 2
    for axis in (0, 1):
        padded = np.pad(values, [(reach + 1, reach) if one == axis else (0, 0) for one in (0, 1)], mode="symmetric")
        sums = np.cumsum(padded, axis=axis, dtype=np.float64)
        length, side = values.shape[axis], 2 * reach + 1
        ends, starts = np.arange(side, side + length), np.arange(length)
        values = ((sums.take(ends, axis) - sums.take(starts, axis)) / side).astype(np.float32)
    return values
