"""Frozen features and labels -> out-of-fold probabilities of a cheap classifier, with and without grouping.

The classifier is a logistic regression over the principal components of the standardised features. Folds that keep
groups together measure what a new photograph would get; folds of boxes at random measure what a blind split shows.
"""

import warnings
from dataclasses import dataclass

import numpy as np
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.preprocessing import StandardScaler

FOLDS = 5
_COMPONENTS = 64
_PENALTY = 0.1  # scikit-learn's C
_ITERATIONS = 200
_FITTED_ROWS = 6000  # rows of all repetitions together, about
_MOST_REPEATS = 5


@dataclass(frozen=True)
class ProbedBoxes:
    """The boxes that a probe learns from.

    rows: positions of the boxes that were used, int [n]; labels: int [n], positions in classes; left_out: classes with
    too few groups for two folds.
    """

    rows: np.ndarray
    labels: np.ndarray
    classes: tuple[str, ...]
    left_out: tuple[str, ...]
    folds: int


def choose_boxes(labels: np.ndarray, groups: np.ndarray) -> ProbedBoxes:
    """Return the boxes of classes with at least two groups; labels: str [boxes], groups: int [boxes]."""
    counts = {str(label): len(np.unique(groups[labels == label])) for label in np.unique(labels)}
    classes = tuple(label for label, count in counts.items() if count > 1)
    rows = np.nonzero(np.isin(labels, classes))[0]
    numbers = np.array([classes.index(label) for label in labels[rows]], int)
    fewest = min((counts[label] for label in classes), default=0)
    left_out = tuple(label for label in counts if label not in classes)
    return ProbedBoxes(rows, numbers, classes, left_out, min(FOLDS, fewest))


def reduce_features(vectors: np.ndarray) -> np.ndarray:
    """Return the principal components of standardised features, float [n, at most _COMPONENTS]; labels play no part."""
    scaled = StandardScaler().fit_transform(np.asarray(vectors, np.float32))
    count = min(_COMPONENTS, *scaled.shape)
    return np.asarray(PCA(count, random_state=0).fit_transform(scaled))


def cross_validate(vectors: np.ndarray, boxes: ProbedBoxes, groups: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean out-of-fold probabilities [n, classes], and how often each box was right, float [n].

    Args:
        vectors: float [n, components], of the chosen boxes.
        boxes: the chosen boxes.
        groups: int [n]; boxes of one group share a fold.
    """
    repeats = int(np.clip(_FITTED_ROWS // max(len(vectors), 1), 1, _MOST_REPEATS))
    total = np.zeros((len(vectors), len(boxes.classes)))
    right = np.zeros(len(vectors))
    for seed in range(repeats):
        folds = StratifiedGroupKFold(boxes.folds, shuffle=True, random_state=seed)
        answers = np.zeros_like(total)
        for train, test in folds.split(vectors, boxes.labels, groups):
            answers[test] = _fit_and_predict(vectors, boxes, train, test)
        total += answers
        right += answers.argmax(axis=1) == boxes.labels
    return total / repeats, right / repeats


def _fit_and_predict(vectors: np.ndarray, boxes: ProbedBoxes, train: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Return float [test, classes]; a class that the training lacks has probability 0."""
    answers = np.zeros((len(test), len(boxes.classes)))
    known = np.unique(boxes.labels[train])
    if len(known) == 1:
        answers[:, known] = 1.0
        return answers
    network = LogisticRegression(C=_PENALTY, max_iter=_ITERATIONS)
    with warnings.catch_warnings():  # more iterations change the accuracy by less than a thousandth
        warnings.simplefilter("ignore", ConvergenceWarning)
        network.fit(vectors[train], boxes.labels[train])
    answers[:, network.classes_] = network.predict_proba(vectors[test])
    return answers
