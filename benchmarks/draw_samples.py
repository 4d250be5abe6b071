"""Draw how patches are cut, for the documentation: python -m benchmarks.draw_samples [OUT_FOLDER]

A drawn scene with its boxes and the windows that become negatives, and the patches themselves as the recipe cuts them.
"""

import json
import sys
import tempfile
from pathlib import Path

from PIL import Image, ImageDraw

from pipeline.index import Patch, PatchIndex
from pipeline.recipe import override_all
from pipeline.recipes import RECIPES
from pipeline.sources import DataPlace
from pipeline.stages import prepare_data

OUT = Path(__file__).parent.parent / "docs" / "pictures"
SCENES = 12
SCALE = 3  # of the drawn scene
TILE, GAP, COLUMNS = 112, 6, 8  # pixels, of the sheet of patches
_POSITIVE, _NEGATIVE, _BOX = (29, 90, 156), (192, 86, 43), (255, 255, 255)


def main(arguments: list[str]) -> int:
    """Write scene.jpg and samples.jpg; return the exit code."""
    out = Path(arguments[0]) if arguments else OUT
    out.mkdir(parents=True, exist_ok=True)
    recipe = override_all(RECIPES["minerals"], (("source.scenes", str(SCENES)),))
    with tempfile.TemporaryDirectory() as runs:
        index = prepare_data(DataPlace(None, None, Path(runs)), recipe).index
        photo = max({patch.photo for patch in index.patches if patch.split == "train"}, key=lambda p: _kinds(index, p))
        patches = [patch for patch in index.patches if patch.photo == photo]
        (scene,) = Path(runs).rglob(f"photos/{photo}")
        annotations = scene.parents[1] / "annotations.json"
        draw_scene(scene, annotations, patches).save(out / "scene.jpg", quality=88)
        draw_sheet(index, patches).save(out / "samples.jpg", quality=88)
    return 0


def draw_scene(scene: Path, annotations: Path, patches: list[Patch]) -> Image.Image:
    """Return the scene with annotated boxes in white, windows of positives in blue and of negatives in orange."""
    source = Image.open(scene).convert("RGB")
    picture = source.resize((SCALE * source.width, SCALE * source.height), Image.Resampling.LANCZOS)
    drawing = ImageDraw.Draw(picture)
    for patch in patches:
        colour = _NEGATIVE if patch.label == "background" else _POSITIVE
        drawing.rectangle(_corners(patch.x, patch.y, patch.width, patch.height), outline=colour, width=3)
    known = json.loads(annotations.read_text(encoding="utf-8"))
    number = next(image["id"] for image in known["images"] if image["file_name"] == scene.name)
    for box in (entry["bbox"] for entry in known["annotations"] if entry["image_id"] == number):
        drawing.rectangle(_corners(*box), outline=_BOX, width=5)
    return picture


def draw_sheet(index: PatchIndex, patches: list[Patch]) -> Image.Image:
    """Return the patches side by side: positives first, framed in blue, then negatives in orange."""
    ordered = sorted(patches, key=lambda patch: (patch.label == "background", patch.label))[: 2 * COLUMNS]
    rows = -(-len(ordered) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * (TILE + GAP) - GAP, rows * (TILE + GAP) - GAP), "white")
    for place, patch in enumerate(ordered):
        frame = Image.new("RGB", (TILE, TILE), _NEGATIVE if patch.label == "background" else _POSITIVE)
        frame.paste(Image.open(index.path(patch)).convert("RGB").resize((TILE - 6, TILE - 6)), (3, 3))
        sheet.paste(frame, (place % COLUMNS * (TILE + GAP), place // COLUMNS * (TILE + GAP)))
    return sheet


def _corners(left: float, top: float, width: float, height: float) -> tuple[float, float, float, float]:
    return SCALE * left, SCALE * top, SCALE * (left + width) - 1, SCALE * (top + height) - 1


def _kinds(index: PatchIndex, photo: str) -> tuple[int, str]:
    """Return how many labels a photograph shows, and its name to decide between equals."""
    return len({patch.label for patch in index.patches if patch.photo == photo}), photo


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
