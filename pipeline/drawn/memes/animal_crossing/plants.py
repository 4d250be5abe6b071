"""What stands in a village: trees with round crowns, firs, flowers, stones, fences, lamps and little houses."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pipeline.drawn.memes.canvas import Colour, Point, box, darker, ellipse, glow, line, pick, polygon, shadow, vary

BARKS: tuple[Colour, ...] = ((140, 100, 64), (120, 86, 60), (170, 130, 90))
FRUITS: tuple[Colour, ...] = ((230, 60, 50), (250, 160, 60), (250, 190, 200), (250, 220, 80), (230, 120, 60))
PETALS: tuple[Colour, ...] = (
    (250, 90, 90),
    (255, 220, 80),
    (255, 255, 255),
    (250, 160, 200),
    (180, 130, 230),
    (110, 150, 240),
)
ROOFS: tuple[Colour, ...] = (
    (200, 80, 60),
    (80, 130, 180),
    (100, 150, 90),
    (150, 100, 160),
    (230, 170, 80),
    (110, 90, 80),
)
PLASTERS: tuple[Colour, ...] = (
    (245, 235, 215),
    (230, 200, 160),
    (210, 225, 235),
    (240, 210, 210),
    (200, 170, 130),
    (170, 150, 140),
)


@dataclass(frozen=True)
class Season:
    """Colours of the year's time: of crowns and of grass; snow: whether it lies on things."""

    crowns: tuple[Colour, ...]
    grass: tuple[Colour, ...]
    snow: bool = False


SEASONS: tuple[Season, ...] = (
    Season(((90, 170, 70), (120, 190, 90), (70, 150, 80)), ((130, 200, 90), (110, 180, 80), (150, 210, 110))),
    Season(((250, 180, 200), (255, 205, 215)), ((140, 200, 110), (120, 190, 100))),
    Season(
        ((220, 130, 50), (200, 80, 45), (230, 170, 60), (170, 90, 50)),
        ((170, 150, 80), (150, 130, 70), (140, 110, 64)),
    ),
    Season(((150, 170, 170), (200, 215, 225), (110, 140, 130)), ((225, 235, 245), (205, 220, 235)), snow=True),
)  # fmt: skip


def paint_tree(rng: np.random.Generator, canvas: np.ndarray, foot: Point, unit: float, season: Season) -> None:
    """Draw a trunk and a crown of a few balls, lit from above, with fruit or without."""
    (x, y), crown, bark = foot, pick(rng, season.crowns, 8), pick(rng, BARKS, 6)
    shadow(canvas, foot, (3.2 * unit, 1.1 * unit))
    polygon(
        canvas,
        [(x - 0.7 * unit, y), (x - 0.5 * unit, y - 3 * unit), (x + 0.5 * unit, y - 3 * unit), (x + 0.7 * unit, y)],
        bark,
    )
    balls = [(0.0, -7.2, 2.3), (-2.0, -5.2, 2.2), (2.0, -5.2, 2.2), (0.0, -4.6, 2.4)]
    for share, light in ((1.0, 0.72), (0.9, 1.0), (0.55, 1.14)):
        for dx, dy, radius in balls:
            lift = (1 - share) * 1.3
            size = radius * share * unit
            ellipse(canvas, (x + dx * unit, y + (dy - lift) * unit), (size, size * 0.95), darker(crown, light))
    if season.snow:
        for dx, dy, radius in balls[:3]:
            ellipse(
                canvas,
                (x + dx * unit, y + (dy - radius * 0.55) * unit),
                (radius * 0.75 * unit, radius * 0.4 * unit),
                (245, 250, 255),
            )
    elif rng.random() < 0.5:
        fruit = pick(rng, FRUITS)
        for dx, dy in ((-2.1, -4.6), (2.1, -4.9), (0.1, -6.6)):
            ellipse(canvas, (x + dx * unit, y + dy * unit), (0.75 * unit, 0.75 * unit), fruit)
            ellipse(canvas, (x + (dx - 0.2) * unit, y + (dy - 0.25) * unit), (0.2 * unit, 0.2 * unit), (255, 255, 255))


def paint_fir(rng: np.random.Generator, canvas: np.ndarray, foot: Point, unit: float, season: Season) -> None:
    """Draw a fir of three layers."""
    (x, y), colour = foot, pick(rng, ((60, 120, 80), (50, 100, 90), (80, 130, 70)))
    shadow(canvas, foot, (2.6 * unit, 0.9 * unit))
    box(canvas, (x - 0.5 * unit, y - 2 * unit, x + 0.5 * unit, y), pick(rng, BARKS))
    for low, wide, light in ((-1.4, 3.0, 0.85), (-3.6, 2.4, 1.0), (-5.8, 1.7, 1.12)):
        points = [(x - wide * unit, y + low * unit), (x, y + (low - 3.4) * unit), (x + wide * unit, y + low * unit)]
        polygon(canvas, points, darker(colour, light))
        if season.snow:
            cap = [
                (x - wide * 0.5 * unit, y + (low - 1.7) * unit),
                (x, y + (low - 3.4) * unit),
                (x + wide * 0.5 * unit, y + (low - 1.7) * unit),
            ]
            polygon(canvas, cap, (245, 250, 255))


def paint_flowers(rng: np.random.Generator, canvas: np.ndarray, foot: Point, unit: float, season: Season) -> None:
    """Draw a patch of flowers of one kind."""
    petal = pick(rng, PETALS)
    for _ in range(int(rng.integers(3, 9))):
        x, y = foot[0] + rng.normal(0, 2) * unit, foot[1] + rng.normal(0, 0.7) * unit
        line(canvas, [(x, y), (x, y - 0.9 * unit)], (80, 140, 60), 0.2 * unit)
        for angle in np.arange(5) * 2 * np.pi / 5:
            place = (x + 0.32 * unit * np.cos(angle), y - 1.1 * unit + 0.32 * unit * np.sin(angle))
            ellipse(canvas, place, (0.3 * unit, 0.3 * unit), petal)
        ellipse(canvas, (x, y - 1.1 * unit), (0.22 * unit, 0.22 * unit), (250, 210, 80))


def paint_stone(rng: np.random.Generator, canvas: np.ndarray, foot: Point, unit: float, season: Season) -> None:
    """Draw a boulder."""
    (x, y), grey = foot, pick(rng, ((150, 150, 150), (130, 125, 120), (170, 165, 155)))
    shadow(canvas, foot, (1.9 * unit, 0.7 * unit))
    angles = np.linspace(np.pi, 2 * np.pi, 7)
    top = [
        (x + 1.7 * unit * np.cos(a) * rng.uniform(0.85, 1.1), y + 1.7 * unit * np.sin(a) * rng.uniform(0.85, 1.1))
        for a in angles
    ]
    polygon(canvas, top, grey)
    polygon(canvas, [top[1], top[2], top[3], (x - 0.2 * unit, y - 0.7 * unit)], darker(grey, 1.2))


def paint_fence(rng: np.random.Generator, canvas: np.ndarray, foot: Point, unit: float, season: Season) -> None:
    """Draw a few posts with two rails."""
    (x, y), wood = foot, pick(rng, ((190, 150, 100), (235, 230, 220), (150, 110, 70)))
    reach = rng.uniform(3, 6) * unit
    for rail in (0.7, 1.4):
        line(canvas, [(x - reach, y - rail * unit), (x + reach, y - rail * unit)], darker(wood, 0.9), 0.35 * unit)
    for post in np.linspace(x - reach, x + reach, 6):
        box(canvas, (post - 0.25 * unit, y - 2 * unit, post + 0.25 * unit, y), wood, 0.2 * unit)


def paint_lamp(rng: np.random.Generator, canvas: np.ndarray, foot: Point, unit: float, season: Season) -> None:
    """Draw a lamp on a pole; at night it is lit by pipeline.drawn.memes.animal_crossing.villages."""
    x, y = foot
    line(canvas, [(x, y), (x, y - 5 * unit)], (70, 70, 80), 0.4 * unit)
    ellipse(canvas, (x, y - 5.3 * unit), (0.8 * unit, 0.9 * unit), (255, 240, 190))


def paint_house(rng: np.random.Generator, canvas: np.ndarray, foot: Point, unit: float, season: Season) -> None:
    """Draw a small house: walls, roof, door, round or square windows, chimney."""
    x, y = foot
    plaster, roof = pick(rng, PLASTERS), (240, 246, 252) if season.snow else pick(rng, ROOFS)
    half, tall = rng.uniform(3.6, 5.5) * unit, rng.uniform(3.6, 4.6) * unit
    shadow(canvas, foot, (half * 1.2, 1.4 * unit))
    if rng.random() < 0.6:
        box(
            canvas, (x + half * 0.45, y - tall - 3.2 * unit, x + half * 0.45 + unit, y - tall - unit), darker(roof, 0.7)
        )
    box(canvas, (x - half, y - tall, x + half, y), plaster)
    box(canvas, (x - half, y - 0.5 * unit, x + half, y), darker(plaster, 0.75))
    ridge = rng.uniform(0.3, 0.8) * half
    eaves, top = half + 0.9 * unit, y - tall - rng.uniform(2.2, 3.4) * unit
    polygon(
        canvas,
        [(x - eaves, y - tall + 0.4 * unit), (x - ridge, top), (x + ridge, top), (x + eaves, y - tall + 0.4 * unit)],
        roof,
    )
    for share in (0.33, 0.66):
        row, reach = top + (y - tall - top) * share, ridge + (eaves - ridge) * share
        line(canvas, [(x - reach, row), (x + reach, row)], darker(roof, 0.88), 0.25 * unit)
    _paint_openings(rng, canvas, foot, unit, half)


def _paint_openings(rng: np.random.Generator, canvas: np.ndarray, foot: Point, unit: float, half: float) -> None:
    (x, y), wood = foot, pick(rng, ((130, 80, 50), (90, 120, 90), (150, 60, 50), (80, 100, 140)))
    box(canvas, (x - 0.95 * unit, y - 2.6 * unit, x + 0.95 * unit, y), wood, 0.9 * unit if rng.random() < 0.5 else 0.1)
    ellipse(canvas, (x + 0.55 * unit, y - 1.2 * unit), (0.16 * unit, 0.16 * unit), (250, 220, 120))
    radius = 0.8 * unit if rng.random() < 0.4 else 0.1
    for side in (-1, 1):
        centre = x + side * half * 0.62
        box(
            canvas,
            (centre - 0.85 * unit, y - 2.9 * unit, centre + 0.85 * unit, y - 1.2 * unit),
            (250, 250, 245),
            radius,
        )
        glass = vary(rng, (255, 225, 150) if rng.random() < 0.4 else (150, 200, 230), 6)
        box(canvas, (centre - 0.65 * unit, y - 2.7 * unit, centre + 0.65 * unit, y - 1.4 * unit), glass, radius * 0.8)


def light_lamps(canvas: np.ndarray, lamps: list[Point], unit: float) -> None:
    """Let lamps and windows shine, after the picture was darkened."""
    for lamp in lamps:
        glow(canvas, lamp, 7 * unit, (200, 150, 70), 0.8)
        glow(canvas, lamp, 2 * unit, (255, 230, 160), 0.9)


ThingDrawer = Callable[[np.random.Generator, np.ndarray, Point, float, Season], None]
THINGS: tuple[ThingDrawer, ...] = (
    paint_tree, paint_tree, paint_tree, paint_fir, paint_flowers, paint_flowers, paint_stone, paint_fence, paint_lamp,
    paint_house,
)  # fmt: skip
