"""What the program draws itself -> docs/pdf/pictures: a scene with its patches, augmented views, outliers, memes.

    python -m docs.pdf.pictures

No photograph of others is among them. scene.json holds the rectangles that the pipeline itself plans for the scene.
"""

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from inference.atomic_file import write_atomically
from inference.pictures.image_io import resize_image
from pipeline.data.annotations.read import Annotation
from pipeline.data.augment import make_augmentation
from pipeline.data.index import Patch
from pipeline.data.patches import PhotoRecord, plan_photo
from pipeline.drawn.memes.dataset import STYLES, draw_meme
from pipeline.drawn.outliers import draw_outlier
from pipeline.drawn.scenes.dataset import MINERALS, Scene, draw_scene
from pipeline.recipes import RECIPES

FOLDER = Path(__file__).parent / "pictures"
SEED, SCENE = 2026, 93
VIEW_SIDE, GAP = 128, 6  # pixels
VIEWS = 6
JPEG_QUALITY = 90


def draw_pictures() -> dict[str, bytes]:
    """Return the files by name."""
    scene = draw_scene(SEED, SCENE)
    specimen = _crop(scene, scene.boxes[0].x, scene.boxes[0].y, scene.boxes[0].width, scene.boxes[0].height)
    return {
        "scene.jpg": _jpeg(scene.pixels),
        "scene.json": json.dumps(plan_scene(), indent=1).encode() + b"\n",
        "minerals.jpg": _jpeg(_strip([_first_specimen(label) for label in MINERALS])),
        "augmented.jpg": _jpeg(_strip(_augmented(specimen, _first_specimen("malachite")))),
        "outliers.jpg": _jpeg(_strip([draw_outlier(SEED, number) for number in range(VIEWS + 1)])),
        "memes.jpg": _jpeg(_strip([draw_meme(style, SEED, number) for style in STYLES for number in (3, 8)][:8])),
    }


def plan_scene() -> dict[str, Any]:
    """Return the scene's size, its boxes, and what the recipe minerals cuts from it when it is trained on.

    Each rectangle has label, x, y, width, height in pixels; of a class, the first patch of a box is the box with
    its margin, the following are its jittered copies.
    """
    scene, recipe = draw_scene(SEED, SCENE), RECIPES["minerals"]
    height, width = scene.pixels.shape[:2]
    name = f"scene_{SCENE:05}.jpg"
    boxes = [Annotation(name, box.label, box.x, box.y, box.width, box.height, name) for box in scene.boxes]
    record = PhotoRecord(name, "drawn", "drawn", width, height, "", "train")
    return {
        "width": width,
        "height": height,
        "boxes": [_rectangle(box) for box in boxes],
        "patches": [_rectangle(patch) for patch in plan_photo(record, boxes, False, recipe)],
    }


def _rectangle(one: Annotation | Patch) -> dict[str, Any]:
    return {"label": one.label, "x": one.x, "y": one.y, "width": one.width, "height": one.height}


def _crop(scene: Scene, x: int, y: int, width: int, height: int) -> np.ndarray:
    return np.ascontiguousarray(scene.pixels[y : y + height, x : x + width])


def _first_specimen(label: str) -> np.ndarray:
    """Return the first whole specimen of a mineral among the drawn scenes, as uint8 [height, width, 3]."""
    for number in range(1000):
        scene = draw_scene(SEED + 1, number)
        for box in scene.boxes:
            height, width = scene.pixels.shape[:2]
            inside = box.x > 2 and box.y > 2 and box.x + box.width < width - 2 and box.y + box.height < height - 2
            if box.label == label and inside and box.width * box.height > 6000:
                return _crop(scene, box.x, box.y, box.width, box.height)
    raise AssertionError(f"no specimen of {label} among a thousand scenes")


def _augmented(first: np.ndarray, second: np.ndarray) -> list[np.ndarray]:
    """Return the first picture as it is and as the training sees it, mixed with the second where chance wants it."""
    settings = RECIPES["minerals"].augment
    side = round(VIEW_SIDE * (1 + settings.detail))
    pair = np.stack([resize_image(one, (side, side)) for one in (first, second)])
    augment, labels = make_augmentation(settings, VIEW_SIDE), np.eye(2, dtype=np.float32)
    return [first, *(augment(pair, labels, seed)[0][0] for seed in range(VIEWS))]


def _strip(pictures: Sequence[np.ndarray]) -> np.ndarray:
    """Lay pictures side by side on white, each the network's square."""
    gap = np.full((VIEW_SIDE, GAP, 3), 255, np.uint8)
    squares = [resize_image(np.ascontiguousarray(picture), (VIEW_SIDE, VIEW_SIDE)) for picture in pictures]
    return np.concatenate([part for square in squares for part in (square, gap)][:-1], axis=1)


def _jpeg(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(file, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    return file.getvalue()


if __name__ == "__main__":
    for file_name, content in draw_pictures().items():
        write_atomically(FOLDER / file_name, content)
        print(FOLDER / file_name)
