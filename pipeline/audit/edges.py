"""A picture -> a small map of its edges, by which copies are recognized that have too few keypoints.

The map is the length of the colour gradient, which mirroring moves and a turn of the hue or a swap of the channels
does not change.
"""

import cv2
import numpy as np

MAP_SIDE = 48
VECTOR_SIDE = 16
_TEMPLATE_SIDE = 36
_BORDER = (MAP_SIDE - _TEMPLATE_SIDE) // 2
_ENLARGED = tuple(round(MAP_SIDE * factor) for factor in (1.0, 1.06, 1.12, 1.19, 1.27))  # a copy cut to 79 % and more
_FLAT = 2.0  # standard deviation of a map below which there is nothing to compare, of 255


def edge_map(rgb: np.ndarray) -> np.ndarray:
    """Return uint8 [MAP_SIDE, MAP_SIDE] for a picture uint8 [height, width, 3], stretched to a square."""
    small = cv2.resize(rgb, (2 * MAP_SIDE, 2 * MAP_SIDE), interpolation=cv2.INTER_AREA)
    smooth = cv2.GaussianBlur(small, (0, 0), 1.0).astype(np.float32)
    across, down = cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1)
    length = np.sqrt((across**2 + down**2).sum(axis=2))
    reduced = cv2.resize(np.sqrt(length), (MAP_SIDE, MAP_SIDE), interpolation=cv2.INTER_AREA)
    return np.asarray(np.clip(8 * reduced, 0, 255).astype(np.uint8))


def edge_vectors(maps: np.ndarray) -> np.ndarray:
    """Return float32 [pictures, VECTOR_SIDE ** 2] of length 1, without their mean; 0 for flat pictures."""
    vectors = np.zeros((len(maps), VECTOR_SIDE**2), np.float32)
    for row, one in zip(vectors, maps, strict=True):
        if one.std() >= _FLAT:
            small = cv2.resize(one.astype(np.float32), (VECTOR_SIDE, VECTOR_SIDE), interpolation=cv2.INTER_AREA)
            row[:] = (small - small.mean()).ravel()
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)


def edge_correlation(first: np.ndarray, second: np.ndarray) -> float:
    """Return the highest correlation of two edge maps, one perhaps cut out of the other's inner 79 % and more."""
    return max(_found_in(first, second), _found_in(second, first))


def _found_in(whole: np.ndarray, part: np.ndarray) -> float:
    """Return how well the centre of a map is found in another one, at any place and slightly enlarged."""
    template = part[_BORDER:-_BORDER, _BORDER:-_BORDER]
    if cv2.meanStdDev(template)[1].item() < _FLAT:
        return 0.0
    best = 0.0
    for side in _ENLARGED:
        enlarged = cv2.resize(whole, (side, side), interpolation=cv2.INTER_LINEAR)
        best = max(best, float(cv2.matchTemplate(enlarged, template, cv2.TM_CCOEFF_NORMED).max()))
    return best
