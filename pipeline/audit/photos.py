"""A folder of photographs, with annotations or as class folders -> the photographs and boxes to examine."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from inference.errors import InputError, printable
from inference.pictures.image_io import image_size
from inference.pictures.system_files import is_passed_over
from pipeline.data.annotations.formats import read_entries
from pipeline.data.annotations.read import read_annotations
from pipeline.data.class_folders import GIVEN_SPLITS
from pipeline.data.file_listing import list_files

FOLDERS = "class folders"


@dataclass(frozen=True)
class Box:
    """A labelled box in whole pixels, origin top left, after EXIF rotation; of class folders the whole picture."""

    label: str
    x: int
    y: int
    width: int
    height: int

    def overlap(self, other: "Box") -> float:
        """Return the intersection over union."""
        width = min(self.x + self.width, other.x + other.width) - max(self.x, other.x)
        height = min(self.y + self.height, other.y + other.height) - max(self.y, other.y)
        shared = max(width, 0) * max(height, 0)
        return shared / (self.width * self.height + other.width * other.height - shared)


@dataclass(frozen=True)
class Photo:
    """A photograph. name: as --groups takes it; file: relative to the root; split: "" where the data give none."""

    name: str
    file: str
    boxes: tuple[Box, ...]
    split: str


@dataclass(frozen=True)
class DataSet:
    """The photographs of a data set, sorted by name, and what of it was refused or clipped.

    outside: photograph and box of each box that was clipped at the picture's edge.
    """

    root: Path
    format: str
    photos: tuple[Photo, ...]
    refused: tuple[str, ...]
    outside: tuple[tuple[str, Box], ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def labels(self) -> tuple[str, ...]:
        """Return the classes, sorted."""
        return tuple(sorted({box.label for photo in self.photos for box in photo.boxes}))


def read_data_set(images: Path, annotations: Path | None) -> DataSet:
    """Return the data set; its classes are those that the annotations or the folders name.

    Raises:
        InputError: there is no such folder, or nothing in it can be used.
    """
    if not images.is_dir():
        raise InputError(f"{printable(str(images))}: is not a folder. Give the folder of the photographs to --images.")
    return _read_folders(images) if annotations is None else _read_annotated(images, annotations)


def _read_annotated(images: Path, annotations: Path) -> DataSet:
    labels = sorted({label for box in read_entries(annotations).boxes if (label := (box.label or "").strip())})
    found = read_annotations(annotations, images, tuple(labels))
    boxes: dict[str, list[Box]] = {photo: [] for photo in found.photos}
    for one in found.annotations:
        boxes[one.photo].append(Box(one.label, one.x, one.y, one.width, one.height))
    photos = tuple(Photo(name, name, tuple(own), found.splits.get(name, "")) for name, own in sorted(boxes.items()))
    outside = tuple((one.photo, Box(one.label, one.x, one.y, one.width, one.height)) for one in found.outside)
    return DataSet(images, found.format, photos, found.refused, outside, found.notes)


def _read_folders(images: Path) -> DataSet:
    """Read class folders, perhaps inside train and test; names are without extension, as class folders' groups are."""
    files = [file for file in list_files(images) if not any(map(is_passed_over, PurePosixPath(file).parts))]
    inner = _common_folder(files)
    photos, refused = [], []
    for file in files:
        *folders, _ = PurePosixPath(file).relative_to(inner).parts
        split = GIVEN_SPLITS.get(folders[0].lower(), "") if len(folders) > 1 else ""
        inside = folders[bool(split) :]
        if not inside:
            refused.append(f"{printable(file)}: is in no class folder. Move it into the folder of its class.")
            continue
        try:
            width, height = image_size(images / file)
        except InputError as fault:
            refused.append(f"{printable(file)}: {fault}")
            continue
        name = str(PurePosixPath(file).relative_to(inner).with_suffix(""))
        photos.append(Photo(name, file, (Box(inside[0], 0, 0, width, height),), split))
    if not photos:
        raise InputError(
            f"{printable(str(images))}: must hold a folder of pictures for each class; none was found. "
            "Give boxes to --annotations, or sort the pictures into folders."
        )
    return DataSet(images, FOLDERS, tuple(sorted(photos, key=lambda photo: photo.name)), tuple(refused))


def _common_folder(files: Sequence[str]) -> PurePosixPath:
    """Return the folder in which the class folders or the splits lie, which may be the only one in another one."""
    folder = PurePosixPath()
    while True:
        parts = {PurePosixPath(file).relative_to(folder).parts for file in files}
        names = {part[0] for part in parts}
        if len(names) != 1 or min((len(part) for part in parts), default=0) < 3:
            return folder
        if next(iter(names)).lower() in GIVEN_SPLITS:
            return folder
        folder /= next(iter(names))
