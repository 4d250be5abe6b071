"""Pictures + answers -> pages of thumbnails, each label's together and the surest first, so that errors stand out."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from PIL import Image, ImageDraw

from ..errors import InputError
from ..model.decide import UNKNOWN
from ..model.model import Answer
from ..pictures.image_io import decode_image
from ..pictures.limits import DEFAULT_LIMITS, Limits
from ..pictures.listing import Picture
from ..pictures.regions import Box, cut_region
from .labels import (
    INK,
    WHITE,
    clean,
    draw_bar,
    draw_frame,
    fit_text,
    font_of,
    percent,
    style_of,
    words_of,
)
from .preview import write_jpeg

PAGE_SIZE = (1264, 1760)  # pixels, width and height: about A4's shape
_COLUMNS = 6
_MARGIN = 20
_GAP = 12
_THUMBNAIL = (194, 150)
_BAR_HEIGHT, _NAME_HEIGHT, _HEADING_HEIGHT = 26, 20, 48
_CELL = (_THUMBNAIL[0] + _GAP, _THUMBNAIL[1] + _BAR_HEIGHT + _NAME_HEIGHT + _GAP)
_BEHIND, _RULE, _PALE = (236, 236, 236), (170, 170, 170), (110, 110, 110)


@dataclass(frozen=True, slots=True)
class _Cell:
    """One thumbnail: a picture or, numbered from 1, a region of it."""

    picture: Picture
    result: str
    confidence: float
    number: int = 0
    box: Box | None = None

    @property
    def name(self) -> str:
        return clean(f"{self.picture.key} #{self.number}" if self.box else self.picture.key)


@dataclass(frozen=True, slots=True)
class _Placed:
    """A heading or a thumbnail at a position on a page, in pixels from the top left."""

    left: int
    top: int
    content: str | _Cell


def write_contact_sheet(
    folder: Path, entries: Iterable[tuple[Picture, Answer]], limits: Limits = DEFAULT_LIMITS
) -> list[Path]:
    """Write sheet-001.jpg, sheet-002.jpg, ... with a thumbnail of each picture or, where it has regions, of each.

    Labels follow the alphabet, "unknown" comes last; within a label confidence falls. Of a picture only key, place
    and answer are held; pixels are those of one picture and one page at a time.

    Raises:
        InputError: a file can't be written. A picture that can't be read any more leaves an empty thumbnail.
    """
    cells = sorted((cell for entry in entries for cell in _make_cells(*entry)), key=_order)
    return [
        write_jpeg(folder / f"sheet-{number:03}.jpg", _draw_page(page, number, limits))
        for number, page in enumerate(_lay_out(cells), start=1)
    ]


def _make_cells(picture: Picture, answer: Answer) -> Iterator[_Cell]:
    if "regions" not in answer:
        yield _Cell(picture, answer["result"], answer["confidence"])
        return
    for number, region in enumerate(answer["regions"], start=1):
        if "result" in region:
            left, top, width, height = region["box"]
            yield _Cell(picture, region["result"], region["confidence"], number, (left, top, width, height))


def _order(cell: _Cell) -> tuple[object, ...]:
    return cell.result == UNKNOWN, cell.result, -cell.confidence, cell.picture.key, cell.number


def _lay_out(cells: list[_Cell]) -> Iterator[list[_Placed]]:
    """Yield the pages: a heading and a new row for each label, the heading again where a label goes on."""
    page: list[_Placed] = []
    top, bottom = _MARGIN, PAGE_SIZE[1] - _MARGIN - _NAME_HEIGHT
    for label, group in groupby(cells, key=lambda cell: cell.result):
        members = list(group)
        heading = _heading(label, members)
        top += _GAP if page else 0
        for start in range(0, len(members), _COLUMNS):
            begins = start == 0
            if page and top + _CELL[1] + (_HEADING_HEIGHT if begins else 0) > bottom:
                yield page
                page, top = [], _MARGIN
            if begins or not page:
                page.append(_Placed(_MARGIN, top, heading if begins else f"{heading}, continued"))
                top += _HEADING_HEIGHT
            row = members[start : start + _COLUMNS]
            page += [_Placed(_MARGIN + column * _CELL[0], top, cell) for column, cell in enumerate(row)]
            top += _CELL[1]
    if page:
        yield page


def _heading(label: str, members: list[_Cell]) -> str:
    """Return "pyrite: 12, from 98 % down to 61 %"."""
    highest, lowest = percent(members[0].confidence), percent(members[-1].confidence)
    spread = highest if highest == lowest else f"from {highest} down to {lowest}"
    return f"{clean(label)}: {len(members)}, {spread}"


def _draw_page(page: list[_Placed], number: int, limits: Limits) -> Image.Image:
    height = max(placed.top + _CELL[1] for placed in page) + _NAME_HEIGHT + _MARGIN
    image = Image.new("RGB", (PAGE_SIZE[0], min(height, PAGE_SIZE[1])), WHITE)
    for placed in page:
        if isinstance(placed.content, str):
            _draw_heading(image, placed.left, placed.top, placed.content)
        else:
            _draw_cell(image, placed.left, placed.top, placed.content, limits)
    where = (image.width - _MARGIN, image.height - _MARGIN)
    ImageDraw.Draw(image).text(where, f"sheet {number}", fill=_PALE, font=font_of(14), anchor="rb")
    return image


def _draw_heading(image: Image.Image, left: int, top: int, text: str) -> None:
    draw, font = ImageDraw.Draw(image), font_of(24)
    width = image.width - 2 * left
    draw.text((left, top + 16), fit_text(text, font, width), fill=INK, font=font, anchor="lm")
    draw.line((left, top + 36, left + width, top + 36), fill=_RULE, width=1)


def _draw_cell(image: Image.Image, left: int, top: int, cell: _Cell, limits: Limits) -> None:
    """Draw thumbnail, bar and name one below the other."""
    draw = ImageDraw.Draw(image)
    right, bottom = left + _THUMBNAIL[0], top + _THUMBNAIL[1]
    draw.rectangle((left, top, right - 1, bottom - 1), fill=_BEHIND)
    thumbnail = _read_thumbnail(cell, limits)
    if thumbnail is None:
        draw.text(((left + right) / 2, (top + bottom) / 2), "not readable", fill=INK, font=font_of(16), anchor="mm")
    else:
        image.paste(
            thumbnail, (left + (right - left - thumbnail.width) // 2, top + (bottom - top - thumbnail.height) // 2)
        )
    style = style_of(cell.result)
    if style.is_dashed:
        draw_frame(draw, (left, top, right, bottom), style, 3)
    words = words_of({"result": cell.result, "confidence": cell.confidence})
    draw_bar(image, (left, bottom, right, bottom + _BAR_HEIGHT), words, style)
    font = font_of(13)
    name = fit_text(cell.name, font, _THUMBNAIL[0], keep_end=True)
    draw.text((left, bottom + _BAR_HEIGHT + _NAME_HEIGHT / 2), name, fill=INK, font=font, anchor="lm")


def _read_thumbnail(cell: _Cell, limits: Limits) -> Image.Image | None:
    """Return the picture, or its region, as large as fits."""
    try:
        pixels = decode_image(cell.picture.read(limits), limits)
        image = Image.fromarray(cut_region(pixels, cell.box) if cell.box else pixels)
    except InputError:
        return None
    factor = min(_THUMBNAIL[0] / image.width, _THUMBNAIL[1] / image.height)
    size = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
    return image.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)
