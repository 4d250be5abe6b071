"""How like its training pictures a picture is, in the eyes of the network: what tells the unknown from the known.

The network's pooled features of a picture are compared with those of training pictures, kept in the artefact in few
numbers. A picture that has no near neighbours among them shows something else, however sure the softmax is. Source:
deep nearest neighbours (Sun et al. 2022, arXiv:2204.06507).
"""

import io
import zipfile
from dataclasses import dataclass

import numpy as np

from inference.errors import InputError

NEIGHBOURS_NAME = "neighbours.npz"
_MOST_BYTES = 2**26  # of all arrays: a hostile file must not fill the memory
_UNIT = 127  # a component of 1 in the file
_TINY = 1e-12
_ARRAYS = {"projection": np.float16, "vectors": np.int8, "classes": np.uint16, "scale": np.float64}
_SCALE = ("count", "middle", "width", "slope", "offset")


@dataclass(frozen=True)
class Neighbours:
    """Training pictures of the known classes as the network sees them, and what their likeness is worth.

    projection: float32 [features, dimensions], from the network's pooled features to fewer numbers.
    vectors: float32 [pictures, dimensions], each of length 1.
    classes: int [pictures], numbers of their labels.
    count: the likeness of a picture is its cosine to the count-th nearest of the vectors.
    middle, width: likeness at which half of a probability counts, and how steeply that changes.
    slope, offset: from the logit of what then counts to the logit of the confidence (Platt scaling).
    """

    projection: np.ndarray
    vectors: np.ndarray
    classes: np.ndarray
    count: int
    middle: float
    width: float
    slope: float = 1.0
    offset: float = 0.0

    def project(self, features: np.ndarray) -> np.ndarray:
        """Return float32 [pictures, dimensions] of length 1 for pooled features [pictures, features]."""
        reduced = np.asarray(features, np.float32) @ self.projection
        return reduced / np.maximum(np.linalg.norm(reduced, axis=1, keepdims=True), _TINY)

    def likeness(self, features: np.ndarray) -> np.ndarray:
        """Return the likeness of each picture, float [pictures], in [-1, 1]."""
        cosines = self.project(features) @ self.vectors.T
        return np.partition(cosines, -self.count, axis=1)[:, -self.count]

    def evidence(self, best: np.ndarray, features: np.ndarray) -> np.ndarray:
        """Return the logit of probability x likeness, float [pictures], of the best class's probabilities."""
        counts = best * _logistic((self.likeness(features) - self.middle) / self.width)
        counts = np.clip(counts, _TINY, 1 - 1e-7)
        return np.log(counts / (1 - counts))

    def weigh(self, probabilities: np.ndarray, features: np.ndarray, answers: np.ndarray) -> np.ndarray:
        """Return probabilities that also count by how like the training pictures the pictures are.

        That of the best class becomes the confidence. Where it falls, all fall alike, and what is missing to 1 is the
        probability of something unknown; where it rises, the others share the rest.

        Args:
            probabilities: float [pictures, labels].
            features: float [pictures, features].
            answers: numbers of the labels that a decision can give.
        """
        probabilities = np.asarray(probabilities, np.float64)
        rows = np.arange(len(probabilities))
        places = np.asarray(answers)[probabilities[:, answers].argmax(axis=1)]
        best = probabilities[rows, places]
        confidence = _logistic(self.slope * self.evidence(best, features) + self.offset)
        fall = confidence / np.maximum(best, _TINY)
        rise = (1 - confidence) / np.maximum(1 - best, _TINY)
        weighed = probabilities * np.where(confidence <= best, fall, rise)[:, np.newaxis]
        weighed[rows, places] = confidence
        return np.clip(weighed, 0, 1).astype(np.float32)


def _logistic(values: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-np.clip(values, -60, 60)))


def neighbours_to_file(neighbours: Neighbours) -> bytes:
    """Return the bytes of neighbours.npz: vectors in 8 bits, the projection in 16."""
    buffer = io.BytesIO()
    scale = np.array([getattr(neighbours, name) for name in _SCALE], np.float64)
    np.savez(
        buffer,
        projection=neighbours.projection.astype(np.float16),
        vectors=np.round(neighbours.vectors * _UNIT).astype(np.int8),
        classes=neighbours.classes.astype(np.uint16),
        scale=scale,
    )
    return buffer.getvalue()


def read_neighbours(data: bytes, labels: int, features: int, name: str = "model") -> Neighbours:
    """Read neighbours.npz of a model with so many labels and pooled features.

    Raises:
        InputError: it is damaged or does not fit the model.
    """
    arrays = _load(data, name)
    projection, vectors, classes, scale = (arrays[key] for key in _ARRAYS)
    fits = [array.dtype for array in arrays.values()] == list(_ARRAYS.values())
    fits = fits and [array.ndim for array in arrays.values()] == [2, 2, 1, 1]
    fits = fits and len(scale) == len(_SCALE) and len(vectors) == len(classes) > 0
    fits = fits and projection.shape == (features, vectors.shape[1]) and bool((classes < labels).all())
    fits = fits and bool(np.isfinite(projection).all() and np.isfinite(scale).all())
    fits = fits and 1 <= scale[0] <= len(vectors) and scale[2] > 0 and scale[3] > 0
    if not fits:
        raise InputError(
            f"{name}: {NEIGHBOURS_NAME} does not fit the network ({features} features, {labels} labels). "
            "Export the model again."
        )
    lengths = np.linalg.norm(vectors.astype(np.float32), axis=1, keepdims=True)
    return Neighbours(
        projection.astype(np.float32),
        vectors.astype(np.float32) / np.maximum(lengths, _TINY),
        classes.astype(np.int64),
        int(scale[0]),
        *(float(value) for value in scale[1:]),
    )


def _load(data: bytes, name: str) -> dict[str, np.ndarray]:
    """Return the arrays of a .npz; nothing in it can run code, and none is larger than its stated size."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > _MOST_BYTES:
                raise InputError(f"{name}: {NEIGHBOURS_NAME} is too large. Export the model again.")
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            return {key: arrays[key] for key in _ARRAYS}
    except InputError:
        raise
    except Exception as fault:  # zipfile and numpy raise BadZipFile, KeyError, ValueError, EOFError, zlib.error ...
        raise InputError(f"{name}: {NEIGHBOURS_NAME} is damaged: {fault}. Export the model again.") from fault
