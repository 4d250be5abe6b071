"""Round-headed figures of the villages, with ears of many animals, and the clothes and moods that they wear."""

from collections.abc import Callable

import numpy as np

from pipeline.drawn.memes.canvas import (
    Colour,
    Point,
    arc,
    blend,
    box,
    darker,
    ellipse,
    line,
    pick,
    polygon,
    shadow,
)

FURS: tuple[Colour, ...] = (
    (240, 200, 150), (255, 225, 190), (200, 140, 90), (150, 110, 80), (235, 235, 235), (120, 120, 130), (250, 190, 200),
    (160, 200, 230), (255, 220, 110), (150, 210, 150), (90, 80, 90), (200, 170, 220), (220, 110, 90),
)  # fmt: skip
SHIRTS: tuple[Colour, ...] = (
    (230, 90, 80), (250, 190, 70), (90, 180, 110), (80, 150, 220), (150, 110, 200), (250, 250, 250), (70, 70, 90),
    (250, 150, 180), (110, 200, 200), (160, 120, 70),
)  # fmt: skip
HAIRS: tuple[Colour, ...] = (
    (90, 60, 40),
    (50, 40, 40),
    (220, 170, 80),
    (180, 80, 50),
    (240, 160, 190),
    (110, 160, 200),
)
INK: Colour = (50, 38, 36)


def paint_villager(rng: np.random.Generator, canvas: np.ndarray, foot: Point, height: float) -> None:
    """Draw a figure that stands on foot: the head is half of it."""
    x, y = foot
    unit = height / 10
    fur, shirt = pick(rng, FURS, 6), pick(rng, SHIRTS, 8)
    shadow(canvas, (x, y), (2.6 * unit, 0.8 * unit))
    for side in (-1, 1):
        box(
            canvas,
            _around((x + side * 0.8 * unit, y - 0.8 * unit), 0.55 * unit, 0.9 * unit),
            darker(fur, 0.9),
            unit / 2,
        )
        ellipse(canvas, (x + side * 0.9 * unit, y - 0.25 * unit), (0.85 * unit, 0.45 * unit), pick(rng, SHIRTS))
    _paint_body(rng, canvas, (x, y), unit, fur, shirt)
    head = (x, y - 6.6 * unit)
    EARS[int(rng.integers(len(EARS)))](rng, canvas, head, unit, fur)
    ellipse(canvas, head, (3.0 * unit, 2.7 * unit), fur)
    _paint_face(rng, canvas, head, unit, fur)


def _paint_body(
    rng: np.random.Generator, canvas: np.ndarray, foot: Point, unit: float, fur: Colour, shirt: Colour
) -> None:
    (x, y), raised = foot, rng.random(2) < 0.25
    for side, up in zip((-1, 1), raised, strict=True):
        hand = (x + side * 2.4 * unit, y - (5.6 if up else 1.9) * unit)
        line(canvas, [(x + side * 1.1 * unit, y - 3.6 * unit), hand], darker(shirt, 0.9), 0.95 * unit)
        ellipse(canvas, hand, (0.6 * unit, 0.6 * unit), fur)
    hem, neck = (1.9 if rng.random() < 0.5 else 1.5) * unit, 1.15 * unit
    outline = [
        (x - neck, y - 4.3 * unit),
        (x + neck, y - 4.3 * unit),
        (x + hem, y - 1.2 * unit),
        (x - hem, y - 1.2 * unit),
    ]
    polygon(canvas, outline, shirt)
    if rng.random() < 0.5:
        for share in (0.3, 0.6, 0.9):
            half, row = neck + (hem - neck) * share, y - (4.3 - 3.1 * share) * unit
            line(canvas, [(x - half, row), (x + half, row)], darker(shirt, 0.75), 0.4 * unit)


def _paint_face(rng: np.random.Generator, canvas: np.ndarray, head: Point, unit: float, fur: Colour) -> None:
    """Draw large eyes, red cheeks, a nose and a mouth."""
    x, y = head
    look, mood = rng.normal(0, 0.15) * unit, rng.random()
    for side in (-1, 1):
        eye = (x + side * 1.25 * unit + look, y - 0.1 * unit)
        if mood < 0.15:  # eyes shut with joy
            arc(canvas, eye, (0.5 * unit, 0.4 * unit), (190, 350), (INK, 0.22 * unit))
        else:
            ellipse(canvas, eye, (0.55 * unit, 0.8 * unit), (250, 250, 250))
            ellipse(canvas, eye, (0.42 * unit, 0.66 * unit), INK)
            ellipse(canvas, (eye[0] + 0.12 * unit, eye[1] - 0.25 * unit), (0.16 * unit, 0.2 * unit), (255, 255, 255))
        ellipse(
            canvas,
            (x + side * 2.0 * unit, y + 0.9 * unit),
            (0.5 * unit, 0.32 * unit),
            blend(fur, (250, 110, 120), 0.55),
        )
        if mood > 0.85:  # cross
            brow = [
                (eye[0] - side * 0.5 * unit, eye[1] - 0.75 * unit),
                (eye[0] + side * 0.5 * unit, eye[1] - 1.15 * unit),
            ]
            line(canvas, brow, INK, 0.25 * unit)
    nose = pick(rng, (INK, darker(fur, 0.55), (250, 170, 60)))
    ellipse(canvas, (x + look, y + 0.65 * unit), (0.36 * unit, 0.26 * unit), nose)
    if mood > 0.5:
        ellipse(canvas, (x + look, y + 1.45 * unit), (0.5 * unit, 0.42 * unit), (170, 60, 60))
    else:
        arc(canvas, (x + look, y + 1.0 * unit), (0.6 * unit, 0.4 * unit), (20, 160), (INK, 0.18 * unit))


def _round_ears(rng: np.random.Generator, canvas: np.ndarray, head: Point, unit: float, fur: Colour) -> None:
    for side in (-1, 1):
        centre = (head[0] + side * 2.1 * unit, head[1] - 2.0 * unit)
        ellipse(canvas, centre, (1.0 * unit, 1.0 * unit), fur)
        ellipse(canvas, centre, (0.55 * unit, 0.55 * unit), blend(fur, (240, 140, 140), 0.5))


def _pointed_ears(rng: np.random.Generator, canvas: np.ndarray, head: Point, unit: float, fur: Colour) -> None:
    for side in (-1, 1):
        for size, colour in ((1.0, fur), (0.55, blend(fur, (240, 140, 140), 0.5))):
            x, y = head[0] + side * 1.75 * unit, head[1] - 2.2 * unit
            tip = (x + side * 0.7 * unit * size, y - 1.9 * unit * size)
            polygon(canvas, [(x - 1.0 * unit * size, y), tip, (x + 1.0 * unit * size, y + side * 0.2 * unit)], colour)


def _long_ears(rng: np.random.Generator, canvas: np.ndarray, head: Point, unit: float, fur: Colour) -> None:
    tilt = rng.uniform(5, 25)
    for side in (-1, 1):
        centre = (head[0] + side * 1.3 * unit, head[1] - 3.9 * unit)
        ellipse(canvas, centre, (0.75 * unit, 2.1 * unit), fur, side * tilt)
        ellipse(canvas, centre, (0.38 * unit, 1.6 * unit), blend(fur, (240, 140, 140), 0.5), side * tilt)


def _hanging_ears(rng: np.random.Generator, canvas: np.ndarray, head: Point, unit: float, fur: Colour) -> None:
    for side in (-1, 1):
        ellipse(
            canvas,
            (head[0] + side * 3.0 * unit, head[1] - 0.4 * unit),
            (0.8 * unit, 1.8 * unit),
            darker(fur, 0.75),
            side * -12,
        )


def _hair(rng: np.random.Generator, canvas: np.ndarray, head: Point, unit: float, fur: Colour) -> None:
    """Draw a child of people: hair, perhaps a cap, instead of ears."""
    hair = pick(rng, HAIRS)
    ellipse(canvas, (head[0], head[1] - 0.7 * unit), (3.3 * unit, 2.9 * unit), hair)
    if rng.random() < 0.5:
        for side in (-1, 1):
            ellipse(canvas, (head[0] + side * 3.2 * unit, head[1] + 1.2 * unit), (0.8 * unit, 1.5 * unit), hair)
    if rng.random() < 0.3:
        ellipse(canvas, (head[0], head[1] - 2.6 * unit), (3.0 * unit, 1.5 * unit), pick(rng, SHIRTS))


Ears = Callable[[np.random.Generator, np.ndarray, Point, float, Colour], None]
EARS: tuple[Ears, ...] = (_round_ears, _pointed_ears, _long_ears, _hanging_ears, _hair)


def _around(centre: Point, half_width: float, half_height: float) -> tuple[float, float, float, float]:
    x, y = centre
    return x - half_width, y - half_height, x + half_width, y + half_height
