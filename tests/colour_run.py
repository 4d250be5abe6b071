"""A whole run in seconds: squares of three colours on grey, so that every right answer is known beforehand."""

import json
from pathlib import Path

import numpy as np
from PIL import Image

from pipeline.classification.stages import CALIBRATE, FIT, PATCHES
from pipeline.data.sources import DataPlace
from pipeline.settings.recipe import Recipe, override_all
from pipeline.settings.run_folder import RunFolder
from pipeline.stages import complete, start_run

COLOURS = {"red": (210, 40, 40), "green": (40, 190, 60), "blue": (50, 60, 220)}
FRAME = 96
RECIPE = override_all(
    Recipe(name="colours", title="Coloured squares", labels=tuple(COLOURS)),
    (
        ("network.input_side", "32"),
        ("fit.epochs", "18"),  # with 12 some seeds leave confidences so near 1 that rounding decides
        ("fit.batch_size", "16"),
        ("augment.brightness", "0"),
        ("augment.contrast", "0"),
        ("augment.saturation", "0"),
        ("augment.hue", "0"),
        ("patches.max_side", "0.4"),
        ("split.near_duplicate_distance", "0"),
        ("export.calibration_pictures", "40"),
    ),
)


def write_photographs(folder: Path, count: int = 60) -> tuple[Path, Path]:
    """Write photographs, each with one noisy square, and a COCO file; return (photographs, COCO file)."""
    photos = folder / "photos"
    photos.mkdir(parents=True)
    names = list(COLOURS)
    images, annotations = [], []
    for number in range(count):
        random = np.random.default_rng(number)
        side, x, y = int(random.integers(30, 45)), int(random.integers(0, 50)), int(random.integers(0, 50))
        pixels = random.normal(random.uniform(80, 180), 12, (FRAME, FRAME, 1)).repeat(3, axis=2)
        pixels[y : y + side, x : x + side] = COLOURS[names[number % 3]]
        pixels += random.normal(0, 10, pixels.shape)
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(photos / f"{number:03}.png")
        images.append({"id": number, "file_name": f"{number:03}.png", "width": FRAME, "height": FRAME})
        box = {"id": number, "image_id": number, "category_id": number % 3, "bbox": [x, y, side, side]}
        annotations.append(box)
    categories = [{"id": number, "name": name} for number, name in enumerate(names)]
    coco = folder / "annotations.json"
    coco.write_text(json.dumps({"images": images, "annotations": annotations, "categories": categories}))
    return photos, coco


def train_colour_run(folder: Path) -> RunFolder:
    """Cut, train and calibrate; export and evaluation are left to the tests."""
    photos, coco = write_photographs(folder / "data")
    run = start_run(RECIPE, DataPlace(photos, coco, folder / "runs"))
    complete(run, [PATCHES, FIT, CALIBRATE])
    return run
