"""What makes a picture a meme: the words on it, above it or below it. The same for all styles."""

from collections.abc import Callable

import numpy as np

from pipeline.drawn.memes.canvas import Colour, box, new_canvas, vary
from pipeline.drawn.memes.lettering import fit_lines, write_broad, write_line
from pipeline.drawn.memes.words import pick_caption, pick_sentence

WHITE: Colour = (255, 255, 255)
BLACK: Colour = (0, 0, 0)


def write_caption(rng: np.random.Generator, picture: np.ndarray) -> np.ndarray:
    """Return the picture with a caption in one of the usual layouts, or without."""
    return LAYOUTS[int(rng.choice(len(LAYOUTS), p=_SHARES))](rng, picture)


def over(rng: np.random.Generator, picture: np.ndarray) -> np.ndarray:
    """Write white capitals with a black edge over the upper and the lower edge, or one of them."""
    height, width = picture.shape[:2]
    size, parts = min(height, width) * rng.uniform(0.085, 0.14), rng.random()
    upper, lower = pick_caption(rng)
    colours = (WHITE if rng.random() < 0.9 else (255, 235, 80), BLACK)
    if parts < 0.85:
        for number, text in enumerate(fit_lines(upper.upper(), width * 1.1, size)[:2]):
            write_broad(picture, text, (width / 2, size * (0.8 + number * 1.1)), size, colours)
    if parts > 0.15:
        for number, text in enumerate(reversed(fit_lines(lower.upper(), width * 1.1, size)[:2])):
            write_broad(picture, text, (width / 2, height - size * (0.8 + number * 1.1)), size, colours)
    return picture


def above(rng: np.random.Generator, picture: np.ndarray) -> np.ndarray:
    """Put the words on a white bar above the picture."""
    width = picture.shape[1]
    size = width * rng.uniform(0.05, 0.075)
    upper, lower = pick_caption(rng)
    lines = fit_lines(f"{upper} {lower}", width * 0.92, size)
    paper, ink = (WHITE, (20, 20, 20)) if rng.random() < 0.8 else ((24, 24, 28), (235, 235, 235))
    bar = new_canvas((round(size * (1.2 * len(lines) + 0.8)), width), paper)
    for number, text in enumerate(lines):
        write_line(bar, text, (width * 0.04, size * (1.0 + number * 1.2)), size, ink)
    return np.concatenate([bar, picture])


def below(rng: np.random.Generator, picture: np.ndarray) -> np.ndarray:
    """Frame the picture in black and write a large word and a small line below."""
    height, width = picture.shape[:2]
    edge, size = round(width * 0.06), width * rng.uniform(0.07, 0.1)
    frame = new_canvas((height + edge + round(size * 3), width + 2 * edge), BLACK)
    box(frame, (edge - 3, edge - 3, edge + width + 3, edge + height + 3), WHITE)
    frame[edge : edge + height, edge : edge + width] = picture
    upper, lower = pick_caption(rng)
    middle = width / 2 + edge
    write_line(frame, upper.upper(), (middle, height + edge + size), min(size, 1.5 * width / len(upper)), WHITE, "mm")
    write_line(frame, lower, (middle, height + edge + 2 * size), size * 0.5, (220, 220, 220), "mm")
    return frame


def subtitle(rng: np.random.Generator, picture: np.ndarray) -> np.ndarray:
    """Write what somebody says at the lower edge, as films do."""
    height, width = picture.shape[:2]
    size = height * rng.uniform(0.055, 0.08)
    colours = (vary(rng, (250, 225, 60), 4) if rng.random() < 0.6 else WHITE, (20, 20, 20))
    for number, text in enumerate(reversed(fit_lines(pick_sentence(rng), width * 0.95, size)[:3])):
        write_broad(picture, text, (width / 2, height - size * (0.9 + 1.2 * number)), size, colours)
    return picture


def none(rng: np.random.Generator, picture: np.ndarray) -> np.ndarray:
    """Leave the picture as it is: many memes are bare screenshots."""
    return picture


LAYOUTS: tuple[Callable[[np.random.Generator, np.ndarray], np.ndarray], ...] = (over, above, below, subtitle, none)
_SHARES = (0.42, 0.2, 0.1, 0.1, 0.18)
