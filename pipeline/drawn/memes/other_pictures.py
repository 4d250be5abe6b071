"""The style "background": memes of no game at all, a table with stones or a pattern under the same kind of caption."""

import cv2
import numpy as np

from pipeline.drawn.outliers import draw_outlier
from pipeline.drawn.scenes.dataset import draw_scene

_SEEDS = 2**31


def draw_other_picture(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Return a picture of no game, uint8 [height, width, 3]."""
    seed, number = (int(one) for one in rng.integers(_SEEDS, size=2))
    picture = draw_scene(seed, number).pixels if rng.random() < 0.5 else draw_outlier(seed, number)
    return cv2.resize(_cut(rng, picture, shape), shape[::-1], interpolation=cv2.INTER_AREA)


def _cut(rng: np.random.Generator, picture: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Return the largest window of the shape's aspect, somewhere in the picture, or half of it."""
    scale = min(np.array(picture.shape[:2]) / shape) * rng.uniform(0.5, 1)
    height, width = (int(side * scale) for side in shape)
    top, left = (int(rng.integers(room + 1)) for room in (picture.shape[0] - height, picture.shape[1] - width))
    return picture[top : top + height, left : left + width]
