"""A folder of photographs, with annotations or as class folders -> the photographs and boxes to examine."""

from dataclasses import dataclass
from pathlib import Path

from inference.errors import InputError, printable
from inference.pictures.image_io import image_size
from pipeline.data.annotations.read import Annotation, annotated_classes, read_annotations
from pipeline.data.class_folders import list_class_folders
from pipeline.data.sources import DataPlace

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

    root: folder that the files are relative to, of a zip the one that it was unpacked into.
    outside: photograph and box of each box that was clipped at the picture's edge.
    """

    place: DataPlace
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


def read_data_set(place: DataPlace) -> DataSet:
    """Return the data set; its classes are those that the annotations or the class folders name.

    A zip of class folders is unpacked into place.runs.

    Raises:
        InputError: there is no such folder, or nothing in it can be used.
    """
    if place.annotations is None:
        place.check("class_folders")
        return _read_folders(place)
    place.check("annotated_photos")
    return _read_annotated(place)


def _read_annotated(place: DataPlace) -> DataSet:
    assert place.annotations is not None and place.images is not None  # checked
    labels = tuple(one.label for one in annotated_classes(place.annotations, place.images))
    found = read_annotations(place.annotations, place.images, labels)
    boxes: dict[str, list[Box]] = {photo: [] for photo in found.photos}
    for one in found.annotations:
        boxes[one.photo].append(_box(one))
    photos = tuple(Photo(name, name, tuple(own), found.splits.get(name, "")) for name, own in sorted(boxes.items()))
    outside = tuple((one.photo, _box(one)) for one in found.outside)
    return DataSet(place, place.images, found.format, photos, found.refused, outside, found.notes)


def _box(one: Annotation) -> Box:
    return Box(one.label, one.x, one.y, one.width, one.height)


def _read_folders(place: DataPlace) -> DataSet:
    """Read class folders; of several versions of a picture, a.jpg and a.png, the first stands for all."""
    assert place.images is not None  # checked
    found = list_class_folders(place.images, place.runs)
    photos: dict[str, Photo] = {}
    refused = list(found.left_out)
    versions = 0
    for picture in found.pictures:
        if picture.photo in photos:
            versions += 1
            continue
        try:
            width, height = image_size(found.root / picture.file)
        except InputError as fault:
            refused.append(f"{printable(picture.file)}: {fault}")
            continue
        box = Box(picture.label, 0, 0, width, height)
        photos[picture.photo] = Photo(picture.photo, picture.file, (box,), picture.split)
    if not photos:
        raise InputError(
            f"{printable(str(place.images))}: must hold a folder of pictures for each class; none was found. "
            "Give boxes to --annotations, or sort the pictures into folders."
        )
    notes = (f"{versions} files are versions of a picture with another ending; one of each was examined",)
    in_order = tuple(photos[name] for name in sorted(photos))
    return DataSet(place, found.root, FOLDERS, in_order, tuple(refused), notes=notes if versions else ())
