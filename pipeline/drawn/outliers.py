"""Drawn pictures of no particular object: additional background patches.

The background windows of photographs show only the surroundings of specimens. A classifier trained on nothing else
answers with a class for a brick wall or a dog; pictures from simple random processes teach it to reject other objects
(outlier exposure: Hendrycks et al. 2019, arXiv:1812.04606; such processes as training data: Baradad et al. 2021,
arXiv:2106.05963).
"""

from collections.abc import Callable

import cv2
import numpy as np

from pipeline.random_generator import make_generator

SIDE = 160

Drawing = Callable[[np.random.Generator], np.ndarray]


def draw_outlier(seed: int, number: int) -> np.ndarray:
    """Return picture `number` of a seed, uint8 [SIDE, SIDE, 3]; the kinds alternate."""
    random = make_generator(seed, "outlier", number)
    picture = DRAWINGS[number % len(DRAWINGS)](random)
    if random.random() < 0.5:  # uneven lighting
        slope = random.uniform(-0.4, 0.4, 2)
        ramp = np.add.outer(np.linspace(-1, 1, SIDE) * slope[0], np.linspace(-1, 1, SIDE) * slope[1])
        picture = picture * (1 + ramp[..., np.newaxis])
    picture = picture + random.normal(0, random.uniform(0, 12), picture.shape)
    blurred = cv2.GaussianBlur(picture, (0, 0), random.uniform(0.3, 1.5))
    return blurred.clip(0, 255).astype(np.uint8)


def leaves(random: np.random.Generator) -> np.ndarray:
    """Draw overlapping shapes of all sizes ("dead leaves")."""
    picture, colours = np.zeros((SIDE, SIDE, 3)), _palette(random)
    kind, corners = random.integers(3), random.integers(3, 7)
    for _ in range(random.integers(60, 400)):
        radius = 4 / (random.random() + 0.04) ** random.uniform(0.8, 1.2)
        centre, colour = random.integers(0, SIDE, 2), _vary(colours[random.integers(len(colours))], random)
        if kind == 0:
            cv2.circle(picture, tuple(map(int, centre)), int(radius), colour, -1, cv2.LINE_AA)
        elif kind == 1:
            angles = np.sort(random.uniform(0, 2 * np.pi, corners))
            points = centre + radius * np.column_stack([np.cos(angles), np.sin(angles)])
            cv2.fillPoly(picture, [points.astype(np.int32)], colour, cv2.LINE_AA)
        else:
            sides = tuple(map(float, radius * random.uniform(0.4, 2, 2)))
            box = cv2.boxPoints((tuple(map(float, centre)), sides, float(random.uniform(0, 180))))
            cv2.fillPoly(picture, [box.astype(np.int32)], colour, cv2.LINE_AA)
    return picture


def clouds(random: np.random.Generator) -> np.ndarray:
    """Mix two to four colours by noise with equal detail at every scale."""
    level = _noise(random, random.uniform(0.8, 2.2))
    if random.random() < 0.4:  # veins instead of clouds
        level = np.abs(level - 0.5) * 2
    return _colour_map(level, random)


def pattern(random: np.random.Generator) -> np.ndarray:
    """Draw repeated stripes, checks or dots, slightly rotated and bent."""
    y, x = np.mgrid[0:SIDE, 0:SIDE] / SIDE
    bend = random.uniform(0, 0.12)
    x, y = x + bend * (_noise(random, 2.2) - 0.5) * 4, y + bend * (_noise(random, 2.2) - 0.5) * 4
    angle, frequency = random.uniform(0, np.pi), random.uniform(2, 24)
    first = np.sin(2 * np.pi * frequency * (x * np.cos(angle) + y * np.sin(angle)))
    ratio = random.choice([1.0, random.uniform(0.3, 3)])
    second = np.sin(2 * np.pi * frequency * ratio * (-x * np.sin(angle) + y * np.cos(angle)))
    wave = [first, first * second, np.maximum(first, second), first + second][random.integers(4)]
    level = 1 / (1 + np.exp(-wave * random.uniform(1, 12)))
    return _colour_map(level, random)


def cells(random: np.random.Generator) -> np.ndarray:
    """Draw the Voronoi cells of random points: cobbles, scales, cracked mud, with or without joints."""
    points = random.uniform(0, SIDE, (random.integers(12, 160), 2))
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    distances = np.hypot(x[..., None] - points[:, 0], (y[..., None] - points[:, 1]) * random.uniform(0.6, 1.6))
    nearest = np.partition(distances, 1, axis=2)[..., :2]
    colours = _palette(random)
    of_cell = np.array([_vary(colours[random.integers(len(colours))], random) for _ in points])
    picture = of_cell[distances.argmin(axis=2)]
    joint = np.clip((nearest[..., 1] - nearest[..., 0]) / random.uniform(2, 10), 0, 1)[..., np.newaxis]
    return picture * joint + np.array(_vary(colours[0], random)) * (1 - joint)


def strokes(random: np.random.Generator) -> np.ndarray:
    """Draw lines and arcs on a plain or cloudy background: hair, grass, writing, wires."""
    picture = clouds(random) if random.random() < 0.5 else np.full((SIDE, SIDE, 3), _vary((128, 128, 128), random, 90))
    colours = _palette(random)
    main, spread = random.uniform(0, np.pi), random.uniform(0.1, 1.6)
    for _ in range(random.integers(20, 300)):
        start, length = random.uniform(0, SIDE, 2), random.uniform(8, 90)
        angle, curl = main + random.normal(0, spread), random.normal(0, 1.0)
        steps = angle + curl * np.linspace(0, 1, 8)
        points = start + np.cumsum(np.column_stack([np.cos(steps), np.sin(steps)]) * length / 8, axis=0)
        colour = _vary(colours[random.integers(len(colours))], random)
        cv2.polylines(picture, [points.astype(np.int32)], False, colour, int(random.integers(1, 5)), cv2.LINE_AA)
    return picture


def things(random: np.random.Generator) -> np.ndarray:
    """Draw a few large shaded shapes with different textures on a smooth background."""
    picture = cv2.GaussianBlur(clouds(random), (0, 0), random.uniform(3, 12))
    for _ in range(random.integers(1, 5)):
        radius = random.uniform(0.12, 0.45) * SIDE
        outline = random.uniform(0.2, 0.8, 2) * SIDE + radius * _outline(random)
        mask = np.zeros((SIDE, SIDE))
        cv2.fillPoly(mask, [outline.astype(np.int32)], 1.0, cv2.LINE_AA)
        surface = [clouds, pattern, leaves, cells][random.integers(4)](random)
        depth = cv2.GaussianBlur(mask, (0, 0), radius / 4)[..., np.newaxis]
        shaded = surface * (0.4 + 0.7 * depth)
        picture = picture * (1 - mask[..., np.newaxis]) + shaded * mask[..., np.newaxis]
    return picture


DRAWINGS: tuple[Drawing, ...] = (leaves, clouds, pattern, cells, strokes, things)


def _outline(random: np.random.Generator) -> np.ndarray:
    """Return the points of a bulged circle of about radius 1, float [40, 2]."""
    angles = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    radii = np.ones_like(angles)
    for waves in (1, 2, 3, 5):
        radii += random.normal(0, 0.25 / waves) * np.cos(waves * angles + random.uniform(0, 6))
    return radii[:, np.newaxis] * np.column_stack([np.cos(angles), np.sin(angles)])


def _palette(random: np.random.Generator) -> np.ndarray:
    """Return two to six colours, float [n, 3], with random similarity and saturation."""
    base = random.uniform(0, 255, 3)
    colours = base + random.normal(0, random.uniform(15, 110), (random.integers(2, 7), 3))
    grey = colours.mean(axis=1, keepdims=True)
    return (grey + (colours - grey) * 1.2 * random.random() ** 2).clip(0, 255)


def _vary(colour: tuple[float, ...] | np.ndarray, random: np.random.Generator, spread: float = 14) -> tuple[float, ...]:
    return tuple(float(level) for level in np.clip(np.asarray(colour) + random.normal(0, spread, 3), 0, 255))


def _noise(random: np.random.Generator, slope: float) -> np.ndarray:
    """Return noise in 0..1, [SIDE, SIDE], whose amplitude falls with frequency to the power of slope."""
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(SIDE), np.fft.rfftfreq(SIDE), indexing="ij"))
    frequency[0, 0] = 1
    spectrum = np.fft.rfft2(random.normal(size=(SIDE, SIDE))) / frequency**slope
    spectrum[0, 0] = 0
    field = np.fft.irfft2(spectrum, s=(SIDE, SIDE))
    low, high = np.percentile(field, [1, 99])
    return np.clip((field - low) / (high - low), 0, 1)


def _colour_map(level: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Return [SIDE, SIDE, 3]: levels 0..1 mapped to colours of a palette."""
    colours = _palette(random)
    places = np.linspace(0, 1, len(colours))
    return np.stack([np.interp(level, places, colours[:, channel]) for channel in range(3)], axis=-1)
