"""The style "genshin": floating cliffs under a saturated sky, waterfalls, tall figures with shining swords."""

from dataclasses import dataclass

import numpy as np

from pipeline.drawn.memes.canvas import (
    Colour,
    Point,
    arc,
    blend,
    darker,
    ellipse,
    glow,
    lay,
    pick,
    polygon,
    shade,
    soft_mask,
    vary,
    vertical_gradient,
)
from pipeline.drawn.memes.genshin.heroes import POWERS, paint_hero, paint_party
from pipeline.drawn.scenes.drawing import noise_field


@dataclass(frozen=True)
class Land:
    """Colours of a country: sky from top to horizon, rock, what grows on it, and what blows through the air."""

    sky: tuple[Colour, ...]
    rock: Colour
    growth: Colour
    petals: Colour


LANDS: tuple[Land, ...] = (
    Land(((30, 110, 230), (90, 180, 255), (225, 245, 255)), (150, 130, 115), (120, 200, 80), (255, 255, 255)),
    Land(((70, 60, 170), (230, 110, 170), (255, 205, 150)), (120, 90, 110), (130, 150, 90), (255, 190, 210)),
    Land(((20, 24, 80), (60, 60, 160), (140, 110, 210)), (70, 74, 110), (50, 120, 120), (140, 240, 255)),
    Land(((60, 160, 190), (150, 220, 210), (250, 250, 220)), (190, 150, 100), (230, 180, 70), (255, 220, 120)),
    Land(((120, 160, 220), (190, 215, 245), (245, 250, 255)), (130, 145, 175), (225, 235, 250), (255, 255, 255)),
    Land(((90, 30, 50), (200, 80, 60), (250, 180, 90)), (90, 60, 56), (150, 90, 50), (255, 170, 80)),
)


def draw_cliffs(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Return a landscape with one to three figures, uint8 [height, width, 3]."""
    height, width = shape
    land = LANDS[int(rng.integers(len(LANDS)))]
    canvas = vertical_gradient(shape, [vary(rng, colour, 6) for colour in land.sky])
    _paint_sun_and_clouds(rng, canvas)
    _paint_peaks(rng, canvas, land)
    for _ in range(int(rng.integers(1, 5))):
        place = (rng.uniform(0.05, 0.95) * width, rng.uniform(0.2, 0.6) * height)
        _paint_island(rng, canvas, place, rng.uniform(0.06, 0.2) * width, land)
    ground = _paint_ground(rng, canvas, land)
    for _ in range(int(rng.choice([1, 1, 2, 3]))):
        foot = (rng.uniform(0.15, 0.85) * width, min(ground + rng.uniform(0.02, 0.2) * height, 0.99 * height))
        paint_hero(rng, canvas, foot, height * rng.uniform(0.4, 0.72))
    _paint_powers(rng, canvas, land)
    if rng.random() < 0.6:
        paint_party(rng, canvas)
    shade(canvas, rng.uniform(0.85, 1.1))
    return canvas


def _paint_sun_and_clouds(rng: np.random.Generator, canvas: np.ndarray) -> None:
    """Draw a sun and towers of cloud with a lit upper side."""
    height, width = canvas.shape[:2]
    sun = (rng.uniform(0.1, 0.9) * width, rng.uniform(0.05, 0.4) * height)
    glow(canvas, sun, height * 0.6, (120, 100, 70), 1.0)
    glow(canvas, sun, height * 0.08, (255, 250, 230), 1.5)
    for _ in range(int(rng.integers(1, 4))):
        x, y, size = rng.uniform(0, width), rng.uniform(0.35, 0.6) * height, rng.uniform(0.05, 0.12) * height
        balls = rng.normal(0, 1, (14, 2)) * (2.2 * size, 0.9 * size) + (x, y)
        for lift, colour in ((0.35, (190, 205, 235)), (0.0, (250, 251, 255))):
            for place_x, place_y in balls:
                ellipse(canvas, (place_x, place_y + lift * size), (size, size * 0.9), colour)


def _paint_peaks(rng: np.random.Generator, canvas: np.ndarray, land: Land) -> None:
    """Draw two rows of steep peaks, paler with distance."""
    height, width = canvas.shape[:2]
    for haze, base in ((0.7, 0.62), (0.45, 0.7)):
        colour = blend(land.rock, land.sky[1], haze)
        for _ in range(int(rng.integers(2, 7))):
            x, half, top = (
                rng.uniform(0, width),
                rng.uniform(0.03, 0.1) * width,
                (base - rng.uniform(0.1, 0.45)) * height,
            )
            outline = [
                (x - half, height),
                (x - half * 0.6, top + 0.06 * height),
                (x - half * 0.2, top),
                (x + half * 0.4, top + 0.03 * height),
                (x + half, height),
            ]
            polygon(canvas, outline, colour)
            polygon(canvas, [outline[2], outline[3], outline[4], (x + half * 0.2, height)], darker(colour, 0.88))


def _paint_island(rng: np.random.Generator, canvas: np.ndarray, place: Point, half: float, land: Land) -> None:
    """Draw a floating piece of cliff with growth on top, perhaps water that falls from it."""
    x, y = place
    below = np.sort(rng.uniform(-0.85, 0.85, 7))[::-1]
    points = [(x + share * half, y + (1.1 - abs(share)) * half * rng.uniform(0.6, 1.4)) for share in below]
    rock = vary(rng, land.rock, 6)
    polygon(canvas, [(x - half, y), (x + half, y), *points], rock)
    polygon(canvas, [(x, y), (x + half, y), *points[:3]], darker(rock, 0.75))
    ellipse(canvas, (x, y), (half * 1.02, half * 0.16), land.growth)
    ellipse(canvas, (x - half * 0.1, y - half * 0.04), (half * 0.8, half * 0.1), darker(land.growth, 1.15))
    for _ in range(int(rng.integers(0, 4))):
        tree, size = x + rng.uniform(-0.7, 0.7) * half, half * rng.uniform(0.12, 0.22)
        polygon(canvas, [(tree - size * 0.12, y), (tree, y - size * 1.5), (tree + size * 0.12, y)], darker(rock, 0.6))
        ellipse(canvas, (tree, y - size * 1.7), (size, size * 0.6), darker(land.growth, 0.85))
    if rng.random() < 0.5:
        left, foot = x + rng.uniform(-0.5, 0.5) * half, canvas.shape[0]
        fall = [(left, y), (left + half * 0.15, y), (left + half * 0.2, foot), (left - half * 0.05, foot)]
        lay(canvas, (235, 248, 255), soft_mask(canvas.shape[:2], fall, 1.2) * 0.75)


def _paint_ground(rng: np.random.Generator, canvas: np.ndarray, land: Land) -> float:
    """Draw the edge of the cliff on which the figures stand; return its upper row."""
    height, width = canvas.shape[:2]
    top = height * rng.uniform(0.66, 0.82)
    x = np.linspace(0, width, 17)
    edge = top + height * 0.03 * np.sin(x / width * rng.uniform(2, 8) + rng.uniform(0, 6))
    outline = [(0, height), *zip(x.tolist(), edge.tolist(), strict=True), (width, height)]
    mask = soft_mask((height, width), outline, 0.7)
    blades = noise_field(rng, (height, width), height * 0.03, 3)
    lay(canvas, vary(rng, land.growth, 6), mask)
    shade(canvas, 1 - mask * (0.4 * blades + 0.1))
    for _ in range(int(rng.integers(3, 12))):
        place, size = (rng.uniform(0, width), rng.uniform(top, height)), rng.uniform(0.008, 0.03) * height
        polygon(
            canvas,
            [(place[0] - size, place[1]), (place[0], place[1] - size * 1.3), (place[0] + size, place[1])],
            land.rock,
        )
    return top


def _paint_powers(rng: np.random.Generator, canvas: np.ndarray, land: Land) -> None:
    """Draw rings and sparks of a spell, and petals in the wind."""
    height, width = canvas.shape[:2]
    if rng.random() < 0.5:
        power, centre = pick(rng, POWERS), (rng.uniform(0.2, 0.8) * width, rng.uniform(0.4, 0.85) * height)
        glow(canvas, centre, height * 0.3, power, 0.7)
        for share in (0.5, 0.8, 1.0):
            radii = (height * 0.24 * share, height * 0.09 * share)
            arc(canvas, centre, radii, (0, 360), (blend(power, (255, 255, 255), 0.5), height * 0.006))
    for _ in range(int(rng.integers(5, 40))):
        place, size = (rng.uniform(0, width), rng.uniform(0, height)), rng.uniform(0.003, 0.01) * height
        ellipse(canvas, place, (size * 1.6, size), land.petals, float(rng.uniform(0, 180)))
