"""Worlds that one can reason about: textured squares at known places in photographs, and patches of known colour."""

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from PIL import Image

from pipeline.data.annotations.read import AnnotationSet, read_annotations
from pipeline.data.index import Patch, PatchIndex
from pipeline.data.splits import HashedPhoto
from pipeline.settings.augment import AugmentSettings
from pipeline.settings.recipe import Recipe, override_all

COLOURS = {"red": (220, 40, 40), "green": (40, 190, 60), "blue": (50, 60, 220)}
RECIPE = override_all(
    Recipe(name="worlds", title="Textured squares", labels=tuple(COLOURS)),
    (("network.input_side", "16"), ("fit.batch_size", "4"), ("patches.max_side", "0.4")),
)
NO_AUGMENTATION = tuple(
    (f"augment.{entry.name}", "none" if entry.name == "flip" else "0") for entry in fields(AugmentSettings)
)


@dataclass(frozen=True)
class Specimen:
    """A square of one colour in a photograph; its seed decides its texture."""

    label: str
    seed: int
    x: int = 20
    y: int = 30
    side: int = 48


@dataclass(frozen=True)
class Scene:
    """A photograph; its seed decides the texture of what lies around the specimens."""

    seed: int
    specimens: tuple[Specimen, ...] = ()
    width: int = 160
    height: int = 120

    def draw(self) -> np.ndarray:
        """Return uint8 [height, width, 3]."""
        pixels = _texture(self.seed, self.width, self.height)
        for one in self.specimens:
            tint = np.array(COLOURS[one.label]) / 255
            pixels[one.y : one.y + one.side, one.x : one.x + one.side] = _texture(one.seed, one.side, one.side) * tint
        return pixels.astype(np.uint8)


def one_each(count: int, first: int = 0) -> dict[str, Scene]:
    """Return photographs of one specimen each, labels in turn, none like another."""
    labels = list(COLOURS)
    return {
        f"{number:03}.png": Scene(number, (Specimen(labels[number % 3], 10_000 + number),))
        for number in range(first, first + count)
    }


def write_world(folder: Path, scenes: Mapping[str, Scene]) -> AnnotationSet:
    """Write photographs under folder/photos and their boxes to folder/boxes.json; return what is read of them."""
    for name, scene in scenes.items():
        path = folder / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.is_file():
            Image.fromarray(scene.draw()).save(path)
    return annotate_world(folder, scenes)


def annotate_world(folder: Path, scenes: Mapping[str, Scene]) -> AnnotationSet:
    """Write the boxes alone, over photographs that are there in whatever form; return what is read of them."""
    labels = list(COLOURS)
    boxes = [(number, one) for number, scene in enumerate(scenes.values()) for one in scene.specimens]
    document = {
        "images": [{"id": number, "file_name": name} for number, name in enumerate(scenes)],
        "categories": [{"id": number, "name": label} for number, label in enumerate(labels)],
        "annotations": [
            {
                "id": number,
                "image_id": image,
                "category_id": labels.index(one.label),
                "bbox": [one.x, one.y, one.side, one.side],
            }
            for number, (image, one) in enumerate(boxes)
        ],
    }
    (folder / "boxes.json").write_text(json.dumps(document), encoding="utf-8")
    return read_annotations(folder / "boxes.json", folder / "photos", RECIPE.labels)


def jpeg(rgb: np.ndarray, quality: int) -> np.ndarray:
    """Return a picture after JPEG."""
    file = io.BytesIO()
    Image.fromarray(rgb).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))


def hashed_photo(name: str, *labels: str, views: int = 1) -> HashedPhoto:
    """Return a photograph whose views are decided by its name and resemble no other's."""
    bits = [int.from_bytes(hashlib.sha256(f"{name}:{view}".encode()).digest()[:16], "big") for view in range(views)]
    return HashedPhoto(name, labels, tuple((value >> 64, value & (2**64 - 1)) for value in bits))


def write_patches(folder: Path, labels: list[str], split: str = "train", side: int = 16) -> PatchIndex:
    """Write one patch for each label, of the grey 1, 2, 3, ... up to 255: the colour tells which one it is."""
    folder.mkdir(parents=True, exist_ok=True)
    patches = []
    for number, label in enumerate(labels, start=1):
        file = f"{split}-{number:03}.png"
        Image.fromarray(np.full((side, side, 3), number, np.uint8)).save(folder / file)
        patches.append(Patch(file, label, f"{file}.jpg", 0, 0, side, side, split))
    return PatchIndex(folder, tuple(patches))


def _texture(seed: int, width: int, height: int) -> np.ndarray:
    """Return float [height, width, 3]: coarse random patches of light under fine noise, 40..255."""
    random = np.random.default_rng(seed)
    coarse = Image.fromarray(random.integers(60, 235, (8, 8), np.uint8)).resize(
        (width, height), Image.Resampling.BICUBIC
    )
    noise = random.uniform(-20, 20, (height, width, 3))
    return np.clip(np.asarray(coarse, float)[..., np.newaxis] + noise, 40, 255)
