"""Annotation path > entries, by the reader of its format, which is recognized by content, not by a file's name."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from inference.boxes.entries import Entries, read_text
from inference.boxes.formats import TEXT_FORMATS, TextFormat, tell_format
from inference.errors import InputError, printable
from pipeline.data.annotations.voc import list_voc_files, read_voc
from pipeline.data.annotations.yolo import find_class_files, read_yolo


def _read_file(known: TextFormat, path: Path) -> Entries:
    return known.read(read_text(path), printable(path.name), True)


READERS: dict[str, Callable[[Path], Entries]] = {
    "voc": read_voc,
    "yolo": read_yolo,
    **{known.name: partial(_read_file, known) for known in TEXT_FORMATS},
}

_SUPPORTED = (
    "Supported: COCO JSON (a file with the lists images, annotations and categories); Pascal VOC (an .xml file or a "
    "folder of them); YOLO (a folder with classes.txt, obj.names or data.yaml and one .txt per photograph); CSV (a "
    "file whose first line is a header such as filename,label,xmin,ymin,xmax,ymax)."
)
_TABLE_SUFFIXES = (".json", ".csv", ".tsv", ".txt", "")  # what a folder is searched for besides .xml and YOLO


def read_entries(path: Path) -> Entries:
    """Return what the annotations at a file or folder say.

    Raises:
        InputError: there is nothing at the path, its format is not supported, or a folder holds several sets.
    """
    if path.is_dir():
        name, place = _tell_folder(path)
    elif path.is_file():
        name, place = _tell_file(path), path
    else:
        raise InputError(
            f"annotations must be a file or a folder; nothing is at {printable(str(path))}. Check the path."
        )
    return READERS[name](place)


def _tell_file(path: Path) -> str:
    try:
        name = _tell_text(read_text(path))
    except InputError as fault:
        raise InputError(f"{printable(str(path))}: {fault} {_SUPPORTED}") from fault
    if name is None:
        raise InputError(f"{printable(str(path))}: does not hold annotations in a supported format. {_SUPPORTED}")
    return name


def _tell_text(text: str) -> str | None:
    """Return the format of a text, valid or not; None where it is not supported."""
    if text.lstrip().startswith("<"):
        return "voc"
    known = tell_format(text)
    return known.name if known else None


def _tell_folder(folder: Path) -> tuple[str, Path]:
    """Return the one set of annotations in a folder: its format and where it is."""
    found = [("voc", folder)] if _holds_voc(folder) else []
    if find_class_files(folder):
        found.append(("yolo", folder))
    else:
        found += _find_tables(folder)
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(f"{name} in {printable(str(place))}" for name, place in found)
        raise InputError(
            f"{printable(str(folder))}: must hold one set of annotations; received {names}. Name one file."
        )
    raise InputError(f"{printable(str(folder))}: does not hold annotations in a supported format. {_SUPPORTED}")


def _holds_voc(folder: Path) -> bool:
    return any(b"<annotation" in (folder / name).read_bytes() for name in list_voc_files(folder))


def _find_tables(folder: Path) -> list[tuple[str, Path]]:
    """Return the COCO and CSV files directly in a folder; JSON without annotations is passed over."""
    files = [file for file in sorted(folder.iterdir()) if file.is_file() and file.suffix.lower() in _TABLE_SUFFIXES]
    texts = {file: _read_if_text(file) for file in files}
    told = {file: known.name for file, text in texts.items() if (known := tell_format(text))}
    return [(name, file) for file, name in told.items() if name != "coco" or '"annotations"' in texts[file]]


def _read_if_text(file: Path) -> str:
    try:
        return read_text(file)
    except InputError:  # a photograph without extension, say
        return ""
