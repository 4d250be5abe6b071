"""The entries of a file of boxes as written, before they are compared with photographs; shared by all readers."""

import codecs
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..errors import InputError, quote
from .order import Frame, Numbers, Order, tell_order

_STARTS = {  # of files of other kinds -> what to do
    b"\xd0\xcf\x11\xe0": "is a workbook of Excel. Save its sheet as CSV UTF-8.",
    b"PAR1": "is Parquet. Write it as CSV, with a column for the name of each photograph.",
    b"\x1f\x8b": "is compressed. Unpack it and give what is in it.",
    b"7z\xbc\xaf": "is an archive of 7-Zip. Unpack it and give what is in it.",
    b"Rar!": "is a rar archive. Unpack it and give what is in it.",
    b"SQLite format 3": "is a database of SQLite. Write its table as CSV.",
}
_LARGEST_FRACTION = 1.01


@dataclass(frozen=True)
class NamedPhoto:
    """A photograph that the file names, with the size (width, height) that it states, as written, if any."""

    name: str
    origin: str
    stated_size: tuple[object, object] | None = None
    other_names: tuple[str, ...] = ()  # without extension, that it may have instead, such as its annotation file's
    split: str = ""  # as the file writes it, "TRAIN" say; "" where it says nothing


@dataclass(frozen=True)
class WrittenBox:
    """A box as the file writes it: not yet rounded, clipped or compared with the photograph."""

    photo: str  # NamedPhoto.name
    label: str | None  # None where the file states none
    numbers: Numbers  # origin top left
    orders: tuple[Order, ...]  # of the numbers, the format's own first; several where the file does not say which
    origin: str  # where it was read, for messages: "boxes.csv: line 4"
    written: str  # the coordinates in the file's own words, for messages

    @property
    def edges(self) -> Numbers:
        """Return left, top, right, bottom."""
        return self.orders[0].edges(self.numbers)

    @property
    def extent(self) -> Numbers:
        """Return left, top, width, height."""
        if self.orders[0] is Order.EXTENT:
            return self.numbers
        left, top, right, bottom = self.edges
        return left, top, right - left, bottom - top


@dataclass(frozen=True)
class Refusal:
    """Why an entry was left out, and the name of the photograph that it belonged to where that is known."""

    message: str
    photo: str | None = None


@dataclass
class Entries:
    """All entries of one set of boxes; a reader adds them one by one. notes: what was read leniently, for the user."""

    format: str
    in_fractions: bool = False  # numbers are fractions of the frame's width and height, else pixels
    named_by_stem: bool = False  # photographs are named without their extension (YOLO)
    photos: list[NamedPhoto] = field(default_factory=list)
    boxes: list[WrittenBox] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    _named: set[str] = field(default_factory=set)

    def name_photo(self, name: str, origin: str, split: str = "") -> None:
        """Add a photograph of unstated size, the first time that it is named."""
        if name not in self._named:
            self._named.add(name)
            self.photos.append(NamedPhoto(name, origin, split=split))

    def tell_units(self) -> None:
        """Tell fractions from pixels by all numbers together; a box of another unit than the others is refused."""
        if self.in_fractions or not self.boxes:
            return
        if all(_is_fraction(box) for box in self.boxes):
            self.in_fractions = True
            self.notes.append(f"no coordinate is above 1: boxes ({len(self.boxes)}) are fractions of their picture")
            return
        odd = [box for box in self.boxes if _is_fraction(box) and not all(float(n).is_integer() for n in box.numbers)]
        self.boxes = [box for box in self.boxes if box not in odd] if odd else self.boxes
        for box in odd:
            with self.collect_refusal(box.origin, box.photo):
                raise InputError(
                    f"a file must have one unit, here pixels; received fractions: {box.written}. Write them in pixels."
                )

    def tell_orders(self, frame_of: Callable[[str], Frame | None]) -> None:
        """Tell the order of numbers by all boxes whose format leaves it open, each format apart.

        frame_of: width and height of the photograph that is written so, in pixels; None where it can't be measured.
        """
        frame = (lambda photo: (1.0, 1.0)) if self.in_fractions else frame_of
        for orders in dict.fromkeys(box.orders for box in self.boxes if len(box.orders) > 1):
            boxes = [(box.photo, box.numbers) for box in self.boxes if box.orders == orders]
            told, outside = tell_order(boxes, orders, frame)
            if told is not orders[0]:
                self.boxes = [replace(box, orders=(told,)) if box.orders == orders else box for box in self.boxes]
                self.notes.append(
                    f"read as {orders[0].value}, {outside} of {len(boxes)} boxes stick out of their picture: all are "
                    f"read as {told.value}"
                )

    @contextmanager
    def collect_refusal(self, origin: str, photo: str | None = None) -> Iterator[None]:
        """Turn an InputError of the enclosed lines into a refusal of this one entry; the rest is still read."""
        try:
            yield
        except InputError as fault:
            self.refusals.append(Refusal(f"{origin}: {fault}", photo))


def _is_fraction(box: WrittenBox) -> bool:
    """Tell whether a box may be in fractions of its picture; rounded ones exceed 1 a little."""
    return all(abs(number) <= _LARGEST_FRACTION for number in box.numbers)


def read_text(path: Path) -> str:
    r"""Return a file's text, UTF-8 or UTF-16 with a byte order mark, with \n line ends and without the mark.

    Bytes that are not UTF-8 become lone surrogates, as in file names from the disk, so that such names match.

    Raises:
        InputError: the file can't be read or is not text.
    """
    try:
        data = path.read_bytes()
    except OSError as fault:
        raise InputError(f"cannot be read: {fault.strerror or fault}. Give a file of boxes.") from fault
    if data.startswith(b"PK\x03\x04"):
        if b"xl/" in data or b"opendocument.spreadsheet" in data:
            raise InputError("is a workbook of Excel or LibreOffice. Save its sheet as CSV UTF-8.")
        raise InputError("is a zip. Unpack it and give what is in it.")
    for start, told in _STARTS.items():
        if data.startswith(start):
            raise InputError(told)
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        text = data.decode("utf-16", errors="replace")
    elif b"\0" in data:
        raise InputError("must be UTF-8 text; received binary data or UTF-16. Save it as UTF-8.")
    else:
        text = data.decode("utf-8-sig", errors="surrogateescape")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def check_name(name: object) -> str:
    """Return the name of a photograph as it is written.

    Raises:
        InputError: it is not a text, is empty, or can't be the name of a file.
    """
    try:
        if isinstance(name, str) and name.strip():
            name.encode("utf-8", "surrogateescape")
            return name
    except UnicodeEncodeError:  # half a surrogate pair, which JSON can write but no file name can contain
        pass
    raise InputError(f"an entry must name its photograph; received {quote(name)}. Write the photograph's path.")


def parse_number(text: str, name: str) -> float:
    """Return a coordinate written as text; name: of the coordinate, for the message.

    Raises:
        InputError: the text is not a finite decimal number.
    """
    try:
        number = float(text.replace("_", "?"))  # float() takes 1_000 for a number
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise InputError(f"{name} must be a finite number; received {quote(text)}. Correct or remove this box.")
    return number


def enclose(points: Sequence[tuple[float, float]]) -> Numbers:
    """Return left, top, right, bottom of the points (x, y) of an outline.

    Raises:
        InputError: there are none.
    """
    if not points:
        raise InputError("an outline must have points; received none. Correct or remove it.")
    columns, rows = zip(*points, strict=True)
    return min(columns), min(rows), max(columns), max(rows)


def pair_up(numbers: Sequence[float]) -> list[tuple[float, float]]:
    """Return the points (x, y) of a flat list x, y, x, y.

    Raises:
        InputError: their number is odd.
    """
    if len(numbers) % 2:
        raise InputError(f"an outline must have x and y of each point; received {len(numbers)} numbers. Correct it.")
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def as_number(value: object) -> int | float | None:
    """Return a JSON value as a finite number, which may be written as text; None for anything else.

    Python's JSON reads NaN too, and true as 1.
    """
    if isinstance(value, str):
        try:
            value = float(value.replace("_", "?"))  # float() takes 1_000 for a number
            value = int(value) if value.is_integer() else value
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return value if math.isfinite(value) else None
    except OverflowError:  # an integer beyond any float
        return None


def stated_size(width: object, height: object) -> tuple[object, object] | None:
    """Return (width, height) as numbers where they are; None where one is missing or 0, which states nothing."""
    sides = [number if (number := as_number(side)) is not None else side for side in (width, height)]
    return (sides[0], sides[1]) if all(sides) else None
