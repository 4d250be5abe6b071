"""Cut the same photographs from COCO, Pascal VOC, YOLO and CSV and compare the patches byte by byte.

    python -m benchmarks.annotation_formats PHOTOS COCO.json VOC_FOLDER YOLO_FOLDER BOXES.csv

Photographs missing in one of the four sources are left out. The exit code is 1 if anything differs.
"""

import hashlib
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from pipeline.data.annotations.read import AnnotationSet, read_annotations
from pipeline.data.patches import cut_patches
from pipeline.recipes import RECIPES


def main(arguments: list[str]) -> int:
    """Print one line per format; return the exit code."""
    images, *sources = (Path(argument) for argument in arguments)
    recipe = RECIPES["minerals"]
    sets = [read_annotations(source, images, recipe.labels) for source in sources]
    common = set.intersection(*({box.photo for box in found.annotations} for found in sets))
    digests = set()
    for found in sets:
        with tempfile.TemporaryDirectory() as folder:
            cut = cut_patches(_only(found, common), images, Path(folder), recipe)
            digest = _digest(Path(folder))
        digests.add(digest)
        print(f"{found.format:5} {len(common)} photographs, {len(cut.index.patches)} patches, sha256 {digest[:16]}")
    print("identical" if len(digests) == 1 else "DIFFERENT")
    return 0 if len(digests) == 1 else 1


def _only(found: AnnotationSet, photos: set[str]) -> AnnotationSet:
    boxes = tuple(box for box in found.annotations if box.photo in photos)
    return replace(found, annotations=boxes, photos=tuple(sorted(photos)))


def _digest(folder: Path) -> str:
    """Return one hash of all files' names and bytes."""
    total = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            total.update(str(path.relative_to(folder)).encode() + path.read_bytes())
    return total.hexdigest()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
