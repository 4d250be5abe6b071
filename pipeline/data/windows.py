"""Boxes of a photograph -> the rectangles to cut from it: tight positives, jittered copies, background negatives."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from pipeline.settings.sections import PatchSettings

MIN_SIDE_PIXELS = 8  # smaller windows are not used
_ATTEMPTS = 40  # attempts to find one background window


@dataclass(frozen=True)
class Window:
    """A rectangle in whole pixels, origin top left, inside its photograph."""

    x: int
    y: int
    width: int
    height: int

    @property
    def area(self) -> int:
        """Return the area in pixels."""
        return self.width * self.height


def positive_window(box: Window, frame: tuple[int, int], margin: float) -> Window:
    """Return a box widened by a share of its sides, inside the frame (width, height).

    Box (10, 20, 100, 50) with margin 0.1 in a large frame: (0, 15, 120, 60).
    """
    pad_x, pad_y = round(box.width * margin), round(box.height * margin)
    return _clip(box.x - pad_x, box.y - pad_y, box.x + box.width + pad_x, box.y + box.height + pad_y, frame)


def jittered_windows(
    box: Window, frame: tuple[int, int], settings: PatchSettings, random: np.random.Generator
) -> list[Window]:
    """Return copies of a positive window with each edge moved by up to settings.jitter of the side."""
    base = positive_window(box, frame, settings.margin)
    result = []
    for _ in range(settings.jitters):
        left, top, right, bottom = random.uniform(-settings.jitter, settings.jitter, 4)
        x, y = base.x + left * base.width, base.y + top * base.height
        end_x, end_y = base.x + base.width * (1 + right), base.y + base.height * (1 + bottom)
        result.append(_clip(round(x), round(y), round(end_x), round(end_y), frame))
    return result


def negative_windows(
    boxes: Iterable[Window], frame: tuple[int, int], settings: PatchSettings, random: np.random.Generator
) -> list[Window]:
    """Return random background windows away from all boxes; fewer if the photograph has no room.

    The first round(negatives * hard_share) are drawn near a box, as hard negatives.
    """
    boxes = list(boxes)
    hard = round(settings.negatives * settings.hard_share) if boxes else 0
    result: list[Window] = []
    for number in range(settings.negatives):
        near = boxes[int(random.integers(len(boxes)))] if number < hard else None
        window = _draw_clear(boxes, near, frame, settings, random)
        if window is not None:
            result.append(window)
    return result


def random_windows(
    frame: tuple[int, int], count: int, settings: PatchSettings, random: np.random.Generator
) -> list[Window]:
    """Return random windows anywhere in the frame (width, height), with sides of settings.min_side to max_side."""
    return [_draw(None, frame, settings, random) for _ in range(count)]


def intersection(first: Window, second: Window) -> int:
    """Return the area of the intersection in pixels."""
    width = min(first.x + first.width, second.x + second.width) - max(first.x, second.x)
    height = min(first.y + first.height, second.y + second.height) - max(first.y, second.y)
    return max(width, 0) * max(height, 0)


def is_clear(window: Window, boxes: Iterable[Window], settings: PatchSettings) -> bool:
    """Return whether a window counts as background.

    IoU alone is not enough: a small window inside a large specimen has a small IoU. The intersection must also be below
    max_cover of the window's and of the box's area.
    """
    for box in boxes:
        shared = intersection(window, box)
        iou = shared / (window.area + box.area - shared)
        if iou > settings.max_iou or shared > settings.max_cover * min(window.area, box.area):
            return False
    return True


def _draw_clear(
    boxes: list[Window],
    near: Window | None,
    frame: tuple[int, int],
    settings: PatchSettings,
    random: np.random.Generator,
) -> Window | None:
    for _ in range(_ATTEMPTS):
        window = _draw(near, frame, settings, random)
        if is_clear(window, boxes, settings):
            return window
    return None


def _draw(near: Window | None, frame: tuple[int, int], settings: PatchSettings, random: np.random.Generator) -> Window:
    """Return a random window: square root of the area log-uniform, aspect up to 16:9, anywhere or next to a box."""
    low, high = (share * min(frame) for share in (settings.min_side, settings.max_side))
    side, aspect = np.exp(random.uniform(np.log(low), np.log(high))), np.exp(random.uniform(-0.29, 0.29))
    width, height = (
        int(np.clip(round(length), min(MIN_SIDE_PIXELS, limit), limit))
        for length, limit in zip((side * aspect, side / aspect), frame, strict=True)
    )
    if near is None:
        x, y = random.uniform(0, frame[0] - width), random.uniform(0, frame[1] - height)
    else:
        angle = random.uniform(0, 2 * np.pi)
        reach_x, reach_y = (near.width + width) / 2, (near.height + height) / 2
        x = near.x + near.width / 2 + np.cos(angle) * reach_x * 1.2 - width / 2
        y = near.y + near.height / 2 + np.sin(angle) * reach_y * 1.2 - height / 2
    x, y = (int(np.clip(round(v), 0, limit)) for v, limit in ((x, frame[0] - width), (y, frame[1] - height)))
    return Window(x, y, width, height)


def _clip(left: int, top: int, right: int, bottom: int, frame: tuple[int, int]) -> Window:
    """Return the part of a rectangle inside the frame (width, height), at least one pixel large."""
    width, height = frame
    left, top = min(max(left, 0), width - 1), min(max(top, 0), height - 1)
    return Window(left, top, max(min(right, width) - left, 1), max(min(bottom, height) - top, 1))
