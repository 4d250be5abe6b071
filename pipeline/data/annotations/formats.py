"""Annotation path > entries, by the reader of its format, which is recognized by content, not by a file's name."""

import posixpath
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path, PurePosixPath

from inference.boxes.entries import Entries, read_text
from inference.boxes.formats import TextFormat, tell_format
from inference.boxes.unsupported import describe_unsupported
from inference.errors import InputError, printable, quote
from pipeline.data.annotations.splits import split_named_in
from pipeline.data.annotations.voc import holds_voc, list_voc_files, read_voc
from pipeline.data.annotations.yolo import find_class_files, holds_yolo, may_hold_yolo, names_classes, read_yolo
from pipeline.data.file_listing import is_folder, list_visible, may_be_reached

_SUPPORTED = (
    "Supported: COCO JSON (a file with the lists images, annotations and categories); Pascal VOC (an .xml file or a "
    "folder of them); YOLO (a folder with classes.txt, obj.names or data.yaml and one .txt per photograph); CSV (a "
    "file whose first line is a header such as filename,label,xmin,ymin,xmax,ymax); labelme; VGG Image Annotator; CVAT "
    "XML."
)
_TABLE_SUFFIXES = (".json", ".csv", ".tsv", ".txt", ".xml", "")  # what a folder is searched for besides VOC and YOLO
_DEEP_SUFFIXES = (".json", ".csv", ".tsv", ".xml")  # and its subfolders

_OTHER_SUFFIXES = (".jsonl", ".manifest", ".ods", ".parquet", ".xls", ".xlsx", ".zip")  # of what is not read
_MOST_DESCRIBED = 20  # files of a folder without annotations
_DIGITS = "0123456789"
_Tables = dict[str, TextFormat]  # name relative to the folder -> format


def read_entries(path: Path) -> Entries:
    """Return what the annotations at a file or folder say.

    Raises:
        InputError: there is nothing at the path, its format is not supported, or a folder holds several sets.
    """
    if is_folder(path):
        return _tell_folder(path)()
    if may_be_reached(path) and path.is_file():
        return _read_file(path)
    raise InputError(f"annotations must be a file or a folder; nothing is at {printable(str(path))}. Check the path.")


def _read_file(path: Path) -> Entries:
    try:
        text = read_text(path)
    except InputError as fault:
        raise InputError(f"{printable(str(path))}: {fault} {_SUPPORTED}") from fault
    known = tell_format(text)
    if known is not None:
        return known.read(text, printable(path.name), True)
    if names_classes(path) and holds_yolo(path.parent):  # data.yaml stands for its folder
        return read_yolo(path.parent)
    if holds_voc(path):
        return read_voc(path)
    told = describe_unsupported(text)
    if not told and text.lstrip().startswith("<"):
        return read_voc(path)
    told = told or "does not hold annotations in a supported format."
    raise InputError(f"{printable(str(path))}: {told} {_SUPPORTED}")


def _tell_folder(folder: Path) -> Callable[[], Entries]:
    """Return the reader of the one set of annotations in a folder."""
    sets: list[tuple[str, str, Callable[[], Entries]]] = []  # format, where it is, reader
    place = printable(str(folder))
    if any(holds_voc(folder / name) for name in list_voc_files(folder)):
        sets.append(("voc", place, partial(read_voc, folder)))
    labels = holds_yolo(folder)
    if labels and find_class_files(folder):
        sets.append(("yolo", place, partial(read_yolo, folder)))
    else:
        tables = _tell_tables(folder)
        for name in dict.fromkeys(known.name for known in tables.values()):
            some = {file: known for file, known in tables.items() if known.name == name}
            sets.append((name, printable(str(folder / next(iter(some)))), partial(_read_tables, folder, some)))
    if not sets and may_hold_yolo(folder):
        return partial(read_yolo, folder)
    if len(sets) == 1:
        return sets[0][2]
    if sets:
        names = ", ".join(f"{name} in {where}" for name, where, _ in sets)
        raise InputError(
            f"{place}: must hold one set of annotations; received {names}. Name one file, or move the others elsewhere."
        )
    if labels:
        raise InputError(
            f"{place}: holds labels of YOLO, but no file beside, below or above them names the classes. Write "
            "their names into classes.txt there, one a line, in the order of their numbers from 0."
        )
    told = next(_describe_others(folder), "does not hold annotations in a supported format.")
    raise InputError(f"{place}: {told} {_SUPPORTED}")


def _describe_others(folder: Path) -> Iterator[str]:
    """Yield what is told of files in formats that are not read, with their names."""
    suffixes = (*_TABLE_SUFFIXES, *_OTHER_SUFFIXES)
    names = [name for name in list_visible(folder) if PurePosixPath(name).suffix.lower() in suffixes]
    for name in names[:_MOST_DESCRIBED]:
        try:
            told = describe_unsupported(read_text(folder / name))
        except InputError as fault:
            told = str(fault)
        if told:
            yield f"{printable(name)} {told}"


def _tell_tables(folder: Path) -> _Tables:
    """Return the files of one text each directly in a folder, else those below; JSON without annotations is not one."""
    names = [name for name in list_visible(folder) if PurePosixPath(name).suffix.lower() in _TABLE_SUFFIXES]
    direct = _tell_each(folder, [name for name in names if "/" not in name])
    deep = [name for name in names if "/" in name and PurePosixPath(name).suffix.lower() in _DEEP_SUFFIXES]
    return direct or _tell_each(folder, deep)


def _tell_each(folder: Path, names: list[str]) -> _Tables:
    told = {}
    for name in names:
        text = _read_if_text(folder / name)
        known = tell_format(text)
        if known is not None and (known.name != "coco" or _holds_boxes(text)):
            told[name] = known
    return told


def _holds_boxes(text: str) -> bool:
    """Tell a COCO file of objects, which may be none, from the captions and plans that lie beside those of COCO."""
    return '"annotations"' in text and '"caption"' not in text and '"segments_info"' not in text


def _read_if_text(file: Path) -> str:
    try:
        return read_text(file)
    except InputError:  # a photograph without extension, say
        return ""


def _read_tables(folder: Path, tables: _Tables) -> Entries:
    """Return what all these files say; names of photographs are relative to their file.

    Raises:
        InputError: two files name the same photograph: they are two sets.
    """
    parts = {}
    for file, known in tables.items():
        part = known.read(read_text(folder / file), printable(file), True)
        split = split_named_in(file).rstrip(_DIGITS) if len(tables) > 1 else ""
        parts[file] = _renamed(part, partial(_join, posixpath.dirname(file)), split)
    parts = _tell_apart(parts)
    file_of: dict[str, str] = {}
    for file, photo in ((file, photo) for file, part in parts.items() for photo in part.photos):
        if file_of.setdefault(photo.name, file) != file:
            raise InputError(
                f"{printable(str(folder))}: must hold one set of annotations; received "
                f"{printable(file_of[photo.name])} and {printable(file)}, which both have {quote(photo.name)}. "
                "Name one file."
            )
    return _merge(list(parts.values()))


def _tell_apart(parts: dict[str, Entries]) -> dict[str, Entries]:
    """Return entries of files that name the same photographs by what tells these apart, if anything does.

    Two files of one photograph each have its name from their own; instances_train2017.json is of the folder train2017.
    """
    count = Counter(photo.name for part in parts.values() for photo in part.photos)
    told = {}
    for file, part in parts.items():
        again = [photo for photo in part.photos if count[photo.name] > 1]
        own = {photo.name: photo.other_names[0] for photo in again if photo.other_names}
        folder = split_named_in(file)
        if folder and again and not own:
            own = {photo.name: f"{folder}/{posixpath.basename(photo.name)}" for photo in part.photos}
        told[file] = _renamed(part, partial(_look_up, own))
    return told


def _merge(parts: list[Entries]) -> Entries:
    return replace(
        parts[0],
        photos=[photo for part in parts for photo in part.photos],
        boxes=[box for part in parts for box in part.boxes],
        refusals=[refusal for part in parts for refusal in part.refusals],
        notes=[note for part in parts for note in part.notes],
    )


def _look_up(names: dict[str, str], name: str) -> str:
    return names.get(name, name)


def _join(folder: str, name: str) -> str:
    return name if re.match(r"\w+:", name) else posixpath.join(folder, name)


def _renamed(entries: Entries, rename: Callable[[str], str], split: str = "") -> Entries:
    """Return entries whose photographs have other names, and are of a split if they state none."""
    return replace(
        entries,
        photos=[replace(photo, name=rename(photo.name), split=photo.split or split) for photo in entries.photos],
        boxes=[replace(box, photo=rename(box.photo)) for box in entries.boxes],
        refusals=[replace(one, photo=one.photo and rename(one.photo)) for one in entries.refusals],
    )
