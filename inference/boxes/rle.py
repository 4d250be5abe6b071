"""COCO's run-length encoded masks -> the box around them: runs of 0 and 1 in turn, down the columns, the first of 0."""

from collections.abc import Iterator
from typing import Any, TypeGuard

from ..errors import InputError, quote
from .entries import Numbers, as_number

_Run = tuple[int, int, int, int]  # column, first row, end row, number of the run that these rows are part of


def is_rle(shape: Any) -> TypeGuard[dict[str, Any]]:
    """Tell whether a segmentation is a mask in runs, not polygons."""
    return isinstance(shape, dict) and "counts" in shape


def enclose_rle(mask: dict[str, Any]) -> Numbers:
    """Return left, top, right, bottom around the ones of a mask, whole pixels.

    Raises:
        InputError: it is damaged or empty.
    """
    columns, firsts, ends, _ = zip(*_read_runs(mask), strict=True)
    return min(columns), min(firsts), max(columns) + 1, max(ends)


def is_one_piece(mask: dict[str, Any]) -> bool:
    """Tell whether the ones of a mask touch one another, corners included, or are of one run: one object.

    Raises:
        InputError: it is damaged or empty.
    """
    runs = list(_read_runs(mask))
    piece = list(range(len(runs)))  # each run's piece, as the number of another run of it or its own

    def head(number: int) -> int:
        while piece[number] != number:
            piece[number] = number = piece[piece[number]]
        return number

    start = 0
    for number, (column, first, end, run) in enumerate(runs):
        while runs[start][0] < column - 1:
            start += 1
        for other in range(start, number):
            beside = runs[other][0] == column - 1 and runs[other][1] <= end and runs[other][2] >= first
            if beside or runs[other][3] == run:
                piece[head(other)] = head(number)
    return len({head(number) for number in range(len(runs))}) == 1


def _read_runs(mask: dict[str, Any]) -> list[_Run]:
    size, counts = mask.get("size"), mask["counts"]
    height = as_number(size[0]) if isinstance(size, list) and len(size) == 2 else None
    if height is None or height < 1 or height != int(height):
        raise InputError(f"a mask must have size [height, width]; received {quote(size)}. Export it again.")
    lengths = list(_unpack(counts)) if isinstance(counts, str) else counts
    if not isinstance(lengths, list) or not all(isinstance(length, int) and length >= 0 for length in lengths):
        raise InputError(f"a mask's counts must be lengths of runs; received {quote(counts)}. Export it again.")
    runs = list(_split_runs(lengths, int(height)))
    if not runs:
        raise InputError("a mask must have pixels; received an empty one. Draw or remove it.")
    return runs


def _split_runs(lengths: list[int], height: int) -> Iterator[_Run]:
    position = 0
    for number, length in enumerate(lengths):
        end = position + length
        while number % 2 and position < end:  # a run may go on in the next columns
            column, row = divmod(position, height)
            stop = min(end, (column + 1) * height)
            yield column, row, stop - column * height, number
            position = stop
        position = end


def _unpack(text: str) -> Iterator[int]:
    """Yield the lengths of COCO's compressed text: 5 bits a character, from the 4th on as difference to two before."""
    lengths: list[int] = []
    value = shift = 0
    for character in text:
        bits = ord(character) - 48
        value |= (bits & 31) << shift
        shift += 5
        if bits & 32:
            continue
        if bits & 16:
            value -= 1 << shift
        lengths.append(value + (lengths[-2] if len(lengths) > 2 else 0))
        yield lengths[-1]
        value = shift = 0
