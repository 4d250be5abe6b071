"""Speech bubbles with a name, and small badges in the corner, as games of villages show them."""

import numpy as np

from pipeline.drawn.memes.canvas import Colour, arc, box, darker, ellipse, pick, vary
from pipeline.drawn.memes.lettering import fit_lines, write_line
from pipeline.drawn.memes.words import NAMES, pick_sentence

PAPERS: tuple[Colour, ...] = ((255, 250, 228), (252, 248, 240), (245, 240, 220))
TAGS: tuple[Colour, ...] = ((250, 170, 70), (110, 190, 200), (240, 130, 150), (150, 190, 90), (170, 140, 210))
INK: Colour = (120, 90, 66)


def paint_speech(rng: np.random.Generator, canvas: np.ndarray) -> None:
    """Draw a large bubble in the lower part, with the speaker's name and up to three lines."""
    height, width = canvas.shape[:2]
    left, right = width * rng.uniform(0.05, 0.14), width * rng.uniform(0.86, 0.95)
    top, bottom = height * rng.uniform(0.62, 0.72), height * rng.uniform(0.9, 0.97)
    paper, tall = pick(rng, PAPERS, 4), bottom - top
    middle = ((left + right) / 2, (top + bottom) / 2)
    ellipse(canvas, middle, ((right - left) * 0.47, tall * 0.55), paper)
    box(canvas, (left, top + tall * 0.06, right, bottom - tall * 0.06), paper, tall * 0.42)
    lines = fit_lines(pick_sentence(rng), (right - left) * 0.84, tall * 0.2)
    for number, text in enumerate(lines[:3]):
        place = (left + (right - left) * 0.08, top + tall * (0.3 + number * 0.23))
        write_line(canvas, text, place, tall * 0.2, INK)
    name, colour = NAMES[int(rng.integers(len(NAMES)))], pick(rng, TAGS)
    tag = (
        left + width * 0.03,
        top - tall * 0.16,
        left + width * 0.03 + tall * (0.3 + 0.13 * len(name)),
        top + tall * 0.14,
    )
    box(canvas, tag, colour, tall * 0.15)
    write_line(canvas, name, ((tag[0] + tag[2]) / 2, (tag[1] + tag[3]) / 2), tall * 0.2, darker(colour, 0.35), "mm")
    if rng.random() < 0.6:
        arc(
            canvas,
            (middle[0], bottom - tall * 0.1),
            (tall * 0.07, tall * 0.05),
            (0, 180),
            ((250, 180, 60), tall * 0.04),
        )


def paint_badge(rng: np.random.Generator, canvas: np.ndarray) -> None:
    """Draw the hour or a sum in a rounded badge in a corner."""
    height, width = canvas.shape[:2]
    text = f"{rng.integers(1, 13)}:{rng.integers(0, 60):02d}" if rng.random() < 0.5 else f"{rng.integers(100, 99999):,}"
    tall = height * rng.uniform(0.07, 0.1)
    wide = tall * (1 + 0.4 * len(text))
    left = width * 0.03 if rng.random() < 0.5 else width * 0.97 - wide
    top = height * rng.choice([0.05, 0.85])
    box(canvas, (left, top, left + wide, top + tall), vary(rng, PAPERS[0], 4), tall / 2)
    write_line(canvas, text, (left + tall * 0.5, top + tall / 2), tall * 0.6, INK)
