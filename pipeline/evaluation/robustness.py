"""Test patches with changed pixels or boxes -> the accuracy of the released file for each change."""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import numpy as np

from inference.batch.progress import track
from inference.errors import InputError
from inference.model.classifier import Classifier
from inference.pictures.image_io import read_image, resize_image
from pipeline.data.index import Patch, PatchIndex
from pipeline.data.sources import SOURCES, find_photographs
from pipeline.data.windows import Window, positive_window
from pipeline.evaluation.changes import CHANGES, LOOSER, Change
from pipeline.metrics.intervals import mean_difference, share_over_photos
from pipeline.random_generator import make_generator
from pipeline.report.sections import ChangedAccuracy, Robustness
from pipeline.settings.recipe import Recipe
from pipeline.settings.run_folder import RunFolder

MOST_PATCHES = 200


def measure_robustness(run: RunFolder, index: PatchIndex, recipe: Recipe) -> Robustness:
    """Return the accuracy on at most MOST_PATCHES test patches of the classes for each change, nothing rejected.

    Looser boxes are cut from the photographs again; they are left out where these are missing.
    """
    test = index.select("test", recipe.labels)
    patches = _sample(test)
    classifier = Classifier(run.model, threshold=0.0)
    size = classifier.card.input_size
    labels, photos = (np.array([getattr(patch, name) for patch in patches]) for name in ("label", "photo"))

    def find_right(pictures: list[np.ndarray]) -> np.ndarray:
        return np.array([classifier.classify(pixels).result for pixels in pictures]) == labels

    pictures = [read_image(test.path(patch)) for patch in patches]
    looser = looser_pictures(patches, _find_photographs(run, recipe, test), size)
    unchanged = find_right(pictures)
    rows = []
    changes = track(
        chain(_changed_pictures(pictures, size), looser), len(CHANGES) + len(looser), "changes of the pictures"
    )
    for name, strength, changed in changes:
        right = find_right(changed)
        rows.append(
            ChangedAccuracy(name, strength, share_over_photos(right, photos), mean_difference(right, unchanged, photos))
        )
    return Robustness(of=len(test.patches), unchanged=share_over_photos(unchanged, photos), changes=tuple(rows))


def apply_change(change: Change, pixels: np.ndarray, size: tuple[int, int], number: int) -> np.ndarray:
    """Return a picture after a change, at size (height, width) if the change needs that.

    number: of the picture; what is random depends on it alone.
    """
    random = make_generator(0, "robustness", number)
    return change.apply(resize_image(pixels, size) if change.resized else pixels, random)


def looser_pictures(
    patches: list[Patch], images: Path | None, size: tuple[int, int]
) -> list[tuple[str, str, list[np.ndarray]]]:
    """Return name, strength and pictures of size (height, width) for each looser box; none without photographs."""
    if images is None:
        return []
    try:
        views = [cut_looser(read_image(images / patch.photo), patch, size) for patch in patches]
    except InputError:
        return []
    return [(name, strength, [view[share] for view in views]) for name, strength, share in LOOSER]


def cut_looser(photo: np.ndarray, patch: Patch, size: tuple[int, int]) -> dict[float, np.ndarray]:
    """Return the patch's window of its photograph widened by each share of LOOSER, at size (height, width)."""
    own, frame = Window(patch.x, patch.y, patch.width, patch.height), (photo.shape[1], photo.shape[0])
    if own.x + own.width > frame[0] or own.y + own.height > frame[1]:
        raise InputError(f"{patch.photo}: is smaller than when its patches were cut. Start a new run.")
    windows = {share: positive_window(own, frame, share) for _, _, share in LOOSER}
    return {
        share: resize_image(photo[one.y : one.y + one.height, one.x : one.x + one.width], size)
        for share, one in windows.items()
    }


def _changed_pictures(pictures: list[np.ndarray], size: tuple[int, int]) -> Iterator[tuple[str, str, list[np.ndarray]]]:
    """Yield name, strength and changed pictures of each change, one at a time."""
    for change in CHANGES:
        changed = [apply_change(change, pixels, size, number) for number, pixels in enumerate(pictures)]
        yield change.name, change.strength, changed


def _sample(test: PatchIndex) -> list[Patch]:
    """Return at most MOST_PATCHES patches, sampled at random, in the order of the index."""
    count = len(test.patches)
    chosen = np.sort(make_generator(0, "robustness", count).permutation(count)[:MOST_PATCHES])
    return [test.patches[position] for position in chosen]


def _find_photographs(run: RunFolder, recipe: Recipe, test: PatchIndex) -> Path | None:
    """Return the folder of the photographs; None for a source without boxes, or if it is missing."""
    folder_of = SOURCES[recipe.source.kind].photographs
    try:
        return find_photographs(run, folder_of, test.root) if folder_of else None
    except InputError:
        return None
