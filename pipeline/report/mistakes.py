"""A report's mistakes and label errors -> their part of the page, with embedded pictures."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from PIL import Image

from inference.errors import InputError
from inference.pictures.encode import HALF_COLOUR, jpeg_bytes, png_bytes
from inference.pictures.image_io import read_image
from pipeline.report.heat_map import colour_scale
from pipeline.report.sections import ClassificationReport, Mistake
from pipeline.settings.labels import BACKGROUND

PICTURE_SIDE_PIXELS = 160
NEAREST_SIDE_PIXELS = 112
_LOSSLESS_SIDE_PIXELS = 64  # JPEG would blur smaller pictures without saving space
_QUALITY = 80
_SCALE_PIXELS = (96, 8)


class HasFile(Protocol):
    """An entry of a report that names a picture's file."""

    @property
    def file(self) -> str:
        """Return the path, relative to the report's folder."""


@dataclass(frozen=True)
class PictureCard:
    """An entry of a report with its picture as a data URI, None if it can't be read.

    maps, nearest: of a mistake: its heat maps, and the most similar training patches.
    """

    entry: HasFile
    picture: str | None
    maps: list["PictureCard"] = field(default_factory=list)
    nearest: list["PictureCard"] = field(default_factory=list)


def mistakes_context(report: ClassificationReport, folder: Path) -> dict[str, Any]:
    """Return the variables of mistakes.html.jinja; parts that reports of earlier versions lack are None.

    Files of the report are relative to folder.
    """
    mistakes, suspects = report.mistakes, report.label_errors
    return {
        "mistakes": mistakes,
        "mistake_cards": [_mistake_card(entry, folder) for entry in mistakes.shown] if mistakes else [],
        "label_errors": suspects,
        "suspect_cards": _cards(suspects.shown, folder, PICTURE_SIDE_PIXELS) if suspects else [],
        "background": BACKGROUND,
        "heat_scale": _data_uri(Image.fromarray(colour_scale(*_SCALE_PIXELS))),
    }


def picture_uri(path: Path, side: int = PICTURE_SIDE_PIXELS) -> str | None:
    """Return a picture, its longer side at most `side` pixels, as a data URI; None if it can't be read."""
    try:
        return pixels_uri(read_image(path), side)
    except InputError:
        return None


def pixels_uri(rgb: np.ndarray, side: int) -> str:
    """Return pixels uint8 [height, width, 3], their longer side at most `side`, as a data URI."""
    picture = Image.fromarray(rgb)
    picture.thumbnail((side, side))
    return _data_uri(picture)


def _data_uri(picture: Image.Image) -> str:
    if max(picture.size) <= _LOSSLESS_SIDE_PIXELS:
        kind, data = "png", png_bytes(picture, optimize=True)
    else:
        kind, data = "jpeg", jpeg_bytes(picture, _QUALITY, HALF_COLOUR, optimize=True)
    return f"data:image/{kind};base64," + base64.b64encode(data).decode("ascii")


def _mistake_card(entry: Mistake, folder: Path) -> PictureCard:
    picture = picture_uri(folder / entry.file)
    maps = _cards(entry.maps, folder, PICTURE_SIDE_PIXELS)
    return PictureCard(entry, picture, maps, _cards(entry.nearest, folder, NEAREST_SIDE_PIXELS))


def _cards(entries: Sequence[HasFile], folder: Path, side: int) -> list[PictureCard]:
    return [PictureCard(entry, picture_uri(folder / entry.file, side)) for entry in entries]
