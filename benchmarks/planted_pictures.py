"""Drawn pictures none like another, and the ways in which copies of them get into a data set."""

import io
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw

SIZE = (200, 150)  # width, height


def draw_picture(seed: int) -> np.ndarray:
    """Return uint8 [height, width, 3]: polygons of random colours over a soft background."""
    random = np.random.default_rng(seed)
    coarse = Image.fromarray(random.integers(90, 200, (4, 5, 3), np.uint8))
    picture = coarse.resize(SIZE, Image.Resampling.BICUBIC)
    pen = ImageDraw.Draw(picture)
    for _ in range(25):
        centre, reach = random.uniform((0, 0), SIZE), random.uniform(6, 30)
        angles = np.sort(random.uniform(0, 2 * np.pi, int(random.integers(3, 7))))
        corners = [(centre[0] + reach * np.cos(a), centre[1] + reach * np.sin(a)) for a in angles]
        pen.polygon(corners, fill=tuple(int(level) for level in random.integers(0, 256, 3)))
    return np.asarray(picture)


def jpeg(rgb: np.ndarray, quality: int) -> np.ndarray:
    """Return a picture after JPEG."""
    file = io.BytesIO()
    Image.fromarray(rgb).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))


def resized(rgb: np.ndarray) -> np.ndarray:
    """Return a picture at 60 % of its size."""
    height, width = rgb.shape[:2]
    return np.asarray(Image.fromarray(rgb).resize((round(width * 0.6), round(height * 0.6)), Image.Resampling.BICUBIC))


def cropped(rgb: np.ndarray) -> np.ndarray:
    """Return a picture without 6 to 10 % on each side."""
    height, width = rgb.shape[:2]
    return rgb[round(height * 0.06) : round(height * 0.92), round(width * 0.1) : round(width * 0.93)]


def mirrored(rgb: np.ndarray) -> np.ndarray:
    """Return the mirror image."""
    return np.ascontiguousarray(rgb[:, ::-1])


def recoloured(rgb: np.ndarray) -> np.ndarray:
    """Return a picture with channels exchanged, darker and of less contrast."""
    return (rgb[..., [1, 2, 0]] * 0.7 + 20).astype(np.uint8)


def grey(rgb: np.ndarray) -> np.ndarray:
    """Return a picture without colour."""
    return np.asarray(Image.fromarray(rgb).convert("L").convert("RGB"))


COPIES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "encoded again": lambda rgb: jpeg(rgb, 40),
    "resized": lambda rgb: jpeg(resized(rgb), 75),
    "cropped": lambda rgb: jpeg(cropped(rgb), 75),
    "mirrored": lambda rgb: jpeg(mirrored(rgb), 75),
    "recoloured": lambda rgb: jpeg(recoloured(rgb), 75),
    "grey": lambda rgb: jpeg(grey(rgb), 75),
    "all at once": lambda rgb: jpeg(mirrored(cropped(resized(recoloured(rgb)))), 60),
}
