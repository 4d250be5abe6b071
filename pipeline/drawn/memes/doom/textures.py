"""Small square textures of walls and floors, for the corridors of pipeline.drawn.memes.doom.raycast."""

from collections.abc import Callable

import numpy as np

from pipeline.drawn.memes.canvas import Colour, box, darker, ellipse, line, new_canvas, shade, vary
from pipeline.drawn.scenes.drawing import noise_field

SIDE = 64  # pixels of a texture, and of a wall's height

TextureDrawer = Callable[[np.random.Generator, Colour], np.ndarray]


def bricks(rng: np.random.Generator, colour: Colour) -> np.ndarray:
    """Draw rows of bricks, each row moved by half a brick."""
    texture = new_canvas((SIDE, SIDE), darker(colour, 0.45))
    height, width = (8, 16) if rng.random() < 0.6 else (16, 32)
    for row in range(SIDE // height):
        for place in range(-1, SIDE // width + 1):
            left, top = place * width + (row % 2) * width // 2, row * height
            box(texture, (left + 1, top + 1, left + width - 1, top + height - 1), vary(rng, colour, 3))
    return _grained(rng, texture, 0.35)


def panels(rng: np.random.Generator, colour: Colour) -> np.ndarray:
    """Draw metal plates with bevelled edges and rivets."""
    texture = new_canvas((SIDE, SIDE), darker(colour, 0.8))
    size = int(rng.choice([16, 32, 64]))
    for left in range(0, SIDE, size):
        for top in range(0, SIDE, size):
            box(texture, (left, top, left + size, top + size), darker(colour, 1.3))
            box(texture, (left + 2, top + 2, left + size, top + size), darker(colour, 0.45))
            box(texture, (left + 2, top + 2, left + size - 2, top + size - 2), vary(rng, colour, 4))
            for x, y in ((5, 5), (size - 5, 5), (5, size - 5), (size - 5, size - 5)):
                ellipse(texture, (left + x, top + y), (1.3, 1.3), darker(colour, 0.5))
    return _grained(rng, texture, 0.2)


def machinery(rng: np.random.Generator, colour: Colour) -> np.ndarray:
    """Draw plates with a lit screen, lamps and slots."""
    texture = panels(rng, colour)
    lamp = ((90, 240, 90), (250, 70, 50), (250, 210, 70), (90, 190, 250))[int(rng.integers(4))]
    box(texture, (8, 10, 56, 34), darker(colour, 0.3))
    for _ in range(int(rng.integers(4, 14))):
        x, y = rng.uniform(11, 50), rng.uniform(12, 31)
        box(texture, (x, y, x + rng.uniform(1, 6), y + 1.6), vary(rng, lamp, 20))
    for row in range(3):
        line(texture, [(10, 42 + row * 6), (54, 42 + row * 6)], darker(colour, 0.35), 2)
    return texture


def planks(rng: np.random.Generator, colour: Colour) -> np.ndarray:
    """Draw upright boards."""
    texture = new_canvas((SIDE, SIDE), darker(colour, 0.4))
    for left in range(0, SIDE, 16):
        box(texture, (left + 1, 0, left + 15, SIDE), vary(rng, colour, 3))
    fibre = np.repeat(noise_field(rng, (4, SIDE), 3, 2), SIDE // 4, axis=0)
    shade(texture, 0.7 + 0.45 * fibre)
    return _grained(rng, texture, 0.25)


def flesh(rng: np.random.Generator, colour: Colour) -> np.ndarray:
    """Draw something that grew: veins between swellings."""
    swelling = noise_field(rng, (SIDE, SIDE), 20, 3)
    veins = np.abs(swelling - 0.5) * 2
    texture = new_canvas((SIDE, SIDE), colour)
    shade(texture, 0.25 + 1.0 * veins)
    return _grained(rng, texture, 0.3)


def blocks(rng: np.random.Generator, colour: Colour) -> np.ndarray:
    """Draw rough hewn stone."""
    texture = new_canvas((SIDE, SIDE), darker(colour, 0.4))
    top = 0
    while top < SIDE:
        height, left = int(rng.integers(12, 22)), -int(rng.integers(0, 16))
        while left < SIDE:
            width = int(rng.integers(14, 34))
            box(texture, (left + 1, top + 1, left + width - 1, top + height - 1), vary(rng, colour, 3), 3)
            left += width
        top += height
    return _grained(rng, texture, 0.45)


def tiles(rng: np.random.Generator, colour: Colour) -> np.ndarray:
    """Draw a floor of square tiles in two tones."""
    size, other = int(rng.choice([16, 32])), darker(colour, rng.uniform(0.6, 0.95))
    texture = new_canvas((SIDE, SIDE), darker(colour, 0.5))
    for left in range(0, SIDE, size):
        for top in range(0, SIDE, size):
            tone = colour if (left + top) // size % 2 else other
            box(texture, (left + 1, top + 1, left + size - 1, top + size - 1), vary(rng, tone, 3))
    return _grained(rng, texture, 0.25)


def ground(rng: np.random.Generator, colour: Colour) -> np.ndarray:
    """Draw soil, rubble or a lawn: noise."""
    texture = new_canvas((SIDE, SIDE), colour)
    shade(texture, 0.55 + 0.8 * noise_field(rng, (SIDE, SIDE), rng.uniform(5, 18), 3))
    return _grained(rng, texture, 0.3)


def liquid(rng: np.random.Generator, colour: Colour) -> np.ndarray:
    """Draw lava, slime or water: bright crests on dark."""
    crests = 1 - np.abs(noise_field(rng, (SIDE, SIDE), 18, 3) - 0.5) * 2
    texture = new_canvas((SIDE, SIDE), colour)
    shade(texture, 0.35 + 1.0 * crests**3)
    return texture


WALLS: tuple[TextureDrawer, ...] = (bricks, panels, machinery, planks, flesh, blocks)
FLOORS: tuple[TextureDrawer, ...] = (tiles, ground, panels, blocks)


def _grained(rng: np.random.Generator, texture: np.ndarray, depth: float) -> np.ndarray:
    shade(texture, 1 - depth / 2 + depth * rng.random((SIDE, SIDE), dtype=np.float32))
    return texture
