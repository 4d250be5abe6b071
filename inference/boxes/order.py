"""Four numbers of a box -> its edges, in the order that the file's format states or that all its boxes tell."""

import math
from collections.abc import Callable, Sequence
from enum import Enum

Numbers = tuple[float, float, float, float]
Frame = tuple[float, float]  # width and height of a picture, in the unit of its boxes

_STICKS_OUT = 0.05  # of the picture's side: farther than a careless hand draws
_ROUNDING = 0.01  # of the picture's side
_LARGE_SHARE = 0.25  # of the boxes; edges read as width and height stick out unless the middle is in the upper left
_FEWEST = 2  # boxes that stick out; one alone tells nothing
_SLIPS = 0.02  # share of wrong boxes that a file may have in its right order
_SAMPLE = 200  # boxes whose pictures are measured first


class Order(Enum):
    """What the four numbers of a box are; the value is how messages write it."""

    EXTENT = "[x, y, width, height]"
    CORNERS = "[x1, y1, x2, y2]"
    CENTRE = "[x centre, y centre, width, height]"

    def edges(self, numbers: Numbers) -> Numbers:
        """Return left, top, right, bottom."""
        first, second, third, fourth = numbers
        if self is Order.CORNERS:
            return numbers
        if self is Order.CENTRE:
            first, second = first - third / 2, second - fourth / 2
        return first, second, first + third, second + fourth


def tell_order(
    boxes: Sequence[tuple[str, Numbers]], orders: tuple[Order, ...], frame_of: Callable[[str], Frame | None]
) -> tuple[Order, int]:
    """Return the order of all boxes, and how many stick out of their picture in the first one, the format's own.

    It is another one only where many boxes stick out in the first, and that one alone has all boxes inside.

    boxes: each with the name of its photograph. frame_of: of a photograph; None where it can't be measured: its boxes
    do not count. It is called for a sample alone where the first order is right.
    """
    outside, told = 0, orders[0]
    for some in (boxes[:: max(1, len(boxes) // _SAMPLE)], boxes):
        framed = [(numbers, frame) for photo, numbers in some if (frame := frame_of(photo))]
        outside = _count_outside(framed, orders[0], _STICKS_OUT)
        fitting = [one for one in orders[1:] if _count_outside(framed, one, _ROUNDING) <= _SLIPS * len(framed)]
        if outside < max(_FEWEST, _LARGE_SHARE * len(framed)) or len(fitting) != 1:
            return orders[0], outside
        told = fitting[0]
    return told, outside


def _count_outside(framed: list[tuple[Numbers, Frame]], order: Order, tolerance: float) -> int:
    return sum(_overhang(order.edges(numbers), frame) > tolerance for numbers, frame in framed)


def _overhang(edges: Numbers, frame: Frame) -> float:
    """Return by how much a box sticks out of its picture, as a share of that side; inf without width or height."""
    left, top, right, bottom = edges
    if not (right > left and bottom > top):
        return math.inf
    width, height = frame
    return max(-left / width, -top / height, right / width - 1, bottom / height - 1)
