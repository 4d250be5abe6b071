"""What a game of corridors lays over the view: a weapon in the hand, a bar or corners with numbers and a face."""

import itertools
from collections.abc import Callable

import numpy as np

from pipeline.drawn.memes.canvas import Colour, Point, box, darker, ellipse, glow, line, pick, polygon, shade, vary
from pipeline.drawn.scenes.drawing import noise_field

# the lit segments of each number: top, left above, right above, middle, left below, right below, foot
DIGITS = (
    "1110111", "0010010", "1011101", "1011011", "0111010", "1101011", "1101111", "1010010", "1111111", "1111011",
)  # fmt: skip
NUMBERS: tuple[Colour, ...] = ((210, 30, 25), (230, 170, 40), (90, 210, 90), (225, 225, 225))
SKINS: tuple[Colour, ...] = ((215, 170, 130), (160, 110, 75), (110, 75, 55))
METALS: tuple[Colour, ...] = ((80, 80, 86), (110, 96, 76), (70, 84, 74), (120, 120, 126))


def paint_weapon(rng: np.random.Generator, view: np.ndarray, floor: int) -> None:
    """Draw a weapon from the lower edge (row floor) upwards, perhaps just fired."""
    unit, metal = view.shape[0] / 100, pick(rng, METALS)
    x = view.shape[1] * rng.choice([0.5, 0.5, 0.62]) + rng.normal(0, 3 * unit)
    top = floor - rng.uniform(20, 34) * unit
    muzzle = WEAPONS[int(rng.integers(len(WEAPONS)))](rng, view, (x, floor), (top, unit), metal)
    if rng.random() < 0.35:
        for radius, colour in ((26, (255, 150, 40)), (13, (255, 235, 150))):
            glow(view, muzzle, radius * unit, colour, rng.uniform(0.7, 1.2))


def paint_bar(rng: np.random.Generator, view: np.ndarray, top: int) -> None:
    """Draw a status bar below row top: plates with numbers and a face."""
    height, width = view.shape[:2]
    tall = height - top
    stone = pick(rng, ((105, 100, 95), (96, 80, 64), (72, 76, 84), (128, 118, 104)))
    box(view, (0, top, width, height), stone)
    bar = view[top:]
    shade(bar, 0.8 + 0.4 * noise_field(rng, bar.shape[:2], 4, 2))
    plates, face = int(rng.integers(4, 7)), int(rng.integers(1, 4))
    edges = np.linspace(0, width, plates + 1)
    for number, (left, right) in enumerate(itertools.pairwise(edges)):
        box(view, (left + 1, top + 1, right - 1, height - 1), darker(stone, 1.2))
        box(view, (left + 2, top + 2, right - 1, height - 1), darker(stone, 0.55))
        box(view, (left + 2, top + 2, right - 2, height - 2), vary(rng, darker(stone, 0.85), 3))
        middle = ((left + right) / 2, top + tall / 2)
        if number == face:
            paint_face(rng, view, middle, tall * 0.42)
        else:
            value = str(int(rng.integers(0, 201)))
            paint_number(
                view, value, (middle[0], top + tall * 0.42), tall * 0.5, NUMBERS[0 if rng.random() < 0.7 else 1]
            )
            box(view, (left + 5, height - 4, right - 5, height - 3), darker(stone, 1.4))


def paint_corners(rng: np.random.Generator, view: np.ndarray) -> None:
    """Draw numbers in the lower corners instead of a bar, and perhaps cross hairs."""
    height, width = view.shape[:2]
    colour, size = pick(rng, NUMBERS, 6), height * rng.uniform(0.05, 0.09)
    for share in (0.1, 0.88):
        value = str(int(rng.integers(1, 400)))
        paint_number(view, value, (width * share, height - size), size, colour)
    if rng.random() < 0.5:
        x, y, reach = width / 2, height / 2, height * 0.02
        for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)):
            line(view, [(x + dx * reach, y + dy * reach), (x + dx * 2 * reach, y + dy * 2 * reach)], colour)


def paint_number(view: np.ndarray, text: str, middle: Point, height: float, colour: Colour) -> None:
    """Write a number in segments, centred."""
    wide, half = height * 0.5, height / 2
    pen, step = max(height * 0.16, 1), height * 0.72
    left = middle[0] - step * len(text) / 2
    for place, digit in enumerate(text):
        x, y = left + place * step + step * 0.14, middle[1] - half
        ends = (
            ((x, y), (x + wide, y)),
            ((x, y), (x, y + half)),
            ((x + wide, y), (x + wide, y + half)),
            ((x, y + half), (x + wide, y + half)),
            ((x, y + half), (x, y + height)),
            ((x + wide, y + half), (x + wide, y + height)),
            ((x, y + height), (x + wide, y + height)),
        )
        for lit, segment in zip(DIGITS[int(digit)], ends, strict=True):
            if lit == "1":
                line(view, segment, colour, pen)


def paint_face(rng: np.random.Generator, view: np.ndarray, middle: Point, radius: float) -> None:
    """Draw the grim face of whoever one plays."""
    (x, y), skin = middle, pick(rng, SKINS)
    ellipse(
        view, (x, y - radius * 0.15), (radius * 0.82, radius), pick(rng, ((70, 45, 25), (30, 25, 22), (150, 110, 60)))
    )
    ellipse(view, (x, y + radius * 0.1), (radius * 0.72, radius * 0.85), skin)
    for side in (-1, 1):
        ellipse(view, (x + side * radius * 0.3, y), (radius * 0.18, radius * 0.13), (245, 245, 240))
        ellipse(view, (x + side * radius * 0.3 + rng.normal(0, 0.4), y), (radius * 0.08, radius * 0.1), (30, 30, 40))
        brow = [(x + side * radius * 0.1, y - radius * 0.12), (x + side * radius * 0.55, y - radius * 0.32)]
        line(view, brow, darker(skin, 0.4), 1)
    ellipse(view, (x, y + radius * 0.55), (radius * 0.28, radius * rng.uniform(0.04, 0.16)), (110, 40, 40))
    if rng.random() < 0.5:  # hurt
        for _ in range(3):
            spot = (x + rng.normal(0, radius * 0.4), y + rng.normal(0, radius * 0.4))
            ellipse(view, spot, (radius * 0.1, radius * 0.2), (170, 15, 15))


def _tube(rng: np.random.Generator, view: np.ndarray, foot: Point, top: tuple[float, float], metal: Colour) -> Point:
    """Draw one or two barrels seen from behind, in two hands."""
    (x, y), (high, unit) = foot, top
    two = rng.random() < 0.5
    for place in (-3.2, 3.2) if two else (0.0,):
        left, right = x + (place - 3) * unit, x + (place + 3) * unit
        polygon(view, [(left - 2 * unit, y), (left + unit, high), (right - unit, high), (right + 2 * unit, y)], metal)
        polygon(
            view,
            [(left, y), (left + 2 * unit, high), (left + 3 * unit, high), (left + 2 * unit, y)],
            darker(metal, 1.5),
        )
        ellipse(view, (x + place * unit, high), (2.3 * unit, 1.4 * unit), darker(metal, 0.35))
    _hand(rng, view, (x, y - 3 * unit), unit)
    return x, high


def _cannon(rng: np.random.Generator, view: np.ndarray, foot: Point, top: tuple[float, float], metal: Colour) -> Point:
    """Draw a thick body with rings and a lamp."""
    (x, y), (high, unit) = foot, top
    polygon(view, [(x - 16 * unit, y), (x - 8 * unit, high), (x + 8 * unit, high), (x + 16 * unit, y)], metal)
    for share in (0.15, 0.4, 0.7):
        row, half = high + (y - high) * share, (8 + 8 * share) * unit
        line(view, [(x - half, row), (x + half, row)], darker(metal, 0.45), 1.6 * unit)
    ellipse(view, (x, high), (7.5 * unit, 3.5 * unit), darker(metal, 0.3))
    glow(view, (x, high), 7 * unit, pick(rng, ((80, 255, 90), (90, 170, 255), (255, 120, 40))), 0.9)
    return x, high


def _blade(rng: np.random.Generator, view: np.ndarray, foot: Point, top: tuple[float, float], metal: Colour) -> Point:
    """Draw a toothed blade that points ahead."""
    (x, y), (high, unit) = foot, top
    teeth = [(x + (4 + (n % 2) * 2) * unit, high + (y - high) * n / 9) for n in range(10)]
    polygon(view, [(x - 5 * unit, y), (x - 3 * unit, high), *teeth, (x + 5 * unit, y)], darker(metal, 1.4))
    box(
        view,
        (x - 12 * unit, y - 8 * unit, x + 12 * unit, y),
        pick(rng, ((170, 60, 30), (150, 140, 40), metal)),
        3 * unit,
    )
    _hand(rng, view, (x - 9 * unit, y - 4 * unit), unit)
    return x, high


def _hand(rng: np.random.Generator, view: np.ndarray, place: Point, unit: float) -> None:
    skin = pick(rng, (*SKINS, (60, 80, 60), (70, 60, 50)))
    for finger in range(4):
        centre = (place[0] + (finger * 3.4 - 5) * unit, place[1] + rng.normal(0, 0.4) * unit)
        ellipse(view, centre, (2.3 * unit, 4 * unit), vary(rng, skin, 5))


Weapon = Callable[[np.random.Generator, np.ndarray, Point, tuple[float, float], Colour], Point]
WEAPONS: tuple[Weapon, ...] = (_tube, _tube, _cannon, _blade)
