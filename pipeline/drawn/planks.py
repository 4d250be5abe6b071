"""A seed -> a drawn plank of wood, with optional knots, cracks and holes.

There are two kinds of wood (even and porous); tint, grain and light differ from plank to plank, as in photographs.
Defects have exact masks.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

WIDTH, HEIGHT = 384, 288  # pixels
KINDS = ("knot", "crack", "hole")
_TINTS = ((236, 200, 178), (214, 180, 160), (233, 207, 168), (200, 170, 155))  # of light and dark woods, RGB
_DARK = np.array([48, 34, 28], np.float32)


@dataclass(frozen=True)
class Defect:
    """One defect of a plank: its kind, its box (left, top, width, height) in pixels and its own mask."""

    kind: str
    box: tuple[int, int, int, int]
    mask: np.ndarray  # bool [height, width]


@dataclass(frozen=True)
class Plank:
    """A drawn plank: uint8 [height, width, 3], RGB, and its defects, none for clean wood."""

    pixels: np.ndarray
    defects: tuple[Defect, ...]

    @property
    def mask(self) -> np.ndarray:
        """Return bool [height, width], True on any defect."""
        mask = np.zeros(self.pixels.shape[:2], bool)
        for defect in self.defects:
            mask |= defect.mask
        return mask


def draw_plank(seed: int, kinds: Sequence[str] = (), size: tuple[int, int] = (WIDTH, HEIGHT)) -> Plank:
    """Return a plank of size (width, height) with one defect of each given kind; it depends only on the arguments.

    Defects are apart from each other if the plank has room.
    """
    random = np.random.default_rng((seed, 77))
    width, height = size
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    places = _places(random, len(kinds), width, height)
    bend = _slow_noise(random, width, height, 6, 3) * height * 0.025
    defects: list[Defect] = []
    layers: list[tuple[np.ndarray, np.ndarray]] = []
    for kind, place in zip(kinds, places, strict=True):
        alpha, colour, pull = _DEFECTS[kind](random, x, y, place)
        bend += pull
        layers.append((alpha, colour))
        defects.append(_defect(kind, alpha > 0.5))
    pixels = _wood(random, x, y + bend)
    for alpha, colour in layers:
        pixels = pixels * (1 - alpha[..., np.newaxis]) + colour * alpha[..., np.newaxis]
    return Plank(_photograph(random, pixels), tuple(defects))


def _wood(random: np.random.Generator, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return float [height, width, 3] of clean wood with fibres along lines of equal y."""
    height, width = x.shape
    tint = np.array(_TINTS[random.integers(len(_TINTS))], np.float32) + random.normal(0, 5, 3)
    drift = _slow_noise(random, width, height, 4, 3)
    rings = np.sin(y * random.uniform(0.15, 0.4) + 2.5 * _slow_noise(random, width, height, 5, 3))
    fibres = _fibres(random, y, width)
    light = 1 + 0.03 * drift + random.uniform(0.01, 0.03) * rings + random.uniform(0.012, 0.025) * fibres
    if random.random() < 0.5:
        light -= random.uniform(0.08, 0.16) * _pores(random, y, width)
    return tint * light[..., np.newaxis].astype(np.float32)


def _fibres(random: np.random.Generator, y: np.ndarray, width: int) -> np.ndarray:
    """Return noise [height, width] of standard deviation 1, long along the grain and fine across it."""
    rows = y.shape[0] + 80
    noise = cv2.GaussianBlur(random.normal(size=(rows, width)).astype(np.float32), (0, 0), sigmaX=14, sigmaY=0.7)
    return _along(noise / noise.std(), y)


def _pores(random: np.random.Generator, y: np.ndarray, width: int) -> np.ndarray:
    """Return 0..1 [height, width]: short dark dashes along the grain, as porous woods have."""
    rows = y.shape[0] + 80
    seeds = (random.random((rows, width)) < random.uniform(0.006, 0.014)).astype(np.float32)
    dashes = cv2.filter2D(seeds, -1, np.ones((1, int(random.integers(7, 13))), np.float32))
    return _along(cv2.GaussianBlur(np.minimum(dashes, 1), (0, 0), 0.6), y)


def _along(texture: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return a texture with rows that follow the grain y [height, width]."""
    columns = np.broadcast_to(np.arange(y.shape[1], dtype=np.float32), y.shape)
    return cv2.remap(texture, np.ascontiguousarray(columns), y + 40, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)


def _knot(
    random: np.random.Generator, x: np.ndarray, y: np.ndarray, place: tuple[float, float]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return alpha, colour and pull on the grain of a dark knot with rings and a darker rim."""
    across, down = random.uniform(8, 15), random.uniform(6, 11)
    dx, dy = (x - place[0]) / across, (y - place[1]) / down
    radius = np.hypot(dx, dy) * (1 + 0.08 * np.sin(3 * np.arctan2(dy, dx) + random.uniform(0, 6)))
    alpha = np.clip((1 - radius) * 6 + 0.5, 0, 1)
    shade = 0.5 + 0.12 * np.sin(radius * 11) - 0.3 * np.exp(-(((radius - 0.92) / 0.12) ** 2))
    colour = np.array([176, 120, 84], np.float32) * shade[..., np.newaxis].astype(np.float32)
    pull = -np.sign(dy) * down * 1.2 * np.exp(-(np.abs(dx) / 1.8) - np.abs(dy) / 1.6)
    return alpha, colour, pull


def _crack(
    random: np.random.Generator, x: np.ndarray, y: np.ndarray, place: tuple[float, float]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return alpha, colour and pull of a thin dark crack, roughly along the grain, tapering to both ends."""
    length, thickness = random.uniform(55, 120), random.uniform(1.2, 2.6)
    steps = np.linspace(-0.5, 0.5, 24)
    path_x = place[0] + steps * length
    path_y = place[1] + steps * length * random.uniform(-0.15, 0.15) + np.cumsum(random.normal(0, 0.7, 24))
    line = np.interp(x[0], path_x, path_y)  # [width]
    share = np.clip(1 - (2 * np.abs(x - place[0]) / length) ** 2, 0, 1)
    half = thickness * np.sqrt(share)
    alpha = np.clip(half - np.abs(y - line[np.newaxis]) + 0.5, 0, 1) * (share > 0)
    return alpha, np.broadcast_to(_DARK, (*x.shape, 3)), np.zeros_like(x)


def _hole(
    random: np.random.Generator, x: np.ndarray, y: np.ndarray, place: tuple[float, float]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return alpha, colour and pull of a nearly black hole with a ragged edge."""
    radius = random.uniform(3.5, 8)
    dx, dy = x - place[0], y - place[1]
    angle = np.arctan2(dy, dx)
    edge = radius * (1 + 0.18 * np.sin(2 * angle + random.uniform(0, 6)) + 0.1 * np.sin(5 * angle))
    alpha = np.clip(edge - np.hypot(dx, dy) + 0.5, 0, 1)
    return alpha, np.broadcast_to(_DARK * 0.6, (*x.shape, 3)), np.zeros_like(x)


_DEFECTS = {"knot": _knot, "crack": _crack, "hole": _hole}


def _places(random: np.random.Generator, count: int, width: int, height: int) -> list[tuple[float, float]]:
    """Return centres, each the farthest from the previous ones among some random candidates."""
    places: list[tuple[float, float]] = []
    for _ in range(count):
        drawn = random.uniform((70, 30), (width - 70, height - 30), (12, 2))
        gaps = [min((np.hypot(*(point - np.array(other))) for other in places), default=0.0) for point in drawn]
        best = drawn[int(np.argmax(gaps))]
        places.append((float(best[0]), float(best[1])))
    return places


def _slow_noise(random: np.random.Generator, width: int, height: int, across: int, down: int) -> np.ndarray:
    """Return smooth noise [height, width] of about unit size."""
    coarse = random.normal(size=(down, across)).astype(np.float32)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


def _photograph(random: np.random.Generator, pixels: np.ndarray) -> np.ndarray:
    """Return uint8 with lens blur, uneven lighting and sensor noise."""
    height, width = pixels.shape[:2]
    soft = cv2.GaussianBlur(pixels.astype(np.float32), (0, 0), 0.6)
    light = 1 + 0.02 * _slow_noise(random, width, height, 2, 2)
    noisy = soft * light[..., np.newaxis] + random.normal(0, 1.2, soft.shape)
    return np.clip(np.round(noisy), 0, 255).astype(np.uint8)


def _defect(kind: str, mask: np.ndarray) -> Defect:
    rows, columns = np.nonzero(mask)
    left, top = int(columns.min()), int(rows.min())
    return Defect(kind, (left, top, int(columns.max()) - left + 1, int(rows.max()) - top + 1), mask)
