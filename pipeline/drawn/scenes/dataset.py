"""The embedded data: a seed -> drawn photographs of seven minerals with boxes, so that a run needs no data."""

import functools
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from inference.atomic_file import write_atomically
from inference.pictures.encode import HALF_COLOUR, jpeg_bytes
from pipeline.drawn.folder import claim_folder, map_in_processes
from pipeline.drawn.scenes.clutter import CLUTTER_DRAWERS
from pipeline.drawn.scenes.crystals import draw_biotite, draw_muscovite, draw_pyrite, draw_quartz
from pipeline.drawn.scenes.drawing import Light, Sketch, make_light, make_sketch, shaded
from pipeline.drawn.scenes.rocks import draw_bornite, draw_chrysocolla, draw_malachite
from pipeline.drawn.scenes.surroundings import BACKGROUND_DRAWERS, light_unevenly, photograph

MINERAL_DRAWERS: dict[str, Callable[[Sketch], None]] = {
    "biotite": draw_biotite,
    "bornite": draw_bornite,
    "chrysocolla": draw_chrysocolla,
    "malachite": draw_malachite,
    "muscovite": draw_muscovite,
    "pyrite": draw_pyrite,
    "quartz": draw_quartz,
}
MINERALS: tuple[str, ...] = tuple(MINERAL_DRAWERS)
PICTURE_SHAPES = ((240, 320), (240, 320), (320, 240), (288, 288))  # height, width
EDITION = 1  # increased when pixels or boxes change: folders of an older edition are then refused
JPEG_QUALITY = 92
OVERSAMPLING = 1.5  # specimens are drawn larger by this factor and reduced, for smooth edges
ATTEMPTS = 25
PHOTOS_WORTH_A_PROCESS = 40  # starting a process takes as long as drawing about this many


@dataclass(frozen=True)
class SpecimenBox:
    """One specimen: its mineral and the bounding box of its visible part; pixels, top-left origin."""

    label: str
    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True)
class Scene:
    """One photograph, uint8 [height, width, 3] RGB, and a box for every specimen on it."""

    pixels: np.ndarray
    boxes: tuple[SpecimenBox, ...]


@dataclass(frozen=True)
class SceneRecord:
    """The annotations of one written picture; sides in pixels."""

    name: str
    width: int
    height: int
    boxes: tuple[SpecimenBox, ...]


@dataclass(frozen=True)
class Cutout:
    """A finished object, cropped to its painted part; premultiplied."""

    rgb: np.ndarray  # float32 [height, width, 3]
    alpha: np.ndarray  # float32 [height, width]


@dataclass(frozen=True)
class Table:
    """A picture in composition: its colours, the owner of each pixel, and the occupied rectangles."""

    picture: np.ndarray  # float32 [height, width, 3]
    owner: np.ndarray  # int32 [height, width]: 0 nobody, k the k-th specimen from 1
    taken: list[tuple[int, int, int, int]]  # left, top, right, bottom; they may extend over the edge

    @property
    def shape(self) -> tuple[int, int]:
        """Return height, width."""
        return int(self.owner.shape[0]), int(self.owner.shape[1])


def draw_scene(seed: int, index: int) -> Scene:
    """Return picture `index` of the set `seed`; it depends on nothing else."""
    return draw_owned_scene(seed, index)[0]


def draw_owned_scene(seed: int, index: int) -> tuple[Scene, np.ndarray]:
    """Return a scene and the owner of each pixel, int32 [height, width]: 0 nobody, k the specimen of boxes[k - 1]."""
    rng = np.random.default_rng([seed, index])
    light = make_light(rng)
    table = _lay_table(rng, light)
    labels: list[str] = []
    for _ in range(int(rng.choice([1, 2, 3, 4], p=[0.25, 0.35, 0.25, 0.15]))):
        label = MINERALS[int(rng.integers(len(MINERALS)))]
        if _lay_specimen(rng, table, label, light, len(labels) + 1):
            labels.append(label)
    for name in rng.choice(list(CLUTTER_DRAWERS), int(rng.integers(0, 4))):
        size = int(rng.uniform(36, 96))
        _lay(rng, table, _cut(rng, CLUTTER_DRAWERS[str(name)], size, light), light, 0)
    pixels = photograph(rng, light_unevenly(rng, table.picture))
    return Scene(pixels, _find_boxes(table.owner, labels)), table.owner


def write_scenes(folder: Path, photos: int, seed: int, workers: int | None = None) -> Path:
    """Write `photos` scenes as folder/photos/scene_00000.jpg ... and folder/annotations.json (COCO); return the latter.

    Existing pictures are kept, so that an interrupted call can be resumed. The result does not depend on the number of
    workers (processes; by default one per core). Raises InputError if the folder holds another seed or edition.
    """
    annotations, pictures = folder / "annotations.json", folder / "photos"
    pictures.mkdir(parents=True, exist_ok=True)
    claim_folder(folder / "scenes.json", "scenes", seed, EDITION)
    if _is_complete(annotations, pictures, photos):
        return annotations
    write = functools.partial(_write_picture, pictures, seed)
    records = map_in_processes(write, range(photos), workers, PHOTOS_WORTH_A_PROCESS)
    write_atomically(annotations, json.dumps(_describe(records), indent=1) + "\n")
    return annotations


def _lay_table(rng: np.random.Generator, light: Light) -> Table:
    """Return an empty table with one of the backgrounds."""
    shape = PICTURE_SHAPES[int(rng.integers(len(PICTURE_SHAPES)))]
    drawer = BACKGROUND_DRAWERS[str(rng.choice(list(BACKGROUND_DRAWERS)))]
    picture = np.clip(drawer(rng, shape, light), 0, 1).astype(np.float32)
    return Table(picture, np.zeros(shape, np.int32), [])


def _lay_specimen(rng: np.random.Generator, table: Table, label: str, light: Light, number: int) -> bool:
    """Draw one specimen and place it where there is room; return whether there was room."""
    size = int(rng.triangular(66, 95, 175))
    return _lay(rng, table, _cut(rng, MINERAL_DRAWERS[label], size, light), light, number)


def _cut(rng: np.random.Generator, drawer: Callable[[Sketch], None], size: int, light: Light) -> Cutout:
    """Return an object of about `size` pixels, cropped to its painted part."""
    sketch = make_sketch(rng, int(size * OVERSAMPLING), light)
    drawer(sketch)
    rgb = cv2.resize(sketch.layer.rgb, (size, size), interpolation=cv2.INTER_AREA)
    alpha = cv2.resize(sketch.layer.alpha, (size, size), interpolation=cv2.INTER_AREA)
    left, top, width, height = cv2.boundingRect((alpha > 0.02).astype(np.uint8))
    window = (slice(top, top + height), slice(left, left + width))
    return Cutout(rgb[window], alpha[window])


def _lay(rng: np.random.Generator, table: Table, cutout: Cutout, light: Light, number: int) -> bool:
    """Place a cutout with its shadow, owned by `number`, on a free area; return whether one was found."""
    place = _find_place(rng, table, cutout)
    if place is None:
        return False
    left, top = place
    height, width = cutout.alpha.shape
    table.taken.append((left, top, left + width, top + height))
    _cast_shadow(rng, table.picture, cutout, place, light)
    seen, part = _overlap(table.shape, (top, left), cutout.alpha.shape)
    alpha = cutout.alpha[part]
    table.picture[seen] = shaded(table.picture[seen], 1 - alpha) + cutout.rgb[part]
    table.owner[seen][alpha > 0.5] = number
    return True


def _find_place(rng: np.random.Generator, table: Table, cutout: Cutout) -> tuple[int, int] | None:
    """Return left, top of a free area, or None; one time in six it may extend over the edge."""
    height, width = cutout.alpha.shape
    over = 0.25 if rng.random() < 1 / 6 else 0.0
    for _ in range(ATTEMPTS):
        left = int(rng.uniform(-over * width, max(table.shape[1] - width * (1 - over), 1)))
        top = int(rng.uniform(-over * height, max(table.shape[0] - height * (1 - over), 1)))
        if not any(_touches((left, top, left + width, top + height), other) for other in table.taken):
            return left, top
    return None


def _touches(one: tuple[int, int, int, int], other: tuple[int, int, int, int]) -> bool:
    """Return whether two rectangles overlap by more than a corner of an eighth of their sides."""
    spare_x = min(one[2] - one[0], other[2] - other[0]) / 8
    spare_y = min(one[3] - one[1], other[3] - other[1]) / 8
    shared_x, shared_y = min(one[2], other[2]) - max(one[0], other[0]), min(one[3], other[3]) - max(one[1], other[1])
    return shared_x > spare_x and shared_y > spare_y


def _cast_shadow(
    rng: np.random.Generator, picture: np.ndarray, cutout: Cutout, place: tuple[int, int], light: Light
) -> None:
    """Darken the ground by a contact shadow and a soft shadow away from the lamp."""
    height, width = cutout.alpha.shape
    margin = 14
    padded = cv2.copyMakeBorder(cutout.alpha, margin, margin, margin, margin, cv2.BORDER_CONSTANT, value=0)
    away = min(height, width) * 0.09 / max(light.z, 0.4)
    for reach, softness, depth in ((0.25, 1.6, 0.45), (1.0, 5.0, 0.38 * rng.uniform(0.4, 1))):
        left, top = round(place[0] - margin - light.x * away * reach), round(place[1] - margin - light.y * away * reach)
        seen, part = _overlap(picture.shape[:2], (top, left), padded.shape)
        shade = cv2.GaussianBlur(padded, (0, 0), softness)[part]
        picture[seen] = shaded(picture[seen], 1 - np.float32(depth) * shade)


def _overlap(
    shape: tuple[int, ...], corner: tuple[int, int], part: tuple[int, ...]
) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Return the slices of the picture and of the part that overlap, for a part placed at (top, left)."""
    low = [max(0, start) for start in corner]
    high = [
        max(edge, min(limit, start + size)) for edge, limit, start, size in zip(low, shape, corner, part, strict=False)
    ]
    seen = (slice(low[0], high[0]), slice(low[1], high[1]))
    return seen, (slice(low[0] - corner[0], high[0] - corner[0]), slice(low[1] - corner[1], high[1] - corner[1]))


def _find_boxes(owner: np.ndarray, labels: list[str]) -> tuple[SpecimenBox, ...]:
    """Return the bounding box of the pixels of each specimen."""
    boxes = []
    for number, label in enumerate(labels, start=1):
        left, top, width, height = cv2.boundingRect((owner == number).astype(np.uint8))
        boxes.append(SpecimenBox(label, left, top, width, height))
    return tuple(boxes)


def _is_complete(annotations: Path, pictures: Path, photos: int) -> bool:
    """Return whether the annotations describe this many pictures and all of them exist."""
    if not annotations.exists():
        return False
    names = [image["file_name"] for image in json.loads(annotations.read_text())["images"]]
    return len(names) == photos and all((pictures / name).exists() for name in names)


def _write_picture(pictures: Path, seed: int, index: int) -> SceneRecord:
    """Draw one scene, write its picture unless it exists, and return its annotations."""
    name, scene = f"scene_{index:05d}.jpg", draw_scene(seed, index)
    if not (pictures / name).exists():
        write_atomically(pictures / name, jpeg_bytes(scene.pixels, JPEG_QUALITY, HALF_COLOUR))
    height, width = scene.pixels.shape[:2]
    return SceneRecord(name, width, height, scene.boxes)


def _describe(photos: list[SceneRecord]) -> dict[str, list[dict[str, object]]]:
    """Return the COCO structure of these pictures; ids start at 1, boxes are [x, y, width, height]."""
    images: list[dict[str, object]] = []
    annotations: list[dict[str, object]] = []
    for image_id, photo in enumerate(photos, start=1):
        images.append({"id": image_id, "file_name": photo.name, "width": photo.width, "height": photo.height})
        for box in photo.boxes:
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image_id,
                    "category_id": MINERALS.index(box.label) + 1,
                    "bbox": [box.x, box.y, box.width, box.height],
                    "area": box.width * box.height,
                    "iscrowd": 0,
                }
            )
    categories: list[dict[str, object]] = [{"id": i, "name": name} for i, name in enumerate(MINERALS, start=1)]
    return {"images": images, "annotations": annotations, "categories": categories}
