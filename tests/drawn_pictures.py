"""Pictures that the program draws itself: minerals cut from scenes, and pictures of nothing in particular, in turn."""

import itertools
from collections.abc import Iterator

import numpy as np

from inference.pictures.image_io import resize_image
from pipeline.drawn.outliers import draw_outlier
from pipeline.drawn.scenes.dataset import draw_scene

SEED = 2026


def drawn_pictures(count: int) -> list[np.ndarray]:
    """Return uint8 [height, width, 3] of any size, always the same."""
    pairs = zip(_specimens(), (draw_outlier(SEED, number) for number in itertools.count()), strict=False)
    return list(itertools.islice(itertools.chain.from_iterable(pairs), count))


def pictures_of_size(count: int, size: tuple[int, int]) -> list[np.ndarray]:
    """Return the same pictures as uint8 [*size, 3], so that no other program has to resize them."""
    return [np.ascontiguousarray(resize_image(picture, size)) for picture in drawn_pictures(count)]


def _specimens() -> Iterator[np.ndarray]:
    for number in itertools.count():
        scene = draw_scene(SEED, number)
        for box in scene.boxes:
            yield scene.pixels[box.y : box.y + box.height, box.x : box.x + box.width]
