"""Folders of photographs, or drawn planks -> photos.csv: the photographs of the memory bank and of the test."""

import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import numpy as np

from inference.atomic_file import write_atomically
from inference.errors import InputError
from inference.pictures.encode import png_bytes
from inference.pictures.image_io import read_image
from inference.pictures.listing import Listing, Picture
from pipeline.anomaly.masks import find_masks, is_mask_folder, read_mask
from pipeline.data.csv_files import read_csv, write_csv
from pipeline.data.groups import PhotoGroups, fit_groups, groups_of, read_photo_groups
from pipeline.data.sources import DataPlace
from pipeline.data.splits import HashedPhoto, group_near_duplicates, perceptual_hashes
from pipeline.drawn.planks import KINDS, draw_plank
from pipeline.progress import track
from pipeline.settings.recipe import Recipe

FIT, TEST = "fit", "test"
MASK_FOLDER = "masks"
TEST_PLANKS = 30  # drawn planks; every third has defects


@dataclass(frozen=True)
class AnomalyPhoto:
    """One photograph.

    file, mask: absolute paths; mask is empty if there is none. group: photographs with the same number are held out
    together. split: "fit", or "test" for a photograph that is only measured.
    """

    name: str
    file: str
    mask: str
    group: int
    split: str

    @property
    def path(self) -> Path:
        """Return the photograph's path."""
        return Path(self.file)

    def read_mask(self, size: tuple[int, int]) -> np.ndarray | None:
        """Return bool [height, width], True where an anomaly is; None without a mask.

        Raises:
            InputError: the mask's size differs from that of its photograph, (height, width).
        """
        if not self.mask:
            return None
        mask = read_mask(Path(self.mask))
        if mask.shape != size:
            raise InputError(
                f"{self.mask}: a mask must have its photograph's size, {size[1]} x {size[0]}. "
                f"Received: {mask.shape[1]} x {mask.shape[0]}. Save it with that size, upright."
            )
        return mask


@dataclass(frozen=True)
class Measured:
    """The model's result for one photograph, and the ground truth where it is known.

    mask: bool [height, width], True where an anomaly is; None without a mask. is_anomaly: None if unknown.
    """

    photo: AnomalyPhoto
    scores: np.ndarray  # float32 [height, width], raw
    found: np.ndarray  # bool [height, width], at the model's threshold
    score: float
    result: str
    confidence: float
    mask: np.ndarray | None
    is_anomaly: bool | None


def read_groups(place: DataPlace) -> tuple[PhotoGroups, list[str]]:
    """Return the groups by the names of photographs and example regions, and notes; see fit_groups."""
    groups = read_photo_groups(place.groups)
    if not groups.lists:
        return groups, []
    folders = ((place.images, ""), (place.test, f"{TEST}/"), (place.crops, ""))
    listed = ((picture, start) for folder, start in folders if folder for picture in Listing([folder]))
    return fit_groups(groups, {start + picture.key for picture, start in listed if _is_photo(picture)})


def list_photos(
    images: Path, test: Path | None, masks: Path | None, groups: PhotoGroups, distance: int
) -> tuple[list[AnomalyPhoto], list[str]]:
    """Return the photographs of the memory bank and of the test, and a message for each file that was refused.

    Masks are found in `masks`, by default in a folder of masks near the photographs; see find_masks. Near-duplicates
    are in one group; see pipeline.data.splits.

    Raises:
        InputError: a folder can't be read, or there are fewer than two readable photographs.
    """
    found, refused = _read_all(images, FIT)
    if test is not None:
        known = {photo.file for photo, _ in found}
        others, refused_too = _read_all(test, TEST)
        found += [(photo, views) for photo, views in others if photo.file not in known]
        refused += refused_too
    if sum(photo.split == FIT for photo, _ in found) < 2:
        raise InputError(f"{images}: must hold at least two readable photographs. Received: {len(found)}. Add some.")
    numbers = groups.numbers()
    hashed = [HashedPhoto(photo.name, ("normal",), (views,), groups_of(photo.name, numbers)) for photo, views in found]
    group = {
        photo.name: number
        for number, members in enumerate(group_near_duplicates(hashed, distance))
        for photo in members
    }
    measured = {p.path for p, _ in found if test is None or p.split == TEST}
    with_masks = find_masks(measured, [p.path for p, _ in found if p.path not in measured], masks)
    for note in with_masks.notes:
        print(f"note: {note}", file=sys.stderr)
    mask_of = {path: str(mask.resolve()) for path, mask in with_masks.masks.items()}
    photos = [replace(p, mask=mask_of.get(p.path, ""), group=group[p.name]) for p, _ in found]
    return _several_groups(photos), [*refused, *with_masks.refused]


def write_planks(folder: Path, recipe: Recipe) -> list[AnomalyPhoto]:
    """Return drawn planks: those of the fit, and test planks, a third of them with defects and masks.

    source.anomalies says which planks of the fit have one to three knots. Existing files are kept: the same settings
    draw the same planks.

    Raises:
        InputError: planks with knots are stated to be clean.
    """
    drawn = recipe.source.anomalies
    if drawn != "none" and recipe.anomaly.clean:
        raise InputError(
            f"anomaly.clean must be false where drawn planks have knots. Received: source.anomalies={drawn}. "
            "Add --set anomaly.clean=false."
        )
    photos = []
    count = recipe.source.count + TEST_PLANKS
    for number in track(range(count), count, "planks drawn"):
        split = FIT if number < recipe.source.count else TEST
        kinds = _kinds(number, split, drawn)
        seed = recipe.source.seed * 100_000 + number
        file, mask = folder / "planks" / f"plank-{number:04}.png", folder / MASK_FOLDER / f"plank-{number:04}.png"
        if not (file.is_file() and mask.is_file()):
            plank = draw_plank(seed, kinds)
            write_atomically(mask, png_bytes((plank.mask * 255).astype(np.uint8)))
            write_atomically(file, png_bytes(plank.pixels))
        photos.append(AnomalyPhoto(file.name, str(file.resolve()), str(mask.resolve()), number, split))
    return photos


def _kinds(number: int, split: str, anomalies: str) -> tuple[str, ...]:
    """Return the kinds of the defects of a drawn plank."""
    if split == TEST:
        return KINDS if number % 3 == 0 else ()
    has_knots = anomalies == "all" or (anomalies == "some" and number % 3 == 0)
    return ("knot",) * (1 + number % 7 % 3) if has_knots else ()


def write_photos(path: Path, photos: Iterable[AnomalyPhoto]) -> None:
    """Write photos.csv."""
    write_csv(path, AnomalyPhoto, photos)


def read_photos(path: Path) -> list[AnomalyPhoto]:
    """Read photos.csv."""
    return read_csv(path, AnomalyPhoto, "Run the recipe again.")


def _several_groups(photos: list[AnomalyPhoto]) -> list[AnomalyPhoto]:
    """Return the photographs, each in a group of its own if those of the fit are all in one: none could be held out."""
    if len({photo.group for photo in photos if photo.split == FIT}) > 1:
        return photos
    print(
        "note: all photographs of the fit are near-duplicates of one another, or in one group. Each is held out alone, "
        "so scores of new photographs may be higher than the threshold expects. Add photographs of other parts.",
        file=sys.stderr,
    )
    return [replace(photo, group=number) for number, photo in enumerate(photos)]


def _is_photo(picture: Picture) -> bool:
    inner = (*PurePosixPath(picture.key).parts[:-1], picture.path.parent.name)
    return not picture.member and not any(map(is_mask_folder, inner))


def _read_all(folder: Path, split: str) -> tuple[list[tuple[AnomalyPhoto, tuple[int, int]]], list[str]]:
    """Return the readable photographs with their hashes, and a message for each unreadable one; masks are skipped."""
    found, refused = [], []
    listing = Listing([folder])
    for picture in track(listing, len(listing), "photographs read"):
        if not _is_photo(picture):
            continue
        try:
            views = perceptual_hashes(read_image(picture.path))
        except InputError as fault:
            refused.append(f"{picture}: {fault}")
            continue
        name = picture.key if split == FIT else f"{split}/{picture.key}"
        found.append((AnomalyPhoto(name, str(picture.path.resolve()), "", 0, split), views))
    return found, refused
