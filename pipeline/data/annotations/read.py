"""Annotation file + images folder > list of annotations: COCO, Pascal VOC, YOLO and CSV come out the same.

Boxes are in the frame that a viewer shows, after EXIF rotation, in whole pixels with the origin top left: a box
covers x <= column < x + width. A program that draws boxes on the stored, unrotated frame is recognized in COCO and
VOC by the stated size; such photographs are refused. It can't be recognized after a half turn, in a square picture, in
YOLO or in CSV.

Edges are rounded, not sizes: x 10.4 and width 20.2 give the edges 10 and 31, so width 21. A half is rounded up, and
so is what lies up to 1/128 pixel below it: six decimals of YOLO miss an edge by up to 0.75e-6 of the frame, and the
four formats must agree on frames up to 10,000 pixels.
"""

import contextlib
import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from PIL import ExifTags, Image

from inference.boxes.entries import Entries, NamedPhoto, Refusal, WrittenBox
from inference.boxes.matching import Fit, PhotoMatcher, describe_fits, find_rivals, refuse_rival
from inference.errors import InputError, printable, quote
from inference.pictures.image_io import image_size
from pipeline.data.annotations.formats import read_entries
from pipeline.data.annotations.labels import match_label, refuse_other_classes
from pipeline.data.annotations.photo_index import index_photos
from pipeline.data.annotations.splits import describe_splits, given_splits, told_splits
from pipeline.data.classes import FoundClass, LabelledPhoto, find_classes, probe_photos

_ROUNDING = 0.5 + 1 / 128
_MOST_REFUSALS = 5  # messages that the error about an unusable file repeats


@dataclass(frozen=True)
class Annotation:
    """One box: whole pixels, origin top left, in the frame after EXIF rotation, inside the picture."""

    photo: str  # path relative to the images folder, posix
    label: str
    x: int
    y: int
    width: int
    height: int
    origin: str  # where it was read, for messages: "annotations.json: annotation id 17"


@dataclass(frozen=True)
class AnnotationSet:
    """What the annotations hold, and what of it was clipped or refused."""

    format: str  # a key of READERS
    annotations: tuple[Annotation, ...]  # sorted by photo, then in their order
    clipped: int  # boxes that stuck out of their picture
    refused: tuple[str, ...]  # one message for each entry that was left out: where, rule, value received, remedy
    photos: tuple[str, ...]  # photographs that they name and that can be read, sorted, boxes or not
    incomplete: tuple[str, ...] = ()  # those of photos with a refused box: what looks like background may be an object
    notes: tuple[str, ...] = ()  # what was read leniently: names that are spelled otherwise, fractions, repeated ids
    splits: Mapping[str, str] = field(default_factory=dict)  # photo -> the split that the data set gives; all or none
    outside: tuple[Annotation, ...] = ()  # the clipped boxes, after clipping


@dataclass(frozen=True)
class _Photograph:
    path: str  # relative to the images folder, posix
    width: int  # pixels after EXIF rotation
    height: int


def read_annotations(path: Path, images: Path, labels: tuple[str, ...]) -> AnnotationSet:
    """Return the annotations of a file or folder for the photographs under images, labelled with labels.

    An invalid entry is left out with a message in `refused`; everything else is still read. Labels are
    compared without surrounding blanks, first exactly, then without case. Boxes of other classes have one message
    together.

    Raises:
        InputError: they can't be parsed, their format is not supported, or no box can be used.
    """
    entries = read_entries(path)
    entries.tell_units()
    photographs = _find_photographs(entries, index_photos(images), images)
    entries.tell_orders({name: (one.width, one.height) for name, one in photographs.items()}.get)
    placed, others = _place_boxes(entries, photographs, labels)
    paths = {name: photograph.path for name, photograph in photographs.items()}
    told = told_splits({paths[one.name]: one for one in entries.photos if one.name in paths})
    splits = given_splits(told)
    if others:
        named = [_labelled(box, paths, splits) for box in others]
        refuse_other_classes(entries, others[0].origin, named, labels)
    if not placed:
        raise InputError(_describe_unusable(path, entries))
    annotations = sorted((annotation for annotation, _ in placed), key=lambda annotation: annotation.photo)
    refused_photos = {refusal.photo for refusal in entries.refusals} | {box.photo for box in others}
    return AnnotationSet(
        format=entries.format,
        annotations=tuple(annotations),
        clipped=sum(was_clipped for _, was_clipped in placed),
        refused=tuple(refusal.message for refusal in entries.refusals),
        photos=tuple(sorted({photograph.path for photograph in photographs.values()})),
        incomplete=tuple(sorted({photographs[name].path for name in refused_photos if name in photographs})),
        notes=(*entries.notes, *describe_splits(told)),
        splits=splits,
        outside=tuple(annotation for annotation, was_clipped in placed if was_clipped),
    )


def annotated_classes(path: Path, images: Path) -> tuple[FoundClass, ...]:
    """Return the classes that the annotations of a file or folder name, with their photographs under images.

    A few photographs of each class are opened. The others are taken on trust if they are there, and so are all boxes.

    Raises:
        InputError: they can't be parsed, their format is not supported, or they hold no box of a photograph that can be
            read.
    """
    entries = read_entries(path)
    if not entries.boxes:
        raise InputError(_describe_unusable(path, entries))
    files = {name: fit.path for name, fit in _match_files(entries, index_photos(images)).items()}
    splits = given_splits(told_splits({files[one.name]: one for one in entries.photos if one.name in files}))
    named = [(_labelled(box, files, splits), files.get(box.photo)) for box in entries.boxes]
    found = find_classes(probe_photos((one, images / file if file else None) for one, file in named))
    if not any(one.photos for one in found):
        entries = read_entries(path)
        _find_photographs(entries, index_photos(images), images)
        raise InputError(_describe_unusable(path, entries))
    return found


def _labelled(box: WrittenBox, paths: Mapping[str, str], splits: Mapping[str, str]) -> LabelledPhoto:
    """Return what the classes need of a box; paths: of the photographs that can be used, by their written names."""
    path = paths.get(box.photo, "")
    return LabelledPhoto(box.label or "", box.photo, splits.get(path, ""), usable=bool(path))


def _describe_unusable(path: Path, entries: Entries) -> str:
    messages = [refusal.message for refusal in entries.refusals]
    rest = [f"and {len(messages) - _MOST_REFUSALS} more"] if len(messages) > _MOST_REFUSALS else []
    return "\n".join(
        [
            f"{printable(str(path))}: must hold at least one usable box; of {entries.format} "
            f"{len(messages)} entries were refused. Correct them or name another file.",
            *messages[:_MOST_REFUSALS],
            *rest,
        ]
    )


def _find_photographs(entries: Entries, matcher: PhotoMatcher, images: Path) -> dict[str, _Photograph]:
    """Return written name -> photograph. An invalid one is refused once, at the first entry that shows the fault."""
    files = _match_files(entries, matcher)
    photographs: dict[str, _Photograph] = {}
    refused: set[str] = set()
    for named in entries.photos:
        if named.name not in files or named.name in refused:
            continue
        refused.add(named.name)  # until its size has been checked
        with entries.collect_refusal(named.origin):
            photographs[named.name] = _measure(named, files[named.name].path, images)
            refused.remove(named.name)
    return {name: photograph for name, photograph in photographs.items() if name not in refused}


def _match_files(entries: Entries, matcher: PhotoMatcher) -> dict[str, Fit]:
    """Return written name -> its file; names that would share a file are refused, lenient fits noted."""
    files: dict[str, Fit] = {}
    origins: dict[str, str] = {}
    for named in entries.photos:
        if named.name not in origins:
            origins[named.name] = named.origin
            with entries.collect_refusal(named.origin):
                files[named.name] = matcher.find(named.name, named.other_names, entries.named_by_stem)
    for name in find_rivals(files):
        message = refuse_rival(name, files.pop(name).path)
        entries.refusals.append(Refusal(f"{origins[name]}: {message}"))
    entries.notes.extend(describe_fits(files))
    return files


def _measure(named: NamedPhoto, path: str, folder: Path) -> _Photograph:
    """Return the photograph with its size; a stated size must be the same."""
    try:
        width, height = image_size(folder / path)
    except InputError as fault:
        raise InputError(f"photograph {quote(path)} {fault}") from fault
    if named.stated_size not in (None, (width, height)):
        _refuse_size(named, folder / path, (width, height))
    return _Photograph(path, width, height)


def _refuse_size(named: NamedPhoto, path: Path, size: tuple[int, int]) -> None:
    stated = " x ".join(quote(side) for side in named.stated_size or ())
    shown = f"{size[0]} x {size[1]}"
    if named.stated_size == (size[1], size[0]) and _is_turned(path):
        raise InputError(
            f"boxes must be drawn on the picture after EXIF rotation, {shown}; the stated size of {quote(named.name)} "
            f"is {stated}, the frame before it. Draw them anew in a program that follows EXIF and export again."
        )
    raise InputError(
        f"the stated size must be that of the photograph, {shown}; for {quote(named.name)} it is {stated}. "
        "Put the photograph there on which the boxes were drawn, or correct the size."
    )


def _is_turned(path: Path) -> bool:
    """Tell whether EXIF turns a photograph by a quarter; the file is one that image_size has read."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        with Image.open(path) as image:
            return image.getexif().get(ExifTags.Base.Orientation, 1) in (5, 6, 7, 8)


def _place_boxes(
    entries: Entries, photographs: dict[str, _Photograph], labels: tuple[str, ...]
) -> tuple[list[tuple[Annotation, bool]], list[WrittenBox]]:
    """Return the valid boxes and whether each was clipped, and the boxes of other classes, of refused photographs too.

    Boxes of refused photographs get no message of their own.
    """
    placed, others = [], []
    for box in entries.boxes:
        there = box.photo in photographs
        with entries.collect_refusal(box.origin, box.photo) if there else contextlib.suppress(InputError):
            label = match_label(box.label or "", labels)
            if label is None:
                others.append(box)
            elif there:
                placed.append(_place_box(box, entries.in_fractions, photographs[box.photo], label))
    return placed, others


def _place_box(box: WrittenBox, in_fractions: bool, photograph: _Photograph, label: str) -> tuple[Annotation, bool]:
    edges = _round_edges(box, (photograph.width, photograph.height) if in_fractions else (1, 1))
    _check_extent(edges, f"a box must be at least one whole pixel wide and high; received {box.written}.")
    left, top, right, bottom = edges
    inside = (max(left, 0), max(top, 0), min(right, photograph.width), min(bottom, photograph.height))
    frame = f"{photograph.width} x {photograph.height}"
    _check_extent(inside, f"a box must lie in its picture of {frame} pixels; received {box.written}.")
    left, top, right, bottom = inside
    annotation = Annotation(photograph.path, label, left, top, right - left, bottom - top, box.origin)
    return annotation, inside != edges


def _round_edges(box: WrittenBox, scale: tuple[int, int]) -> tuple[int, int, int, int]:
    """Return left, top, right, bottom in whole pixels: 10.4 gives 10; 10.5 and 10.4995 give 11.

    scale: pixels in one unit of the box, along the width and the height.
    """
    edges = [edge * factor for edge, factor in zip(box.edges, scale * 2, strict=True)]
    if not all(math.isfinite(edge) for edge in edges):  # a sum of finite numbers can be infinite
        raise InputError(f"a box must have finite edges; received {box.written}. Correct or remove it.")
    left, top, right, bottom = (math.floor(edge + _ROUNDING) for edge in edges)
    return left, top, right, bottom


def _check_extent(edges: tuple[int, int, int, int], fault: str) -> None:
    left, top, right, bottom = edges
    if right <= left or bottom <= top:
        raise InputError(f"{fault} Correct or remove it.")
