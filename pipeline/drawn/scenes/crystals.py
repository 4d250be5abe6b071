"""Draws the minerals that form crystals as lit solids: biotite, muscovite, pyrite, quartz.

Colours overlap on purpose (dark and green mica, citrine, amethyst, tarnished pyrite): the structure tells them apart.
"""

import numpy as np

from pipeline.drawn.scenes.drawing import (
    Face,
    FacePattern,
    Palette,
    Sketch,
    as_grey,
    draw_solid,
    flat_rotation,
    look_up,
    make_prism,
    mix,
    noise_field,
    paint_line,
    paint_polygon,
    pick_colour,
    place_solid,
    shaded,
)
from pipeline.drawn.scenes.rocks import MATRIX, draw_rock

BIOTITE: Palette = ((38, 28, 22), (26, 24, 24), (62, 44, 30), (84, 58, 36), (36, 42, 34), (96, 70, 46))
MUSCOVITE: Palette = (
    (206, 200, 186), (222, 214, 194), (190, 172, 140), (172, 178, 146), (160, 134, 104), (116, 98, 80), (140, 162, 128),
)  # fmt: skip
BRASS: Palette = ((198, 168, 92), (222, 200, 134), (176, 140, 70), (150, 108, 60), (186, 152, 84))
TARNISH: Palette = ((120, 70, 50), (96, 62, 110), (70, 86, 130), (150, 104, 48))
QUARTZ: Palette = (
    (216, 222, 230), (234, 238, 244), (196, 204, 214), (112, 96, 86), (226, 178, 184), (140, 98, 172), (206, 178, 110),
    (236, 234, 228), (140, 110, 180),
)  # fmt: skip

WHITE = np.ones(3, np.float32)


def draw_biotite(sketch: Sketch) -> None:
    """Draw thick six-sided books of dark sheets: layered sides, glassy streaks on the cleavage."""
    rng = sketch.rng
    _maybe_on_matrix(sketch, chance=0.3)
    colour = pick_colour(rng, BIOTITE, 0.015)
    for foot, radius in _scatter(sketch, int(rng.integers(1, 4)), 0.25, 0.36):
        axis = np.append(rng.normal(0, 0.5, 2), 0.75)
        _draw_book(sketch, colour, foot, axis, radius)


def draw_muscovite(sketch: Sketch) -> None:
    """Draw a fan of thin translucent pearly sheets that opens from a common hinge."""
    rng, size = sketch.rng, sketch.size
    _maybe_on_matrix(sketch, chance=0.2)
    colour = pick_colour(rng, MUSCOVITE, 0.02)
    start, opening, sheets = rng.uniform(0, 2 * np.pi), rng.uniform(2.2, 6.0), int(rng.integers(10, 17))
    for number in range(sheets):
        angle = start + opening * (number / sheets - 0.5)
        direction = np.array([np.cos(angle), np.sin(angle)])
        middle = np.append(size / 2 + direction * size * rng.uniform(0.1, 0.22), 0.0)
        tilt = np.append(direction * rng.uniform(-0.8, 0.8) + rng.normal(0, 0.25, 2), 1.0)
        _draw_sheet(sketch, colour, middle, tilt, size * rng.uniform(0.25, 0.29) * (1 - 0.5 * number / sheets))


def draw_pyrite(sketch: Sketch) -> None:
    """Draw intergrown striated cubes of one brass, sharp-edged, sometimes tarnished."""
    rng = sketch.rng
    _maybe_on_matrix(sketch, chance=0.35)
    metal = pick_colour(rng, BRASS, 0.02)
    if rng.random() < 0.35:
        metal = metal + (pick_colour(rng, TARNISH) - metal) * np.float32(rng.uniform(0.3, 0.8))
    for foot, radius in _scatter(sketch, int(rng.integers(1, 7)), 0.2, 0.36):
        _draw_cube(sketch, metal, foot, radius)


def draw_quartz(sketch: Sketch) -> None:
    """Draw glassy six-sided prisms with pyramids at their ends, spread from one foot."""
    rng, size = sketch.rng, sketch.size
    colour = pick_colour(rng, QUARTZ, 0.03)
    heading, spread, count = rng.uniform(0, 2 * np.pi), rng.uniform(0.3, 1.1), int(rng.integers(1, 8))
    foot = size / 2 - np.array([np.cos(heading), np.sin(heading)]) * size * 0.26
    if count > 2:
        draw_rock(sketch, colour * np.float32(0.85), (float(foot[0]), float(foot[1])), size * 0.19)
    for number in rng.permutation(count):
        lean = heading + (spread * (2 * (number + 0.5) / count - 1) if count > 1 else 0.0)
        axis = np.array([np.cos(lean), np.sin(lean), rng.uniform(0.0, 0.6)])
        start = np.append(foot + rng.normal(0, size * 0.035, 2) * (count > 1), 0.0)
        _draw_point(sketch, colour, start, axis, size * rng.uniform(0.45, 0.7) * (1 - 0.3 * abs(lean - heading)))


def _scatter(sketch: Sketch, count: int, low: float, high: float) -> list[tuple[np.ndarray, float]]:
    """Return feet [3] around the middle with radii of low..high layer sides, the largest (furthest back) first."""
    size, rng = sketch.size, sketch.rng
    radii = np.sort(rng.uniform(low, high, count))[::-1] * size
    away = np.clip(0.46 * size - radii, 0, radii * 0.95) * (count > 1)  # near enough to be intergrown
    angles = rng.uniform(0, 2 * np.pi) + np.arange(count) * 2.4  # the golden angle spreads any number of them
    feet = np.stack([size / 2 + np.cos(angles) * away, size / 2 + np.sin(angles) * away, np.zeros(count)], axis=1)
    return [(foot, float(radius)) for foot, radius in zip(feet, radii, strict=True)]


def _maybe_on_matrix(sketch: Sketch, chance: float) -> None:
    """Paint, with this chance, a lump of the rock that the crystals grew on."""
    rng, size = sketch.rng, sketch.size
    if rng.random() < chance:
        draw_rock(sketch, pick_colour(rng, MATRIX), (size / 2, size / 2), size * rng.uniform(0.26, 0.38))


def _draw_book(sketch: Sketch, colour: np.ndarray, foot: np.ndarray, axis: np.ndarray, radius: float) -> None:
    """Paint one book as packets of sheets, each a little turned, shifted and smaller than the one below."""
    rng = sketch.rng
    packets, spin, outline = int(rng.integers(2, 5)), rng.uniform(0, np.pi), _ragged_hexagon(rng, radius)
    thickness = radius * rng.uniform(0.5, 1.0)
    step = axis / np.linalg.norm(axis) * thickness / packets
    edge = np.clip(colour * 1.7 + 0.06, 0, 1)
    for number in range(packets):
        sheet = make_prism(outline * (1 - 0.05 * number * rng.random()), thickness / packets)
        slide = np.append(rng.normal(0, radius * 0.04, 2), 0)
        body = place_solid(sheet, axis, spin + rng.normal(0, 0.05), foot + step * number + slide)
        faces = draw_solid(sketch.layer, body, sketch.light, _book_pattern(sketch, colour))
        paint_line(sketch.layer, faces[-1], edge, closed=True)


def _ragged_hexagon(rng: np.random.Generator, radius: float) -> np.ndarray:
    """Return a six-sided outline [12, 2] around 0 with unequal sides and chipped edges."""
    angles = np.arange(12) * np.pi / 6
    reach = np.where(np.arange(12) % 2, np.cos(np.pi / 6), 1.0) * rng.uniform(0.95, 1.05, 12)
    reach *= 1 + 0.12 * np.cos(angles + rng.uniform(0, 2 * np.pi))
    return np.stack([np.cos(angles), np.sin(angles)], axis=1) * (reach * radius)[:, None]


def _book_pattern(sketch: Sketch, colour: np.ndarray) -> FacePattern:
    """Colour a book: thin light and dark lines on its sides, glassy streaks along a cleavage on its top."""
    rng = sketch.rng
    lines = rng.random(24).astype(np.float32) ** 2
    streaks = (rng.random(6) ** 3).astype(np.float32)
    turn, gleam = rng.uniform(-1, 1), np.float32(rng.uniform(0.1, 0.4))

    def pattern(face: Face, along: np.ndarray, across: np.ndarray) -> np.ndarray:
        if face.kind == "side":
            layers = look_up(lines, across * np.float32(0.4) + along * 0)
            lit = 0.3 + 0.8 * face.brightness
            return shaded(colour, lit * (0.6 + 1.4 * layers)) + as_grey(0.16 * face.brightness * layers)
        streak = look_up(streaks, (along + across * np.float32(turn)) * np.float32(0.7))
        return mix(colour * np.float32(0.45 + 0.8 * face.brightness), WHITE, streak * (gleam * face.brightness**2))

    return pattern


def _draw_sheet(sketch: Sketch, colour: np.ndarray, middle: np.ndarray, tilt: np.ndarray, radius: float) -> None:
    """Paint one translucent sheet with a pearly sheen, a few cleavage cracks and one bright rim."""
    rng = sketch.rng
    flat = place_solid(make_prism(_ragged_hexagon(rng, radius), 1.0), tilt, rng.uniform(0, np.pi), middle)
    outline = flat.corners[12:, :2]
    brightness = sketch.light.brightness(tilt / np.linalg.norm(tilt))
    tone = colour * np.float32((0.45 + 0.65 * brightness) * rng.uniform(0.85, 1.15))
    direction = (rng.normal(0, 1, 2) / radius).tolist()
    pearl = (rng.uniform(0.02, 0.1, 3) * (1 + 3 * brightness**3)).astype(np.float32)

    def sheen(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        wave = np.sin((x - float(middle[0])) * direction[0] + (y - float(middle[1])) * direction[1])
        return mix(tone, tone + pearl, wave + 0.4)

    paint_polygon(sketch.layer, outline + sketch.size * 0.012, lambda x, y: tone * 0.55, opacity=0.5)
    paint_polygon(sketch.layer, outline, sheen, opacity=rng.uniform(0.55, 0.85))
    side = int(rng.integers(12))
    rim = np.roll(outline, side, axis=0)
    paint_line(sketch.layer, rim[:7], np.clip(tone * 1.2 + 0.2, 0, 1))
    paint_line(sketch.layer, rim[6:], tone * 0.62)
    for start in rng.integers(0, 12, int(rng.integers(0, 3))):
        paint_line(sketch.layer, outline[[start, (start + int(rng.integers(3, 6))) % 12]], tone * 0.75)


def _draw_cube(sketch: Sketch, metal: np.ndarray, foot: np.ndarray, radius: float) -> None:
    """Paint one striated cube or brick whose half diagonal is about `radius`."""
    rng = sketch.rng
    half = radius * 0.66 * rng.uniform(0.8, 1.0, 2)
    square = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * half
    length = float(half.mean() * 2 * rng.uniform(0.8, 1.1))
    axis = rng.normal(0, 1, 3)
    axis[2] = abs(axis[2]) + 0.35
    axis /= np.linalg.norm(axis)
    cube = place_solid(make_prism(square, length), axis, rng.uniform(0, np.pi), foot - axis * length / 2)
    glint = np.clip(metal * 1.3 + 0.22, 0, 1)
    for outline in draw_solid(sketch.layer, cube, sketch.light, _striated_pattern(sketch, metal)):
        paint_line(sketch.layer, outline, glint, closed=True)


def _striated_pattern(sketch: Sketch, metal: np.ndarray) -> FacePattern:
    """Colour a cube: fine grooves that run across each other on neighbouring faces, mirror-like gradients."""
    rng = sketch.rng
    grooves = noise_field(rng, (1, 56), 3, 2)[0]
    slant, stain = rng.uniform(-0.35, 0.35, 6).astype(np.float32), rng.uniform(-0.12, 0.12, (6, 3)).astype(np.float32)

    def pattern(face: Face, along: np.ndarray, across: np.ndarray) -> np.ndarray:
        # Grooves of pyrite are at right angles on faces that meet.
        position = along + across * 0 if face.kind == "side" and face.number % 2 else across + along * 0
        groove = look_up(grooves, position * np.float32(0.9))
        mirror = slant[face.number] * (along + across - 1)
        shade = 0.26 + 0.95 * face.brightness**1.3 + mirror
        return shaded(metal * (1 + stain[face.number]), shade * (0.65 + 0.7 * groove)) + 0.35 * face.brightness**6

    return pattern


def _draw_point(sketch: Sketch, colour: np.ndarray, foot: np.ndarray, axis: np.ndarray, length: float) -> None:
    """Paint one pointed prism of this length, tip included, see-through towards its tip."""
    rng = sketch.rng
    radius = length * rng.uniform(0.12, 0.2)
    angles = np.arange(6) * np.pi / 3
    outline = np.stack([np.cos(angles), np.sin(angles)], axis=1) * (radius * rng.uniform(0.8, 1.1, 6))[:, None]
    tip = radius * rng.uniform(1.3, 2.1)
    outline = outline @ flat_rotation(rng.uniform(0, np.pi))
    crystal = place_solid(make_prism(outline, length - tip, tip), axis, rng.uniform(0, np.pi), foot)
    edge = np.clip(colour * 0.75 + 0.25, 0, 1)
    for face in draw_solid(sketch.layer, crystal, sketch.light, _glass_pattern(sketch, colour), rng.uniform(0.9, 1)):
        paint_line(sketch.layer, face, edge, closed=True)


def _glass_pattern(sketch: Sketch, colour: np.ndarray) -> FacePattern:
    """Colour a quartz face: milky foot, clear body, one long reflection, faint cross striations, inner veils."""
    rng = sketch.rng
    milk, place = rng.uniform(0, 0.5), rng.uniform(0.15, 0.85, 20).tolist()
    veil = rng.uniform(0, 6, 3).tolist()
    striae = (rng.random(30) ** 2).astype(np.float32)

    def pattern(face: Face, along: np.ndarray, across: np.ndarray) -> np.ndarray:
        shade = 0.3 + 0.94 * face.brightness
        cloud = 0.07 * np.sin(veil[0] * along + 7 * across + veil[1]) * np.sin(9 * across - 4 * along + veil[2])
        if face.kind == "side":
            cloud = cloud + 0.025 * look_up(striae, across) + milk * np.clip(0.7 - across, 0, 1) * 0.5
        gleam = np.exp(-(((along - place[face.number]) / 0.13) ** 2)) * (0.1 + 0.35 * face.brightness**3)
        return as_grey((cloud + gleam) * np.float32(0.8)) + colour * np.float32(shade)

    return pattern
