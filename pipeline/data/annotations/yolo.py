"""YOLO txt > Entries: a line is `class x_center y_center width height`, in fractions of the frame, classes from 0.

Class names are in classes.txt, obj.names or the `names:` of data.yaml; a .txt is named after its photograph.
"""

import re
from pathlib import Path

from inference.boxes.entries import Entries, NamedPhoto, WrittenBox, parse_number, read_text
from inference.errors import InputError, printable, quote
from pipeline.data.file_listing import list_files

_NUMBERS = ("x_center", "y_center", "width", "height")
_LARGEST_FRACTION = 2.0  # a box may exceed the frame a little; a larger value is in pixels
_LISTS = ("train.txt", "val.txt", "valid.txt", "test.txt")  # what training programs keep beside the labels
_YAML_NAMES = re.compile(r"^names[ \t]*:(.*?)(?=^[^\s#\-\]}]|\Z)", re.MULTILINE | re.DOTALL)
_YAML_COMMENT = re.compile(r"(^|\s)#[^\n]*")
_YAML_ITEM = r"""\s*(?:-\s+)?(?:(\d+)\s*:\s*)?("[^"]*"|'(?:[^']|'')*'|[^%s]+)"""  # %s: what ends an item


def read_yolo(folder: Path) -> Entries:
    """Return what the label files of a folder, or of its labels/ subfolder, say; a photograph is named by its stem.

    Raises:
        InputError: the files of classes are missing, empty or disagree.
    """
    found = Entries("yolo", in_fractions=True, named_by_stem=True)
    classes = _read_classes(folder)
    for name in _list_label_files(folder):
        stem = name.removeprefix("labels/")[: -len(".txt")]
        origin = printable(name)
        with found.collect_refusal(origin):
            lines = read_text(folder / name).split("\n")
            found.photos.append(NamedPhoto(stem, origin))
            _read_lines(found, lines, stem, origin, classes)
    return found


def find_class_files(folder: Path) -> list[Path]:
    """Return the files beside the labels that name classes: classes.txt, obj.names, data.yaml or the like."""
    places = [place for place in (folder, folder / "labels") if place.is_dir()]
    files = [file for place in places for file in sorted(place.iterdir()) if file.is_file()]
    return [file for file in files if _names_classes(file)]


def _names_classes(file: Path) -> bool:
    name = file.name.lower()
    if name.startswith("._"):
        return False
    if name.endswith((".yaml", ".yml")):
        return bool(_YAML_NAMES.search(read_text(file)))
    return name == "classes.txt" or name.endswith(".names")


def _read_classes(folder: Path) -> dict[int, str]:
    """Return class number -> name. Two files that name classes must agree."""
    files = find_class_files(folder)
    told = [_read_class_file(file) for file in files]
    names = ", ".join(printable(file.name) for file in files)
    if not told or not told[0]:
        raise InputError(
            f"{names or printable(str(folder))}: YOLO needs the classes' names; received none. Write them."
        )
    if any(classes != told[0] for classes in told):
        raise InputError(f"{names}: must name the same classes; received different ones. Keep the file that is right.")
    return told[0]


def _read_class_file(file: Path) -> dict[int, str]:
    text = read_text(file)
    if file.suffix.lower() in (".yaml", ".yml"):
        return _read_yaml_names(text)
    return {number: line.strip() for number, line in enumerate(text.rstrip().split("\n")) if line.strip()}


def _read_yaml_names(text: str) -> dict[int, str]:
    """Return the classes of `names:`, a list or a mapping from numbers, in brackets or one per line."""
    found = _YAML_NAMES.search(text)
    body = _YAML_COMMENT.sub("", found[1]).strip() if found else ""
    end = r"\n"
    if body.startswith(("[", "{")):
        body, end = " ".join(body.strip("[]{}").split("\n")), ","
    found_items = re.findall(_YAML_ITEM % end, body)
    items = [(number, _unquote(name.strip())) for number, name in found_items if name.strip()]
    return {int(number) if number else position: name for position, (number, name) in enumerate(items)}


def _unquote(name: str) -> str:
    if name[0] == name[-1] == '"':
        return name[1:-1]
    return name[1:-1].replace("''", "'") if name[0] == name[-1] == "'" else name


def _list_label_files(folder: Path) -> list[str]:
    """Return the .txt files that hold boxes, sorted, relative to the folder."""
    names = [name for name in list_files(folder) if name.lower().endswith(".txt")]
    labels = [name for name in names if name.startswith("labels/")]
    return [name for name in labels or names if not _is_note(folder / name)]


def _is_note(file: Path) -> bool:
    """Tell whether a file is a list or a note; labels of a photograph of the same name begin with a number."""
    name = file.name.lower()
    if name == "classes.txt":
        return True
    return (name in _LISTS or name.startswith("readme")) and not file.read_bytes().lstrip()[:1].isdigit()


def _read_lines(found: Entries, lines: list[str], photo: str, origin: str, classes: dict[int, str]) -> None:
    for number, line in enumerate(lines, start=1):
        line_origin = f"{origin}: line {number}"
        with found.collect_refusal(line_origin, photo):
            if line.strip():
                found.boxes.append(_read_box(line, photo, line_origin, classes))


def _read_box(line: str, photo: str, origin: str, classes: dict[int, str]) -> WrittenBox:
    fields = line.split()
    if len(fields) != 5:
        raise InputError(
            f"a line must be `class x_center y_center width height`; received {len(fields)} values: {quote(line)}. "
            "Correct or remove it."
        )
    x_center, y_center, width, height = (
        _parse_fraction(text, name) for text, name in zip(fields[1:], _NUMBERS, strict=True)
    )
    left, top = x_center - width / 2, y_center - height / 2
    numbers = (left, top, width, height)
    return WrittenBox(photo, _look_up_class(fields[0], classes), numbers, False, origin, quote(line))


def _parse_fraction(text: str, name: str) -> float:
    number = parse_number(text, name)
    if abs(number) > _LARGEST_FRACTION:
        raise InputError(
            f"{name} must be a fraction of the frame, 0 to 1; received {text}. Divide pixels by the frame's size."
        )
    return number


def _look_up_class(text: str, classes: dict[int, str]) -> str:
    number = int(text) if text.isascii() and text.isdigit() else -1
    if number not in classes:
        known = ", ".join(f"{key} {name}" for key, name in classes.items())
        raise InputError(f"a class must be a number of the class file: {known}; received {quote(text)}. Correct it.")
    return classes[number]
