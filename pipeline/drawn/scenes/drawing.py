"""Drawing primitives of the embedded data: noise, outlines, lit surfaces and lit solids, all painted on layers.

Colours are RGB in 0..1. Picture axes: x right, y down, z towards the viewer. Lengths are pixels of the layer.
Randomness comes only from the generator that is passed in.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

Palette = Sequence[tuple[int, int, int]]  # RGB 0..255, as a colour picker shows them


@dataclass(frozen=True)
class Light:
    """The direction of the light: a unit vector from the subject to the lamp."""

    x: float
    y: float
    z: float

    def brightness(self, normal: np.ndarray) -> float:
        """Return the diffuse brightness, 0..1, of a flat face with this unit normal."""
        return max(0.0, float(normal[0] * self.x + normal[1] * self.y + normal[2] * self.z))


@dataclass
class Layer:
    """A transparent layer; premultiplied, so that edges blend without a dark rim."""

    rgb: np.ndarray  # float32 [height, width, 3], already multiplied by alpha
    alpha: np.ndarray  # float32 [height, width], 0 clear, 1 opaque

    @property
    def size(self) -> int:
        """Return the width in pixels; layers of specimens are square."""
        return int(self.alpha.shape[1])


@dataclass(frozen=True)
class Sketch:
    """One subject being drawn: the random generator, the square layer, and the light."""

    rng: np.random.Generator
    layer: Layer
    light: Light

    @property
    def size(self) -> int:
        """Return the side of the layer in pixels."""
        return self.layer.size


@dataclass(frozen=True)
class Solid:
    """A nearly convex body: corners in layer pixels, faces as corner numbers, and the kind of each face."""

    corners: np.ndarray  # float64 [corner, 3]
    faces: tuple[tuple[int, ...], ...]
    kinds: tuple[str, ...]  # "side", "end" (flat top), "tip" (a triangle of the point) or "base"


@dataclass(frozen=True)
class Face:
    """The properties of a face that are passed to its pattern."""

    kind: str
    number: int
    normal: np.ndarray  # float64 [3], unit, outwards
    brightness: float  # diffuse, 0..1


FacePattern = Callable[[Face, np.ndarray, np.ndarray], np.ndarray]
PointPattern = Callable[[np.ndarray, np.ndarray], np.ndarray]


def make_light(rng: np.random.Generator) -> Light:
    """Return a random light from above the picture's upper half, 30 to 65 degrees high."""
    angle, elevation = rng.uniform(-np.pi, 0), np.radians(rng.uniform(30, 65))
    flat = np.cos(elevation)
    return Light(float(flat * np.cos(angle)), float(flat * np.sin(angle)), float(np.sin(elevation)))


def make_sketch(rng: np.random.Generator, size: int, light: Light) -> Sketch:
    """Return a sketch on a clear square layer."""
    return Sketch(rng, Layer(np.zeros((size, size, 3), np.float32), np.zeros((size, size), np.float32)), light)


def noise_field(rng: np.random.Generator, shape: tuple[int, int], cell: float, octaves: int = 3) -> np.ndarray:
    """Return smooth noise, float32 [height, width], stretched to 0..1; `cell` is the coarsest grain in pixels."""
    height, width = shape
    total = np.zeros(shape, np.float32)
    for octave in range(octaves):
        step = max(cell / 2**octave, 1.0)
        grid = rng.random((int(height / step) + 2, int(width / step) + 2), dtype=np.float32)
        # Coarse grains need smooth interpolation: light would show the creases of linear interpolation.
        curve = cv2.INTER_CUBIC if step > 8 else cv2.INTER_LINEAR
        total += cv2.resize(grid, (width, height), interpolation=curve) * np.float32(0.5**octave)
    low, high = float(total.min()), float(total.max())
    return (total - np.float32(low)) * np.float32(1 / max(high - low, 1e-6))


def pick_colour(rng: np.random.Generator, palette: Palette, jitter: float = 0.04) -> np.ndarray:
    """Return a colour between two of the palette, float32 [3], with small random changes of brightness and channels."""
    first, second = (np.array(palette[int(i)]) for i in rng.integers(len(palette), size=2))
    colour = (first + (second - first) * rng.random()) / 255
    moved = colour * rng.uniform(0.85, 1.15) + rng.normal(0, jitter, 3)
    return np.clip(moved, 0.01, 0.99).astype(np.float32)


def mix(first: np.ndarray, second: np.ndarray, amount: np.ndarray) -> np.ndarray:
    """Blend two colours ([3] or [height, width, 3]) by `amount` [height, width]: 0 the first, 1 the second."""
    if first.ndim == second.ndim == 1:
        return cv2.merge([low + (high - low) * amount for low, high in zip(first, second, strict=True)])
    return first + shaded(second - first, amount)


def shaded(colour: np.ndarray, plane: np.ndarray) -> np.ndarray:
    """Multiply a colour ([3] or [height, width, 3]) by a plane [height, width].

    Channel by channel, since broadcasting over a last axis of 3 takes numpy four times as long.
    """
    if colour.ndim == 1:
        return cv2.merge([plane * channel for channel in colour])
    return colour * as_grey(plane)


def as_grey(plane: np.ndarray) -> np.ndarray:
    """Repeat a plane [height, width] over three channels."""
    return cv2.merge([plane, plane, plane])


def look_up(table: np.ndarray, position: np.ndarray) -> np.ndarray:
    """Read a table at positions in table lengths; the table repeats, neighbours are blended."""
    place = position * np.float32(len(table))
    before = np.floor(place)
    share = (place - before).astype(np.float32)
    index = before.astype(np.int32) % len(table)
    if table.ndim > 1:
        share = share[..., None]
    return table[index] * (1 - share) + table[(index + 1) % len(table)] * share


def pixel_grid(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Return x [1, width] and y [height, 1] as float32; they broadcast."""
    return np.arange(width, dtype=np.float32)[None], np.arange(height, dtype=np.float32)[:, None]


def blob_outline(rng: np.random.Generator, centre: tuple[float, float], radius: float, rough: float) -> np.ndarray:
    """Return an irregular closed outline, float64 [48, 2] of x, y, stretched up to 1.5 times in some direction."""
    angles = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    wobble = np.zeros(48)
    for wave in range(2, 9):
        wobble += rng.normal(0, 1 / wave) * np.cos(wave * angles + rng.uniform(0, 2 * np.pi))
    wobble += rng.normal(0, 0.12, 48)
    reach = radius * np.clip(1 + rough * wobble, 0.45, 1.25)
    stretch, turn = rng.uniform(0.68, 1.0), rng.uniform(0, np.pi)
    points = np.stack([np.cos(angles) * reach, np.sin(angles) * reach * stretch], axis=1)
    return points @ flat_rotation(turn).T + centre


def flat_rotation(angle: float) -> np.ndarray:
    """Return the 2 x 2 matrix that turns by `angle` radians in the picture plane."""
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def fill_mask(shape: tuple[int, int], outline: np.ndarray) -> np.ndarray:
    """Return float32 [height, width], 1 inside the outline [point, 2]."""
    mask = np.zeros(shape, np.uint8)
    cv2.fillPoly(mask, [np.rint(outline).astype(np.int32)], 1)
    return mask.astype(np.float32)


def paint_polygon(layer: Layer, outline: np.ndarray, pattern: PointPattern, opacity: float = 1.0) -> None:
    """Fill an outline [point, 2] with pattern(x, y) -> colours [height, width, 3], touching only its bounding box."""
    low = np.clip(np.floor(outline.min(axis=0)).astype(int), 0, layer.size)
    high = np.clip(np.ceil(outline.max(axis=0)).astype(int) + 1, 0, layer.size)
    if (high <= low).any():
        return
    x, y = pixel_grid(high[1] - low[1], high[0] - low[0])
    cover = fill_mask((high[1] - low[1], high[0] - low[0]), outline - low) * np.float32(opacity)
    window = (slice(low[1], high[1]), slice(low[0], high[0]))
    colour = np.clip(pattern(x + np.float32(low[0]), y + np.float32(low[1])), 0, 1).astype(np.float32)
    layer.rgb[window] = layer.rgb[window] * as_grey(1 - cover) + shaded(colour, cover)
    layer.alpha[window] = layer.alpha[window] * (1 - cover) + cover


def paint_line(layer: Layer, points: np.ndarray, colour: np.ndarray, thickness: int = 1, closed: bool = False) -> None:
    """Draw an opaque line along points [point, 2]."""
    path = [np.rint(points).astype(np.int32)]
    cv2.polylines(layer.rgb, path, closed, [float(channel) for channel in colour], thickness)
    cv2.polylines(layer.alpha, path, closed, 1.0, thickness)


def light_surface(height: np.ndarray, light: Light, gloss: float) -> tuple[np.ndarray, np.ndarray]:
    """Return diffuse brightness and specular highlight, each float32 [height, width] 0..1 (Blinn-Phong).

    `height` is in pixels, `gloss` the exponent: 8 is waxy, 60 is metal.
    """
    slope_x = cv2.Sobel(height, cv2.CV_32F, 1, 0, ksize=3, scale=1 / 8)
    slope_y = cv2.Sobel(height, cv2.CV_32F, 0, 1, ksize=3, scale=1 / 8)
    shorten = 1 / np.sqrt(slope_x * slope_x + slope_y * slope_y + 1)
    diffuse = (light.z - slope_x * light.x - slope_y * light.y) * shorten
    halfway = np.array([light.x, light.y, light.z + 1], np.float32)
    halfway /= np.linalg.norm(halfway)
    facing = (halfway[2] - slope_x * halfway[0] - slope_y * halfway[1]) * shorten
    return np.clip(diffuse, 0, 1), np.clip(facing, 0, 1) ** np.float32(gloss)


def make_prism(outline: np.ndarray, length: float, tip: float = 0.0) -> Solid:
    """Raise an outline [corner, 2] by `length` along z; a positive `tip` closes it with a pyramid of that height."""
    count = len(outline)
    base = np.column_stack([outline, np.zeros(count)])
    top = np.column_stack([outline, np.full(count, length)])
    following = [(i + 1) % count for i in range(count)]
    faces: list[tuple[int, ...]] = [tuple(range(count))]
    faces += [(i, j, j + count, i + count) for i, j in enumerate(following)]
    kinds = ["base"] + ["side"] * count
    if tip > 0:
        apex = np.append(outline.mean(axis=0), length + tip)
        faces += [(i + count, j + count, 2 * count) for i, j in enumerate(following)]
        return Solid(np.vstack([base, top, apex]), tuple(faces), tuple(kinds + ["tip"] * count))
    return Solid(np.vstack([base, top]), (*faces, tuple(range(count, 2 * count))), (*kinds, "end"))


def place_solid(solid: Solid, axis: np.ndarray, spin: float, foot: np.ndarray) -> Solid:
    """Return a solid rotated by `spin` radians about its z axis, with z along `axis` and the origin at `foot` [3]."""
    forward = axis / np.linalg.norm(axis)
    helper = np.array([0.0, 0.0, 1.0]) if abs(forward[2]) < 0.9 else np.array([0.0, 1.0, 0.0])
    right = np.cross(helper, forward)
    right /= np.linalg.norm(right)
    frame = np.stack([right, np.cross(forward, right), forward])  # rows: where x, y and z of the solid go
    flat = solid.corners[:, :2] @ flat_rotation(spin).T
    return Solid(np.column_stack([flat, solid.corners[:, 2]]) @ frame + foot, solid.faces, solid.kinds)


def draw_solid(
    layer: Layer, solid: Solid, light: Light, pattern: FacePattern, opacity: float = 1.0
) -> list[np.ndarray]:
    """Paint the faces towards the viewer; return their outlines [corner, 2], so that edges can be drawn.

    The pattern gets the face and two coordinates that run 0..1 along its first and last edge.
    """
    outlines = []
    middle = solid.corners.mean(axis=0)
    for number, (face, kind) in enumerate(zip(solid.faces, solid.kinds, strict=True)):
        points = solid.corners[list(face)]
        first, last = _spanning_edges(points)
        normal = _unit_normal(first, last)
        if normal @ (points.mean(axis=0) - middle) < 0:
            normal = -normal
        if normal[2] < 0.06:
            continue
        seen = Face(kind, number, normal, light.brightness(normal))
        paint_polygon(layer, points[:, :2], _on_face(pattern, seen, points[0], first, last), opacity)
        outlines.append(points[:, :2])
    return outlines


def _spanning_edges(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return two edges from the first corner that are far from parallel, also on faces with many corners."""
    count = len(points)
    one, other = (1, count - 1) if count <= 4 else (count // 3, 2 * count // 3)
    return points[one] - points[0], points[other] - points[0]


def _unit_normal(first: np.ndarray, last: np.ndarray) -> np.ndarray:
    """Return the unit vector at right angles to both; np.cross takes ten times as long for one pair."""
    (ax, ay, az), (bx, by, bz) = first.tolist(), last.tolist()
    normal = np.array([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx])
    return normal / max(float(np.sqrt(normal @ normal)), 1e-9)


def _on_face(pattern: FacePattern, face: Face, origin: np.ndarray, first: np.ndarray, last: np.ndarray) -> PointPattern:
    """Return a pattern in face coordinates as one in layer coordinates."""
    inverse = np.linalg.inv(np.column_stack([first[:2], last[:2]])).astype(np.float32)
    corner = origin[:2].astype(np.float32)

    def at_points(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        along, across = x - corner[0], y - corner[1]
        return pattern(
            face, inverse[0, 0] * along + inverse[0, 1] * across, inverse[1, 0] * along + inverse[1, 1] * across
        )

    return at_points
