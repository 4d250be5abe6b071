"""Compare the near-duplicates found by the splits with those found by people.

    python -m benchmarks.near_duplicates PHOTOS ANNOTATIONS GROUPS.json

GROUPS.json: a list of lists of photographs (names without extension) that show the same specimen. Prints, for
hashes of whole photographs and of photographs with their boxes, the pairs found at each distance.
"""

import json
import sys
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np

from inference.pictures.image_io import read_image
from pipeline.data.annotations.read import read_annotations
from pipeline.data.splits import HashedPhoto, group_near_duplicates, perceptual_hashes
from pipeline.recipes import RECIPES

DISTANCES = (2, 4, 6, 8, 10)


def main(arguments: list[str]) -> int:
    """Print one line per kind of view and distance; return the exit code."""
    images, annotations, groups = (Path(argument) for argument in arguments)
    photos = _hash_photos(images, annotations)
    known = {pair for group in json.loads(groups.read_text()) for pair in combinations(sorted(group), 2)}
    for kind, views in (("whole photographs", 1), ("photographs and boxes", None)):
        part = [replace(photo, views=photo.views[:views]) for photo in photos]
        for distance in DISTANCES:
            found = _close_pairs(part, distance)
            print(f"{kind:22} distance {distance:2}: {len(found & known):3} of {len(known)} known pairs", end="")
            print(f", {len(found - known)} others")
    return 0


def _hash_photos(images: Path, annotations: Path) -> list[HashedPhoto]:
    found = read_annotations(annotations, images, RECIPES["minerals"].labels)
    photos = []
    for name in found.photos:
        pixels = read_image(images / name)
        boxes = [box for box in found.annotations if box.photo == name]
        crops = [pixels[box.y : box.y + box.height, box.x : box.x + box.width] for box in boxes]
        views = tuple(perceptual_hashes(np.ascontiguousarray(view)) for view in (pixels, *crops))
        photos.append(HashedPhoto(name, tuple(box.label for box in boxes), views))
    return photos


def _close_pairs(photos: list[HashedPhoto], distance: int) -> set[tuple[str, str]]:
    """Return pairs of names without extension that are in one group, including chains."""
    groups = group_near_duplicates(photos, distance)
    return {pair for group in groups for pair in combinations(sorted(Path(photo.name).stem for photo in group), 2)}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
