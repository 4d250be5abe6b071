"""What happens to a meme on its way: a frame, a sticker, a mark of the page, other colours, poor copies."""

import io

import numpy as np
from PIL import Image

from inference.pictures.encode import HALF_COLOUR, jpeg_bytes
from pipeline.drawn.memes.canvas import Colour, arc, box, ellipse, new_canvas, pick
from pipeline.drawn.memes.lettering import write_line
from pipeline.drawn.memes.words import MARKS

_INK: Colour = (60, 40, 20)


def wear(rng: np.random.Generator, picture: np.ndarray) -> np.ndarray:
    """Return the picture as it arrives after it was shared a few times."""
    if rng.random() < 0.15:
        _paint_sticker(rng, picture)
    if rng.random() < 0.2:
        _sign(rng, picture)
    if rng.random() < 0.2:
        picture = _frame(rng, picture)
    if rng.random() < 0.25:
        picture = _recolour(rng, picture)
    if rng.random() < 0.08:
        picture = _photograph_screen(rng, picture)
    if rng.random() < 0.35:
        picture = _copy_poorly(rng, picture)
    return picture


def _paint_sticker(rng: np.random.Generator, picture: np.ndarray) -> None:
    """Stick a round yellow face on it, laughing or sad."""
    height, width = picture.shape[:2]
    radius = min(height, width) * rng.uniform(0.06, 0.12)
    x, y = rng.uniform(0.12, 0.88) * width, rng.uniform(0.15, 0.85) * height
    ellipse(picture, (x, y), (radius, radius), (255, 205, 60))
    for side in (-1, 1):
        ellipse(picture, (x + side * radius * 0.38, y - radius * 0.25), (radius * 0.13, radius * 0.2), _INK)
    if rng.random() < 0.6:
        ellipse(picture, (x, y + radius * 0.35), (radius * 0.5, radius * 0.32), (130, 50, 30))
        ellipse(picture, (x + radius * 0.8, y), (radius * 0.16, radius * 0.28), (90, 180, 250))
    else:
        arc(picture, (x, y + radius * 0.6), (radius * 0.4, radius * 0.3), (190, 350), (_INK, radius * 0.12))


def _sign(rng: np.random.Generator, picture: np.ndarray) -> None:
    """Write the name of a page small into a lower corner."""
    height, width = picture.shape[:2]
    size, text = max(height * 0.035, 9), MARKS[int(rng.integers(len(MARKS)))]
    anchor, x = ("lm", width * 0.02) if rng.random() < 0.5 else ("rm", width * 0.98)
    write_line(picture, text, (x, height - size * 0.8), size, pick(rng, ((235, 235, 235), (150, 150, 150)), 3), anchor)


def _frame(rng: np.random.Generator, picture: np.ndarray) -> np.ndarray:
    """Put bars above and below, or all around, as screenshots of telephones and pages have them."""
    height, width = picture.shape[:2]
    colour = pick(rng, ((0, 0, 0), (255, 255, 255), (24, 26, 32), (235, 238, 242)), 0)
    upper, lower = (round(height * share) for share in rng.uniform(0.0, 0.22, 2))
    side = round(width * rng.uniform(0, 0.06)) if rng.random() < 0.5 else 0
    frame = new_canvas((height + upper + lower, width + 2 * side), colour)
    frame[upper : upper + height, side : side + width] = picture
    if upper > 12:  # hour and battery of a telephone
        ink = (130, 130, 135)
        write_line(frame, f"{rng.integers(0, 24)}:{rng.integers(0, 60):02d}", (side + 6, 7), 9, ink)
        box(frame, (width + side - 20, 4, width + side - 6, 10), ink)
    return frame


def _recolour(rng: np.random.Generator, picture: np.ndarray) -> np.ndarray:
    """Take the colours away, push them until they burn, or lay a filter's tint over them."""
    pixels = picture.astype(np.float32)
    grey = pixels.mean(axis=2, keepdims=True)
    kind = rng.integers(3)
    if kind == 0:
        changed = grey * np.asarray(rng.choice([(1.0, 1.0, 1.0), (1.1, 1.0, 0.82)]), np.float32)
    elif kind == 1:
        pushed = grey + (pixels - grey) * np.float32(rng.uniform(1.6, 3.0))
        changed = (pushed - 128) * np.float32(rng.uniform(1.2, 1.8)) + 128
    else:
        changed = pixels * rng.uniform(0.65, 1.2, 3).astype(np.float32)
    return changed.clip(0, 255).astype(np.uint8)


def _photograph_screen(rng: np.random.Generator, picture: np.ndarray) -> np.ndarray:
    """Turn it a little, as a hand that holds a camera before a screen does, and let light fall on it unevenly."""
    image = Image.fromarray(picture).rotate(rng.uniform(-4, 4), Image.Resampling.BILINEAR, fillcolor=(30, 28, 30))
    height, width = picture.shape[:2]
    slope = rng.uniform(-0.3, 0.3, 2)
    light = 0.9 + np.add.outer(np.linspace(-1, 1, height) * slope[0], np.linspace(-1, 1, width) * slope[1])
    return (np.asarray(image) * light[..., np.newaxis]).clip(0, 255).astype(np.uint8)


def _copy_poorly(rng: np.random.Generator, picture: np.ndarray) -> np.ndarray:
    """Shrink, compress hard and enlarge again."""
    image = Image.fromarray(picture)
    share = rng.uniform(0.45, 1.0)
    small = image.resize((round(image.width * share), round(image.height * share)), Image.Resampling.BILINEAR)
    again = Image.open(io.BytesIO(jpeg_bytes(small, int(rng.integers(12, 40)), HALF_COLOUR)))
    return np.asarray(again.resize(image.size, Image.Resampling.BILINEAR)).copy()
