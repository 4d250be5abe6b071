"""Draws massive subjects as lit surfaces: malachite, chrysocolla, bornite, plain rock and pebbles.

Colours overlap on purpose (bluish malachite, green chrysocolla, brown bornite): the structure tells them apart.
"""

import cv2
import numpy as np

from pipeline.drawn.scenes.drawing import (
    Palette,
    Sketch,
    as_grey,
    blob_outline,
    fill_mask,
    light_surface,
    look_up,
    mix,
    noise_field,
    pick_colour,
    pixel_grid,
    shaded,
)

MATRIX: Palette = ((120, 105, 90), (70, 62, 58), (165, 150, 128), (190, 186, 178), (112, 72, 48), (88, 98, 84))
MALACHITE_DARK: Palette = ((8, 62, 42), (14, 84, 58), (20, 50, 40), (10, 92, 84))
MALACHITE_LIGHT: Palette = ((104, 190, 138), (66, 164, 112), (150, 208, 170), (84, 184, 164))
CHRYSOCOLLA: Palette = ((70, 184, 172), (44, 148, 128), (92, 192, 140), (56, 134, 160), (120, 196, 150), (36, 112, 80))
PEACOCK: Palette = (  # in the order in which a growing film of tarnish shows them
    (132, 82, 50), (186, 132, 62), (204, 164, 84), (160, 78, 84), (140, 62, 120),
    (92, 60, 142), (58, 76, 160), (44, 124, 148), (70, 110, 104), (98, 70, 56),
)  # fmt: skip


def draw_malachite(sketch: Sketch) -> None:
    """Draw light and dark green bands around several centres, on domes or on a polished slab."""
    rng, size = sketch.rng, sketch.size
    polished = rng.random() < 0.4
    mask = _lump_mask(sketch, 0.42, 0.16)
    distance, domes = _grow_domes(sketch, int(rng.integers(2, 5) if polished else rng.integers(4, 10)), 0.05)
    band = look_up(_band_table(rng), distance / np.float32(size) * np.float32(rng.uniform(1.0, 1.8)))
    colour = mix(pick_colour(rng, MALACHITE_DARK, 0.02), pick_colour(rng, MALACHITE_LIGHT, 0.03), band)
    relief = domes * np.float32(0.1 if polished else 1.0) + bulge(mask, size * (0.06 if polished else 0.2))
    paint_lit(sketch, mask, colour, relief, gloss=30, shine=0.3)


def draw_chrysocolla(sketch: Sketch) -> None:
    """Draw a waxy blue-green crust without bands: bubbly or massive, broken by patches of bare matrix."""
    rng, size, shape = sketch.rng, sketch.size, (sketch.size, sketch.size)
    mask = _lump_mask(sketch, 0.42, 0.22)
    _, domes = _grow_domes(sketch, int(rng.integers(8, 22)), 0.1)
    clouds, grain = noise_field(rng, shape, size / 3), noise_field(rng, shape, 9, 2)
    crust = mix(pick_colour(rng, CHRYSOCOLLA), pick_colour(rng, CHRYSOCOLLA), clouds)
    bare = np.clip((noise_field(rng, shape, size / 4, 4) - np.float32(rng.uniform(0.5, 0.72))) * 14, 0, 1)
    rock = shaded(pick_colour(rng, MATRIX), 0.6 + 0.7 * grain)
    relief = domes * np.float32(rng.uniform(0.3, 1.0)) * (1 - bare) + bulge(mask, size * 0.2)
    relief += bare * (grain * 6 - 5) + clouds * np.float32(size * 0.06)
    paint_lit(sketch, mask, mix(crust, rock, bare), relief, gloss=9, shine=0.18)


def draw_bornite(sketch: Sketch) -> None:
    """Draw a fractured metallic lump whose tarnish runs through the peacock colours in smooth blotches."""
    rng, size, shape = sketch.rng, sketch.size, (sketch.size, sketch.size)
    mask = _lump_mask(sketch, 0.42, 0.2)
    fracture, plane = _fracture(sketch, int(rng.integers(6, 13)))
    film = noise_field(rng, shape, size / rng.uniform(2.5, 5), 3) * np.float32(rng.uniform(0.3, 0.9))
    film += plane * np.float32(rng.uniform(0, 0.12)) + np.float32(rng.uniform(0, 1))
    colour = look_up(np.array(PEACOCK, np.float32) / 255, film) * np.float32(rng.uniform(0.65, 1.1))
    grey = colour.mean(axis=2, keepdims=True)
    colour = grey + (colour - grey) * np.float32(rng.uniform(0.6, 1.25))
    relief = fracture + bulge(mask, size * 0.14) + noise_field(rng, shape, size / 6) * np.float32(size * 0.07)
    paint_lit(sketch, mask, colour, relief, gloss=26, shine=0.6)


def draw_rock(sketch: Sketch, colour: np.ndarray, centre: tuple[float, float], radius: float) -> None:
    """Paint a rough grainy piece of rock around `centre`, radius in pixels of the layer."""
    shape = (sketch.size, sketch.size)
    mask = fill_mask(shape, blob_outline(sketch.rng, centre, radius, 0.25))
    grain = noise_field(sketch.rng, shape, 16, 3)
    relief = bulge(mask, radius * 0.35) + grain * 9
    paint_lit(sketch, mask, shaded(colour, 0.65 + 0.6 * grain), relief, gloss=10, shine=0.05)


def draw_pebble(sketch: Sketch, colour: np.ndarray) -> None:
    """Paint a smooth worn stone, sometimes speckled, sometimes crossed by one pale vein."""
    rng, size = sketch.rng, sketch.size
    mask = _lump_mask(sketch, 0.42, 0.05)
    speckle = noise_field(rng, (size, size), rng.uniform(4, 30), 2) * np.float32(rng.uniform(0.05, 0.5))
    stone = shaded(colour, 0.85 + speckle)
    if rng.random() < 0.3:
        x, y = pixel_grid(size, size)
        slope = noise_field(rng, (size, size), size / 2, 2) * 20 + x * np.float32(rng.normal()) + y
        vein = np.exp(-(((slope - slope[size // 2, size // 2]) / np.float32(size * 0.02)) ** 2))
        stone = mix(stone, np.array([0.85, 0.83, 0.8], np.float32), vein * np.float32(0.8))
    paint_lit(sketch, mask, stone, bulge(mask, size * 0.3), gloss=12, shine=0.15 * rng.random())


def bulge(mask: np.ndarray, height: float) -> np.ndarray:
    """Return a relief that is 0 at the outline and `height` pixels in the middle, round in between."""
    inside = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 3)
    rise = inside / max(float(inside.max()), 1.0)
    relief = np.sqrt(np.clip(rise * (2 - rise), 0, 1)) * np.float32(height)
    # The ridges of the distance transform would show as creases in the light.
    return cv2.GaussianBlur(relief, (0, 0), max(mask.shape[0] / 40, 1.0))


def paint_lit(
    sketch: Sketch, mask: np.ndarray, colour: np.ndarray, relief: np.ndarray, gloss: float, shine: float
) -> None:
    """Paint a coloured relief [height, width] under the sketch's lamp over what the layer holds."""
    diffuse, highlight = light_surface(relief, sketch.light, gloss)
    lit = shaded(colour, 0.28 + 0.92 * diffuse) + as_grey(highlight * np.float32(shine))
    cover = as_grey(mask)
    layer = sketch.layer
    layer.rgb[:] = layer.rgb * (1 - cover) + np.clip(lit, 0, 1) * cover
    layer.alpha[:] = np.maximum(layer.alpha, mask)


def _lump_mask(sketch: Sketch, radius: float, rough: float) -> np.ndarray:
    """Return the mask of an irregular lump in the middle; radius in layer sides."""
    middle, size = (sketch.size / 2, sketch.size / 2), sketch.size
    return fill_mask((size, size), blob_outline(sketch.rng, middle, size * radius, rough))


def _grow_domes(sketch: Sketch, count: int, warp: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the distance to the centre of the dome that each pixel is on, and the domes' height, in pixels.

    Domes meet where their heights are equal (a power diagram); noise bends the plane by `warp` layer sides.
    """
    rng, size = sketch.rng, sketch.size
    x, y = pixel_grid(size, size)
    x = x + (noise_field(rng, (size, size), size / 3) - 0.5) * np.float32(2 * warp * size)
    y = y + (noise_field(rng, (size, size), size / 3) - 0.5) * np.float32(2 * warp * size)
    radius = size * 0.62 / np.sqrt(count)
    best = np.full((size, size), -np.inf, np.float32)
    distance = np.zeros((size, size), np.float32)
    for centre_x, centre_y, share in rng.uniform((0.1, 0.1, 0.5), (0.9, 0.9, 1.3), (count, 3)).astype(np.float32):
        squared = (x - centre_x * size) ** 2 + (y - centre_y * size) ** 2
        power = np.float32((radius * share) ** 2) - squared
        np.copyto(distance, squared, where=power > best)
        np.maximum(best, power, out=best)
    return np.sqrt(distance), np.sqrt(np.maximum(best, 0)) * np.float32(0.7)


def _band_table(rng: np.random.Generator) -> np.ndarray:
    """Return how light each ring is from the centre outwards: float32 [64], bands of unequal width."""
    widths = rng.integers(1, 5, 40)
    lightness = np.where(np.arange(40) % 2, rng.uniform(0.55, 1.0, 40), rng.uniform(0.0, 0.35, 40))
    return np.repeat(lightness, widths)[:64].astype(np.float32)


def _fracture(sketch: Sketch, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the relief of a lump bounded by `count` planes, in pixels, and the number of the plane at each pixel."""
    rng, size = sketch.rng, sketch.size
    x, y = pixel_grid(size, size)
    bend = noise_field(rng, (size, size), size / 4) * np.float32(size * 0.08)
    lowest = np.full((size, size), np.inf, np.float32)
    plane = np.zeros((size, size), np.float32)
    for number, (tilt_x, tilt_y) in enumerate(rng.normal(0, 0.5, (count, 2)).astype(np.float32)):
        height = (x - size / 2) * tilt_x + (y - size / 2) * tilt_y + np.float32(size * rng.uniform(0.1, 0.3)) + bend
        np.copyto(plane, np.float32(number), where=height < lowest)
        np.minimum(lowest, height, out=lowest)
    return lowest, plane
