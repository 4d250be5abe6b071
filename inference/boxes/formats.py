"""Text -> its format, recognized by content: the explicit list of formats that one file of boxes may have."""

from collections.abc import Callable
from dataclasses import dataclass

from .coco import is_json, read_coco
from .csv_table import is_csv, read_csv
from .cvat import is_cvat, read_cvat
from .entries import Entries
from .labelme import is_labelme, read_labelme
from .via import is_via_csv, is_via_json, read_via_csv, read_via_json


@dataclass(frozen=True)
class TextFormat:
    """A format of one text file.

    fits: tells whether a text is of this format, valid or not.
    read: text, the file's name for messages, labelled (whether every box must have a label, as in training) -> entries.
    """

    name: str
    fits: Callable[[str], bool]
    read: Callable[[str, str, bool], Entries]


TEXT_FORMATS = (  # the first that fits is taken
    TextFormat("cvat", is_cvat, read_cvat),
    TextFormat("labelme", is_labelme, read_labelme),
    TextFormat("via", is_via_json, read_via_json),
    TextFormat("via", is_via_csv, read_via_csv),
    TextFormat("coco", is_json, read_coco),
    TextFormat("csv", is_csv, read_csv),
)


def tell_format(text: str) -> TextFormat | None:
    """Return the first format that fits a text; None where none does."""
    return next((known for known in TEXT_FORMATS if known.fits(text)), None)
