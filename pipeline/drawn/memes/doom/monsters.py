"""What stands and flies in the corridors: small pictures with a mask, drawn coarsely, put into the view by distance."""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from pipeline.drawn.memes.canvas import Colour, arc, box, darker, ellipse, glow, line, new_canvas, pick, polygon, shade
from pipeline.drawn.memes.doom.raycast import Eye, Hits
from pipeline.drawn.scenes.drawing import noise_field

SIDE = 64
HIDES: tuple[Colour, ...] = (
    (150, 95, 60), (190, 120, 120), (170, 50, 40), (110, 120, 60), (120, 110, 105), (90, 70, 110), (70, 110, 120),
)  # fmt: skip
EYES: tuple[Colour, ...] = ((255, 60, 30), (255, 210, 40), (120, 255, 90), (255, 255, 255))
FLAMES: tuple[Colour, ...] = ((255, 120, 30), (110, 255, 80), (90, 150, 255), (255, 70, 50))

IVORY: Colour = (240, 235, 215)


@dataclass(frozen=True)
class Sprite:
    """rgb: uint8 [SIDE, SIDE, 3]; mask: bool [SIDE, SIDE]; glows: whether darkness leaves it as it is."""

    rgb: np.ndarray
    mask: np.ndarray
    glows: bool = False


@dataclass(frozen=True)
class PlacedSprite:
    """A sprite in the world: its place, its height in cells, and how high above the floor its foot is."""

    sprite: Sprite
    x: float
    y: float
    height: float
    lift: float = 0.0


def brute(rng: np.random.Generator) -> Sprite:
    """Draw a heavy thing on two legs, with claws and horns or spikes."""
    hide, sheet = pick(rng, HIDES), new_canvas((SIDE, SIDE))
    mask = sheet.copy()
    stance, arms = rng.uniform(6, 11), rng.uniform(-14, 14, 2)
    broad, head = rng.uniform(11, 17), rng.uniform(6, 9)
    for layer, paint in ((sheet, hide), (mask, (255, 255, 255))):
        for side, arm in zip((-1, 1), arms, strict=True):
            foot, hand = 32 + side * stance, (32 + side * (broad + 8), 34 + arm)
            line(layer, [(32 + side * 5, 40), (foot + side, 50), (foot, 62)], darker(paint, 0.75), 8)
            line(layer, [(32 + side * broad, 24), (32 + side * (broad + 6), 32), hand], darker(paint, 0.85), 7)
            polygon(layer, [(32 + side * 3, 12), (32 + side * (head + 6), 2), (32 + side * head, 14)], (225, 215, 190))
        ellipse(layer, (32, 31), (broad, 15), paint)
        ellipse(layer, (32, 14), (head, head * 0.95), darker(paint, 1.1))
    _face(rng, sheet, (32, 13), head)
    return Sprite(_modelled(rng, sheet), mask[..., 0] > 127)


def floater(rng: np.random.Generator) -> Sprite:
    """Draw a ball that hovers, all mouth and spikes."""
    hide, sheet = pick(rng, HIDES), new_canvas((SIDE, SIDE))
    mask = sheet.copy()
    count, turn = int(rng.integers(5, 12)), rng.uniform(0, 6)
    for layer, paint in ((sheet, hide), (mask, (255, 255, 255))):
        for angle in turn + np.arange(count) * 2 * np.pi / count:
            tip = (32 + 29 * np.cos(angle), 32 + 29 * np.sin(angle))
            foot = [(32 + 19 * np.cos(angle + turn_by), 32 + 19 * np.sin(angle + turn_by)) for turn_by in (-0.2, 0.2)]
            polygon(layer, [tip, *foot], darker(paint, 1.2))
        ellipse(layer, (32, 32), (21, 20), paint)
    _face(rng, sheet, (32, 28), 15)
    return Sprite(_modelled(rng, sheet), mask[..., 0] > 127)


def crawler(rng: np.random.Generator) -> Sprite:
    """Draw a low thing on many legs."""
    hide, sheet = pick(rng, HIDES), new_canvas((SIDE, SIDE))
    mask = sheet.copy()
    knees = rng.uniform(24, 40, 6)
    for layer, paint in ((sheet, hide), (mask, (255, 255, 255))):
        for number, knee in enumerate(knees):
            side, place = (-1, 1)[number % 2], 6 + number // 2 * 6
            line(layer, [(32, 46), (32 + side * (place + 6), knee), (32 + side * (place + 14), 62)], paint, 4)
        ellipse(layer, (32, 46), (20, 12), darker(paint, 0.9))
        ellipse(layer, (32, 40), (11, 9), darker(paint, 1.1))
    _face(rng, sheet, (32, 40), 10)
    return Sprite(_modelled(rng, sheet), mask[..., 0] > 127)


def fireball(rng: np.random.Generator) -> Sprite:
    """Draw a ball of fire with tongues."""
    flame = pick(rng, FLAMES)
    sheet = new_canvas((SIDE, SIDE), darker(flame, 0.55))
    glow(sheet, (32, 32), 30, flame, 1.0)
    glow(sheet, (32, 32), 18, (255, 240, 190), 1.0)
    y, x = np.mgrid[0:SIDE, 0:SIDE] - 31.5
    reach = 17 + 12 * noise_field(rng, (SIDE, SIDE), 9, 2)
    return Sprite(sheet, np.hypot(x, y) < reach, glows=True)


def barrel(rng: np.random.Generator) -> Sprite:
    """Draw a drum with bands."""
    colour = pick(rng, ((90, 110, 80), (120, 90, 60), (110, 110, 115), (150, 60, 40)))
    sheet = new_canvas((SIDE, SIDE))
    box(sheet, (14, 14, 50, 62), colour)
    ellipse(sheet, (32, 14), (18, 5), darker(colour, 0.6))
    for top in (24, 38, 52):
        box(sheet, (14, top, 50, top + 3), darker(colour, 0.55))
    mask = new_canvas((SIDE, SIDE))
    box(mask, (14, 12, 50, 63), (255, 255, 255), 4)
    x = (np.arange(SIDE) - 32) / 18
    shade(sheet, np.repeat((1.1 - 0.6 * x**2 - 0.2 * x)[np.newaxis], SIDE, axis=0))
    return Sprite(sheet, mask[..., 0] > 127)


def pillar(rng: np.random.Generator) -> Sprite:
    """Draw a column, or a torch on a stand."""
    colour = pick(rng, ((140, 130, 120), (110, 80, 60), (90, 100, 110)))
    sheet, mask = new_canvas((SIDE, SIDE)), new_canvas((SIDE, SIDE))
    torch = rng.random() < 0.6
    parts = ((29, 24, 35, 60), (22, 58, 42, 64)) if torch else ((24, 4, 40, 60), (20, 58, 44, 64), (20, 0, 44, 6))
    for part in parts:
        box(sheet, part, colour)
        box(mask, part, (255, 255, 255))
    if torch:
        flame = pick(rng, FLAMES)
        for layer, paint in ((sheet, flame), (mask, (255, 255, 255))):
            polygon(layer, [(24, 25), (27, 10), (32, float(rng.uniform(1, 6))), (37, 12), (40, 25)], paint)
        glow(sheet, (32, 20), 9, (255, 255, 180))
    return Sprite(sheet, mask[..., 0] > 127, glows=torch)


MONSTERS: tuple[Callable[[np.random.Generator], Sprite], ...] = (brute, brute, floater, crawler)
PROPS: tuple[Callable[[np.random.Generator], Sprite], ...] = (barrel, pillar)


def paint_sprites(view: np.ndarray, eye: Eye, hits: Hits, sprites: list[PlacedSprite], fading: float) -> None:
    """Put the sprites into a view, the furthest first, behind the walls that hide them."""
    for thing in sorted(sprites, key=lambda one: -_depth(one, eye)):
        depth = _depth(thing, eye)
        if depth > 0.4:
            _paint_one(view, eye, hits, thing, fading)


def _paint_one(view: np.ndarray, eye: Eye, hits: Hits, thing: PlacedSprite, fading: float) -> None:
    height, width = view.shape[:2]
    depth, across = _depth(thing, eye), float(np.dot([thing.x - eye.x, thing.y - eye.y], eye.right))
    scale = width / 2 / eye.spread / depth  # pixels of one cell
    tall = max(round(thing.height * scale), 2)
    left = round(width / 2 + across * scale - tall / 2)
    top = round(height / 2 + (0.5 - thing.lift) * scale) - tall
    columns = np.arange(max(left, 0), min(left + tall, width))
    columns = columns[hits.depth[columns] > depth]
    rows = np.arange(max(top, 0), min(top + tall, height))
    if not len(columns) or not len(rows):
        return
    inside = np.ix_(((rows - top) * SIDE) // tall, ((columns - left) * SIDE) // tall)
    light = 1.0 if thing.sprite.glows else min(1.1, 1.4 / (1 + fading * depth))
    window = np.ix_(rows, columns)
    lit = (thing.sprite.rgb[inside] * light).clip(0, 255).astype(np.uint8)
    view[window] = np.where(thing.sprite.mask[inside][..., np.newaxis], lit, view[window])


def _depth(thing: PlacedSprite, eye: Eye) -> float:
    return float(np.dot([thing.x - eye.x, thing.y - eye.y], eye.forward))


def _face(rng: np.random.Generator, sheet: np.ndarray, centre: tuple[float, float], size: float) -> None:
    """Draw glowing eyes and a mouth with teeth."""
    x, y = centre
    eye = pick(rng, EYES)
    places = (-0.45, 0.45) if rng.random() < 0.7 else (-0.6, 0.0, 0.6)
    for place in places:
        ellipse(sheet, (x + place * size, y - 0.1 * size), (size * 0.2 + 0.6, size * 0.17 + 0.5), eye)
    width, gape = size * rng.uniform(0.5, 0.8), size * rng.uniform(0.15, 0.45)
    ellipse(sheet, (x, y + size * 0.5), (width, gape), (40, 5, 10))
    for place in np.linspace(-0.7, 0.7, 5):
        tooth = x + place * width
        polygon(sheet, [(tooth - 1.5, y + size * 0.35), (tooth + 1.5, y + size * 0.35), (tooth, y + size * 0.6)], IVORY)
    arc(sheet, (x, y - size * 0.3), (size * 0.8, size * 0.3), (200, 340), ((30, 10, 10), 1))


def _modelled(rng: np.random.Generator, sheet: np.ndarray) -> np.ndarray:
    """Give a flat drawing light from above and a rough skin, in few steps."""
    fall = np.linspace(1.25, 0.65, SIDE, dtype=np.float32)[:, np.newaxis]
    bright = fall * (0.75 + 0.5 * noise_field(rng, (SIDE, SIDE), 8, 2))
    lit = (sheet * bright[..., np.newaxis]).clip(0, 255).astype(np.uint8)
    return np.minimum(cv2.medianBlur(lit, 3), 248) // 12 * 12 + 6
