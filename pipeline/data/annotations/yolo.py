"""YOLO txt > Entries: a line is `class x_center y_center width height`, in fractions of the frame, classes from 0.

Class names are in classes.txt, labels.txt, obj.names, _darknet.labels or the `names:` of data.yaml; a .txt is named
after its photograph.
"""

import contextlib
import re
from pathlib import Path

from inference.boxes.entries import (
    Entries,
    NamedPhoto,
    WrittenBox,
    as_number,
    enclose,
    pair_up,
    parse_number,
    read_text,
)
from inference.boxes.order import Order
from inference.boxes.unsupported import is_label_line, split_label_line
from inference.errors import InputError, printable, quote
from pipeline.data.file_listing import list_visible

_ORDERS = (Order.CENTRE, Order.CORNERS, Order.EXTENT)  # the standard's first; by hand the others are written too
_NUMBERS = ("x_center", "y_center", "width", "height")
_LARGEST_FRACTION = 2.0  # a box may exceed the frame a little; a larger value is in pixels
_LEVELS_ABOVE = 2  # data.yaml of train/labels
_LISTS = ("train.txt", "val.txt", "valid.txt", "test.txt")  # what training programs keep beside the labels
_CLASS_LISTS = ("labels.txt", "names.txt", "class_names.txt", "predefined_classes.txt", "obj_names.txt")
_PHOTO_PATH = re.compile(r"\.(jpe?g|png|webp|bmp|gif|tiff?)\s*$", re.IGNORECASE)
_YAML_NAMES = re.compile(r"^[\"']?names[\"']?[ \t]*:(.*?)(?=^[^\s#\-\]}]|\Z)", re.MULTILINE | re.DOTALL)
_NUMBERED = re.compile(r"(\d+)[\s:;,=]+(\S.*)")
_YAML_COMMENT = re.compile(r"(^|\s)#[^\n]*")
_YAML_ITEM = r"""\s*(?:-\s+)?(?:["']?(\d+)["']?\s*:\s*)?("[^"]*"|'(?:[^']|'')*'|[^%s]+)"""  # %s: what ends an item


def read_yolo(folder: Path) -> Entries:
    """Return what the label files of a folder, or of its labels/ subfolder, say; a photograph is named by its stem.

    Of a path with a folder labels, the photograph lies in the folder images beside it: a/labels/b.txt is of a/images/b.

    Raises:
        InputError: the files of classes are missing, empty or disagree; or the boxes' classes are numbered from 1.
    """
    found = Entries("yolo", in_fractions=True, named_by_stem=True)
    class_files = find_class_files(folder)
    classes, pose = _read_classes(folder, class_files), any(_holds_poses(file) for file in class_files)
    if class_files[0].parent == folder.resolve().parent.parent:
        found.notes.append(f"the classes are those of {printable(str(class_files[0]))}")
    written: set[str] = set()
    for name in list_label_files(folder):
        stem = re.sub(r"(^|.*/)labels/", r"\1images/", name.removeprefix("labels/")[: -len(".txt")], count=1)
        origin = printable(name)
        with found.collect_refusal(origin):
            lines = read_text(folder / name).split("\n")
            found.photos.append(NamedPhoto(stem, origin))
            for number, line in enumerate(lines, start=1):
                with found.collect_refusal(f"{origin}: line {number}", stem):
                    if line.strip() and not line.startswith("#"):
                        written.add(split_label_line(line)[0])
                        found.boxes.append(_read_box(line, stem, f"{origin}: line {number}", classes, pose))
    _check_numbering(folder, written, classes)
    return found


def holds_yolo(folder: Path) -> bool:
    """Tell whether a file of a folder looks like labels."""
    return any(_is_label(folder / name) for name in list_label_files(folder))


def may_hold_yolo(folder: Path) -> bool:
    """Tell whether classes are named beside texts that may be labels, damaged or of photographs without boxes."""
    beside = any(names_classes(file) for file in _files_in(folder, folder / "labels"))
    return beside and bool(list_label_files(folder))


def find_class_files(folder: Path) -> list[Path]:
    """Return the files that name classes, data.yaml, classes.txt, obj.names or the like.

    They lie beside the labels, else anywhere below the folder, else in the folder above it or the next one.
    """
    beside = _files_in(folder, folder / "labels")
    below = [folder / name for name in list_visible(folder)]
    above = [_files_in(one) for one in folder.resolve().parents[:_LEVELS_ABOVE]]
    places = ([file for file in files if names_classes(file)] for files in (beside, below, *above))
    return next((files for files in places if files), [])


def _files_in(*folders: Path) -> list[Path]:
    found: list[Path] = []
    for place in folders:
        with contextlib.suppress(OSError):  # it is missing, or a folder above may not be read
            found += (file for file in sorted(place.iterdir()) if file.is_file())
    return found


def names_classes(file: Path) -> bool:
    """Tell whether a file names the classes of YOLO."""
    name = file.name.lower()
    if name.startswith("._"):
        return False
    if name.endswith((".yaml", ".yml")):
        return bool(_YAML_NAMES.search(_read_if_text(file)))
    if name == "classes.txt" or name.endswith((".names", ".labels")):
        return True
    return name in _CLASS_LISTS and not _is_label(file)


def _is_label(file: Path) -> bool:
    """Tell whether the first line is of a label: a class, and numbers behind it."""
    return is_label_line(next((line for line in _read_if_text(file).split("\n") if line.strip("# \t")), ""))


def _read_if_text(file: Path) -> str:
    try:
        return read_text(file)
    except InputError:
        return ""


def _holds_poses(file: Path) -> bool:
    """Tell whether key points follow the box of each line."""
    return file.suffix.lower() in (".yaml", ".yml") and bool(re.search(r"^kpt_shape", read_text(file), re.MULTILINE))


def _read_classes(folder: Path, files: list[Path]) -> dict[int, str]:
    """Return class number -> name. Two files that name classes must agree."""
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
    lines = [line.strip() for line in text.rstrip().split("\n")]
    numbered = [found for line in lines if (found := _NUMBERED.fullmatch(line))]
    if len(lines) > 1 and [int(found[1]) for found in numbered] == list(range(len(lines))):
        return {number: found[2] for number, found in enumerate(numbered)}
    return {number: line for number, line in enumerate(lines) if line}


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


def list_label_files(folder: Path) -> list[str]:
    """Return the .txt files that hold boxes, sorted, relative to the folder."""
    names = [name for name in list_visible(folder) if name.lower().endswith(".txt")]
    labels = [name for name in names if name.startswith("labels/")]
    return [name for name in labels or names if not _is_note(folder / name)]


def _is_note(file: Path) -> bool:
    """Tell whether a file names classes, is a list of photographs, whatever its name, or a note."""
    name = file.name.lower()
    if names_classes(file):
        return True
    if (name in _LISTS or name.startswith(("readme", "license"))) and not _is_label(file):
        return True
    try:
        lines = [line for line in read_text(file).split("\n") if line.strip()]
    except InputError:  # it is refused where it is read
        return False
    return bool(lines) and all(_PHOTO_PATH.search(line) for line in lines)


def _read_box(line: str, photo: str, origin: str, classes: dict[int, str], pose: bool) -> WrittenBox:
    """Return the box of a line, perhaps with a confidence behind it, or the box around a polygon.

    pose: what follows the box are key points.
    """
    fields = split_label_line(line)
    count = len(fields)
    if count >= 7 and count % 2 and not pose:
        points = [_parse_fraction(text, "xy"[number % 2]) for number, text in enumerate(fields[1:])]
        return WrittenBox(
            photo, _look_up_class(fields[0], classes), enclose(pair_up(points)), (Order.CORNERS,), origin, quote(line)
        )
    if count not in (5, 6) and not (pose and count > 5):
        raise InputError(
            f"a line must be `class x_center y_center width height`; received {count} values: {quote(line)}. "
            "Correct or remove it."
        )
    x, y, width, height = (_parse_fraction(text, name) for text, name in zip(fields[1:5], _NUMBERS, strict=True))
    return WrittenBox(photo, _look_up_class(fields[0], classes), (x, y, width, height), _ORDERS, origin, quote(line))


def _parse_fraction(text: str, name: str) -> float:
    number = parse_number(text.replace(",", ".") if text.count(",") == 1 else text, name)
    if abs(number) > _LARGEST_FRACTION:
        raise InputError(
            f"{name} must be a fraction of the frame, 0 to 1; received {text}. Divide pixels by the frame's size."
        )
    return number


def _check_numbering(folder: Path, written: set[str], classes: dict[int, str]) -> None:
    """Refuse labels numbered from 1, since all but the last class would get the next one's name.

    written: the classes of all boxes, as the label files write them.
    """
    numbers = {as_number(text) for text in written} - {None}
    first, after = min(classes), max(classes) + 1
    if after in numbers and first not in numbers:
        raise InputError(
            f"{printable(folder.name)}: classes must be numbered as the class file does, {first} to {after - 1}; "
            f"received boxes of class {after} and none of class {first}. Subtract 1 from the class of every box, or "
            f"name class {after}."
        )


def _look_up_class(text: str, classes: dict[int, str]) -> str:
    """Return the class of a number, which may be written as 1.0 or 1.000e+00, or of its own name."""
    number = as_number(text)
    key = int(number) if number is not None and number == int(number) else -1
    if key in classes:
        return classes[key]
    if text in classes.values():
        return text
    known = ", ".join(f"{key} {name}" for key, name in classes.items())
    raise InputError(f"a class must be a number of the class file: {known}; received {quote(text)}. Correct it.")
