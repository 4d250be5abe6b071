"""Draws backgrounds, and the effects of lamp, lens and sensor."""

from collections.abc import Callable

import cv2
import numpy as np

from pipeline.drawn.scenes.drawing import (
    Light,
    Palette,
    as_grey,
    light_surface,
    look_up,
    mix,
    noise_field,
    pick_colour,
    pixel_grid,
    shaded,
)

Shape = tuple[int, int]  # height, width in pixels
BackgroundDrawer = Callable[[np.random.Generator, Shape, Light], np.ndarray]

CLOTHS: Palette = (
    (40, 110, 80), (200, 172, 100), (90, 60, 130), (34, 30, 30), (210, 206, 198), (60, 150, 150), (120, 84, 56),
    (60, 70, 130), (196, 160, 170),
)  # fmt: skip
WOODS: Palette = ((160, 116, 70), (110, 74, 44), (206, 172, 120), (66, 46, 34), (180, 160, 136))
SANDS: Palette = ((200, 176, 130), (150, 140, 128), (110, 90, 70), (214, 206, 190), (60, 56, 54))
STONES: Palette = (
    (150, 140, 130), (100, 130, 110), (190, 170, 120), (120, 90, 120), (70, 66, 64), (220, 216, 208), (90, 150, 150),
    (150, 100, 70),
)  # fmt: skip
GRASSES: Palette = ((50, 110, 50), (90, 140, 60), (30, 80, 50), (130, 150, 70), (150, 130, 80))
SKINS: Palette = ((226, 180, 150), (198, 146, 112), (140, 96, 70), (90, 62, 48))


def draw_cloth(rng: np.random.Generator, shape: Shape, light: Light) -> np.ndarray:
    """Draw a woven cloth with soft folds."""
    x, y = pixel_grid(*shape)
    turn, pitch = rng.uniform(0, np.pi), rng.uniform(1.1, 2.6)
    warp = np.sin((x * np.cos(turn) + y * np.sin(turn)) * np.float32(pitch))
    weft = np.sin((y * np.cos(turn) - x * np.sin(turn)) * np.float32(pitch))
    weave = np.where((warp > 0) ^ (weft > 0), warp, weft)
    stripes = np.clip(np.sin((x * np.cos(turn) + y * np.sin(turn)) / np.float32(rng.uniform(6, 20))) * 8, 0, 1)
    plain = mix(pick_colour(rng, CLOTHS), pick_colour(rng, CLOTHS), stripes * np.float32(rng.random() < 0.3))
    diffuse, _ = light_surface(noise_field(rng, shape, 120, 2) * np.float32(rng.uniform(5, 60)), light, 10)
    return shaded(plain, (0.55 + 0.5 * diffuse) * (1 + 0.09 * weave))


def draw_velvet(rng: np.random.Generator, shape: Shape, light: Light) -> np.ndarray:
    """Draw velvet with bright folds."""
    folds = noise_field(rng, shape, rng.uniform(60, 160), 2) * np.float32(rng.uniform(30, 110))
    diffuse, sheen = light_surface(folds, light, 5)
    nap = rng.normal(1, 0.05, shape).astype(np.float32)
    return shaded(pick_colour(rng, CLOTHS), (0.2 + 0.55 * diffuse + 0.5 * (1 - sheen)) * nap)


def draw_wood(rng: np.random.Generator, shape: Shape, light: Light) -> np.ndarray:
    """Draw planks with grain along them and dark joints."""
    height, width = shape
    x, y = pixel_grid(height, width)
    drift = cv2.resize(noise_field(rng, (height, 24), 16, 3), (width, height), interpolation=cv2.INTER_CUBIC)
    plank = rng.uniform(50, 140)
    rings = look_up(rng.random(32).astype(np.float32), (y / plank * np.float32(0.3) + drift * 1.2))
    fibre = cv2.resize(rng.random((height, 12), dtype=np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    wood = mix(pick_colour(rng, WOODS), pick_colour(rng, WOODS) * np.float32(0.8), rings * np.float32(0.8))
    joint = ((y % plank < 1.6) + x * 0) * np.float32(0.55)
    board = shaded(wood, (0.85 + 0.3 * fibre) * (1 - joint))
    return board if rng.random() < 0.5 else np.ascontiguousarray(np.rot90(_fit(board, (width, height))))


def draw_sand(rng: np.random.Generator, shape: Shape, light: Light) -> np.ndarray:
    """Draw sand or fine gravel: lit grains of two colours on low dunes."""
    grain = rng.uniform(1.5, 6)
    relief = noise_field(rng, shape, grain, 2) * np.float32(grain * 1.5) + noise_field(rng, shape, 90, 2) * 14
    diffuse, highlight = light_surface(relief, light, 20)
    colour = mix(pick_colour(rng, SANDS), pick_colour(rng, SANDS), noise_field(rng, shape, grain * 1.5, 1))
    return shaded(colour, 0.4 + 0.75 * diffuse) + as_grey(0.12 * highlight)


def draw_paper(rng: np.random.Generator, shape: Shape, light: Light) -> np.ndarray:
    """Draw paper, plain or ruled, with a faint tooth."""
    x, y = pixel_grid(*shape)
    tooth = rng.normal(1, 0.015, shape).astype(np.float32)
    colour = pick_colour(rng, (*CLOTHS, (236, 232, 224), (240, 236, 226), (220, 214, 170)))
    pitch, ruling = rng.uniform(10, 24), rng.random()
    lines = ((y % pitch < 1) + x * 0).astype(np.float32)
    if ruling < 0.25:
        lines = np.maximum(lines, ((x % pitch < 1) + y * 0).astype(np.float32))
    return mix(shaded(colour, tooth), colour * np.float32(0.6), lines * np.float32(ruling < 0.45))


def draw_gradient(rng: np.random.Generator, shape: Shape, light: Light) -> np.ndarray:
    """Draw a smooth studio sweep from one colour to another."""
    x, y = pixel_grid(*shape)
    turn = rng.uniform(0, 2 * np.pi)
    ramp = x * np.float32(np.cos(turn)) + y * np.float32(np.sin(turn))
    ramp = (ramp - ramp.min()) / np.float32(np.ptp(ramp))
    return mix(pick_colour(rng, CLOTHS), pick_colour(rng, CLOTHS), ramp * np.float32(rng.uniform(0.2, 1.0)))


def draw_gravel(rng: np.random.Generator, shape: Shape, light: Light) -> np.ndarray:
    """Draw rounded stones of many colours, side by side."""
    height, width = shape
    seeds = np.ones(shape, np.uint8)
    count = int(height * width / rng.uniform(12, 30) ** 2)
    seeds[rng.integers(0, height, count), rng.integers(0, width, count)] = 0
    distance, owner = cv2.distanceTransformWithLabels(seeds, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    tones = np.stack([pick_colour(rng, STONES) for _ in range(12)])
    colour = shaded(tones[rng.integers(0, 12, count + 2)[owner]], 0.85 + 0.3 * noise_field(rng, shape, 8, 3))
    edge = cv2.distanceTransform(
        (cv2.morphologyEx(owner.astype(np.float32), cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) == 0).astype(
            np.uint8
        ),
        cv2.DIST_L2,
        3,
    )
    relief = cv2.GaussianBlur(np.sqrt(np.minimum(edge, 9)) * 4 - distance * 0.05, (0, 0), 0.8)
    diffuse, highlight = light_surface(relief.astype(np.float32), light, 18)
    gap = np.clip(edge / 2.5, 0.25, 1)
    return shaded(colour, (0.35 + 0.8 * diffuse) * gap) + as_grey(0.1 * highlight)


def draw_grass(rng: np.random.Generator, shape: Shape, light: Light) -> np.ndarray:
    """Draw short blades in several greens and straws over soil."""
    height, width = shape
    ground = pick_colour(rng, SANDS) * np.float32(0.5)
    canvas = np.empty((height, width, 3), np.float32)
    canvas[:] = shaded(ground, 0.6 + 0.6 * noise_field(rng, shape, 6, 2))
    tones = [pick_colour(rng, GRASSES) for _ in range(6)]
    roots = rng.uniform((-10, -10), (width + 10, height + 10), (650, 2))
    leaning = rng.normal((0, -14), (7, 6), (650, 2))
    for number, (root, lean) in enumerate(zip(roots, leaning, strict=True)):
        tone = tones[number % 6] * (0.5 + number / 1000)
        tip = root + lean
        start, end = (int(root[0]), int(root[1])), (int(tip[0]), int(tip[1]))
        cv2.line(canvas, start, end, [float(channel) for channel in tone], 1 + number % 2)
    return canvas


def draw_slab(rng: np.random.Generator, shape: Shape, light: Light) -> np.ndarray:
    """Draw a speckled stone plate or concrete with a few cracks."""
    grey = mix(pick_colour(rng, SANDS), pick_colour(rng, SANDS), noise_field(rng, shape, 100, 4))
    speckle = (noise_field(rng, shape, 4, 2) > rng.uniform(0.6, 0.8)).astype(np.float32)
    grey = mix(grey, pick_colour(rng, STONES), speckle * np.float32(rng.uniform(0.1, 0.7)))
    level = np.abs(noise_field(rng, shape, 110, 4) - np.float32(0.5))
    return shaded(grey, 1 - 0.5 * np.exp(-((level / 0.006) ** 2)) * (rng.random() < 0.5))


def draw_hand(rng: np.random.Generator, shape: Shape, light: Light) -> np.ndarray:
    """Draw an open hand over a blurred room: a palm with creases and four fingers."""
    height, width = shape
    scale = min(height, width)
    relief = np.zeros(shape, np.float32)
    turn, middle = rng.uniform(0, 360), np.array([width / 2, height / 2]) + rng.normal(0, 20, 2)
    heading = np.array([np.cos(np.radians(turn)), np.sin(np.radians(turn))])
    across = np.array([-heading[1], heading[0]])
    cv2.ellipse(relief, _point(middle), (int(scale * 0.46), int(scale * 0.4)), turn, 0, 360, 16.0, -1)
    for finger in range(4):
        root = middle + heading * scale * 0.34 + across * scale * (0.22 * finger - 0.33)
        cv2.line(relief, _point(root), _point(root + heading * scale * 0.6), 14.0, int(scale * 0.17), cv2.LINE_8)
    skin = (relief > 0).astype(np.float32)
    relief = cv2.GaussianBlur(relief, (0, 0), scale / 40) + noise_field(rng, shape, 40, 4) * 5
    diffuse, highlight = light_surface(relief, light, 10)
    hand = shaded(pick_colour(rng, SKINS), 0.4 + 0.75 * diffuse) + as_grey(0.08 * highlight)
    return mix(draw_gradient(rng, shape, light), hand, cv2.GaussianBlur(skin, (0, 0), 1))


BACKGROUND_DRAWERS: dict[str, BackgroundDrawer] = {
    "cloth": draw_cloth,
    "velvet": draw_velvet,
    "wood": draw_wood,
    "sand": draw_sand,
    "paper": draw_paper,
    "gradient": draw_gradient,
    "gravel": draw_gravel,
    "grass": draw_grass,
    "slab": draw_slab,
    "hand": draw_hand,
}


def light_unevenly(rng: np.random.Generator, picture: np.ndarray) -> np.ndarray:
    """Darken towards one side and the corners; one time in three add a soft shadow."""
    height, width = picture.shape[:2]
    x, y = pixel_grid(height, width)
    right, down = x / np.float32(width) - 0.5, y / np.float32(height) - 0.5
    turn = rng.uniform(0, 2 * np.pi)
    field = 1 + rng.uniform(0, 0.5) * (right * np.cos(turn) + down * np.sin(turn))
    field = field * (1 - rng.uniform(0, 0.7) * (right**2 + down**2))
    if rng.random() < 0.35:
        border = right * np.cos(turn + 1) + down * np.sin(turn + 1) + rng.uniform(-0.35, 0.35)
        border = border + 0.06 * np.sin((right - down) * rng.uniform(5, 20))
        field = field * (1 - rng.uniform(0.25, 0.5) / (1 + np.exp(-border * rng.uniform(15, 80))))
    return shaded(picture, field.astype(np.float32))


def photograph(rng: np.random.Generator, picture: np.ndarray) -> np.ndarray:
    """Return linear colours as a camera image: white balance, exposure, blur, noise; uint8, same shape."""
    warmth, tint = rng.normal(0, 0.08), rng.normal(0, 0.03)
    gains = np.array([1 + warmth, 1 - tint, 1 - warmth], np.float32) * np.float32(np.exp(rng.normal(0.12, 0.15)))
    bright = np.clip(picture * gains, 0, 1.5).astype(np.float32)
    seen = _blur(rng, bright * np.float32(1.3) / (1 + np.float32(0.45) * bright))  # soft clipping keeps detail in white
    seen = cv2.pow(np.clip(seen, 0, 1), rng.uniform(0.75, 1.15))
    vivid = rng.uniform(0.65, 1.1)
    to_grey = np.full((3, 3), (1 - vivid) / 3) + np.eye(3) * vivid
    seen = cv2.transform(seen, to_grey.astype(np.float32))
    # The sum of two uniform draws approximates a normal distribution in a tenth of the time.
    grains = rng.integers(0, 256, (2, *seen.shape), dtype=np.uint8)
    noise = cv2.addWeighted(grains[0], 1, grains[1], 1, -255, dtype=cv2.CV_32F)
    noise *= np.float32(rng.uniform(0.005, 0.028) / 104.5)  # 104.5: the standard deviation of the sum
    return cv2.convertScaleAbs(np.maximum(seen + noise, 0), alpha=255)


def _blur(rng: np.random.Generator, picture: np.ndarray) -> np.ndarray:
    """Return the picture with slight defocus, or motion blur of up to 5 pixels."""
    kind = rng.random()
    if kind < 0.55:
        return cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.35, 1.1))
    if kind < 0.75:
        return picture
    kernel = np.zeros((7, 7), np.float32)
    step = np.array([np.cos(angle := rng.uniform(0, np.pi)), np.sin(angle)]) * rng.uniform(1, 2.6)
    cv2.line(kernel, _point(3 - step), _point(3 + step), 1.0)
    return cv2.filter2D(picture, -1, kernel / kernel.sum())


def _point(place: np.ndarray) -> tuple[int, int]:
    """Return x, y as integers for OpenCV."""
    return round(float(place[0])), round(float(place[1]))


def _fit(picture: np.ndarray, shape: Shape) -> np.ndarray:
    """Return a picture resized to this shape."""
    return cv2.resize(picture, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR)
