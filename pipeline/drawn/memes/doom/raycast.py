"""A map of square cells seen from inside: a column of wall for each column of the picture, floor and ceiling between.

The way in which the first games of corridors drew: distances come from walking along a ray from cell border to cell
border (Amanatides and Woo 1987, "A Fast Voxel Traversal Algorithm"), for all columns at once. Lengths are cells.
"""

from dataclasses import dataclass

import numpy as np

from pipeline.drawn.memes.doom.textures import SIDE

CELLS = 24
_STEPS = 60
_EYE_HEIGHT = 0.5


@dataclass(frozen=True)
class World:
    """walls: uint8 [CELLS, CELLS], 0 where one can walk, else the number of a wall's texture from 1; row y, column x.

    floors: uint8 [CELLS, CELLS], numbers of floor textures. lights: float [CELLS, CELLS], about 1.
    """

    walls: np.ndarray
    floors: np.ndarray
    lights: np.ndarray


@dataclass(frozen=True)
class Eye:
    """Where one stands and looks; heading in radians, spread: half the width of the picture at distance 1."""

    x: float
    y: float
    heading: float
    spread: float

    @property
    def forward(self) -> np.ndarray:
        """Return the unit vector of the heading, float [2]."""
        return np.array([np.cos(self.heading), np.sin(self.heading)])

    @property
    def right(self) -> np.ndarray:
        """Return the unit vector to the right, float [2]."""
        return np.array([-np.sin(self.heading), np.cos(self.heading)])

    def rays(self, width: int) -> np.ndarray:
        """Return the direction of each column, float [width, 2], of length 1 along the heading."""
        across = (np.arange(width) + 0.5) / width * 2 - 1
        return self.forward + self.spread * across[:, np.newaxis] * self.right


@dataclass(frozen=True)
class Hits:
    """What each column's ray meets: depth along the heading, texture number and column, light; each [width]."""

    depth: np.ndarray
    wall: np.ndarray
    along: np.ndarray  # 0..1 along the wall
    light: np.ndarray


@dataclass(frozen=True)
class Materials:
    """Textures uint8 [number, SIDE, SIDE, 3]; sky: a canvas instead of a ceiling, or None.

    fading: how fast light falls with distance; glowing: floor textures from this number on emit light.
    """

    walls: np.ndarray
    floors: np.ndarray
    ceiling: np.ndarray
    sky: np.ndarray | None
    fading: float
    glowing: int


def carve_world(rng: np.random.Generator, wall_kinds: int, floor_kinds: int) -> World:
    """Dig rooms and the ways between them; each room has its walls, floor and light."""
    walls = np.full((CELLS, CELLS), rng.integers(1, wall_kinds + 1), np.uint8)
    floors, lights = np.zeros((CELLS, CELLS), np.uint8), np.full((CELLS, CELLS), 0.9)
    last = None
    for _ in range(int(rng.integers(5, 10))):
        width, height = rng.integers(1, 6, 2)
        left, top = rng.integers(1, CELLS - 1 - width), rng.integers(1, CELLS - 1 - height)
        room = (slice(top, top + height), slice(left, left + width))
        around = (slice(top - 1, top + height + 1), slice(left - 1, left + width + 1))
        walls[around] = np.where(walls[around] > 0, rng.integers(1, wall_kinds + 1), 0)
        walls[room], floors[room] = 0, rng.integers(floor_kinds)
        lights[around] = rng.choice([0.45, 0.7, 1.0, 1.25])
        middle = (int(left + width // 2), int(top + height // 2))
        if last:
            _dig_way(walls, last, middle)
        last = middle
    return World(walls, floors, lights)


def choose_eye(rng: np.random.Generator, world: World) -> Eye:
    """Return a place in the open with a view that is neither a wall at the nose nor always the longest corridor."""
    rows, columns = np.nonzero(world.walls == 0)
    spread = rng.uniform(0.6, 0.9)
    best, wanted = None, rng.uniform(2.0, 9.0)
    for _ in range(14):
        cell = int(rng.integers(len(rows)))
        x, y = columns[cell] + rng.uniform(0.3, 0.7), rows[cell] + rng.uniform(0.3, 0.7)
        eye = Eye(float(x), float(y), float(rng.uniform(0, 2 * np.pi)), spread)
        depth = cast(world, eye, 9).depth
        unfit = abs(float(depth.mean()) - wanted) + (3 if depth.min() < 0.6 else 0)
        if best is None or unfit < best[0]:
            best = (unfit, eye)
    assert best is not None
    return best[1]


def cast(world: World, eye: Eye, width: int) -> Hits:
    """Follow the ray of each column to the first wall."""
    rays = np.where(np.abs(rays := eye.rays(width)) < 1e-9, 1e-9, rays)  # [width, 2]: x, y
    start = np.array([eye.x, eye.y])
    cell = np.tile(np.floor(start).astype(int), (width, 1))
    step, pace = np.sign(rays).astype(int), 1 / np.abs(rays)
    border = np.where(rays > 0, cell + 1 - start, start - cell) * pace  # distance along the ray to the next border
    depth, side, open_ = np.zeros(width), np.zeros(width, int), np.ones(width, bool)
    columns = np.arange(width)
    for _ in range(_STEPS):
        axis = border.argmin(axis=1)
        moving = columns[open_], axis[open_]
        depth[open_], side[open_] = border[moving], axis[open_]
        border[moving] += pace[moving]
        cell[moving] += step[moving]
        open_ &= world.walls[cell[:, 1], cell[:, 0]] == 0
        if not open_.any():
            break
    met = start + rays * depth[:, np.newaxis]
    along = met[columns, 1 - side] % 1
    before = (met - 0.01 * rays).astype(int)
    light = world.lights[before[:, 1], before[:, 0]] * np.where(side == 0, 1.0, 0.8)
    return Hits(depth, world.walls[cell[:, 1], cell[:, 0]], along, light)


def render(world: World, eye: Eye, materials: Materials, shape: tuple[int, int], hits: Hits) -> np.ndarray:
    """Return the view, uint8 [height, width, 3]: walls, floor, and ceiling or sky."""
    height, width = shape
    scale = width / 2 / eye.spread  # pixels of one cell at distance 1
    horizon = height / 2
    rows = np.arange(height)[:, np.newaxis] + 0.5
    tall = scale / np.maximum(hits.depth, 0.05)  # [width]
    down = (rows - horizon) / tall + _EYE_HEIGHT  # [height, width]: 0 at the wall's top, 1 at its foot
    on_wall = (down >= 0) & (down < 1)
    texture_row = np.clip(down * SIDE, 0, SIDE - 1).astype(int)
    texture_column = np.broadcast_to((hits.along * SIDE).astype(int), shape)
    picture = materials.walls[np.broadcast_to(hits.wall - 1, shape), texture_row, texture_column].astype(np.float32)
    picture *= _faded(hits.depth, hits.light, materials)[np.newaxis, :, np.newaxis]
    flat = _flats(world, eye, materials, shape, scale)
    return np.where(on_wall[..., np.newaxis], picture, flat).clip(0, 255).astype(np.uint8)


def _flats(world: World, eye: Eye, materials: Materials, shape: tuple[int, int], scale: float) -> np.ndarray:
    """Return floor and ceiling as if there were no walls, float32 [height, width, 3]."""
    height, width = shape
    away = np.maximum(np.abs(np.arange(height) + 0.5 - height / 2), 0.5)
    depth = _EYE_HEIGHT * scale / away  # [height]
    place = np.array([eye.x, eye.y]) + depth[:, np.newaxis, np.newaxis] * eye.rays(width)  # [height, width, 2]
    cell = np.clip(place.astype(int), 0, CELLS - 1)
    inside = ((place % 1) * SIDE).astype(int)
    kind = world.floors[cell[..., 1], cell[..., 0]]
    light = _faded(np.broadcast_to(depth[:, np.newaxis], shape), world.lights[cell[..., 1], cell[..., 0]], materials)
    floor = materials.floors[kind, inside[..., 1], inside[..., 0]]
    floor = floor * np.where(kind >= materials.glowing, 1.1, light)[..., np.newaxis]
    over = (
        materials.ceiling[inside[..., 1], inside[..., 0]] * light[..., np.newaxis]
        if materials.sky is None
        else materials.sky
    )
    above = (np.arange(height) < height / 2)[:, np.newaxis, np.newaxis]
    return np.where(above, over, floor).astype(np.float32)


def _faded(depth: np.ndarray, light: np.ndarray, materials: Materials) -> np.ndarray:
    """Return the brightness at a distance, in the few steps of an old palette."""
    bright = light * np.clip(1.25 / (1 + materials.fading * depth), 0.05, 1.15)
    return (np.ceil(bright * 16) / 16).astype(np.float32)


def _dig_way(walls: np.ndarray, one: tuple[int, int], other: tuple[int, int]) -> None:
    """Dig from x, y to x, y with one bend."""
    (x, y), (to_x, to_y) = one, other
    walls[y, min(x, to_x) : max(x, to_x) + 1] = 0
    walls[min(y, to_y) : max(y, to_y) + 1, to_x] = 0
