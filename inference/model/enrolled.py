"""Classes that were added to a model after its training, by a few pictures each: no weight of the network changes.

An added class is the mean of its pictures' vectors (a prototype), like the means of the trained classes' neighbours;
all share one covariance, that of the neighbours around their means. How much nearer a picture is to an added class's
mean than to any other (linear discriminant analysis, Fisher 1936; for few pictures of new classes in deep features:
Mensink et al. 2013, "Distance-based image classification") becomes its probability by Platt scaling. Its
k-nearest-neighbour score is the one among the added class's own pictures.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .array_file import Column, arrays_to_file, misfit, read_arrays
from .logistic import logistic
from .neighbours import Neighbours, nth_cosine

ENROLLED_NAME = "enrolled.npz"
_COLUMNS = {"vectors": Column(np.float16, 2), "classes": Column(np.uint16, 1), "scale": Column(np.float64, 2)}
_SCALE = ("count", "middle", "width", "slope", "offset")


@dataclass(frozen=True)
class EnrolledClass:
    """One added class.

    vectors: float32 [pictures, dimensions], its pictures as Neighbours.project gives them.
    count, middle, width: of its k-nearest-neighbour score, as those of Neighbours are.
    slope, offset: from the margin (see Enrolled.margins) to the logit of its probability.
    """

    vectors: np.ndarray
    count: int = 1
    middle: float = 0.0
    width: float = 1.0
    slope: float = 1.0
    offset: float = 0.0


@dataclass(frozen=True)
class Enrolled:
    """A model's neighbours and the classes that were added to them."""

    neighbours: Neighbours
    classes: tuple[EnrolledClass, ...]

    @cached_property
    def _discriminants(self) -> tuple[np.ndarray, np.ndarray]:
        """Return weights [classes, dimensions] and biases [classes]: trained classes first, then the added ones."""
        means, precision = self.neighbours.spread
        means = np.vstack([means, *(added.vectors.mean(axis=0, keepdims=True) for added in self.classes)])
        weights = means @ precision
        return weights, -0.5 * (weights * means).sum(axis=1)

    def margins(self, vectors: np.ndarray) -> np.ndarray:
        """Return by how much each added class is nearer than all others: float [pictures, added classes].

        Half the difference of squared Mahalanobis distances: positive where the class is the nearest.
        vectors: float [pictures, dimensions] of length 1.
        """
        weights, biases = self._discriminants
        scores = vectors @ weights.T + biases  # [pictures, classes]
        added = np.arange(len(biases) - len(self.classes), len(biases))
        return np.stack([scores[:, n] - np.delete(scores, n, axis=1).max(axis=1) for n in added], axis=1)

    def weigh(self, probabilities: np.ndarray, features: np.ndarray, answers: np.ndarray) -> np.ndarray:
        """Return float32 [pictures, labels + added classes], weighed as Neighbours.weigh does.

        The probability of an added class is taken from those of all labels in equal shares.

        Args:
            probabilities: float [pictures, labels] of the network.
            features: float [pictures, features].
            answers: numbers of the labels of the network that a decision can give.
        """
        return self.weigh_vectors(probabilities, self.neighbours.project(features), answers)

    def weigh_vectors(self, probabilities: np.ndarray, vectors: np.ndarray, answers: np.ndarray) -> np.ndarray:
        """Do the same for pictures of which the vectors [pictures, dimensions] are known."""
        shares = self.shares(vectors)
        joined = np.hstack([probabilities * (1 - shares.sum(axis=1, keepdims=True)), shares])
        labels = np.shape(probabilities)[1]
        old = self.neighbours.scaled_knn_score(vectors)[:, np.newaxis].repeat(labels, axis=1)
        added = np.arange(labels, labels + len(self.classes))
        return self.neighbours.weigh_by(np.hstack([old, self._knn_scores(vectors)]), joined, np.r_[answers, added])

    def shares(self, vectors: np.ndarray) -> np.ndarray:
        """Return the added classes' probabilities, float [pictures, added classes], summing to at most 1."""
        slopes, offsets = (np.array([getattr(one, name) for one in self.classes]) for name in ("slope", "offset"))
        shares = logistic(slopes * self.margins(vectors) + offsets)
        return shares / np.maximum(shares.sum(axis=1, keepdims=True), 1)

    def _knn_scores(self, vectors: np.ndarray) -> np.ndarray:
        columns = [(nth_cosine(vectors, one.vectors, one.count) - one.middle) / one.width for one in self.classes]
        return np.stack(columns, axis=1)


def as_stored(vectors: np.ndarray) -> np.ndarray:
    """Return float32 [vectors, dimensions] as the file will give them back."""
    return vectors.astype(np.float16).astype(np.float32)


def enrolled_to_file(classes: tuple[EnrolledClass, ...]) -> bytes:
    """Return the bytes of enrolled.npz: vectors in 16 bits, which rounds those of as_stored no further."""
    return arrays_to_file(
        {
            "vectors": np.concatenate([one.vectors for one in classes]).astype(np.float16),
            "classes": np.repeat(np.arange(len(classes)), [len(one.vectors) for one in classes]).astype(np.uint16),
            "scale": np.array([[getattr(one, name) for name in _SCALE] for one in classes], np.float64),
        }
    )


def read_enrolled(data: bytes, neighbours: Neighbours, classes: int, name: str = "model") -> Enrolled:
    """Read enrolled.npz of a model with this number of added classes.

    Raises:
        InputError: it is damaged or does not fit the model.
    """
    vectors, members, scale = read_arrays(data, _COLUMNS, ENROLLED_NAME, name).values()
    counts = np.bincount(members, minlength=classes) if len(members) else np.zeros(classes, int)
    fits = len(vectors) == len(members) and vectors.shape[1] == neighbours.vectors.shape[1]
    fits = fits and len(counts) == classes and scale.shape == (classes, len(_SCALE))
    fits = fits and bool(((scale[:, 0] >= 1) & (scale[:, 0] <= counts) & (scale[:, 2:4] > 0).all(axis=1)).all())
    if not fits:
        raise misfit(ENROLLED_NAME, name)
    unpacked = vectors.astype(np.float32)
    return Enrolled(
        neighbours,
        tuple(
            EnrolledClass(unpacked[members == number], int(row[0]), *(float(value) for value in row[1:]))
            for number, row in enumerate(scale)
        ),
    )
