"""Picture + answer -> the picture with label and confidence drawn, a file of the same name in another folder."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from ..atomic_file import write_atomically
from ..errors import InputError
from ..model.decide import UNKNOWN
from ..model.model import Answer
from ..pictures.encode import jpeg_bytes
from ..pictures.image_io import decode_image
from ..pictures.limits import DEFAULT_LIMITS, Limits
from ..pictures.listing import Picture
from ..safe_path import preview_path
from .labels import (
    KNOWN_STYLE,
    UNKNOWN_STYLE,
    Edges,
    bar_width,
    clean,
    draw_bar,
    draw_frame,
    style_of,
    words_of,
)
from .outlines import draw_outlines

Words = tuple[str, str]  # label and confidence
LONGEST_SIDE = 1024  # pixels
_SHORTEST_LONG_SIDE = 480  # pixels to which a smaller picture is enlarged; one with regions always to LONGEST_SIDE
_LEAST_WIDTH = 320  # pixels of a preview; a narrower picture stands on grey
_GREY = (90, 90, 90)
_QUALITY = 90  # of the JPEG


def write_preview(folder: Path, picture: Picture, answer: Answer, limits: Limits = DEFAULT_LIMITS) -> Path:
    """Draw a picture's answer and write it as JPEG under the folder; return the file; see preview_path.

    Raises:
        InputError: the picture can't be read or the file can't be written.
    """
    preview = draw_preview(decode_image(picture.read(limits), limits), answer)
    return write_jpeg(preview_path(folder, picture.key), preview)


def write_jpeg(path: Path, image: Image.Image) -> Path:
    """Write an image; return the path.

    Raises:
        InputError: the file can't be written.
    """
    try:
        write_atomically(path, jpeg_bytes(image, _QUALITY))
    except OSError as fault:
        raise InputError(f"{path}: cannot be written: {fault.strerror or fault}. Give another --preview.") from fault
    return path


def draw_preview(pixels: np.ndarray, answer: Answer) -> Image.Image:
    """Return uint8 [height, width, 3] with its answer: the longest side is at most 1024 pixels, and a bar below it.

    The bar names label and confidence, or of regions how many there are of each label. Anomalies are outlined.
    """
    if "score" in answer:
        return draw_outlines(pixels, answer)
    image = _resize(Image.fromarray(pixels), LONGEST_SIDE if "regions" in answer else _SHORTEST_LONG_SIDE)
    bar_height = max(30, round(max(image.size) / 24))
    if "regions" in answer:
        _draw_regions(image, answer["regions"], image.width / pixels.shape[1], image.height / pixels.shape[0])
        words, style = (_count_regions(answer["regions"]), ""), KNOWN_STYLE
    else:
        words, style = words_of(answer), style_of(answer["result"])
        if style is UNKNOWN_STYLE:
            draw_frame(ImageDraw.Draw(image), (0, 0, *image.size), style, _line_width(image))
    width = max(image.width, _LEAST_WIDTH)
    canvas = Image.new("RGB", (width, image.height + bar_height), _GREY)
    canvas.paste(image, ((width - image.width) // 2, 0))
    draw_bar(canvas, (0, image.height, width, canvas.height), words, style)
    return canvas


def _resize(image: Image.Image, least: int) -> Image.Image:
    """Bring the longest side to at least this many pixels, for words to have room, and to 1024 at most."""
    longest = max(image.size)
    factor = min(max(least, longest), LONGEST_SIDE) / longest
    width, height = (max(1, round(side * factor)) for side in image.size)
    return image.resize((width, height), Image.Resampling.LANCZOS)


def _line_width(image: Image.Image) -> int:
    return max(2, round(max(image.size) / 300))


def _count_regions(regions: list[dict[str, Any]]) -> str:
    """Return "3 regions: 2 pyrite, 1 unknown", the commonest label first."""
    counts = Counter(clean(str(region.get("result", "not readable"))) for region in regions)
    named = sorted(counts.items(), key=lambda item: (item[0] == UNKNOWN, -item[1], item[0]))
    total = "1 region" if len(regions) == 1 else f"{len(regions)} regions"
    return f"{total}: {', '.join(f'{count} {label}' for label, count in named)}" if named else total


def _draw_regions(image: Image.Image, regions: list[dict[str, Any]], x: float, y: float) -> None:
    """Draw the frames, then the words, so that no frame runs through a word."""
    drawn = [
        (_scale(region["box"], x, y, image.size), style_of(region["result"]), _words_of_region(number, region))
        for number, region in enumerate(regions, start=1)
        if "result" in region
    ]
    draw = ImageDraw.Draw(image)
    for edges, style, _ in sorted(drawn, key=lambda region: region[1].is_dashed):
        draw_frame(draw, edges, style, _line_width(image))
    bars = place_bars(image.size, [(edges, words) for edges, _, words in drawn])
    for bar, (_, style, words) in zip(bars, drawn, strict=True):
        draw_bar(image, bar, words, style)


def _words_of_region(number: int, region: dict[str, Any]) -> Words:
    """Return ("#3 pyrite", "93 %"): the number finds the region in the results and on a contact sheet."""
    label, confidence = words_of(region)
    return f"#{number} {label}", confidence


def _scale(box: Iterable[float], x: float, y: float, size: tuple[int, int]) -> Edges:
    """Return a box's edges in the preview, cut off at its edge, at least one pixel wide and high."""
    left, top, width, height = box
    first_x, first_y = _inside(left * x, size[0] - 1), _inside(top * y, size[1] - 1)
    last_x, last_y = _inside((left + width) * x, size[0]), _inside((top + height) * y, size[1])
    return first_x, first_y, max(last_x, first_x + 1), max(last_y, first_y + 1)


def _inside(place: float, last: int) -> int:
    return round(min(max(place, 0), last))  # in this order: it may be infinite


def place_bars(size: tuple[int, int], regions: list[tuple[Edges, Words]]) -> list[Edges]:
    """Return for each box in a picture of this size (width, height) the bar for its words, at one of its corners.

    The first box chooses first. A bar hides as little as possible of earlier bars, then of other boxes.
    """
    height = min(max(20, round(max(size) / 48)), size[1])
    bars: list[Edges] = []
    for edges, words in regions:
        others = [other for other, _ in regions if other != edges]
        positions = _positions_at(edges, min(bar_width(words, height), size[0]), height, size)
        bars.append(min(positions, key=lambda position: (_hidden(position, bars), _hidden(position, others))))
    return bars


def _positions_at(edges: Edges, width: int, height: int, size: tuple[int, int]) -> list[Edges]:
    """Return where a bar may stand at a box, the most usual position first: above it, below, inside."""
    left, top, right, bottom = edges
    return [
        _clamp(first, above, width, height, size)
        for above in (top - height, bottom, top, bottom - height)
        for first in (left, right - width)
    ]


def _hidden(position: Edges, others: list[Edges]) -> int:
    """Return how many pixels of others lie under a position."""
    return sum(_overlap(position, other) for other in others)


def _clamp(left: int, top: int, width: int, height: int, size: tuple[int, int]) -> Edges:
    left, top = min(max(left, 0), size[0] - width), min(max(top, 0), size[1] - height)
    return left, top, left + width, top + height


def _overlap(one: Edges, other: Edges) -> int:
    across = min(one[2], other[2]) - max(one[0], other[0])
    return max(0, across) * max(0, min(one[3], other[3]) - max(one[1], other[1]))
