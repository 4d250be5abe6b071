"""Photographs with boxes -> stored patches and index.csv; existing patches are reused."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from inference.atomic_file import write_atomically
from inference.errors import InputError, printable
from inference.pictures.encode import png_bytes
from inference.pictures.image_io import decode_image, resize_image
from pipeline.data.annotations.read import Annotation, AnnotationSet
from pipeline.data.csv_files import read_csv, write_csv
from pipeline.data.groups import NO_GROUPS, PhotoGroups, groups_of
from pipeline.data.index import INDEX_NAME, Patch, PatchIndex, write_index
from pipeline.data.splits import HashedPhoto, complete_splits, perceptual_hashes
from pipeline.data.windows import Window, jittered_windows, negative_windows, positive_window
from pipeline.progress import map_in_threads
from pipeline.random_generator import make_generator
from pipeline.settings.labels import BACKGROUND
from pipeline.settings.recipe import Recipe

_PHOTOS_NAME = "photos.csv"


@dataclass(frozen=True)
class PhotoRecord:
    """One line of photos.csv, which is kept between calls of cut_patches.

    sha256: of the file's bytes. boxes: hash of its boxes. views: perceptual hashes in hexadecimal, see
    pipeline.data.splits.HashedPhoto.
    """

    photo: str
    sha256: str
    boxes: str
    width: int
    height: int
    views: str
    split: str = ""


@dataclass(frozen=True)
class CutResult:
    """The index, the number of patch files written, and one message per photograph that was left out."""

    index: PatchIndex
    written: int
    refused: tuple[str, ...]


def cut_patches(
    annotations: AnnotationSet, images: Path, folder: Path, recipe: Recipe, groups: PhotoGroups = NO_GROUPS
) -> CutResult:
    """Cut the patches of all photographs into a folder and write its index.csv.

    A second call with more photographs or boxes adds only their patches; known photographs keep their split, even if
    they are missing in a call in between. Photographs that can't be decoded are left out and reported in the result.
    Photographs of one group share a split.

    Raises:
        InputError: no photograph can be used, or the folder was written by another version of the program.
    """
    boxes = _by_photo(annotations)
    before = _read_records(folder / _PHOTOS_NAME)
    records, refused = _examine_all(boxes, images, before)
    if not records:
        raise InputError(f"{images}: no photograph can be used. First error: {refused[0] if refused else 'none found'}")
    records, unsplit = _with_splits(records, boxes, before, recipe, groups, annotations.splits)
    plans = [plan_photo(r, boxes[r.photo], r.photo in annotations.incomplete, recipe) for r in records]
    written = map_in_threads(lambda plan: _cut_photo(plan, images, folder, recipe), plans, "photographs cut")
    index = PatchIndex(folder, tuple(patch for plan in plans for patch in plan))
    write_index(index, folder / INDEX_NAME)
    _write_records({**before, **{record.photo: record for record in records}}, folder / _PHOTOS_NAME)
    return CutResult(index, sum(written), (*refused, *unsplit))


def plan_photo(record: PhotoRecord, boxes: list[Annotation], incomplete: bool, recipe: Recipe) -> list[Patch]:
    """Return the patches of one photograph, without reading pixels and independently of other photographs.

    A photograph with refused boxes (incomplete) gives no background, since it may show a specimen.
    """
    settings, frame = recipe.patches, (record.width, record.height)
    plan: list[tuple[str, Window]] = []
    for number, box in enumerate(boxes):
        window = Window(box.x, box.y, box.width, box.height)
        plan.append((box.label, positive_window(window, frame, settings.margin)))
        if record.split == "train":
            random = make_generator(settings.seed, "jitter", record.photo, number)
            plan += [(box.label, copy) for copy in jittered_windows(window, frame, settings, random)]
    if not incomplete:
        clear_of = [Window(box.x, box.y, box.width, box.height) for box in boxes]
        random = make_generator(settings.seed, "negative", record.photo)
        plan += [(BACKGROUND, window) for window in negative_windows(clear_of, frame, settings, random)]
    return [_patch(record, label, window, settings.longest_side) for label, window in dict.fromkeys(plan)]


def _by_photo(annotations: AnnotationSet) -> dict[str, list[Annotation]]:
    boxes: dict[str, list[Annotation]] = {photo: [] for photo in annotations.photos}
    for annotation in annotations.annotations:
        boxes[annotation.photo].append(annotation)
    return boxes


def _examine_all(
    boxes: dict[str, list[Annotation]], images: Path, before: dict[str, PhotoRecord]
) -> tuple[list[PhotoRecord], list[str]]:
    """Return the record of every photograph, and one message per photograph that can't be decoded."""
    answers = map_in_threads(
        lambda photo: _examine(photo, boxes[photo], images, before.get(photo)), list(boxes), "photographs read"
    )
    records = [answer for answer in answers if isinstance(answer, PhotoRecord)]
    return records, [answer for answer in answers if isinstance(answer, str)]


def _examine(photo: str, boxes: list[Annotation], images: Path, before: PhotoRecord | None) -> PhotoRecord | str:
    """Return the record of one photograph; an earlier record is reused if it is still valid."""
    places = [(box.label, box.x, box.y, box.width, box.height) for box in boxes]
    boxes_digest = hashlib.sha256(repr(places).encode()).hexdigest()[:16]
    try:
        data = (images / photo).read_bytes()
        digest = hashlib.sha256(data).hexdigest()
        if before is not None and (before.sha256, before.boxes) == (digest, boxes_digest):
            return before
        pixels = decode_image(data)
    except (InputError, OSError) as fault:
        return f"{printable(photo)}: {fault}"
    crops = [pixels[box.y : box.y + box.height, box.x : box.x + box.width] for box in boxes]
    views = [perceptual_hashes(np.ascontiguousarray(view)) for view in (pixels, *crops)]
    text = " ".join(f"{view:016x}/{mirror:016x}" for view, mirror in views)
    return PhotoRecord(photo, digest, boxes_digest, pixels.shape[1], pixels.shape[0], text)


def _with_splits(
    records: list[PhotoRecord],
    boxes: dict[str, list[Annotation]],
    before: dict[str, PhotoRecord],
    recipe: Recipe,
    groups: PhotoGroups,
    given: Mapping[str, str],
) -> tuple[list[PhotoRecord], list[str]]:
    """Return the records with splits, and a message per photograph left out because it resembles two splits.

    Splits that the data set gives are kept: where it gives no validation or no test, a share of its training
    photographs becomes that. Folds split all photographs anew.

    Photographs of earlier calls that are now missing or changed still count: a corrected photograph keeps its split,
    and a near-duplicate of a missing photograph gets the same split.
    """
    numbers = groups.numbers()
    photos = [_photo(r.photo, r, [box.label for box in boxes[r.photo]], numbers) for r in records]
    unchanged = {r.photo for r in records if before.get(r.photo) == r}
    past = {f"{name} before": r for name, r in before.items() if name not in unchanged}
    photos += [_photo(name, r, [], numbers) for name, r in past.items()]
    known = {name: before[name].split for name in unchanged} | {name: r.split for name, r in past.items()}
    splits = complete_splits(photos, given, recipe.split, known)
    kept = [replace(r, split=splits[r.photo]) for r in records if r.photo in splits]
    unsplit = [
        f"{printable(r.photo)}: resembles photographs of more than one split; left out, since test pictures "
        "would leak into the training. Use a new folder to split all photographs again."
        for r in records
        if r.photo not in splits
    ]
    return kept, unsplit


def _photo(name: str, record: PhotoRecord, labels: list[str], numbers: dict[str, tuple[int, ...]]) -> HashedPhoto:
    return HashedPhoto(name, tuple(labels), _parse_views(record.views), groups_of(record.photo, numbers))


def _parse_views(text: str) -> tuple[tuple[int, int], ...]:
    pairs = (entry.split("/") for entry in text.split())
    return tuple((int(view, 16), int(mirror, 16)) for view, mirror in pairs)


def _cut_photo(plan: list[Patch], images: Path, folder: Path, recipe: Recipe) -> int:
    """Write the missing patches of one photograph; return their number."""
    missing = [patch for patch in plan if not (folder / patch.file).is_file()]
    if missing:
        pixels = decode_image((images / missing[0].photo).read_bytes())
        for patch in missing:
            window = pixels[patch.y : patch.y + patch.height, patch.x : patch.x + patch.width]
            reduced = _reduced(window, recipe.patches.longest_side)
            write_atomically(folder / patch.file, png_bytes(reduced, compress_level=1))
    return len(missing)


def _patch(record: PhotoRecord, label: str, window: Window, longest_side: int) -> Patch:
    """Return a patch; its file name has a hash of everything that the pixels depend on, so that files can be reused."""
    x, y, width, height = window.x, window.y, window.width, window.height
    origin = f"{record.photo}:{record.sha256}:{longest_side}".encode("utf-8", "surrogateescape")
    name = f"{_ascii(Path(record.photo).stem)}-{hashlib.sha256(origin).hexdigest()[:8]}-{x}-{y}-{width}x{height}.png"
    return Patch(f"{_ascii(label)}/{name}", label, record.photo, x, y, width, height, record.split)


def _ascii(name: str) -> str:
    """Return a name that is valid on every file system."""
    return "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "_" for c in name)[:40]


def _reduced(pixels: np.ndarray, longest_side: int) -> np.ndarray:
    """Return a large patch reduced by the runner's resize; small ones are not changed."""
    factor = longest_side / max(pixels.shape[:2])
    if factor >= 1:
        return pixels
    height, width = (max(round(side * factor), 1) for side in pixels.shape[:2])
    return resize_image(pixels, (height, width))


def _read_records(path: Path) -> dict[str, PhotoRecord]:
    if not path.is_file():
        return {}
    return {record.photo: record for record in read_csv(path, PhotoRecord, "Use a new folder.")}


def _write_records(records: dict[str, PhotoRecord], path: Path) -> None:
    write_csv(path, PhotoRecord, (record for _, record in sorted(records.items())))
