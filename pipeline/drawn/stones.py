"""Photographs of stones as a user would have them: drawn, with boxes, with planted faults, and pictures to classify.

write_stones(FOLDER)    FOLDER/stones/photos, boxes.json, raw, raw.json; FOLDER/biotite; FOLDER/new
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from inference.atomic_file import write_atomically
from pipeline.drawn.outliers import draw_outlier
from pipeline.drawn.scenes.dataset import MINERALS, Scene, SpecimenBox, draw_scene

SEED = 2026
NEW_CLASS = "biotite"  # on no photograph with boxes; added to the finished model
PHOTOS, ENROLLED = 300, 20
SHOWN = ("pyrite", "bornite", "malachite", "chrysocolla", "quartz", "muscovite")
SMALLEST_SIDE = 40  # pixels, of a picture to classify
WRONG_LABELS = {3: "quartz", 40: "pyrite", 77: "malachite"}  # by the position of the photograph
WIDE_BOX, SMALLER, MIRRORED = 10, 20, 30


@dataclass(frozen=True)
class Photograph:
    """One annotated photograph; the boxes may be wrong."""

    picture: Image.Image
    boxes: tuple[SpecimenBox, ...]


def write_stones(folder: Path, photos: int = PHOTOS) -> None:
    """Write all data into an empty folder.

    photos: how many show no biotite and have boxes; the folder "raw" has two copies more. At least 80.
    """
    photographs = {
        f"stone_{number:03}.jpg": Photograph(Image.fromarray(scene.pixels), scene.boxes)
        for number, scene in _scenes(range(2 * photos), _without_new, photos)
    }
    _write_photographs(folder / "stones", "photos", "boxes.json", photographs)
    _write_photographs(folder / "stones", "raw", "raw.json", _with_faults(photographs))
    crops = [crop for label, crop in _crops(range(1000, 1400), _with_new) if label == NEW_CLASS]
    _write_pictures(folder / NEW_CLASS, {f"{number:02}": crop for number, crop in enumerate(crops[:ENROLLED])})
    first = dict(reversed(list(_crops(range(2000, 2030), _without_new))))
    shown = [(label, first[label]) for label in SHOWN] + [(NEW_CLASS, crop) for crop in crops[ENROLLED:][:2]]
    shown.append(("table", Image.fromarray(draw_scene(SEED, 93).pixels[165:235, 10:80].copy())))
    shown += [("outlier", Image.fromarray(draw_outlier(SEED, number))) for number in (1, 4, 5)]
    _write_pictures(folder / "new", {f"{number:02}_{label}": crop for number, (label, crop) in enumerate(shown, 1)})
    whole = (folder / "stones" / "photos" / next(iter(photographs))).read_bytes()
    (folder / "new" / "cut_off.jpg").write_bytes(whole[:3000])


def _with_faults(photographs: dict[str, Photograph]) -> dict[str, Photograph]:
    """Return them with three wrong labels, a box that is too wide, a smaller copy and a mirrored one."""
    names, faulty = list(photographs), dict(photographs)
    for place, label in WRONG_LABELS.items():
        faulty[names[place]] = _with_first_box(photographs[names[place]], label=label)
    faulty[names[WIDE_BOX]] = _with_first_box(photographs[names[WIDE_BOX]], width=400)
    faulty["copy_smaller.jpg"] = _reduced(photographs[names[SMALLER]])
    faulty["copy_mirrored.jpg"] = _mirrored(photographs[names[MIRRORED]])
    return faulty


def _with_first_box(photograph: Photograph, **changes: str | int) -> Photograph:
    first, *others = photograph.boxes
    return replace(photograph, boxes=(replace(first, **changes), *others))  # type: ignore[arg-type]


def _reduced(photograph: Photograph) -> Photograph:
    """Return it with three quarters of its sides."""
    boxes = tuple(
        SpecimenBox(box.label, *(side * 3 // 4 for side in (box.x, box.y, box.width, box.height)))
        for box in photograph.boxes
    )
    width, height = photograph.picture.size
    return Photograph(photograph.picture.resize((width * 3 // 4, height * 3 // 4)), boxes)


def _mirrored(photograph: Photograph) -> Photograph:
    width = photograph.picture.width
    boxes = (replace(box, x=width - box.x - box.width) for box in photograph.boxes)
    return Photograph(ImageOps.mirror(photograph.picture), tuple(boxes))


def _write_photographs(folder: Path, pictures: str, annotations: str, photographs: dict[str, Photograph]) -> None:
    (folder / pictures).mkdir(parents=True)
    for name, photograph in photographs.items():
        photograph.picture.save(folder / pictures / name, quality=92)
    write_atomically(folder / annotations, json.dumps(_coco(photographs), indent=1))


def _coco(photographs: dict[str, Photograph]) -> dict[str, Sequence[object]]:
    boxes = [(number, box) for number, photo in enumerate(photographs.values()) for box in photo.boxes]
    return {
        "images": [
            {"id": number, "file_name": name, "width": photo.picture.width, "height": photo.picture.height}
            for number, (name, photo) in enumerate(photographs.items())
        ],
        "annotations": [
            {
                "id": id,
                "image_id": number,
                "category_id": MINERALS.index(box.label),
                "bbox": [box.x, box.y, box.width, box.height],
            }
            for id, (number, box) in enumerate(boxes)
        ],
        "categories": [{"id": number, "name": name} for number, name in enumerate(MINERALS)],
    }


def _write_pictures(folder: Path, pictures: dict[str, Image.Image]) -> None:
    folder.mkdir()
    for name, picture in pictures.items():
        picture.save(folder / f"{name}.png")


def _crops(numbers: range, wanted: Callable[[set[str]], bool]) -> Iterator[tuple[str, Image.Image]]:
    """Yield label and picture of the specimens of the wanted scenes that are not too small."""
    for _, scene in _scenes(numbers, wanted, 2 * ENROLLED):
        for box in scene.boxes:
            if min(box.width, box.height) >= SMALLEST_SIDE:
                pixels = scene.pixels[box.y : box.y + box.height, box.x : box.x + box.width]
                yield box.label, Image.fromarray(np.ascontiguousarray(pixels))


def _scenes(numbers: range, wanted: Callable[[set[str]], bool], most: int) -> Iterator[tuple[int, Scene]]:
    """Yield up to `most` scenes whose labels are wanted, with their numbers."""
    for number in numbers:
        if not most:
            return
        scene = draw_scene(SEED + 7, number)
        if wanted({box.label for box in scene.boxes}):
            most -= 1
            yield number, scene


def _with_new(labels: set[str]) -> bool:
    return NEW_CLASS in labels


def _without_new(labels: set[str]) -> bool:
    return NEW_CLASS not in labels
