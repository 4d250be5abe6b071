"""A mask -> its connected regions, each with box, area and contour, in numpy alone."""

from dataclasses import dataclass

import numpy as np

Point = tuple[int, int]  # column, row
_AROUND = ((1, 0), (1, 1), (0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1))  # clockwise from the right


@dataclass(frozen=True)
class Component:
    """One connected region of a mask: its box (left, top, width, height), area in pixels and own mask in the box."""

    box: tuple[int, int, int, int]
    area: int
    mask: np.ndarray  # bool [height, width]

    @property
    def slices(self) -> tuple[slice, slice]:
        """Return rows and columns of the box in the photograph."""
        left, top, width, height = self.box
        return slice(top, top + height), slice(left, left + width)


@dataclass(frozen=True)
class _Runs:
    """Runs of True in the rows of a mask, by rows: first column, column behind the last, row, and region's number.

    count: of regions.
    """

    starts: np.ndarray
    ends: np.ndarray
    rows: np.ndarray
    numbers: np.ndarray
    count: int


def label_components(mask: np.ndarray) -> tuple[np.ndarray, int]:
    """Return int32 labels [height, width], 0 where the mask is False, and their number; corners connect."""
    runs = _find_runs(mask)
    labels = np.zeros(mask.shape, np.int32)
    for row, start, end, number in zip(runs.rows, runs.starts, runs.ends, runs.numbers, strict=True):
        labels[row, start:end] = number + 1
    return labels, runs.count


def find_components(mask: np.ndarray, smallest_area: int = 1) -> list[Component]:
    """Return the connected regions of bool [height, width] of at least smallest_area pixels, the largest first."""
    runs = _find_runs(mask)
    areas = np.bincount(runs.numbers, weights=runs.ends - runs.starts, minlength=runs.count)
    order = np.argsort(runs.numbers, kind="stable")
    members = np.split(order, np.cumsum(np.bincount(runs.numbers, minlength=runs.count))[:-1])
    found = [_component(runs, members[number]) for number in np.flatnonzero(areas >= smallest_area)]
    return sorted(found, key=lambda one: (-one.area, one.box))


def trace_contour(component: Component) -> list[Point]:
    """Return the outline of a region, clockwise, as the pixels at which it turns; in the photograph's coordinates.

    Moore's neighbour tracing with Jacob's stopping rule. A region of one pixel has one point.
    """
    left, top = component.box[:2]
    mask = np.pad(component.mask, 1)
    row, column = (int(value) for value in np.argwhere(mask)[0])
    start, entry = (column, row), 6  # came from the left along the row: look upwards first
    points, position, heading = [start], start, entry
    while True:
        step = next((turn % 8 for turn in range(heading, heading + 8) if _at(mask, position, turn % 8)), None)
        if step is None:
            break  # a single pixel
        position, heading = _move(position, step), (step + 6) % 8 if step % 2 == 0 else (step + 5) % 8
        if position == start and _first_step(mask, start, heading) == _first_step(mask, start, entry):
            break
        points.append(position)
    return [(x + left - 1, y + top - 1) for x, y in _corners(points)]


def _first_step(mask: np.ndarray, position: Point, heading: int) -> int:
    return next(turn % 8 for turn in range(heading, heading + 8) if _at(mask, position, turn % 8))


def _at(mask: np.ndarray, position: Point, direction: int) -> bool:
    column, row = _move(position, direction)
    return bool(mask[row, column])


def _move(position: Point, direction: int) -> Point:
    return position[0] + _AROUND[direction][0], position[1] + _AROUND[direction][1]


def _corners(points: list[Point]) -> list[Point]:
    """Leave out points on a straight line between their neighbours."""
    if len(points) < 3:
        return points
    around = zip(points[-1:] + points[:-1], points, points[1:] + points[:1], strict=True)
    return [
        here
        for before, here, behind in around
        if (here[0] - before[0], here[1] - before[1]) != (behind[0] - here[0], behind[1] - here[1])
    ]


def _find_runs(mask: np.ndarray) -> _Runs:
    """Return the runs of True of bool [height, width], each with the number of its region.

    Runs that touch those of the row above are joined (union-find). By hand, since the runner may not import scipy or
    OpenCV.
    """
    starts, ends, rows = _runs(mask)
    parents = np.arange(len(starts))
    firsts = np.searchsorted(rows, np.arange(mask.shape[0] + 1))  # first run of each row
    for row in range(1, mask.shape[0]):
        above, here, behind = int(firsts[row - 1]), int(firsts[row]), int(firsts[row + 1])
        one, other = above, here
        while one < here and other < behind:
            if starts[one] <= ends[other] and starts[other] <= ends[one]:  # ends are exclusive: corners touch
                _join(parents, one, other)
            if ends[one] < ends[other]:
                one += 1
            else:
                other += 1
    roots = np.array([_root(parents, run) for run in range(len(parents))], np.int64)
    different, numbers = np.unique(roots, return_inverse=True)
    return _Runs(starts, ends, rows, numbers, len(different))


def _runs(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return first column, column behind the last, and row of every run of True, by rows."""
    found = []
    for row in np.flatnonzero(mask.any(axis=1)):
        changes = np.flatnonzero(np.diff(np.pad(mask[row].view(np.int8), 1)))
        found.append((changes[::2], changes[1::2], np.full(len(changes) // 2, row)))
    if not found:
        return (np.zeros(0, np.int64),) * 3
    starts, ends, rows = (np.concatenate(part) for part in zip(*found, strict=True))
    return starts, ends, rows


def _root(parents: np.ndarray, run: int) -> int:
    while parents[run] != run:
        parents[run] = parents[parents[run]]
        run = int(parents[run])
    return run


def _join(parents: np.ndarray, one: int, other: int) -> None:
    one, other = _root(parents, one), _root(parents, other)
    parents[max(one, other)] = min(one, other)


def _component(runs: _Runs, members: np.ndarray) -> Component:
    """Return the region of these runs."""
    starts, ends, rows = runs.starts[members], runs.ends[members], runs.rows[members]
    left, top = int(starts.min()), int(rows.min())
    mask = np.zeros((int(rows.max()) - top + 1, int(ends.max()) - left), bool)
    for start, end, row in zip(starts - left, ends - left, rows - top, strict=True):
        mask[row, start:end] = True
    return Component((left, top, mask.shape[1], mask.shape[0]), int((ends - starts).sum()), mask)
