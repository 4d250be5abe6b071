"""Annotation files > readers of the formats > Source > annotations.py: the vocabulary of the middle arrow.

A Source holds what a file says, in pixels or fractions as written, before it is compared with any photograph.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from inference.errors import InputError, quote


@dataclass(frozen=True)
class NamedPhoto:
    """A photograph that the source names, with the size (width, height) in pixels that it states, if any."""

    name: str
    origin: str
    stated_size: tuple[float, float] | None = None


@dataclass(frozen=True)
class WrittenBox:
    """A box as the source writes it: its edges, not yet rounded, clipped or compared with the photograph."""

    photo: str  # NamedPhoto.name
    label: str
    edges: tuple[float, float, float, float]  # left, top, right, bottom; origin top left
    in_fractions: bool  # edges are fractions of the frame's width and height (YOLO), else pixels
    origin: str
    written: str  # the coordinates in the source's own words, for messages


@dataclass(frozen=True)
class Refusal:
    """Why an entry was left out, and the name of the photograph that it belonged to where that is known."""

    message: str
    photo: str | None = None


@dataclass
class Source:
    """Everything one annotation source says; a reader fills it entry by entry."""

    format: str
    named_by_stem: bool = False  # photographs are named without their extension (YOLO)
    photos: list[NamedPhoto] = field(default_factory=list)
    boxes: list[WrittenBox] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)

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
        InputError: the file can't be read or holds no text.
    """
    try:
        data = path.read_bytes()
    except OSError as fault:
        raise InputError(f"cannot be read: {fault.strerror or fault}.") from fault
    if b"\0" in data:
        raise InputError("must be UTF-8 text; received binary data or UTF-16. Save it as UTF-8.")
    text = data.decode("utf-8-sig", errors="surrogateescape")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def list_files(folder: Path) -> list[str]:
    """Return the files under a folder, sorted, as posix paths relative to it, without what macOS adds to archives."""
    found = (
        file.relative_to(folder) for file in folder.rglob("*") if file.is_file() and not file.name.startswith("._")
    )
    return sorted(path.as_posix() for path in found if "__MACOSX" not in path.parts)


def parse_number(text: str, name: str) -> float:
    """Return a coordinate written as text; name says which one it is.

    Raises:
        InputError: the text is no finite decimal number.
    """
    try:
        number = float(text.replace("_", "?"))  # float() takes 1_000 for a number
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise InputError(f"{name} must be a finite number; received {quote(text)}. Correct or remove this box.")
    return number
