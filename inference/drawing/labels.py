"""Answers as words and marks on a picture: what previews, contact sheets and the window share. Pillow only.

A known class is white on dark blue with a solid frame, "unknown" black on amber with a question mark and a dashed
frame: colour, lightness, sign and line all differ, so that the two can be told without seeing colours.
"""

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from ..model.decide import UNKNOWN

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
Colour = tuple[int, int, int]
Edges = tuple[int, int, int, int]  # left, top, right, bottom in pixels; right and bottom lie outside

WHITE, BLACK, INK = (255, 255, 255), (0, 0, 0), (34, 34, 34)
_ELLIPSIS = "…"
_MOST_CHARACTERS = 400  # of a text that is measured; none that is longer fits a picture
_DASHES = 3.0  # dash and gap, each in line widths


@dataclass(frozen=True)
class Style:
    """How an answer looks: the bar behind its words, the words, and whether its frame is dashed."""

    bar: Colour
    text: Colour
    is_dashed: bool


KNOWN_STYLE = Style((18, 53, 91), WHITE, False)
UNKNOWN_STYLE = Style((245, 184, 46), BLACK, True)


def style_of(result: str) -> Style:
    """Return how an answer with this result looks."""
    return UNKNOWN_STYLE if result == UNKNOWN else KNOWN_STYLE


def words_of(answer: dict[str, Any]) -> tuple[str, str]:
    """Return label and confidence as words: ("pyrite", "93 %"), ("? unknown", "best 41 %").

    The confidence of "unknown" is that of the best class, which was too low: no measure of how unknown a picture is.
    """
    result, confidence = clean(str(answer["result"])), percent(answer["confidence"])
    return (f"? {result}", f"best {confidence}") if result == UNKNOWN else (result, confidence)


def percent(confidence: float) -> str:
    """Return a confidence in whole percent; what is not certain is never called 100 %, nor possible 0 %."""
    if 0.995 <= confidence < 1:
        return "> 99 %"
    return "< 1 %" if 0 < confidence < 0.005 else f"{100 * confidence:.0f} %"


@functools.lru_cache(maxsize=32)
def font_of(size: int) -> Font:
    """Return Pillow's built-in font, which covers Latin letters and draws a small box for others."""
    return ImageFont.load_default(size)


def clean(text: str) -> str:
    """Return a text on one line: control signs, line ends and halves of letters become question marks."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def fit_text(text: str, font: Font, width: float, keep_end: bool = False) -> str:
    """Return a text of at most this width in pixels: "a long te…", or "a l…t.jpg" where the end tells it apart."""
    if len(text) <= _MOST_CHARACTERS and font.getlength(text) <= width:
        return text
    shortened = _shortener(text[:_MOST_CHARACTERS], text[-_MOST_CHARACTERS:], keep_end)
    low, high = 0, min(len(text), _MOST_CHARACTERS)  # low characters fit, or nothing does
    while low + 1 < high:
        middle = (low + high) // 2
        low, high = (middle, high) if font.getlength(shortened(middle)) <= width else (low, middle)
    return shortened(low) if font.getlength(shortened(low)) <= width else ""


def _shortener(begin: str, end: str, keep_end: bool) -> Callable[[int], str]:
    def shortened(kept: int) -> str:
        last = kept * 2 // 3 if keep_end else 0
        return begin[: kept - last].rstrip() + _ELLIPSIS + (end[-last:] if last else "")

    return shortened


def draw_frame(draw: ImageDraw.ImageDraw, edges: Edges, style: Style, width: int) -> None:
    """Draw a frame inward from the edges that shows on light and on dark: dark in light, or light in dark."""
    left, top, right, bottom = edges
    box = (left, top, max(right - 1, left), max(bottom - 1, top))
    draw.rectangle(box, outline=BLACK if style.is_dashed else WHITE, width=width + 2)
    inner = _shrink(box, 1)
    if not style.is_dashed:
        draw.rectangle(inner, outline=style.bar, width=width)
        return
    for dash in _dashes(inner, width):
        draw.rectangle(dash, fill=style.bar)


def _shrink(box: Edges, by: int) -> Edges:
    left, top, right, bottom = box
    return (left + by, top + by, max(right - by, left + by), max(bottom - by, top + by))


def _dashes(box: Edges, width: int) -> Iterator[Edges]:
    """Yield the dashes along the four sides, as filled boxes; each side begins and ends with one."""
    left, top, right, bottom = box
    inside = width - 1
    for start, stop in _split(left, right, width):
        yield (start, top, stop, min(top + inside, bottom))
        yield (start, max(bottom - inside, top), stop, bottom)
    for start, stop in _split(top, bottom, width):
        yield (left, start, min(left + inside, right), stop)
        yield (max(right - inside, left), start, right, stop)


def _split(first: int, last: int, width: int) -> list[tuple[int, int]]:
    """Cut a side into dashes and gaps of equal length, a dash at both ends."""
    pieces = max(1, 2 * round((last - first) / (2 * _DASHES * width)) + 1)
    step = (last - first) / pieces
    return [(round(first + step * number), round(first + step * (number + 1))) for number in range(0, pieces, 2)]


def draw_bar(image: Image.Image, edges: Edges, words: tuple[str, str], style: Style) -> None:
    """Fill a bar and write on it: the first words from the left, shortened to fit, the second at the right, whole."""
    draw = ImageDraw.Draw(image)
    left, top, right, bottom = edges
    draw.rectangle((left, top, right - 1, bottom - 1), fill=style.bar)
    font = font_of(text_size(bottom - top))
    pad, middle = (bottom - top) // 4, (top + bottom) / 2
    rest = right - left - 2 * pad - (font.getlength(words[1]) + pad if words[1] else 0)
    draw.text((left + pad, middle), fit_text(words[0], font, rest), fill=style.text, font=font, anchor="lm")
    draw.text((right - pad, middle), words[1], fill=style.text, font=font, anchor="rm")


def text_size(bar_height: int) -> int:
    """Return the size of the font for a bar: letters with their tails fill three quarters of it."""
    return max(1, round(bar_height * 0.62))


def bar_width(words: tuple[str, str], height: int) -> int:
    """Return the width of a bar of this height in which both words have room."""
    font, pad = font_of(text_size(height)), height // 4
    return round(font.getlength(words[0]) + font.getlength(words[1]) + 3 * pad + 1)
