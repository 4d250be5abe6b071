"""A photograph -> SIFT keypoints; two photographs -> whether a part of one is seen in the other, by geometry.

SIFT: Lowe 2004, "Distinctive Image Features from Scale-Invariant Keypoints". Descriptors are square roots (RootSIFT,
Arandjelovic and Zisserman 2012) as uint8. Points are in pixels of the scaled photograph.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np

SMALL_SIDE = 256
FEW_PHOTOS = 3000  # up to which there is time for more detail
LEAST_KEYPOINTS = 8  # a view with fewer can't be told from others
LENGTH = 128  # numbers of a descriptor
_SCALE = 510.0  # of a descriptor as uint8; square roots of a share are below 0.5
_CONTRAST = 0.02  # below OpenCV's 0.04, so that dark or smooth specimens have keypoints too
_RATIO = 0.9  # largest distance to the best match, as a share of that to the second
_REACH_PIXELS = 6.0  # largest error of an inlier
_ITERATIONS = 500
_LARGEST_ZOOM = 6.0
_CELL_PIXELS = 4.0  # inliers within one cell count once

# A mirrored picture has the same descriptors with the rows of cells reversed and the angles negated.
_MIRROR = np.array(
    [((3 - row) * 4 + column) * 8 + (-angle) % 8 for row in range(4) for column in range(4) for angle in range(8)]
)


@dataclass(frozen=True)
class Detail:
    """How closely photographs are looked at. side: longer side of a scaled photograph; most: of its keypoints."""

    side: int
    most: int

    def scale(self, width: int, height: int) -> float:
        """Return the factor by which a photograph is scaled; small ones are enlarged to SMALL_SIDE alone."""
        longer = max(width, height, 1)
        return min(max(longer, SMALL_SIDE), self.side) / longer


def detail_for(photos: int) -> Detail:
    """Return the detail that two cores can afford for a number of photographs."""
    return Detail(384, 400) if photos <= FEW_PHOTOS else Detail(SMALL_SIDE, 250)


@dataclass(frozen=True)
class Keypoints:
    """points: float32 [k, 2], x and y; descriptors: uint8 [k, LENGTH]; boxes: float [n, 4], x, y, width, height."""

    points: np.ndarray
    descriptors: np.ndarray
    boxes: np.ndarray

    def inside(self, box: np.ndarray) -> np.ndarray:
        """Return bool [k]: the keypoints in a box."""
        return ((self.points >= box[:2]) & (self.points <= box[:2] + box[2:])).all(axis=1)


@dataclass(frozen=True)
class Alignment:
    """The matching keypoints of two photographs that agree on how one lies in the other.

    points, others: float32 [k, 2], in the first and in the second.
    """

    first: Keypoints
    second: Keypoints
    points: np.ndarray
    others: np.ndarray

    @property
    def inliers(self) -> int:
        """Return the number of distinct places, in the photograph where it is smaller."""
        return min(_distinct(self.points), _distinct(self.others))

    def spread(self) -> float:
        """Return the area of their convex hull as a share of the boxes that it lies in, the larger of both."""
        return max(_spread(self.points, self.first), _spread(self.others, self.second))


def find_keypoints(grey: np.ndarray, boxes: np.ndarray, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Return at most `most` points and descriptors of a scaled photograph, uint8 [height, width], inside its boxes."""
    mask = np.zeros(grey.shape, np.uint8)
    for left, top, width, height in boxes:
        mask[int(top) : int(np.ceil(top + height)), int(left) : int(np.ceil(left + width))] = 255
    detector = cv2.SIFT_create(nfeatures=most, contrastThreshold=_CONTRAST)  # type: ignore[attr-defined]
    found, rows = detector.detectAndCompute(grey, mask)
    if rows is None:
        return np.zeros((0, 2), np.float32), np.zeros((0, LENGTH), np.uint8)
    points = np.array([point.pt for point in found], np.float32)[:most]
    shares = rows / np.maximum(rows.sum(axis=1, keepdims=True), 1e-9)
    return points, np.minimum(np.sqrt(shares) * _SCALE, 255).astype(np.uint8)[:most]


def unit(descriptors: np.ndarray) -> np.ndarray:
    """Return stored descriptors as float32 of length 1."""
    return descriptors.astype(np.float32) / _SCALE


def mirror(descriptors: np.ndarray) -> np.ndarray:
    """Return the descriptors that the mirrored picture would have."""
    return descriptors[:, _MIRROR]


def align(first: Keypoints, second: Keypoints, mirrored: bool) -> Alignment | None:
    """Return how the first photograph lies in the second, or mirrored in it; None if they share nothing.

    Mutual nearest neighbours that pass Lowe's ratio test vote for a similarity by RANSAC.
    """
    rows, columns = _match(first.descriptors, mirror(second.descriptors) if mirrored else second.descriptors)
    if len(rows) < LEAST_KEYPOINTS:
        return None
    points, others = first.points[rows], second.points[columns]
    flipped = others * np.array([-1, 1], np.float32) if mirrored else others
    cv2.setRNGSeed(0)  # the same answer whatever was aligned before
    transform, agree = cv2.estimateAffinePartial2D(
        points, flipped, ransacReprojThreshold=_REACH_PIXELS, maxIters=_ITERATIONS, confidence=0.99, refineIters=0
    )
    if transform is None or not 1 / _LARGEST_ZOOM < math.hypot(transform[0, 0], transform[1, 0]) < _LARGEST_ZOOM:
        return None
    chosen = agree.ravel() > 0
    return Alignment(first, second, points[chosen], others[chosen])


def _match(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the positions of mutual nearest neighbours that are much nearer than the second nearest."""
    if min(len(first), len(second)) < LEAST_KEYPOINTS:
        return np.zeros(0, int), np.zeros(0, int)
    products = first.astype(np.float32) @ second.astype(np.float32).T  # [first, second]; whole numbers, so exact
    nearest = products.argmax(axis=1)
    best = products[np.arange(len(first)), nearest]
    rows = np.nonzero(best == products.max(axis=0)[nearest])[0]
    products[rows, nearest[rows]] = 0
    runner_up = products[rows].max(axis=1)
    square = _SCALE**2  # of a descriptor's length; squared distances are 2 * square - 2 * product
    near = square - best[rows] < _RATIO**2 * (square - runner_up)
    return rows[near], nearest[rows[near]]


def _distinct(points: np.ndarray) -> int:
    return len({(x, y) for x, y in np.round(points / _CELL_PIXELS).tolist()})


def _spread(points: np.ndarray, photo: Keypoints) -> float:
    """Return the area of the points' convex hull as a share of the boxes that hold one of them, at most 1."""
    inside = (
        (points[:, None] >= photo.boxes[:, :2]) & (points[:, None] <= photo.boxes[:, :2] + photo.boxes[:, 2:])
    ).all(axis=2)
    area = (photo.boxes[:, 2] * photo.boxes[:, 3])[inside.any(axis=0)].sum()
    return min(float(cv2.contourArea(cv2.convexHull(points))) / max(float(area), 1.0), 1.0)
