"""Frames -> the regions in which something moves, by OpenCV's background subtraction (MOG2).

Zivkovic, "Improved adaptive Gaussian mixture model for background subtraction", ICPR 2004: each pixel remembers the
colours that it usually has. A colour that has been there for long enough is background.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..pictures.regions import Box
from .opencv import load_opencv

_FOREGROUND = 255  # MOG2's mark; 127 is shadow, 0 background
_ABSORBED_WEIGHT = 0.105  # frames * rate at which MOG2 takes a new colour for background: -ln(backgroundRatio 0.9)
_MOST_PIECES = 200  # pieces of a mask that are considered, the largest: the cost of merging grows with their square

_Edges = tuple[int, int, int, int]  # left, top, right, bottom in pixels of the reduced frame


@dataclass(frozen=True)
class VideoSettings:
    """What counts as a moving region. Frames are those that are processed, so with --every 5 each fifth.

    working_side: pixels of the longer side to which a frame is reduced before the search; the regions that are
        classified are cut out of the whole frame.
    warm_up_frames: frames whose median is the first background; none of them has a region.
    absorb_frames: frames after which what stands still belongs to the background.
    contrast: how far a colour must be from the background's: the square of a distance in standard deviations.
    shadow_darkness: a pixel of the background's hue that keeps at least this share of its brightness is shadow, no
        object; 1 finds no shadow at all, 0.5 also takes a grey object on white paper for one.
    least_area, most_area: share of the frame. Smaller regions are left out. If more of the frame has changed at once,
        the light or the camera has, not an object: there is no region, and the background is learnt anew.
    merge_gap: share of the frame's longer side; regions that are closer are one.
    most_regions: of more regions in a frame the largest are kept.
    """

    working_side: int = 480
    warm_up_frames: int = 20
    absorb_frames: int = 100
    contrast: float = 16.0
    shadow_darkness: float = 0.7
    least_area: float = 0.002
    most_area: float = 0.5
    merge_gap: float = 0.01
    most_regions: int = 20


DEFAULT_SETTINGS = VideoSettings()


class MotionFinder:
    """Remembers the background of one camera or video."""

    def __init__(self, settings: VideoSettings = DEFAULT_SETTINGS) -> None:
        """Make a finder that has seen nothing yet.

        Raises:
            InputError: OpenCV is not installed.
        """
        self._cv2: Any = load_opencv()
        self._settings = settings
        self._model: Any = None
        self._warm_up: list[np.ndarray] = []
        self._size: tuple[int, ...] = ()

    def find(self, frame: np.ndarray) -> list[Box]:
        """Return the moving regions of the next frame, uint8 [height, width, 3], RGB, from left to right.

        Boxes are left, top, width, height in whole pixels of the frame. An object that was there from the start and
        leaves its position uncovers background that is new: that area counts as moving until it is absorbed.
        """
        reduced = self._reduce(frame)
        if reduced.shape != self._size:  # a stream may change its size
            self._forget(reduced.shape)
        if self._model is None:
            self._learn_first(reduced)
            return []
        mask = self._model.apply(reduced, learningRate=_ABSORBED_WEIGHT / self._settings.absorb_frames)
        if np.count_nonzero(mask) > self._settings.most_area * mask.size:  # shadow counts: the light may be put out
            self._forget(reduced.shape)
            self._learn_first(reduced)
            return []
        return self._make_boxes(self._merge(self._find_pieces(mask)), reduced.shape, frame.shape)

    def _reduce(self, frame: np.ndarray) -> np.ndarray:
        """Return the frame at working size, with single pixels of noise smoothed away."""
        height, width = frame.shape[:2]
        factor = min(1.0, self._settings.working_side / max(height, width))
        size = (max(1, round(width * factor)), max(1, round(height * factor)))
        reduced = frame if factor == 1 else self._cv2.resize(frame, size, interpolation=self._cv2.INTER_AREA)
        return self._cv2.GaussianBlur(reduced, (3, 3), 0)

    def _forget(self, size: tuple[int, ...]) -> None:
        self._model, self._warm_up, self._size = None, [], size

    def _learn_first(self, reduced: np.ndarray) -> None:
        """Collect frames; their median is a background without what moves through it."""
        self._warm_up.append(reduced)
        if len(self._warm_up) < self._settings.warm_up_frames:
            return
        middle = len(self._warm_up) // 2
        background = np.partition(np.stack(self._warm_up), middle, axis=0)[middle]  # [height, width, channel]
        self._model = self._cv2.createBackgroundSubtractorMOG2(varThreshold=self._settings.contrast)
        self._model.setShadowThreshold(self._settings.shadow_darkness)
        self._model.apply(np.ascontiguousarray(background), learningRate=1.0)
        self._warm_up = []

    def _find_pieces(self, mask: np.ndarray) -> list[_Edges]:
        """Return the connected pieces of the foreground without specks, small gaps closed."""
        cv2 = self._cv2
        foreground = (mask == _FOREGROUND).astype(np.uint8)
        opened = cv2.morphologyEx(foreground, cv2.MORPH_OPEN, self._disc(3))
        closed = cv2.morphologyEx(opened, cv2.MORPH_CLOSE, self._disc(2 * self._gap() + 1))
        rows = cv2.connectedComponentsWithStats(closed)[2][1:]  # without the background: left, top, width, height, area
        largest = sorted(rows.tolist(), key=lambda row: -row[4])[:_MOST_PIECES]
        return [(left, top, left + width, top + height) for left, top, width, height, _ in largest]

    def _disc(self, side: int) -> np.ndarray:
        return self._cv2.getStructuringElement(self._cv2.MORPH_ELLIPSE, (side, side))

    def _gap(self) -> int:
        return max(1, round(self._settings.merge_gap * max(self._size)))

    def _merge(self, pieces: list[_Edges]) -> list[_Edges]:
        """Return boxes of which no two overlap or nearly touch: each is laid into one with those it meets."""
        gap = self._gap()
        merged: list[_Edges] = []
        for piece in pieces:
            while near := [other for other in merged if _meet(piece, other, gap)]:
                merged = [other for other in merged if other not in near]
                piece = _enclose([piece, *near])
            merged.append(piece)
        return merged

    def _make_boxes(self, edges: list[_Edges], reduced: tuple[int, ...], whole: tuple[int, ...]) -> list[Box]:
        """Return the boxes that are large enough, in pixels of the whole frame."""
        least = self._settings.least_area * reduced[0] * reduced[1]
        large = sorted((box for box in edges if _area(box) >= least), key=_area, reverse=True)
        x, y = whole[1] / reduced[1], whole[0] / reduced[0]
        scaled = [
            (round(left * x), round(top * y), round(right * x), round(bottom * y))
            for left, top, right, bottom in sorted(large[: self._settings.most_regions])
        ]
        return [(left, top, right - left, bottom - top) for left, top, right, bottom in scaled]


def _meet(one: _Edges, other: _Edges, gap: int) -> bool:
    across = one[0] - gap <= other[2] and other[0] - gap <= one[2]
    return across and one[1] - gap <= other[3] and other[1] - gap <= one[3]


def _enclose(boxes: list[_Edges]) -> _Edges:
    lefts, tops, rights, bottoms = zip(*boxes, strict=True)
    return min(lefts), min(tops), max(rights), max(bottoms)


def _area(box: _Edges) -> int:
    return (box[2] - box[0]) * (box[3] - box[1])
