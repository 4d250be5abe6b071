"""Drawing primitives of the drawn memes: flat shapes with smooth edges, and light and dark laid over them.

A canvas is uint8 [height, width, 3], RGB, and is changed in place. Axes: x right, y down, in pixels. Colours are RGB,
0..255. Randomness comes only from the generator that is passed in.
"""

from collections.abc import Sequence

import cv2
import numpy as np

Colour = Sequence[float]
Point = tuple[float, float]

_BITS = 4  # OpenCV takes coordinates in whole parts of a pixel: sixteenths


def new_canvas(shape: tuple[int, int], colour: Colour = (0, 0, 0)) -> np.ndarray:
    """Return a canvas [height, width, 3] of one colour."""
    canvas = np.empty((*shape, 3), np.uint8)
    canvas[:] = as_bytes(colour)
    return canvas


def as_bytes(colour: Colour) -> tuple[int, int, int]:
    """Return a colour as OpenCV and Pillow take it: whole, within 0..255."""
    red, green, blue = (min(max(round(float(level)), 0), 255) for level in colour)
    return red, green, blue


def vary(rng: np.random.Generator, colour: Colour, spread: float = 12) -> Colour:
    """Return a colour near another: moved together by brightness, and a little in each channel."""
    moved = np.asarray(colour) * rng.uniform(0.88, 1.12) + rng.normal(0, spread, 3)
    return tuple(float(level) for level in np.clip(moved, 0, 255))


def pick(rng: np.random.Generator, colours: Sequence[Colour], spread: float = 12) -> Colour:
    """Return one of the colours, varied."""
    return vary(rng, colours[int(rng.integers(len(colours)))], spread)


def darker(colour: Colour, share: float) -> Colour:
    """Return a colour times a share; above 1 it gets lighter."""
    return tuple(min(level * share, 255.0) for level in colour)


def blend(one: Colour, other: Colour, share: float) -> Colour:
    """Return the colour at a share of the way from one to the other."""
    return tuple(a + (b - a) * share for a, b in zip(one, other, strict=True))


def polygon(canvas: np.ndarray, points: Sequence[Point] | np.ndarray, colour: Colour) -> None:
    """Fill a polygon."""
    cv2.fillPoly(canvas, [_fixed(points)], as_bytes(colour), cv2.LINE_AA, _BITS)


def ellipse(canvas: np.ndarray, centre: Point, radii: Point, colour: Colour, turn: float = 0) -> None:
    """Fill an ellipse; turn in degrees."""
    place, size = _fixed_pair(centre), _fixed_pair((max(radii[0], 0.3), max(radii[1], 0.3)))
    cv2.ellipse(canvas, place, size, turn, 0, 360, as_bytes(colour), -1, cv2.LINE_AA, _BITS)


def arc(canvas: np.ndarray, centre: Point, radii: Point, span: tuple[float, float], pen: tuple[Colour, float]) -> None:
    """Draw a part of an ellipse's edge, from one angle to another in degrees; pen: colour and width."""
    place, size = _fixed_pair(centre), _fixed_pair(radii)
    cv2.ellipse(canvas, place, size, 0, *span, as_bytes(pen[0]), max(round(pen[1]), 1), cv2.LINE_AA, _BITS)


def line(canvas: np.ndarray, points: Sequence[Point] | np.ndarray, colour: Colour, width: float = 1) -> None:
    """Draw a line along points."""
    cv2.polylines(canvas, [_fixed(points)], False, as_bytes(colour), max(round(width), 1), cv2.LINE_AA, _BITS)


def box(canvas: np.ndarray, corners: tuple[float, float, float, float], colour: Colour, radius: float = 0) -> None:
    """Fill a rectangle (left, top, right, bottom) with round corners."""
    left, top, right, bottom = corners
    reach = min(radius, (right - left) / 2, (bottom - top) / 2)
    if reach <= 0:
        polygon(canvas, [(left, top), (right, top), (right, bottom), (left, bottom)], colour)
        return
    angles = np.linspace(0, np.pi / 2, 7)
    outline = [
        (x + reach * np.cos(start + angle), y + reach * np.sin(start + angle))
        for x, y, start in (
            (right - reach, bottom - reach, 0.0),
            (left + reach, bottom - reach, np.pi / 2),
            (left + reach, top + reach, np.pi),
            (right - reach, top + reach, np.pi * 1.5),
        )
        for angle in angles
    ]
    polygon(canvas, outline, colour)


def vertical_gradient(shape: tuple[int, int], stops: Sequence[Colour]) -> np.ndarray:
    """Return a canvas [height, width, 3] that goes through the colours from top to bottom."""
    height, width = shape
    places = np.linspace(0, len(stops) - 1, height)
    table = np.asarray(stops, np.float32)
    rows = np.stack([np.interp(places, np.arange(len(stops)), table[:, channel]) for channel in range(3)], axis=1)
    return np.repeat(np.clip(rows, 0, 255).astype(np.uint8)[:, np.newaxis], width, axis=1)


def lay(canvas: np.ndarray, colour: Colour, amount: np.ndarray | float) -> None:
    """Cover the canvas with a colour: 0 not at all, 1 wholly; amount [height, width] or one for all."""
    share = np.asarray(amount, np.float32)
    share = share[..., np.newaxis] if share.ndim == 2 else share
    canvas[:] = (canvas + (np.asarray(colour, np.float32) - canvas) * share).clip(0, 255).astype(np.uint8)


def shade(canvas: np.ndarray, factor: np.ndarray | Colour | float) -> None:
    """Multiply the canvas: by a plane [height, width], by a colour of factors, or by a number."""
    factors = np.asarray(factor, np.float32)
    factors = factors[..., np.newaxis] if factors.ndim == 2 else factors
    canvas[:] = (canvas * factors).clip(0, 255).astype(np.uint8)


def glow(canvas: np.ndarray, centre: Point, radius: float, colour: Colour, strength: float = 1.0) -> None:
    """Add light that fades out at radius."""
    window, distance = _around(canvas, centre, (radius, radius))
    fall = np.clip(1 - distance, 0, 1) ** 2
    added = fall[..., np.newaxis] * np.asarray(colour, np.float32) * np.float32(strength)
    window[:] = (window + added).clip(0, 255).astype(np.uint8)


def soft_mask(shape: tuple[int, int], points: Sequence[Point] | np.ndarray, blur: float) -> np.ndarray:
    """Return float32 [height, width], 1 inside a polygon, with an edge that is blurred."""
    mask = np.zeros(shape, np.uint8)
    cv2.fillPoly(mask, [_fixed(points)], 255, cv2.LINE_AA, _BITS)
    return cv2.GaussianBlur(mask, (0, 0), blur).astype(np.float32) / 255


def shadow(canvas: np.ndarray, centre: Point, radii: Point, strength: float = 0.35) -> None:
    """Darken the ground below a thing, in an ellipse with a soft edge."""
    window, distance = _around(canvas, centre, (radii[0] * 1.3, radii[1] * 1.3))
    shade(window, 1 - np.clip(1.5 - 1.5 * distance, 0, 1) * np.float32(strength))


def enlarge(canvas: np.ndarray, shape: tuple[int, int], smooth: bool) -> np.ndarray:
    """Return the canvas in another size (height, width): with visible pixels, or smoothed."""
    how = cv2.INTER_LINEAR if smooth else cv2.INTER_NEAREST
    return cv2.resize(canvas, (shape[1], shape[0]), interpolation=how)


def _around(canvas: np.ndarray, centre: Point, radii: Point) -> tuple[np.ndarray, np.ndarray]:
    """Return the part of the canvas around an ellipse, and each pixel's squared distance in radii, [rows, columns]."""
    ranges = []
    for place, radius, limit in zip(centre, radii, canvas.shape[1::-1], strict=True):
        low, high = (int(min(max(place + side * radius, 0), limit)) for side in (-1, 1))
        ranges.append((low, high, ((np.arange(low, high) - place) / radius).astype(np.float32)))
    (left, right, x), (top, bottom, y) = ranges
    return canvas[top:bottom, left:right], (x * x)[np.newaxis] + (y * y)[:, np.newaxis]


def _fixed(points: Sequence[Point] | np.ndarray) -> np.ndarray:
    return np.rint(np.asarray(points, np.float64) * 2**_BITS).astype(np.int32)


def _fixed_pair(pair: Point) -> tuple[int, int]:
    return round(float(pair[0]) * 2**_BITS), round(float(pair[1]) * 2**_BITS)
