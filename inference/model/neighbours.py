"""The k-nearest-neighbour score of a picture among training pictures, by which unknown objects are rejected.

The network's pooled features of a picture are compared with those of training pictures, which the artefact holds in few
numbers. A picture without near neighbours among them shows something else, however confident the softmax is. Source:
deep nearest neighbours (Sun et al. 2022, arXiv:2204.06507).
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .array_file import (
    Column,
    arrays_to_file,
    misfit,
    normalise,
    pack_unit_vectors,
    read_arrays,
    unpack_unit_vectors,
)
from .logistic import logistic

NEIGHBOURS_NAME = "neighbours.npz"
_SHRINKAGE = 0.3  # of the covariance towards a multiple of the identity: pictures are few for the number of dimensions
_TINY = 1e-12
_COLUMNS = {
    "projection": Column(np.float16, 2),
    "vectors": Column(np.int8, 2),
    "classes": Column(np.uint16, 1),
    "scale": Column(np.float64, 1),
}
_SCALE = ("count", "middle", "width", "slope", "offset")


@dataclass(frozen=True)
class Neighbours:
    """Feature vectors of training pictures of the known classes, and how a score by them changes a probability.

    projection: float32 [features, dimensions], from the network's pooled features to fewer numbers.
    vectors: float32 [pictures, dimensions], each of length 1.
    classes: int [pictures], numbers of their labels.
    count: k; the score of a picture is its cosine to the count-th nearest of the vectors.
    middle, width: the score at which half of a probability counts, and how steeply that changes.
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

    @cached_property
    def spread(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the mean of each class [classes, dimensions] and the inverse of the covariance around the means."""
        means, covariance = class_spread(self.vectors, self.classes)
        dimensions = len(covariance)
        # sklearn.covariance.shrunk_covariance, which the runner does without
        sphere = np.eye(dimensions) * max(np.trace(covariance) / dimensions, np.finfo(np.float32).tiny)
        return means, np.linalg.inv((1 - _SHRINKAGE) * covariance + _SHRINKAGE * sphere)

    def project(self, features: np.ndarray) -> np.ndarray:
        """Return float32 [pictures, dimensions] of length 1 for pooled features [pictures, features]."""
        return normalise(np.asarray(features, np.float32) @ self.projection)

    def knn_score(self, features: np.ndarray) -> np.ndarray:
        """Return the k-nearest-neighbour score of each picture, float [pictures], in [-1, 1]."""
        return nth_cosine(self.project(features), self.vectors, self.count)

    def scaled_knn_score(self, vectors: np.ndarray) -> np.ndarray:
        """Return (score - middle) / width of each picture, float [pictures], by its vector."""
        return (nth_cosine(vectors, self.vectors, self.count) - self.middle) / self.width

    def evidence(self, best: np.ndarray, knn_score: np.ndarray) -> np.ndarray:
        """Return the logit of best * logistic(knn_score), float [pictures].

        best: probability of the best class. knn_score: scaled.
        """
        counts = np.clip(best * logistic(knn_score), _TINY, 1 - 1e-7)
        return np.log(counts / (1 - counts))

    def weigh(self, probabilities: np.ndarray, features: np.ndarray, answers: np.ndarray) -> np.ndarray:
        """Return probabilities that are lower the lower the k-nearest-neighbour score of the picture is.

        Args:
            probabilities: float [pictures, labels].
            features: float [pictures, features].
            answers: numbers of the labels that a decision can give.
        """
        scores = self.scaled_knn_score(self.project(features))
        scores = scores[:, np.newaxis].repeat(np.shape(probabilities)[1], axis=1)
        return self.weigh_by(scores, probabilities, answers)

    def weigh_by(self, knn_scores: np.ndarray, probabilities: np.ndarray, answers: np.ndarray) -> np.ndarray:
        """Return float32 [pictures, labels] for the scaled score of each picture with each label, [pictures, labels].

        The probability of the best class becomes the confidence. Where it falls, all fall alike, and what is missing
        to 1 is the probability of something unknown; where it rises, the others share the rest.
        """
        probabilities = np.asarray(probabilities, np.float64)
        rows = np.arange(len(probabilities))
        winners = np.asarray(answers)[probabilities[:, answers].argmax(axis=1)]
        best = probabilities[rows, winners]
        confidence = logistic(self.slope * self.evidence(best, knn_scores[rows, winners]) + self.offset)
        fall = confidence / np.maximum(best, _TINY)
        rise = (1 - confidence) / np.maximum(1 - best, _TINY)
        weighed = probabilities * np.where(confidence <= best, fall, rise)[:, np.newaxis]
        weighed[rows, winners] = confidence
        return np.clip(weighed, 0, 1).astype(np.float32)


def class_spread(vectors: np.ndarray, classes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean of each class [classes, dimensions], in the order of their numbers, and the covariance around the
    means [dimensions, dimensions]; vectors: [pictures, dimensions].
    """
    numbers, members = np.unique(classes, return_inverse=True)
    means = np.stack([vectors[members == number].mean(axis=0) for number in range(len(numbers))])
    around = vectors - means[members]
    return means, around.T @ around / len(around)


def nth_cosine(vectors: np.ndarray, others: np.ndarray, count: int) -> np.ndarray:
    """Return the cosine of each vector to the count-th nearest of the others, float [vectors]; all of length 1."""
    return np.partition(vectors @ others.T, -count, axis=1)[:, -count]


def neighbours_to_file(neighbours: Neighbours) -> bytes:
    """Return the bytes of neighbours.npz: vectors in 8 bits, the projection in 16."""
    return arrays_to_file(
        {
            "projection": neighbours.projection.astype(np.float16),
            "vectors": pack_unit_vectors(neighbours.vectors),
            "classes": neighbours.classes.astype(np.uint16),
            "scale": np.array([getattr(neighbours, name) for name in _SCALE], np.float64),
        }
    )


def read_neighbours(data: bytes, labels: int, features: int, name: str = "model") -> Neighbours:
    """Read neighbours.npz of a model with these numbers of labels and pooled features.

    Raises:
        InputError: it is damaged or does not fit the model.
    """
    projection, vectors, classes, scale = read_arrays(data, _COLUMNS, NEIGHBOURS_NAME, name).values()
    fits = len(scale) == len(_SCALE) and len(vectors) == len(classes) > 0
    fits = fits and projection.shape == (features, vectors.shape[1]) and bool((classes < labels).all())
    fits = fits and 1 <= scale[0] <= len(vectors) and scale[2] > 0 and scale[3] > 0
    if not fits:
        raise misfit(NEIGHBOURS_NAME, name)
    return Neighbours(
        projection.astype(np.float32),
        unpack_unit_vectors(vectors),
        classes.astype(np.int64),
        int(scale[0]),
        *(float(value) for value in scale[1:]),
    )
