"""Tall figures of the cliffs: long hair, a cloak in the wind, a sword that shines."""

import numpy as np

from pipeline.drawn.memes.canvas import (
    Colour,
    Point,
    arc,
    blend,
    box,
    darker,
    ellipse,
    glow,
    line,
    pick,
    polygon,
    shadow,
)

SKINS: tuple[Colour, ...] = ((255, 226, 205), (245, 205, 175), (190, 140, 105))
HAIRS: tuple[Colour, ...] = (
    (250, 225, 140), (90, 60, 50), (230, 235, 245), (60, 70, 120), (220, 90, 80), (130, 200, 210), (180, 130, 210),
)  # fmt: skip
CLOTHES: tuple[Colour, ...] = (
    (245, 245, 250),
    (60, 70, 130),
    (150, 50, 60),
    (40, 120, 120),
    (90, 60, 120),
    (50, 50, 60),
)
POWERS: tuple[Colour, ...] = ((90, 220, 255), (255, 150, 60), (170, 120, 255), (110, 255, 190), (255, 220, 90))


def paint_hero(rng: np.random.Generator, canvas: np.ndarray, foot: Point, height: float) -> None:
    """Draw a figure seven heads tall that stands on foot, by chance from behind."""
    (x, y), unit = foot, height / 28
    side = -1 if rng.random() < 0.5 else 1
    hair, cloth, power = pick(rng, HAIRS, 6), pick(rng, CLOTHES, 6), pick(rng, POWERS, 8)
    shadow(canvas, foot, (4 * unit, 1.1 * unit))
    _paint_cloak(rng, canvas, foot, unit * side, blend(cloth, power, 0.35))
    for leg in (-1, 1):
        hip, knee = (x + leg * 1.0 * unit, y - 13 * unit), (x + leg * rng.uniform(1.2, 2.2) * unit, y - 6.5 * unit)
        line(canvas, [hip, knee, (knee[0] + leg * 0.3 * unit, y - unit)], darker(cloth, 0.7), 2.0 * unit)
        ellipse(canvas, (knee[0] + leg * 0.5 * unit, y - 0.6 * unit), (1.6 * unit, 0.8 * unit), darker(cloth, 0.45))
    trunk = [(-2.6, 21), (2.6, 21), (1.5, 16.5), (3.4, 11), (-3.4, 11), (-1.5, 16.5)]
    polygon(canvas, [(x + dx * unit, y - dy * unit) for dx, dy in trunk], cloth)
    line(canvas, [(x - 1.6 * unit, y - 16.4 * unit), (x + 1.6 * unit, y - 16.4 * unit)], power, 0.7 * unit)
    _paint_arms(rng, canvas, foot, (unit, side), (cloth, power))
    _paint_head(rng, canvas, (x, y - 24.2 * unit), unit, hair)


def _paint_cloak(rng: np.random.Generator, canvas: np.ndarray, foot: Point, unit: float, colour: Colour) -> None:
    """Draw a cloak that blows to the side of the unit's sign."""
    (x, y), tall = foot, abs(unit)
    reach = rng.uniform(3, 9)
    hem = [(x - (reach + 1.4 * np.sin(n * 2.1)) * unit - n * 0.5 * unit, y - (4 + n * 2.2) * tall) for n in range(4)]
    polygon(
        canvas,
        [(x + 2 * unit, y - 21 * tall), (x + 2.6 * unit, y - 6 * tall), *hem, (x - 2.2 * unit, y - 20.5 * tall)],
        colour,
    )


def _paint_arms(
    rng: np.random.Generator, canvas: np.ndarray, foot: Point, size: tuple[float, int], colours: tuple[Colour, Colour]
) -> None:
    """Draw both arms; one holds the sword out."""
    (x, y), (unit, side), (cloth, power) = foot, size, colours
    line(
        canvas,
        [
            (x - side * 2.4 * unit, y - 20 * unit),
            (x - side * 4 * unit, y - 15.5 * unit),
            (x - side * 3 * unit, y - 12 * unit),
        ],
        darker(cloth, 0.85),
        1.5 * unit,
    )
    hand = (x + side * rng.uniform(4.5, 6.5) * unit, y - rng.uniform(13, 19) * unit)
    line(canvas, [(x + side * 2.4 * unit, y - 20 * unit), hand], darker(cloth, 0.85), 1.5 * unit)
    angle = rng.uniform(-2.6, 0.4)
    tip = np.array([side * np.cos(angle), np.sin(angle)]) * rng.uniform(11, 16) * unit
    across = np.array([-tip[1], tip[0]]) / np.hypot(*tip) * 0.8 * unit
    for share in (0.25, 0.5, 0.75, 1.0):
        glow(canvas, (hand[0] + tip[0] * share, hand[1] + tip[1] * share), 5 * unit, power, 0.5)
    start, end = np.array(hand) + tip * 0.1, np.array(hand) + tip
    polygon(canvas, np.array([start + across, end, start - across]), blend(power, (255, 255, 255), 0.6))
    line(canvas, np.array([start + across * 2, start - across * 2]), (230, 190, 90), 0.7 * unit)
    ellipse(canvas, hand, (0.8 * unit, 0.8 * unit), (250, 215, 190))


def _paint_head(rng: np.random.Generator, canvas: np.ndarray, head: Point, unit: float, hair: Colour) -> None:
    (x, y), wind = head, rng.choice([-1, 1])
    lock = [
        (x - 2.3 * unit, y - unit),
        (x + 2.3 * unit, y - unit),
        (x + (2.2 + wind * 3) * unit, y + 8 * unit),
        (x + (wind * 2 - 1.5) * unit, y + 7 * unit),
    ]
    polygon(canvas, lock, darker(hair, 0.85))
    ellipse(canvas, (x, y - 0.3 * unit), (2.5 * unit, 2.6 * unit), hair)
    if rng.random() < 0.7:  # seen from the front
        ellipse(canvas, (x, y + 0.4 * unit), (1.75 * unit, 2.1 * unit), pick(rng, SKINS, 4))
        eye = pick(rng, POWERS)
        for side in (-1, 1):
            ellipse(canvas, (x + side * 0.75 * unit, y + 0.5 * unit), (0.42 * unit, 0.55 * unit), darker(eye, 0.55))
        arc(canvas, (x, y + 1.5 * unit), (0.4 * unit, 0.2 * unit), (10, 170), ((160, 80, 80), 0.2 * unit))
        fringe = [(-2.2, -0.9), (-1.5, 0.7), (-0.8, -0.5), (0, 0.4), (0.8, -0.5), (1.5, 0.7), (2.2, -0.9), (0, -2.6)]
        polygon(canvas, [(x + dx * unit, y + dy * unit) for dx, dy in fringe], darker(hair, 1.06))


def paint_party(rng: np.random.Generator, canvas: np.ndarray) -> None:
    """Draw what such games lay over the view: a round map, portraits of the party, a bar of life, round buttons."""
    height, width = canvas.shape[:2]
    unit = height / 100
    ellipse(canvas, (11 * unit, 12 * unit), (9 * unit, 9 * unit), (235, 235, 225))
    ellipse(
        canvas,
        (11 * unit, 12 * unit),
        (8 * unit, 8 * unit),
        pick(rng, ((110, 160, 120), (150, 170, 190), (190, 180, 140))),
    )
    polygon(canvas, [(11 * unit, 9 * unit), (13 * unit, 14 * unit), (9 * unit, 14 * unit)], (90, 220, 255))
    for number in range(int(rng.integers(2, 5))):
        centre = (width - 8 * unit, (28 + number * 12) * unit)
        ellipse(canvas, centre, (4.5 * unit, 4.5 * unit), (60, 66, 84))
        ellipse(canvas, (centre[0], centre[1] + 0.6 * unit), (3.2 * unit, 3.4 * unit), pick(rng, HAIRS))
        ellipse(canvas, (centre[0], centre[1] + 1.3 * unit), (2.2 * unit, 2.3 * unit), pick(rng, SKINS))
    left, right, top = width / 2 - 22 * unit, width / 2 + 22 * unit, 93 * unit
    box(canvas, (left, top, right, top + 2.4 * unit), (50, 50, 60), unit)
    box(canvas, (left, top, left + (right - left) * rng.uniform(0.3, 1), top + 2.4 * unit), (140, 225, 80), unit)
    for place, radius in ((10, 6), (23, 4.5)):
        centre = (width - place * unit, 90 * unit)
        ellipse(canvas, centre, (radius * unit, radius * unit), (235, 235, 240))
        ellipse(canvas, centre, ((radius - 1) * unit, (radius - 1) * unit), darker(pick(rng, POWERS), 0.75))
