"""Text on a canvas: plain lines, and the broad white letters with a black edge that memes are known for.

The font is the one that Pillow carries, so that every machine writes the same letters.
"""

import functools

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from pipeline.drawn.memes.canvas import Colour, Point, as_bytes

_CONDENSED = 0.8  # width of the broad letters, as a share of the font's


@functools.cache
def load_font(size: int) -> ImageFont.FreeTypeFont:
    """Return Pillow's own font in a size of pixels."""
    font = ImageFont.load_default(size)
    assert isinstance(font, ImageFont.FreeTypeFont)
    return font.font_variant(layout_engine=ImageFont.Layout.BASIC)  # the other engine is not on every machine


def fit_lines(text: str, width: float, size: float) -> list[str]:
    """Break a text into lines that are at most so wide in letters of this size; a longer word stands alone."""
    font, lines = load_font(max(round(size), 6)), [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and font.getlength(longer) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def write_line(canvas: np.ndarray, text: str, place: Point, size: float, colour: Colour, anchor: str = "lm") -> None:
    """Write a line; the place is that of Pillow's anchor, by default the middle of the left edge."""
    image = Image.fromarray(canvas)
    font = load_font(max(round(size), 6))
    ImageDraw.Draw(image).text((round(place[0]), round(place[1])), text, as_bytes(colour), font, anchor)
    canvas[:] = np.asarray(image)


def write_broad(canvas: np.ndarray, text: str, place: Point, size: float, colours: tuple[Colour, Colour]) -> None:
    """Write bold, narrow letters with an edge, centred on the place; colours of the letters and of the edge.

    Text that is too wide for the canvas is made narrower.
    """
    font, text = load_font(max(round(size), 8)), text.replace(" ", "  ")  # bold letters eat the gaps
    bold, edge = max(round(size / 16), 1), max(round(size / 16), 1) + max(round(size / 13), 1)
    left, top, right, bottom = font.getbbox(text, anchor="ls", stroke_width=edge)
    sheet = Image.new("RGBA", (round(right - left) + 2, round(bottom - top) + 2))
    draw = ImageDraw.Draw(sheet)
    for stroke, colour in ((edge, colours[1]), (bold, colours[0])):
        tone = (*as_bytes(colour), 255)
        draw.text((1 - left, 1 - top), text, tone, font, "ls", stroke_width=stroke, stroke_fill=tone)
    wide = min(round(sheet.width * _CONDENSED), canvas.shape[1] - 4)
    sheet = sheet.resize((max(wide, 1), sheet.height), Image.Resampling.BILINEAR)
    image = Image.fromarray(canvas)
    image.paste(sheet, (round(place[0] - sheet.width / 2), round(place[1] - sheet.height / 2)), sheet)
    canvas[:] = np.asarray(image)
