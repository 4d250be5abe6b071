"""The style "doom": dark corridors in perspective, coarse pixels, things with horns, fire, a status bar."""

from dataclasses import dataclass

import numpy as np

from pipeline.drawn.memes.canvas import (
    Colour,
    darker,
    enlarge,
    lay,
    pick,
    polygon,
    shade,
    vary,
    vertical_gradient,
)
from pipeline.drawn.memes.doom.hud import paint_bar, paint_corners, paint_weapon
from pipeline.drawn.memes.doom.monsters import MONSTERS, PROPS, PlacedSprite, fireball, paint_sprites
from pipeline.drawn.memes.doom.raycast import Eye, Hits, Materials, carve_world, cast, choose_eye, render
from pipeline.drawn.memes.doom.textures import FLOORS, WALLS, liquid
from pipeline.drawn.scenes.drawing import noise_field


@dataclass(frozen=True)
class Theme:
    """Colours of a level. sky: from top to horizon, empty under a roof; pools: of glowing liquid on the floor."""

    walls: tuple[Colour, ...]
    floors: tuple[Colour, ...]
    pools: tuple[Colour, ...]
    sky: tuple[Colour, ...] = ()
    fading: float = 0.22


# The bright ones share their colours with villages, so that colour alone does not tell the styles apart.
THEMES: tuple[Theme, ...] = (
    Theme(((120, 90, 60), (100, 96, 92)), ((90, 75, 60), (80, 80, 80)), ((190, 40, 20),)),
    Theme(((110, 110, 112), (84, 94, 104)), ((90, 90, 94),), ((80, 190, 60),)),
    Theme(((140, 50, 40), (110, 70, 60)), ((90, 50, 40),), ((240, 110, 30),), ((90, 15, 10), (220, 90, 30)), 0.16),
    Theme(((150, 120, 80), (120, 84, 52)), ((130, 104, 72),), ((70, 140, 200),), (), 0.12),
    Theme(
        ((90, 130, 70), (120, 120, 96)),
        ((86, 140, 60), (110, 150, 70)),
        ((90, 220, 80),),
        ((90, 150, 230), (190, 220, 245)),
        0.05,
    ),
    Theme(
        ((200, 170, 130), (170, 140, 110)),
        ((200, 180, 130), (120, 160, 90)),
        ((80, 170, 220),),
        ((250, 170, 110), (255, 225, 180)),
        0.05,
    ),
    Theme(
        ((170, 190, 205), (140, 150, 170)),
        ((215, 225, 235),),
        ((120, 200, 240),),
        ((130, 150, 180), (220, 230, 240)),
        0.06,
    ),
    Theme(((60, 70, 100), (70, 60, 84)), ((60, 74, 70),), ((90, 220, 230),), ((14, 18, 46), (50, 60, 110)), 0.12),
)
_SHARES = (0.2, 0.17, 0.15, 0.1, 0.12, 0.1, 0.07, 0.09)  # how often each theme is drawn
COARSE_ROWS = (100, 120, 150, 200)


def draw_corridor(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Return a view into a level, uint8 [height, width, 3]."""
    rows = int(rng.choice(COARSE_ROWS))
    coarse = (rows, max(round(rows * shape[1] / shape[0]), 60))
    theme = THEMES[int(rng.choice(len(THEMES), p=_SHARES))]
    bar = rows - int(rows * rng.uniform(0.12, 0.19)) if rng.random() < 0.55 else rows
    view = np.zeros((*coarse, 3), np.uint8)
    view[:bar] = _draw_level(rng, theme, (bar, coarse[1]))
    if rng.random() < 0.75:
        paint_weapon(rng, view[:bar], bar)
    if bar < rows:
        paint_bar(rng, view, bar)
    elif rng.random() < 0.6:
        paint_corners(rng, view)
    return enlarge(view, shape, smooth=rng.random() < 0.35)


def _draw_level(rng: np.random.Generator, theme: Theme, shape: tuple[int, int]) -> np.ndarray:
    materials = _make_materials(rng, theme, shape)
    world = carve_world(rng, len(materials.walls), len(materials.floors))
    eye = choose_eye(rng, world)
    hits = cast(world, eye, shape[1])
    view = render(world, eye, materials, shape, hits)
    paint_sprites(view, eye, hits, _place_things(rng, eye, hits), materials.fading)
    if rng.random() < 0.25:  # hurt, or through a visor
        lay(view, pick(rng, ((200, 20, 10), (60, 200, 60), (220, 180, 60))), rng.uniform(0.08, 0.3))
    shade(view, rng.uniform(0.8, 1.25))
    return view


def _make_materials(rng: np.random.Generator, theme: Theme, shape: tuple[int, int]) -> Materials:
    walls = [WALLS[int(rng.integers(len(WALLS)))](rng, pick(rng, theme.walls)) for _ in range(3)]
    floors = [FLOORS[int(rng.integers(len(FLOORS)))](rng, pick(rng, theme.floors)) for _ in range(2)]
    plain = len(floors)
    if rng.random() < 0.6:
        floors.append(liquid(rng, pick(rng, theme.pools)))
    ceiling = FLOORS[int(rng.integers(len(FLOORS)))](rng, darker(pick(rng, theme.walls), 0.7))
    sky = _draw_sky(rng, theme, shape) if theme.sky and rng.random() < 0.8 else None
    fading = theme.fading * rng.uniform(0.7, 1.5)
    return Materials(np.stack(walls), np.stack(floors), ceiling, sky, fading, plain)


def _draw_sky(rng: np.random.Generator, theme: Theme, shape: tuple[int, int]) -> np.ndarray:
    """Draw clouds or smoke, perhaps mountains, over the whole view; the walls hide what is below the horizon."""
    height, width = shape
    sky = vertical_gradient((height // 2 + 1, width), [vary(rng, colour, 8) for colour in theme.sky])
    sky = np.concatenate([sky, sky[::-1]])[:height]
    smoke = np.clip(noise_field(rng, shape, width / 3, 4) * 2 - 0.9, 0, 1)
    lay(
        sky,
        vary(rng, (235, 235, 235) if theme.fading < 0.1 else darker(theme.sky[0], 0.5)),
        smoke * rng.uniform(0.2, 0.8),
    )
    if rng.random() < 0.6:
        x = np.arange(0, width + 8, 8)
        peaks = height / 2 - rng.uniform(0.05, 0.3) * height * rng.random(len(x))
        outline = [(0, height), *zip(x.tolist(), peaks.tolist(), strict=True), (width, height)]
        polygon(sky, outline, darker(theme.sky[-1], rng.uniform(0.3, 0.7)))
    return sky


def _place_things(rng: np.random.Generator, eye: Eye, hits: Hits) -> list[PlacedSprite]:
    """Put monsters, props and flying fire in front of the walls that are seen."""
    things: list[PlacedSprite] = []
    kinds = [MONSTERS] * int(rng.integers(0, 5)) + [PROPS] * int(rng.integers(0, 4))
    width = len(hits.depth)
    for kind in kinds:
        sprite = kind[int(rng.integers(len(kind)))](rng)
        size = rng.uniform(0.6, 1.0) if kind is MONSTERS else rng.uniform(0.4, 0.7)
        things.append(PlacedSprite(sprite, *_find_place(rng, eye, hits, width), size))
    for _ in range(int(rng.choice([0, 0, 1, 2]))):
        place = _find_place(rng, eye, hits, width)
        things.append(PlacedSprite(fireball(rng), *place, rng.uniform(0.25, 0.5), rng.uniform(0.2, 0.5)))
    return things


def _find_place(rng: np.random.Generator, eye: Eye, hits: Hits, width: int) -> tuple[float, float]:
    """Return x, y of a place that is seen, in front of the wall."""
    column = int(rng.integers(width))
    depth = min(rng.uniform(0.3, 0.95) * hits.depth[column], 7.0)
    ray = eye.rays(width)[column]
    return eye.x + float(ray[0]) * max(depth, 0.9), eye.y + float(ray[1]) * max(depth, 0.9)
