"""What the readers of box files share: the boxes read so far, the rules for a name and a box, the refusals."""

import contextlib
import math
import posixpath
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from inference.errors import InputError
from inference.pictures.listing import printable
from inference.pictures.regions import Box

_QUOTE_LENGTH = 80  # characters of a received value that a message repeats


@dataclass(frozen=True)
class BoxReading:
    """What has been read of a file so far: boxes by plain_name of their photograph, and a message a bad entry."""

    boxes: dict[str, list[Box]] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)

    @contextlib.contextmanager
    def entry(self, origin: str) -> Iterator[None]:
        """Refuse this one entry where the enclosed lines raise InputError; the rest is still read."""
        try:
            yield
        except InputError as fault:
            self.refused.append(f"{origin}: {fault}")

    def add(self, photo: object, numbers: Iterable[float]) -> None:
        """Take a box: left, top, width, height in pixels.

        Raises:
            InputError: the name is none, or the box has no finite place or no positive size.
        """
        name, box = check_name(photo), _make_box(numbers)
        if not all(math.isfinite(value) for value in box) or box[2] <= 0 or box[3] <= 0:
            raise InputError(
                "a box must have a finite place and a positive width and height; "
                f"received {quote(list(box))}. Correct or remove it."
            )
        self.boxes.setdefault(name, []).append(box)


def plain_name(name: str) -> str:
    r"""Return the one spelling under which names are compared: `.\a\b.jpg` gives `a/b.jpg`, accents are composed.

    macOS writes an accent as a letter of its own, other systems do not.
    """
    return unicodedata.normalize("NFC", posixpath.normpath(printable(name).replace("\\", "/")))


def check_name(name: Any) -> str:
    """Return the plain name of a photograph.

    Raises:
        InputError: it is no text, empty, or no name that a file could have.
    """
    try:
        if isinstance(name, str) and name.strip():
            return plain_name(name.strip())
    except UnicodeEncodeError:  # half a letter, which JSON can spell and no file name can hold
        pass
    raise InputError(f"an entry must name its photograph; received {quote(name)}. Write the photograph's path.")


def quote(value: object) -> str:
    """Return a received value for a message: quoted, printable, cut where it is long."""
    words = printable(repr(value))
    return words if len(words) <= _QUOTE_LENGTH else words[:_QUOTE_LENGTH] + "..."


def _make_box(numbers: Iterable[float]) -> Box:
    try:
        left, top, width, height = (float(number) for number in numbers)
    except OverflowError:  # a whole number beyond any float
        return (math.inf, math.inf, math.inf, math.inf)
    return left, top, width, height
