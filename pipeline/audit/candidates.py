"""Features of all photographs -> the few pairs that are worth comparing.

Each box, and each whole photograph, has one vector that sums up its keypoints (VLAD: Jegou et al. 2010, "Aggregating
local descriptors into a compact image representation"; square roots as in Perronnin et al. 2010), and each photograph
one of its edges. The nearest others by either, as they are or mirrored, become candidates.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from sklearn.cluster import MiniBatchKMeans

from pipeline.audit.edges import MAP_SIDE, edge_vectors
from pipeline.audit.features import Features
from pipeline.audit.keypoints import LEAST_KEYPOINTS, Keypoints, mirror, unit
from pipeline.random_generator import make_generator

_CENTRES = 32
_DIMENSIONS = 48  # of a descriptor after its principal components
_SAMPLE = 20_000  # descriptors that the centres are found in
_BLOCK_ROWS = 256
_LEAST_EDGES = 0.3  # cosine of two edge vectors below which pictures are no copies; cropping costs most of it

Candidate = tuple[int, int, bool]  # positions of two photographs, the smaller first; whether one is mirrored


@dataclass(frozen=True)
class _Codebook:
    mean: np.ndarray  # [LENGTH]
    directions: np.ndarray  # [LENGTH, _DIMENSIONS]
    centres: np.ndarray  # [centres, _DIMENSIONS]

    def describe(self, descriptors: np.ndarray) -> np.ndarray:
        """Return float32 [centres * _DIMENSIONS] of length 1: the sum of what each centre leaves of its descriptors."""
        rows = (unit(descriptors) - self.mean) @ self.directions  # [k, _DIMENSIONS]
        nearest = (rows @ self.centres.T - 0.5 * (self.centres**2).sum(axis=1)).argmax(axis=1)
        chosen = (nearest[:, None] == np.arange(len(self.centres))).astype(np.float32)  # [k, centres]
        sums = chosen.T @ rows - chosen.sum(axis=0)[:, None] * self.centres
        sums /= np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-9)
        vector = np.sign(sums) * np.sqrt(np.abs(sums))
        return (vector / max(float(np.linalg.norm(vector)), 1e-9)).ravel().astype(np.float32)


def keypoint_candidates(features: Features, nearest: int) -> set[Candidate]:
    """Return pairs of photographs with similar keypoints: of each box its nearest ones of other photographs."""
    codebook = _learn_codebook(features)
    if codebook is None:
        return set()
    owners, plain, mirrored = [], [], []
    for position in range(len(features.photos)):
        keypoints = features.keypoints(position)
        for view in _views(keypoints):
            owners.append(position)
            plain.append(codebook.describe(keypoints.descriptors[view]))
            mirrored.append(codebook.describe(mirror(keypoints.descriptors[view])))
    if not owners:
        return set()
    vectors, owner = np.stack(plain), np.array(owners)
    return {
        *_nearest(vectors, vectors, owner, nearest, False),
        *_nearest(np.stack(mirrored), vectors, owner, nearest, True),
    }


def edge_candidates(features: Features, nearest: int) -> set[Candidate]:
    """Return pairs of photographs with similar edges."""
    maps = np.asarray(features.edges).reshape(-1, MAP_SIDE, MAP_SIDE)
    vectors, owner = edge_vectors(maps), np.arange(len(maps))
    mirrored = edge_vectors(maps[:, :, ::-1])
    return {
        *_nearest(vectors, vectors, owner, nearest, False, _LEAST_EDGES),
        *_nearest(mirrored, vectors, owner, nearest, True, _LEAST_EDGES),
    }


def _views(keypoints: Keypoints) -> Iterator[np.ndarray]:
    """Yield the keypoints of each box, and of all boxes together, that are enough; bool [k]."""
    boxes = [keypoints.inside(box) for box in keypoints.boxes] if len(keypoints.boxes) > 1 else []
    for view in (*boxes, np.ones(len(keypoints.points), bool)):
        if view.sum() >= LEAST_KEYPOINTS:
            yield view


def _learn_codebook(features: Features) -> _Codebook | None:
    """Return the codebook of a sample of all descriptors; None if there are too few."""
    random = make_generator(0, "codebook")
    counts = np.asarray(features.counts)
    total = int(counts.sum())
    share = min(1.0, _SAMPLE / max(total, 1))
    rows = [
        unit(features.descriptors[position, : counts[position]][random.random(counts[position]) < share])
        for position in range(len(counts))
    ]
    sample = np.concatenate(rows) if rows else np.zeros((0, 1))
    if len(sample) < 2 * _CENTRES:
        return None
    mean = sample.mean(axis=0)
    directions = np.linalg.svd(sample - mean, full_matrices=False)[2][:_DIMENSIONS].T
    found = MiniBatchKMeans(_CENTRES, random_state=0, n_init=1, batch_size=4096).fit((sample - mean) @ directions)
    return _Codebook(mean, directions, found.cluster_centers_.astype(np.float32))


def _nearest(
    queries: np.ndarray, vectors: np.ndarray, owner: np.ndarray, count: int, mirrored: bool, least: float = 0.0
) -> Iterator[Candidate]:
    """Yield the owners of each query and of the nearest vectors of others, by cosine, above `least`."""
    count = min(count, len(vectors) - 1)
    if count < 1:
        return
    for start in range(0, len(queries), _BLOCK_ROWS):
        cosines = queries[start : start + _BLOCK_ROWS] @ vectors.T  # [block, vectors]
        cosines[owner[start : start + _BLOCK_ROWS, None] == owner] = -1
        chosen = np.argpartition(-cosines, count - 1, axis=1)[:, :count]
        for row, columns in enumerate(chosen):
            for column in columns[cosines[row, columns] > least]:
                first, second = sorted((int(owner[start + row]), int(owner[column])))
                yield first, second, mirrored
