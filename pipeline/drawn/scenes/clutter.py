"""Draws objects that are not minerals, in similar colours, so that colour alone does not identify a mineral."""

from collections.abc import Callable

import cv2
import numpy as np

from pipeline.drawn.scenes.drawing import (
    Face,
    Palette,
    Sketch,
    draw_solid,
    fill_mask,
    flat_rotation,
    look_up,
    make_prism,
    mix,
    noise_field,
    paint_line,
    paint_polygon,
    pick_colour,
    pixel_grid,
    place_solid,
    shaded,
)
from pipeline.drawn.scenes.rocks import bulge, draw_pebble, paint_lit

ClutterDrawer = Callable[[Sketch], None]

COLOURS: Palette = (
    (198, 168, 92), (20, 110, 80), (70, 184, 172), (92, 60, 142), (58, 76, 160), (206, 204, 196), (40, 30, 26),
    (176, 40, 44), (236, 234, 228), (150, 108, 60), (222, 178, 182), (110, 190, 138),
)  # fmt: skip
METALS: Palette = ((200, 170, 90), (190, 190, 186), (170, 104, 66), (140, 120, 80))
LEAVES: Palette = ((60, 120, 50), (20, 90, 60), (150, 140, 50), (150, 80, 40), (110, 170, 120))


def draw_coin(sketch: Sketch) -> None:
    """Draw a metal disc with a rim, a blurred head and a ring of letters."""
    rng, size = sketch.rng, sketch.size
    radius, mask = _disc(size, 0.42)
    head = np.zeros((size, size), np.float32)
    centre = (int(size * rng.uniform(0.46, 0.54)), size // 2)
    cv2.ellipse(head, centre, (int(size * 0.13), int(size * 0.19)), rng.uniform(-20, 20), 0, 360, 4.0, -1)
    angles = rng.permutation(np.linspace(0, 2 * np.pi, 26, endpoint=False))[:18]
    for angle in angles:
        at = size / 2 + np.array([np.cos(angle), np.sin(angle)]) * size * 0.31
        cv2.circle(head, (int(at[0]), int(at[1])), max(size // 70, 1), 3.0, -1)
    rim = np.where(np.abs(radius - 0.39 * size) < 0.025 * size, np.float32(4), np.float32(0))
    relief = cv2.GaussianBlur(head + rim, (0, 0), size / 110) + noise_field(rng, (size, size), size / 4) * 3
    paint_lit(sketch, mask, pick_colour(rng, METALS) + np.zeros((size, size, 3), np.float32), relief, 30, 0.35)


def draw_bottle_cap(sketch: Sketch) -> None:
    """Draw a crimped cap: 21 teeth, a raised flat top with a printed ring."""
    rng, size = sketch.rng, sketch.size
    x, y = pixel_grid(size, size)
    angle, radius = np.arctan2(y - size / 2, x - size / 2), _disc(size, 0.42)[0]
    crimp = np.cos(angle * 21)
    mask = (radius < size * (0.41 + 0.015 * crimp)).astype(np.float32)
    relief = np.clip((0.40 * size - radius) / (0.1 * size), 0, 1) * np.float32(size * 0.07)
    relief += crimp * np.clip(radius / size - 0.3, 0, 0.1) * np.float32(size * 0.12)
    ring = (np.abs(radius - size * rng.uniform(0.12, 0.22)) < size * 0.03).astype(np.float32)
    paint_lit(sketch, mask, mix(pick_colour(rng, COLOURS), pick_colour(rng, COLOURS), ring), relief, 30, 0.4)


def draw_button(sketch: Sketch) -> None:
    """Draw a plastic disc with a raised rim and two or four holes."""
    rng, size = sketch.rng, sketch.size
    radius, mask = _disc(size, 0.42)
    relief = np.exp(-(((radius - 0.36 * size) / (0.05 * size)) ** 2)).astype(np.float32) * np.float32(size * 0.05)
    holes = int(rng.choice([2, 4]))
    turn = rng.uniform(0, np.pi)
    for hole in range(holes):
        at = size / 2 + np.array([np.cos(turn + hole * 2 * np.pi / holes), np.sin(turn + hole * 2 * np.pi / holes)]) * (
            size * 0.1
        )
        cv2.circle(mask, (int(at[0]), int(at[1])), max(size // 22, 2), 0.0, -1)
    paint_lit(sketch, mask, pick_colour(rng, COLOURS) + np.zeros((size, size, 3), np.float32), relief, 20, 0.35)


def draw_leaf(sketch: Sketch) -> None:
    """Draw a pointed leaf with a midrib and side veins."""
    rng, size = sketch.rng, sketch.size
    turn = flat_rotation(rng.uniform(0, 2 * np.pi))
    along = np.linspace(-1, 1, 24)
    half = np.sin(np.arccos(along)) * np.exp(-0.5 * along) * rng.uniform(0.2, 0.4) * (1 + 0.08 * rng.normal(0, 1, 24))
    outline = np.concatenate([np.stack([along, half], 1), np.stack([along[::-1], -half[::-1]], 1)])
    colour = pick_colour(rng, LEAVES)
    relief = bulge(mask := fill_mask((size, size), outline @ turn * size * 0.42 + size / 2), size * 0.04)
    spots = noise_field(rng, (size, size), size / 5, 4)
    paint_lit(sketch, mask, shaded(colour, 0.75 + 0.5 * spots), relief, 10, 0.08)
    vein = np.clip(colour * 1.3 + 0.08, 0, 1)
    for place in np.linspace(-0.8, 0.7, 8):
        for side in (-1, 1):
            tip = [place + 0.25, side * float(np.interp(place + 0.2, along, half)) * 0.85]
            paint_line(sketch.layer, np.array([[place, 0], tip]) @ turn * size * 0.42 + size / 2, vein)
    paint_line(sketch.layer, np.array([[-1.1, 0], [0.95, 0]]) @ turn * size * 0.42 + size / 2, vein, 2)


def draw_pen(sketch: Sketch) -> None:
    """Draw a round pen with a cap of another colour and a bright line along it."""
    rng = sketch.rng
    barrel, cap = pick_colour(rng, COLOURS), pick_colour(rng, COLOURS)
    width, border = rng.uniform(0.05, 0.08), rng.uniform(0.0, 0.3)

    def paint(along: np.ndarray, across: np.ndarray) -> np.ndarray:
        side = across / width
        shade = 0.35 + 0.65 * np.sqrt(np.clip(1 - side * side, 0, 1)) + 0.5 * np.exp(-((side + 0.35) ** 2) * 30)
        return shaded(mix(barrel, cap, (along > border) + across * 0), shade)

    _paint_turned(sketch, np.array([[-0.45, 0], [-0.38, -1], [0.45, -1], [0.45, 1], [-0.38, 1]]) * [1, width], paint)


def draw_ruler(sketch: Sketch) -> None:
    """Draw a strip of wood, metal or plastic with millimetre ticks."""
    rng = sketch.rng
    strip, ink = pick_colour(rng, COLOURS), np.array([0.08, 0.08, 0.1], np.float32)
    if strip.mean() < 0.35:
        ink = np.array([0.9, 0.9, 0.88], np.float32)

    def paint(along: np.ndarray, across: np.ndarray) -> np.ndarray:
        step = np.floor((along + 0.5) * 42)
        reach = np.where(step % 5 == 0, 0.07, 0.035)
        tick = ((along + 0.5) * 42 - step < 0.35) & (across + 0.1 < reach)
        return mix(strip, ink, tick.astype(np.float32))

    _paint_turned(sketch, np.array([[-0.45, -0.1], [0.45, -0.1], [0.45, 0.1], [-0.45, 0.1]]), paint)


def draw_label(sketch: Sketch) -> None:
    """Draw a paper label with lines that look like writing."""
    rng = sketch.rng
    paper = np.clip(pick_colour(rng, COLOURS) * 0.35 + 0.6, 0, 1)
    ink = pick_colour(rng, ((20, 20, 40), (70, 30, 30), (20, 50, 40)))
    words = (rng.random((6, 40)) < 0.72).astype(np.float32)
    words[:, 32 - int(rng.integers(12)) :] = 0

    def paint(along: np.ndarray, across: np.ndarray) -> np.ndarray:
        line, place = np.floor((across + 0.28) / 0.56 * 6), (along + 0.4) / 0.8 * 40
        level = (across + 0.28) / 0.56 * 6 - line
        row, column = np.clip(line, 0, 5).astype(int), np.clip(place, 0, 39).astype(int)
        stroke = words[row, column] * (np.abs(level - 0.55 - 0.12 * np.sin(place * 5)) < 0.16) * (along > -0.36)
        return mix(paper, ink, stroke.astype(np.float32))

    _paint_turned(sketch, np.array([[-0.4, -0.28], [0.4, -0.28], [0.4, 0.28], [-0.4, 0.28]]), paint)


def draw_die(sketch: Sketch) -> None:
    """Draw a plain plastic cube with pips: flat colour, no grooves, no metal."""
    rng, size = sketch.rng, sketch.size
    plastic, pip = pick_colour(rng, COLOURS), np.array([0.95, 0.95, 0.93], np.float32)
    if plastic.mean() > 0.5:
        pip = np.array([0.08, 0.08, 0.1], np.float32)
    spots = rng.integers(1, 4, 6)

    def pattern(face: Face, along: np.ndarray, across: np.ndarray) -> np.ndarray:
        number = float(spots[face.number])
        column, row = along * number % 1 - 0.5, across * number % 1 - 0.5
        inside = (column**2 + row**2 < (0.13 + 0.03 * number) ** 2).astype(np.float32)
        return mix(plastic, pip, inside) * np.float32(0.45 + 0.65 * face.brightness)

    side = size * rng.uniform(0.42, 0.5)
    square = np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) * side - side / 2
    axis = np.append(rng.normal(0, 0.5, 2), 1.0)
    foot = np.array([size / 2, size / 2, 0]) - axis / np.linalg.norm(axis) * side / 2
    draw_solid(
        sketch.layer, place_solid(make_prism(square, side), axis, rng.uniform(0, np.pi), foot), sketch.light, pattern
    )


def draw_marble(sketch: Sketch) -> None:
    """Draw a glass ball with a swirl of a second colour and one sharp highlight."""
    rng, size = sketch.rng, sketch.size
    radius, mask = _disc(size, 0.36)
    x, y = pixel_grid(size, size)
    bend = noise_field(rng, (size, size), size / 2, 2) * np.float32(0.5)
    swirl = look_up(
        np.array([0, 0, 1, 0.2], np.float32), (x * rng.normal() + y * rng.normal()) / np.float32(size) + bend
    )
    colour = mix(pick_colour(rng, COLOURS), pick_colour(rng, COLOURS), swirl)
    relief = np.sqrt(np.clip((0.37 * size) ** 2 - radius**2, 0, None)).astype(np.float32)
    paint_lit(sketch, mask, colour, relief, 90, 0.9)


def draw_stone(sketch: Sketch) -> None:
    """Draw a worn pebble in any colour."""
    draw_pebble(sketch, pick_colour(sketch.rng, COLOURS) * np.float32(0.85))


CLUTTER_DRAWERS: dict[str, ClutterDrawer] = {
    "coin": draw_coin,
    "bottle cap": draw_bottle_cap,
    "button": draw_button,
    "leaf": draw_leaf,
    "pen": draw_pen,
    "ruler": draw_ruler,
    "label": draw_label,
    "die": draw_die,
    "marble": draw_marble,
    "stone": draw_stone,
}


def _disc(size: int, share: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the distance from the middle in pixels and the mask of a disc of radius share x size."""
    x, y = pixel_grid(size, size)
    radius = np.sqrt((x - size / 2) ** 2 + (y - size / 2) ** 2)
    return radius, (radius < share * size).astype(np.float32)


def _paint_turned(sketch: Sketch, outline: np.ndarray, paint: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> None:
    """Paint a flat thing at a random turn; outline [point, 2] and paint(along, across) are in layer sides from 0."""
    size, turn = sketch.size, flat_rotation(sketch.rng.uniform(0, 2 * np.pi))

    def at_points(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        right, down = (x / np.float32(size) - 0.5), (y / np.float32(size) - 0.5)
        return paint(right * turn[0, 0] + down * turn[1, 0], right * turn[0, 1] + down * turn[1, 1])

    paint_polygon(sketch.layer, outline @ turn.T * size + size / 2, at_points)
