"""A photograph and its regions -> the picture with outlines, names and the answer: --preview of anomalies."""

from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from ..anomaly.confidence import is_near_threshold
from ..model.model import Answer
from .labels import BLACK, Style, bar_width, draw_bar, words_of

LONGEST_SIDE = 1024  # pixels
_OUTLINE = (255, 64, 32)
_TINT = 0.35  # of the outline's colour inside a region
ANOMALY_STYLE = Style((168, 32, 12), (255, 255, 255), False)
NORMAL_STYLE = Style((18, 91, 53), (255, 255, 255), False)
NEAR_STYLE = Style((245, 184, 46), BLACK, False)
_MOST_NAMED = 12  # regions that get a label; more labels would hide the picture


def draw_outlines(pixels: np.ndarray, answer: Answer) -> Image.Image:
    """Return uint8 [height, width, 3] with the outlines of its regions, at most 1024 pixels long, and a bar below.

    Regions are tinted and outlined; the largest get a label.
    """
    factor = min(1.0, LONGEST_SIDE / max(pixels.shape[:2]))
    size = (max(1, round(pixels.shape[1] * factor)), max(1, round(pixels.shape[0] * factor)))
    image = Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS)
    _draw_regions(image, answer["regions"], factor)
    bar_height = max(28, round(max(size) / 26))
    canvas = Image.new("RGB", (max(size[0], 320), size[1] + bar_height), (90, 90, 90))
    canvas.paste(image, ((canvas.width - size[0]) // 2, 0))
    words, style = bar_of(answer)
    draw_bar(canvas, (0, size[1], canvas.width, canvas.height), words, style)
    return canvas


def bar_of(answer: Answer) -> tuple[tuple[str, str], Style]:
    """Return label and confidence, and how they look; "normal" that is near the threshold says so."""
    label, confidence = words_of(answer)
    if count := len(answer["regions"]):
        return (f"{label}: {count} region{'' if count == 1 else 's'}", confidence), ANOMALY_STYLE
    if is_near_threshold(answer["confidence"]):
        return (f"{label}, near the threshold", confidence), NEAR_STYLE
    return (label, confidence), NORMAL_STYLE


def _draw_regions(image: Image.Image, regions: list[dict[str, Any]], factor: float) -> None:
    outlines = [[((x + 0.5) * factor, (y + 0.5) * factor) for x, y in region["contour"]] for region in regions]
    tint = Image.new("L", image.size, 0)
    for outline in outlines:
        if len(outline) > 2:
            ImageDraw.Draw(tint).polygon(outline, fill=round(255 * _TINT))
    image.paste(Image.new("RGB", image.size, _OUTLINE), (0, 0), tint)
    draw = ImageDraw.Draw(image)
    for outline in outlines:
        closed = [*outline, outline[0]]
        draw.line(closed, fill=BLACK, width=4, joint="curve")
        draw.line(closed, fill=_OUTLINE, width=2, joint="curve")
    for number, region in enumerate(regions[:_MOST_NAMED], start=1):
        _draw_words(image, region, number, factor)


def _draw_words(image: Image.Image, region: dict[str, Any], number: int, factor: float) -> None:
    """Write number, name and confidence above a region, or below it at the photograph's upper edge."""
    left, top, _, height = (value * factor for value in region["box"])
    label, confidence = words_of(region)
    words, bar = (f"#{number} {label}", confidence), max(16, round(max(image.size) / 56))
    width = min(bar_width(words, bar), image.width)
    x = round(min(max(left, 0), image.width - width))
    y = round(top - bar - 3 if top > bar + 3 else min(top + height + 3, image.height - bar))
    draw_bar(image, (x, y, x + width, y + bar), words, ANOMALY_STYLE)
