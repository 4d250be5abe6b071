"""Folders of photographs of a surface, or drawn planks -> photos.csv: what a bank is made of and what measures it."""

import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import numpy as np

from inference.atomic_file import write_atomically
from inference.errors import InputError
from inference.pictures.encode import png_bytes
from inference.pictures.image_io import read_image
from inference.pictures.listing import Listing
from pipeline.anomaly.masks import find_masks, is_mask_folder, read_mask
from pipeline.data.csv_files import read_csv, write_csv
from pipeline.data.groups import PhotoGroups, groups_of
from pipeline.data.splits import HashedPhoto, group_near_duplicates, perceptual_hashes
from pipeline.drawn.planks import KINDS, draw_plank
from pipeline.settings.recipe import Recipe

FIT, TEST = "fit", "test"
MASK_FOLDER = "masks"
TEST_PLANKS = 30  # drawn: every third has defects


@dataclass(frozen=True)
class SurfacePhoto:
    """One photograph.

    file, mask: absolute paths; mask is empty where none is given. group: photographs with the same number are held out
    together. split: fit, or test for one that only measures.
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
        """Return bool [height, width], True where an anomaly is; None where no mask is given.

        Raises:
            InputError: the mask has another size than its photograph, (height, width).
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


def list_surface_photos(
    images: Path, test: Path | None, masks: Path | None, groups: PhotoGroups, distance: int
) -> tuple[list[SurfacePhoto], list[str]]:
    """List photographs for the bank and for the test alone; return them and what was refused.

    Masks are found in `masks`, by default in a folder of masks near the photographs; see find_masks. Photographs that
    resemble one another are of one group, as pipeline.data.splits has it.

    Raises:
        InputError: a folder can't be read, or not even two photographs can.
    """
    found, refused = _read_all(images, FIT)
    if test is not None:
        known = {photo.file for photo, _ in found}
        others, refused_too = _read_all(test, TEST)
        found += [(photo, views) for photo, views in others if photo.file not in known]
        refused += refused_too
    if sum(photo.split == FIT for photo, _ in found) < 2:
        raise InputError(f"{images}: two readable photographs or more are needed. Received: {len(found)}. Add some.")
    numbers = groups.numbers()
    hashed = [HashedPhoto(photo.name, ("surface",), (views,), groups_of(photo.name, numbers)) for photo, views in found]
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
    return photos, [*refused, *with_masks.refused]


def write_planks(folder: Path, recipe: Recipe) -> list[SurfacePhoto]:
    """Draw the recipe's clean planks for the bank, and test planks of which a third has defects, with masks.

    Files that are there already are kept: the same settings draw the same planks.
    """
    photos = []
    for number in range(recipe.source.count + TEST_PLANKS):
        split = FIT if number < recipe.source.count else TEST
        kinds = KINDS if split == TEST and number % 3 == 0 else ()
        seed = recipe.source.seed * 100_000 + number
        file, mask = folder / "planks" / f"plank-{number:04}.png", folder / MASK_FOLDER / f"plank-{number:04}.png"
        if not (file.is_file() and mask.is_file()):
            plank = draw_plank(seed, kinds)
            write_atomically(mask, png_bytes((plank.mask * 255).astype(np.uint8)))
            write_atomically(file, png_bytes(plank.pixels))
        photos.append(SurfacePhoto(file.name, str(file.resolve()), str(mask.resolve()), number, split))
    return photos


def write_photos(path: Path, photos: Iterable[SurfacePhoto]) -> None:
    """Write photos.csv."""
    write_csv(path, SurfacePhoto, photos)


def read_photos(path: Path) -> list[SurfacePhoto]:
    """Read photos.csv back."""
    return read_csv(path, SurfacePhoto, "Run the recipe again.")


def _read_all(folder: Path, split: str) -> tuple[list[tuple[SurfacePhoto, tuple[int, int]]], list[str]]:
    """Return the readable photographs with their hashes, and why others are not; masks are no photographs."""
    found, refused = [], []
    for picture in Listing([folder]):
        inner = (*PurePosixPath(picture.key).parts[:-1], picture.path.parent.name)
        if picture.member or any(is_mask_folder(name) for name in inner):
            continue
        try:
            views = perceptual_hashes(read_image(picture.path))
        except InputError as fault:
            refused.append(f"{picture}: {fault}")
            continue
        name = picture.key if split == FIT else f"{split}/{picture.key}"
        found.append((SurfacePhoto(name, str(picture.path.resolve()), "", 0, split), views))
    return found, refused
