"""The style "animal_crossing": rolling grass, round trees, little houses and round-headed figures in soft light."""

from dataclasses import dataclass

import numpy as np

from pipeline.drawn.memes.animal_crossing.plants import SEASONS, THINGS, Season, light_lamps, paint_house, paint_lamp
from pipeline.drawn.memes.animal_crossing.rooms import draw_room
from pipeline.drawn.memes.animal_crossing.speech import paint_badge, paint_speech
from pipeline.drawn.memes.animal_crossing.villagers import paint_villager
from pipeline.drawn.memes.canvas import (
    Colour,
    Point,
    ellipse,
    glow,
    lay,
    new_canvas,
    pick,
    polygon,
    shade,
    soft_mask,
    vary,
    vertical_gradient,
)


@dataclass(frozen=True)
class Hour:
    """The light of an hour: sky from top to horizon, and what it multiplies the land's colours by."""

    sky: tuple[Colour, ...]
    light: Colour
    lamps: bool = False


DAY = Hour(((120, 190, 245), (190, 230, 250), (235, 248, 250)), (1.0, 1.0, 1.0))
HOURS: tuple[Hour, ...] = (
    DAY,
    Hour(((250, 190, 140), (255, 215, 170), (255, 235, 205)), (1.08, 0.92, 0.78)),
    Hour(((240, 120, 90), (250, 170, 110), (120, 100, 150)), (0.9, 0.66, 0.6), lamps=True),
    Hour(((170, 185, 195), (205, 215, 220)), (0.85, 0.88, 0.92)),
    Hour(((14, 20, 56), (30, 44, 96), (60, 70, 120)), (0.32, 0.36, 0.58), lamps=True),
    Hour(((10, 12, 24), (24, 26, 40)), (0.24, 0.24, 0.3), lamps=True),
)
_HOUR_SHARES = (0.32, 0.14, 0.12, 0.12, 0.18, 0.12)
_SEASON_SHARES = (0.42, 0.12, 0.28, 0.18)
_INDOORS = 0.22


def draw_village(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Return a picture of a village, or of a room in it, uint8 [height, width, 3]."""
    canvas = draw_room(rng, shape) if rng.random() < _INDOORS else _draw_outdoors(rng, shape)
    spoken = rng.random()
    if spoken < 0.5:
        paint_speech(rng, canvas)
    elif spoken < 0.7:
        paint_badge(rng, canvas)
    return canvas


def _draw_outdoors(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    height, width = shape
    hour = HOURS[int(rng.choice(len(HOURS), p=_HOUR_SHARES))]
    season = SEASONS[int(rng.choice(len(SEASONS), p=_SEASON_SHARES))]
    horizon = height * rng.choice([rng.uniform(-0.15, 0.0), rng.uniform(0.12, 0.45)])
    canvas = _draw_sky(rng, shape, hour)
    bend = rng.uniform(0.02, 0.09) * height / (width / 2) ** 2  # the land rolls away to both sides
    land = _paint_land(rng, canvas, horizon, bend, season)
    _paint_ways(rng, canvas, land)
    lamps = _paint_things(rng, canvas, (horizon, bend), season)
    shade(canvas, hour.light)
    if hour.lamps:
        light_lamps(canvas, lamps, height / 90)
        _paint_stars(rng, canvas, horizon)
    elif rng.random() < 0.4:  # a soft haze of light
        glow(canvas, (rng.uniform(0, width), 0), height * 0.9, (90, 85, 60), rng.uniform(0.3, 0.8))
    if rng.random() < (0.5 if season.snow else 0.1):
        _paint_snow(rng, canvas)
    return canvas


def _draw_sky(rng: np.random.Generator, shape: tuple[int, int], hour: Hour) -> np.ndarray:
    height, width = shape
    sky = vertical_gradient((max(height // 2, 1), width), [vary(rng, colour, 5) for colour in hour.sky])
    canvas = new_canvas(shape, hour.sky[-1])
    canvas[: len(sky)] = sky
    for _ in range(int(rng.integers(0, 5))):
        x, y, size = rng.uniform(0, width), rng.uniform(0, height * 0.3), rng.uniform(0.02, 0.06) * width
        for dx in (-1.4, -0.5, 0.5, 1.3):
            ellipse(canvas, (x + dx * size, y + abs(dx) * size * 0.3), (size, size * 0.75), (252, 253, 255))
    # the light of the hour comes later, over all: the sky has its own already
    shade(canvas, tuple(1 / max(level, 0.3) for level in hour.light))
    return canvas


def _paint_land(
    rng: np.random.Generator, canvas: np.ndarray, horizon: float, bend: float, season: Season
) -> np.ndarray:
    """Draw sea or hills at the horizon, and grass with a pattern; return the land's mask, float [height, width]."""
    height, width = canvas.shape[:2]
    x = np.linspace(0, width, 33)
    edge = horizon + bend * (x - width / 2) ** 2
    behind = pick(rng, ((90, 180, 210), season.crowns[0], (120, 170, 130), (230, 215, 170)))
    for lift, colour in ((rng.uniform(0.03, 0.08) * height, behind),):
        waves = lift * (1 + 0.5 * np.sin(x / width * rng.uniform(2, 14) + rng.uniform(0, 6)))
        polygon(canvas, [(0, height), *zip(x, edge - waves, strict=True), (width, height)], colour)
    grass = pick(rng, season.grass, 6)
    outline = [(0, height), *zip(x, edge, strict=True), (width, height)]
    mask = soft_mask((height, width), outline, 0.8)
    lay(canvas, grass, mask)
    _paint_pattern(rng, canvas, mask, horizon, grass)
    return mask


def _paint_pattern(
    rng: np.random.Generator, canvas: np.ndarray, mask: np.ndarray, horizon: float, grass: Colour
) -> None:
    """Lay small triangles, dots or stripes on the grass; they get smaller towards the horizon."""
    height, width = canvas.shape[:2]
    rows = np.arange(height, dtype=np.float32)[:, np.newaxis]
    depth = np.maximum((rows - np.float32(horizon)) / np.float32(height), 0.02) + np.float32(0.25)
    cell = np.float32(rng.uniform(0.05, 0.09) * height)
    across = (np.arange(width, dtype=np.float32)[np.newaxis] - width / 2) / (cell * depth) % 1
    down = -np.log(depth) * np.float32(height) / cell * np.float32(0.9) % 1
    kind = rng.integers(4)
    triangles = (np.abs(across - 0.5) < 0.32 * (1 - down)) & (down < 0.75)
    dots = np.hypot(across - 0.5, down - 0.5) < 0.22
    stripes = np.broadcast_to((across + down) % 1 < 0.5, (height, width))
    pattern = (triangles, triangles, dots, stripes)[kind].astype(np.float32)
    lay(canvas, tuple(level * 0.9 for level in grass), mask * pattern * np.float32(rng.uniform(0.4, 1.0)))
    slope = np.clip((rows - np.float32(horizon)) / np.float32(height), 0, 1)
    shade(canvas, 1 + mask * (slope - np.float32(0.35)) * np.float32(0.22))


def _paint_ways(rng: np.random.Generator, canvas: np.ndarray, land: np.ndarray) -> None:
    """Draw a path, a river or a beach through the land."""
    height, width = canvas.shape[:2]
    for colours in (((215, 190, 140), (190, 160, 120), (170, 170, 170)), ((110, 190, 220), (90, 160, 200))):
        if rng.random() < 0.45:
            y = np.linspace(0, height * 1.05, 12)
            middle = width * rng.uniform(0.1, 0.9) + width * 0.18 * np.sin(
                y / height * rng.uniform(2, 6) + rng.uniform(0, 6)
            )
            half = width * rng.uniform(0.03, 0.09) * (0.3 + y / height)
            outline = [*zip(middle - half, y, strict=True), *zip((middle + half)[::-1], y[::-1], strict=True)]
            colour = pick(rng, colours)
            lay(canvas, tuple(level * 0.85 for level in colour), soft_mask((height, width), outline, 2.5) * land)
            inner = [(x + (middle.mean() - x) * 0.06, row) for x, row in outline]
            lay(canvas, colour, soft_mask((height, width), inner, 1.0) * land)


def _paint_things(
    rng: np.random.Generator, canvas: np.ndarray, ground: tuple[float, float], season: Season
) -> list[Point]:
    """Draw trees, houses and figures from far to near; return where light is at night."""
    height, width = canvas.shape[:2]
    horizon, bend = ground
    lamps: list[Point] = []
    top = max(horizon, 0) / height + 0.08
    rows = np.sort(rng.uniform(top, 1.08, int(rng.integers(5, 14))))
    people = set(rng.choice(len(rows), min(int(rng.choice([1, 1, 2, 3, 4])), len(rows)), replace=False).tolist())
    for number, row in enumerate(rows):
        x = rng.uniform(0, width)
        foot = (x, row * height + bend * (x - width / 2) ** 2 * 0.5)
        unit = height * (0.012 + 0.03 * (row - max(horizon, 0) / height) * rng.uniform(0.9, 1.1))
        if number in people:
            paint_villager(rng, canvas, (width * rng.uniform(0.12, 0.88), min(foot[1], height * 0.98)), unit * 9)
            continue
        drawer = THINGS[int(rng.integers(len(THINGS)))]
        drawer(rng, canvas, foot, unit * 1.25, season)
        if drawer is paint_lamp:
            lamps.append((foot[0], foot[1] - 6.6 * unit))
        elif drawer is paint_house:
            lamps += [(foot[0] + side * 3.4 * unit, foot[1] - 2.6 * unit) for side in (-1, 1)]
    return lamps


def _paint_stars(rng: np.random.Generator, canvas: np.ndarray, horizon: float) -> None:
    height, width = canvas.shape[:2]
    for _ in range(int(rng.integers(5, 40)) if horizon > 0.1 * height else 0):
        size = rng.uniform(0.5, 1.4)
        ellipse(canvas, (rng.uniform(0, width), rng.uniform(0, horizon * 0.8)), (size, size), (235, 240, 255))
    if rng.random() < 0.4 and horizon > 0.2 * height:
        ellipse(canvas, (rng.uniform(0, width), horizon * 0.35), (height * 0.05, height * 0.05), (250, 245, 215))


def _paint_snow(rng: np.random.Generator, canvas: np.ndarray) -> None:
    height, width = canvas.shape[:2]
    for x, y, size in rng.random((int(rng.integers(40, 160)), 3)):
        radius = (0.3 + size) * height / 200
        ellipse(canvas, (x * width, y * height), (radius, radius), (250, 252, 255))
