"""The entries of a file of boxes as written, before they are compared with photographs; shared by all readers."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from inference.errors import InputError, quote

Numbers = tuple[float, float, float, float]


@dataclass(frozen=True)
class NamedPhoto:
    """A photograph that the file names, with the size (width, height) that it states, as written, if any."""

    name: str
    origin: str
    stated_size: tuple[object, object] | None = None


@dataclass(frozen=True)
class WrittenBox:
    """A box as the file writes it: not yet rounded, clipped or compared with the photograph."""

    photo: str  # NamedPhoto.name
    label: str | None  # None where the file states none
    numbers: Numbers  # left, top, then right, bottom (corners) or width, height; origin top left
    corners: bool
    origin: str  # where it was read, for messages: "boxes.csv: line 4"
    written: str  # the coordinates in the file's own words, for messages

    @property
    def edges(self) -> Numbers:
        """Return left, top, right, bottom."""
        left, top, third, fourth = self.numbers
        return self.numbers if self.corners else (left, top, left + third, top + fourth)

    @property
    def extent(self) -> Numbers:
        """Return left, top, width, height."""
        left, top, third, fourth = self.numbers
        return (left, top, third - left, fourth - top) if self.corners else self.numbers


@dataclass(frozen=True)
class Refusal:
    """Why an entry was left out, and the name of the photograph that it belonged to where that is known."""

    message: str
    photo: str | None = None


@dataclass
class Entries:
    """All entries of one set of boxes; a reader adds them one by one."""

    format: str
    in_fractions: bool = False  # numbers are fractions of the frame's width and height (YOLO), else pixels
    named_by_stem: bool = False  # photographs are named without their extension (YOLO)
    photos: list[NamedPhoto] = field(default_factory=list)
    boxes: list[WrittenBox] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    _named: set[str] = field(default_factory=set)

    def name_photo(self, name: str, origin: str) -> None:
        """Add a photograph of unstated size, the first time that it is named."""
        if name not in self._named:
            self._named.add(name)
            self.photos.append(NamedPhoto(name, origin))

    @contextmanager
    def collect_refusal(self, origin: str, photo: str | None = None) -> Iterator[None]:
        """Turn an InputError of the enclosed lines into a refusal of this one entry; the rest is still read."""
        try:
            yield
        except InputError as fault:
            self.refusals.append(Refusal(f"{origin}: {fault}", photo))


def read_text(path: Path) -> str:
    r"""Return a file's text with \n line ends and without byte order mark.

    Bytes that are not UTF-8 become lone surrogates, as in file names from the disk, so that such names match.

    Raises:
        InputError: the file can't be read or is not text.
    """
    try:
        data = path.read_bytes()
    except OSError as fault:
        raise InputError(f"cannot be read: {fault.strerror or fault}. Give a file of boxes.") from fault
    if b"\0" in data:
        raise InputError("must be UTF-8 text; received binary data or UTF-16. Save it as UTF-8.")
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
