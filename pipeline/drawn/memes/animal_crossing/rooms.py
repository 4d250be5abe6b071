"""Rooms of the villages' houses: papered walls, boards, a rug, furniture and who lives there."""

from collections.abc import Callable

import numpy as np

from pipeline.drawn.memes.animal_crossing.villagers import SHIRTS, paint_villager
from pipeline.drawn.memes.canvas import (
    Colour,
    Point,
    box,
    darker,
    ellipse,
    glow,
    line,
    new_canvas,
    pick,
    polygon,
    shade,
    shadow,
    vary,
)

PAPERS: tuple[Colour, ...] = (
    (240, 220, 180), (190, 210, 190), (220, 190, 180), (150, 100, 70), (100, 80, 70), (170, 190, 210),
    (120, 60, 50), (90, 95, 105),
)  # fmt: skip
WOODS: tuple[Colour, ...] = ((190, 140, 90), (150, 104, 66), (110, 74, 50), (210, 180, 140), (120, 110, 105))


def draw_room(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Return a room seen from the front, uint8 [height, width, 3]; a dim one has a lamp."""
    height, width = shape
    foot = height * rng.uniform(0.4, 0.6)
    canvas = new_canvas(shape, pick(rng, PAPERS))
    _paint_wallpaper(rng, canvas, foot)
    _paint_floor(rng, canvas, foot)
    rug, centre = pick(rng, SHIRTS), (width / 2, height * 0.8)
    for share, light in ((1.0, 0.8), (0.9, 1.0), (0.55, 1.2)):
        ellipse(canvas, centre, (width * 0.32 * share, height * 0.13 * share), darker(rug, light))
    unit = height / 40
    for x in np.linspace(0.06, 0.94, int(rng.integers(3, 7))) * width:
        thing = FURNITURE[int(rng.integers(len(FURNITURE)))]
        thing(rng, canvas, (x, foot + rng.uniform(1, 5) * unit), unit * rng.uniform(0.8, 1.2))
    for _ in range(int(rng.choice([1, 1, 2, 3]))):
        paint_villager(
            rng,
            canvas,
            (width * rng.uniform(0.15, 0.85), height * rng.uniform(0.68, 0.97)),
            height * rng.uniform(0.25, 0.42),
        )
    if rng.random() < 0.45:
        shade(canvas, (rng.uniform(0.35, 0.6), rng.uniform(0.3, 0.5), rng.uniform(0.28, 0.5)))
        glow(canvas, (width * rng.uniform(0.2, 0.8), height * 0.2), height * 0.7, (150, 105, 50), 0.8)
    return canvas


def _paint_wallpaper(rng: np.random.Generator, canvas: np.ndarray, foot: float) -> None:
    """Draw stripes, dots or boards on the wall, and a skirting."""
    width, tone = canvas.shape[1], canvas[0, 0].tolist()
    step, kind = width / rng.integers(10, 30), rng.integers(3)
    other = darker(tone, rng.uniform(0.85, 1.12))
    for number, left in enumerate(np.arange(0, width, step)):
        if kind == 0 and number % 2:
            box(canvas, (left, 0, left + step, foot), other)
        elif kind == 1:
            for row in np.arange((number % 2) * step / 2, foot, step):
                ellipse(canvas, (left, row), (step * 0.2, step * 0.2), other)
        elif kind == 2:
            line(canvas, [(left, 0), (left, foot)], darker(tone, 0.75), 1)
    box(canvas, (0, foot - canvas.shape[0] * 0.03, width, foot), darker(tone, 0.7))


def _paint_floor(rng: np.random.Generator, canvas: np.ndarray, foot: float) -> None:
    """Draw boards that run away from the viewer."""
    height, width = canvas.shape[:2]
    wood = pick(rng, WOODS)
    boards = int(rng.integers(8, 18))
    far = np.linspace(-0.1 * width, 1.1 * width, boards + 1)
    near = (far - width / 2) * 1.7 + width / 2
    for number in range(boards):
        corners = [(far[number], foot), (far[number + 1], foot), (near[number + 1], height), (near[number], height)]
        polygon(canvas, corners, vary(rng, wood, 3))
        line(canvas, [corners[1], corners[2]], darker(wood, 0.75), 1)


def _table(rng: np.random.Generator, canvas: np.ndarray, foot: Point, unit: float) -> None:
    (x, y), wood = foot, pick(rng, WOODS)
    shadow(canvas, foot, (4 * unit, unit))
    for side in (-1, 1):
        box(
            canvas,
            (x + side * 3 * unit - 0.4 * unit, y - 3 * unit, x + side * 3 * unit + 0.4 * unit, y),
            darker(wood, 0.7),
        )
    ellipse(canvas, (x, y - 3.2 * unit), (4 * unit, 1.2 * unit), wood)
    ellipse(canvas, (x, y - 4 * unit), (0.8 * unit, 1.0 * unit), pick(rng, SHIRTS))


def _shelf(rng: np.random.Generator, canvas: np.ndarray, foot: Point, unit: float) -> None:
    (x, y), wood = foot, pick(rng, WOODS)
    box(canvas, (x - 3 * unit, y - 10 * unit, x + 3 * unit, y), wood)
    for row in (3.2, 6.2, 9.2):
        box(canvas, (x - 2.6 * unit, y - row * unit, x + 2.6 * unit, y - (row - 2.4) * unit), darker(wood, 0.55))
        for place in np.arange(-2.4, 2.2, 0.7):
            if rng.random() < 0.8:
                top = y - (row - 2.4 + rng.uniform(1.2, 2.1)) * unit
                box(
                    canvas, (x + place * unit, top, x + (place + 0.6) * unit, y - (row - 2.4) * unit), pick(rng, SHIRTS)
                )


def _lamp(rng: np.random.Generator, canvas: np.ndarray, foot: Point, unit: float) -> None:
    (x, y), shade_colour = foot, pick(rng, SHIRTS)
    line(canvas, [(x, y), (x, y - 7 * unit)], (90, 80, 70), 0.4 * unit)
    ellipse(canvas, foot, (1.4 * unit, 0.5 * unit), (90, 80, 70))
    polygon(
        canvas,
        [
            (x - 2 * unit, y - 6 * unit),
            (x - unit, y - 9 * unit),
            (x + unit, y - 9 * unit),
            (x + 2 * unit, y - 6 * unit),
        ],
        shade_colour,
    )
    glow(canvas, (x, y - 7 * unit), 5 * unit, (120, 100, 50), 0.6)


def _plant(rng: np.random.Generator, canvas: np.ndarray, foot: Point, unit: float) -> None:
    (x, y), pot, leaf = foot, pick(rng, SHIRTS), pick(rng, ((80, 150, 80), (110, 170, 80), (60, 120, 90)))
    for angle in rng.uniform(-70, 70, 9):
        reach = np.array([np.sin(np.radians(angle)), -np.cos(np.radians(angle))]) * 2.4 * unit
        ellipse(
            canvas, (x + reach[0], y - 2 * unit + reach[1]), (0.6 * unit, 2.0 * unit), vary(rng, leaf, 5), float(angle)
        )
    polygon(
        canvas,
        [(x - 1.6 * unit, y - 2.4 * unit), (x + 1.6 * unit, y - 2.4 * unit), (x + 1.1 * unit, y), (x - 1.1 * unit, y)],
        pot,
    )


def _bed(rng: np.random.Generator, canvas: np.ndarray, foot: Point, unit: float) -> None:
    (x, y), wood, cover = foot, pick(rng, WOODS), pick(rng, SHIRTS)
    box(canvas, (x - 4 * unit, y - 6 * unit, x + 4 * unit, y), wood, unit)
    box(canvas, (x - 3.5 * unit, y - 4.4 * unit, x + 3.5 * unit, y + 2 * unit), cover, unit)
    box(canvas, (x - 2.4 * unit, y - 5 * unit, x + 2.4 * unit, y - 3 * unit), (250, 250, 245), unit)


def _window(rng: np.random.Generator, canvas: np.ndarray, foot: Point, unit: float) -> None:
    (x, y), glass = foot, pick(rng, ((160, 215, 245), (250, 200, 140), (24, 30, 70)))
    high = y - 13 * unit
    box(canvas, (x - 3 * unit, high - 3 * unit, x + 3 * unit, high + 3 * unit), (245, 240, 230), 0.5 * unit)
    box(canvas, (x - 2.5 * unit, high - 2.5 * unit, x + 2.5 * unit, high + 2.5 * unit), glass)
    line(canvas, [(x, high - 2.5 * unit), (x, high + 2.5 * unit)], (245, 240, 230), 0.4 * unit)
    line(canvas, [(x - 2.5 * unit, high), (x + 2.5 * unit, high)], (245, 240, 230), 0.4 * unit)


Furniture = Callable[[np.random.Generator, np.ndarray, Point, float], None]
FURNITURE: tuple[Furniture, ...] = (_table, _shelf, _lamp, _plant, _bed, _window, _window)
