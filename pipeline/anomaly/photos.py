"""Folders of photographs, or drawn planks -> photos.csv: the photographs of the memory bank and of the test."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import numpy as np

from inference.atomic_file import write_atomically
from inference.errors import InputError, printable
from inference.pictures.encode import png_bytes
from inference.pictures.image_io import read_image
from inference.pictures.listing import Listing, Picture
from pipeline.anomaly.masks import find_masks, is_clean, is_mask_folder, read_mask
from pipeline.data.csv_files import read_csv, write_csv
from pipeline.data.groups import PhotoGroups, fit_groups, groups_of, read_photo_groups
from pipeline.data.sources import DataPlace
from pipeline.data.splits import HashedPhoto, group_near_duplicates, perceptual_hashes
from pipeline.drawn.planks import KINDS, draw_plank
from pipeline.progress import track
from pipeline.settings.recipe import Recipe

FIT, TEST = "fit", "test"
MASK_FOLDER = "masks"
_MOST_NAMED = 3
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


@dataclass(frozen=True)
class ListedPhotos:
    """The photographs of a run; a message for each file that was refused (refused) or may be right (notes)."""

    photos: list[AnomalyPhoto]
    refused: list[str]
    notes: list[str]


@dataclass(frozen=True)
class _ReadPhoto:
    """A photograph with its perceptual hashes, the digest of its pixels and its size, (height, width)."""

    photo: AnomalyPhoto
    views: tuple[int, int]
    digest: bytes
    size: tuple[int, int]


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
) -> ListedPhotos:
    """Return the photographs of the memory bank and of the test.

    Masks are found in `masks`, by default in a folder of masks near the photographs; see find_masks. Near-duplicates
    are in one group; see pipeline.data.splits. A photograph of the memory bank is not tested once more.

    Raises:
        InputError: a folder can't be read, or there are fewer than two readable photographs.
    """
    found, refused = _read_all(images, FIT)
    if len(found) < 2:
        reason = f" Not readable: {refused[0]}" if refused else ""
        raise InputError(
            f"{images}: must hold at least two readable photographs. Received: {len(found)}. Add some.{reason}"
        )
    notes = []
    if test is not None:
        others, refused_too = _read_all(test, TEST)
        new, copies, same = _without_known(others, found)
        found += new
        refused += [*refused_too, *copies]
        if same:
            notes.append(
                f"{same} of {len(others)} photographs of --test are in the memory bank too. They are not tested, but "
                "measured as the others of the memory bank, each by one without it"
            )
    group = _group(found, groups, distance)
    measured = {one.photo.path for one in found if test is None or one.photo.split == TEST}
    with_masks = find_masks(measured, [one.photo.path for one in found if one.photo.path not in measured], masks)
    mask_of, misfits = _fitting({one.photo.path: one.size for one in found}, with_masks.masks)
    photos = [replace(one.photo, mask=mask_of.get(one.photo.path, ""), group=group[one.photo.name]) for one in found]
    notes += [*with_masks.notes, *_resembling(photos)]
    photos, alone = _several_groups(photos)
    return ListedPhotos(photos, [*refused, *with_masks.refused, *misfits], [*notes, *alone])


def _without_known(others: list[_ReadPhoto], known: list[_ReadPhoto]) -> tuple[list[_ReadPhoto], list[str], int]:
    """Return the test photographs that are not in the memory bank, a message for each copy, and how many are in it."""
    files, originals = {one.photo.file for one in known}, {one.digest: one.photo for one in known}
    new = [one for one in others if one.photo.file not in files]
    copies = [
        f"{printable(one.photo.file)}: a test photograph must not be in the memory bank. Received: a copy of "
        f"{printable(originals[one.digest].file)}. Leave one of them out."
        for one in new
        if one.digest in originals
    ]
    return [one for one in new if one.digest not in originals], copies, len(others) - len(new)


def _group(found: list[_ReadPhoto], groups: PhotoGroups, distance: int) -> dict[str, int]:
    """Return the group of each photograph, by name."""
    numbers = groups.numbers()
    hashed = [
        HashedPhoto(one.photo.name, ("normal",), (one.views,), groups_of(one.photo.name, numbers)) for one in found
    ]
    return {
        photo.name: number
        for number, members in enumerate(group_near_duplicates(hashed, distance))
        for photo in members
    }


def _fitting(sizes: Mapping[Path, tuple[int, int]], masks: Mapping[Path, Path]) -> tuple[dict[Path, str], list[str]]:
    """Return the masks that can be read and have their photograph's size, and a message for each other one."""
    fitting, misfits = {}, list[str]()
    for path, mask in masks.items():
        photo = AnomalyPhoto("", str(path), str(mask.resolve()), 0, TEST)
        try:
            photo.read_mask(sizes[path])
        except InputError as fault:
            text = str(fault)
            misfits.append(text if text.startswith(photo.mask) else f"{printable(photo.mask)}: {text}")
            continue
        fitting[path] = photo.mask
    return fitting, sorted(misfits)


def _resembling(photos: list[AnomalyPhoto]) -> list[str]:
    """Return a note where test photographs are near-duplicates, or in one group, with some of the memory bank."""
    fitted = {photo.group for photo in photos if photo.split == FIT}
    alike = [photo.name for photo in photos if photo.split == TEST and photo.group in fitted]
    if not alike:
        return []
    shown = ", ".join(map(printable, alike[:_MOST_NAMED]))
    return [
        f"{len(alike)} test photographs are near-duplicates of photographs in the memory bank, or in one group with "
        f"them ({shown}{', ...' if len(alike) > _MOST_NAMED else ''}): figures of new photographs may be worse"
    ]


def known_to_be_clean(photos: Iterable[AnomalyPhoto]) -> set[str]:
    """Return the names of the measured photographs in which nothing is wrong, as the name of their folder says.

    Those are photographs without a mask in a folder such as good, in a data set whose anomalies have masks.
    """
    listed = list(photos)
    if not any(photo.mask for photo in listed):
        return set()
    tested = [photo for photo in listed if photo.split == TEST] or listed
    return {photo.name for photo in tested if not photo.mask and is_clean(photo.path)}


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


def _several_groups(photos: list[AnomalyPhoto]) -> tuple[list[AnomalyPhoto], list[str]]:
    """Return the photographs, each in a group of its own if those of the fit are all in one: none could be held out.

    Also a note that says so, if it is so.
    """
    if len({photo.group for photo in photos if photo.split == FIT}) > 1:
        return photos, []
    note = (
        "all photographs of the fit are near-duplicates of one another, or in one group. Each is held out alone, "
        "so scores of new photographs may be higher than the threshold expects. Add photographs of other parts"
    )
    return [replace(photo, group=number) for number, photo in enumerate(photos)], [note]


def _is_photo(picture: Picture) -> bool:
    inner = (*PurePosixPath(picture.key).parts[:-1], picture.path.parent.name)
    return not picture.member and not any(map(is_mask_folder, inner))


def _read_all(folder: Path, split: str) -> tuple[list[_ReadPhoto], list[str]]:
    """Return the readable photographs, and a message for each unreadable one; masks are skipped."""
    found, refused = [], []
    listing = Listing([folder])
    for picture in track(listing, len(listing), "photographs read"):
        if not _is_photo(picture):
            continue
        try:
            pixels = read_image(picture.path)
        except InputError as fault:
            refused.append(f"{picture}: {fault}")
            continue
        name = picture.key if split == FIT else f"{split}/{picture.key}"
        photo = AnomalyPhoto(name, str(picture.path.resolve()), "", 0, split)
        size = (pixels.shape[0], pixels.shape[1])
        digest = hashlib.sha256(f"{size}".encode() + pixels.tobytes()).digest()
        found.append(_ReadPhoto(photo, perceptual_hashes(pixels), digest, size))
    return found, refused
