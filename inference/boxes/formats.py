"""Text -> the format that it is meant to be, told by content: the explicit list of what one file of boxes may be."""

from collections.abc import Callable
from dataclasses import dataclass

from inference.boxes.coco import is_json, read_coco
from inference.boxes.csv_table import is_csv, read_csv
from inference.boxes.entries import Entries


@dataclass(frozen=True)
class TextFormat:
    """A format of one text file.

    fits: tells whether a text is meant to be of this format; whether it is sound is for read to say.
    read: takes the text, the file's name for messages, and whether every box must have a label, as in training.
    """

    name: str
    fits: Callable[[str], bool]
    read: Callable[[str, str, bool], Entries]


TEXT_FORMATS = (  # the first that fits is taken
    TextFormat("coco", is_json, read_coco),
    TextFormat("csv", is_csv, read_csv),
)


def tell_format(text: str) -> TextFormat | None:
    """Return the format that a text is meant to be, None where it fits none."""
    return next((known for known in TEXT_FORMATS if known.fits(text)), None)
