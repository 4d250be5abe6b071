"""Vectors of the pictures of added classes + held-out statistics -> the parameters of the added classes.

All parameters are fitted again whenever a class is added or removed, so the result does not depend on the order. Each
picture of an added class is scored with a prototype made without it; otherwise few pictures would seem perfect.
"""

from dataclasses import dataclass, replace

import numpy as np

from ..figures.estimate import Estimate, share_of
from ..model.enrolled import Enrolled, EnrolledClass
from ..model.held_out import HeldOut
from ..model.logistic import logistic
from ..model.neighbours import Neighbours
from .platt import fit_platt

MOST_LOST = 0.01  # largest share of held-out and training pictures of trained classes that each added class may win
_MOST_PARTS = 20  # parts of a class's pictures, each scored without itself
_TINY = 1e-9


def fit_added(
    neighbours: Neighbours, held_out: HeldOut, collections: list[np.ndarray], answers: np.ndarray
) -> tuple[Enrolled, float]:
    """Return the added classes and the threshold of the extended model.

    Args:
        neighbours: the model's neighbours.
        held_out: the model's held-out pictures.
        collections: unit vectors, float32 [pictures, dimensions], of each added class, at least two pictures each.
        answers: numbers of the network's outputs that a decision can return.
    """
    plain = Enrolled(neighbours, tuple(EnrolledClass(vectors) for vectors in collections))
    margins = [margins_without_itself(plain, number) for number in range(len(collections))]
    classes = tuple(_fit_class(plain, held_out, number, margins, answers) for number in range(len(collections)))
    enrolled = Enrolled(neighbours, classes)
    return enrolled, _threshold(enrolled, held_out, margins, answers)


@dataclass(frozen=True)
class AddedFigures:
    """Figures of a model with added classes on the pictures that it was made with; those of an added class are judged
    by a prototype without them, and as if the network were sure of another class.

    accuracy: with nothing rejected. accepted: share answered at the threshold. added: recall of each added class.
    """

    accuracy: Estimate
    accepted: Estimate
    added: tuple[Estimate, ...]


def measure_added(enrolled: Enrolled, held_out: HeldOut, threshold: float, answers: np.ndarray) -> AddedFigures:
    """Return the figures on the held-out pictures of the trained classes and the pictures of the added ones."""
    weighed = enrolled.weigh_vectors(held_out.probabilities, held_out.vectors, answers)
    candidates = np.r_[answers, held_out.probabilities.shape[1] : weighed.shape[1]]
    trained = candidates[weighed[:, candidates].argmax(axis=1)] == held_out.classes
    margins = [margins_without_itself(enrolled, number) for number in range(len(enrolled.classes))]
    pairs = list(zip(enrolled.classes, margins, strict=True))
    added = [one.slope * own + one.offset > 0 for one, own in pairs]
    confidences = [weighed[:, candidates].max(axis=1), *(_confidences(enrolled.neighbours, *pair) for pair in pairs)]
    return AddedFigures(
        share_of(np.concatenate([trained, *added])),
        share_of(np.concatenate(confidences) >= threshold),
        tuple(share_of(right) for right in added),
    )


def margins_without_itself(enrolled: Enrolled, number: int) -> np.ndarray:
    """Return the margin of each picture of a class, float [pictures], with prototypes made without that picture."""
    vectors = enrolled.classes[number].vectors
    margins = np.zeros(len(vectors))
    parts = min(len(vectors), _MOST_PARTS)
    for part in (np.arange(first, len(vectors), parts) for first in range(parts)):
        rest = replace(enrolled.classes[number], vectors=np.delete(vectors, part, axis=0))
        classes = (*enrolled.classes[:number], rest, *enrolled.classes[number + 1 :])
        margins[part] = Enrolled(enrolled.neighbours, classes).margins(vectors[part])[:, number]
    return margins


def knn_scores_without_itself(vectors: np.ndarray, count: int) -> np.ndarray:
    """Return the cosine of each vector to its count-th nearest other vector, float [vectors]."""
    cosines = vectors @ vectors.T
    np.fill_diagonal(cosines, -np.inf)
    return np.sort(cosines, axis=1)[:, -count]


def _fit_class(
    plain: Enrolled, held_out: HeldOut, number: int, margins: list[np.ndarray], answers: np.ndarray
) -> EnrolledClass:
    """Return one added class with the weights of its margin and k-nearest-neighbour score."""
    own, vectors = margins[number], plain.classes[number].vectors
    trained = plain.margins(held_out.vectors)[:, number]
    neighbours = margins_of_neighbours(plain, number)
    others = [plain.margins(one.vectors)[:, number] for other, one in enumerate(plain.classes) if other != number]
    negatives = np.concatenate([trained, *others])
    unit = max(float(np.std(np.concatenate([own, negatives]))), _TINY)
    right = np.arange(len(own) + len(negatives)) < len(own)
    weights = np.where(right, 1 / len(own), 1 / len(negatives))
    slope, offset = fit_platt(np.concatenate([own, negatives]) / unit, right, weights)
    slope /= unit
    count = max(1, min(plain.neighbours.count, len(vectors) // 3))
    scores = knn_scores_without_itself(vectors, count)
    return EnrolledClass(
        vectors,
        count,
        middle=float(np.median(scores)),
        width=max(float(scores.std()), plain.neighbours.width),
        slope=slope,
        offset=min(offset, highest_offset(slope * trained, held_out, answers, slope * neighbours)),
    )


def margins_of_neighbours(enrolled: Enrolled, number: int) -> np.ndarray:
    """Return the margin of an added class at each neighbour, float [pictures], its own class's mean made without it.

    With n pictures of mean m, the mean without x is (n m - x) / (n - 1).
    """
    bank, (means, precision) = enrolled.neighbours, enrolled.neighbours.spread
    members, rows = np.unique(bank.classes, return_inverse=True)[1], np.arange(len(bank.classes))
    counts = np.bincount(members)[members]
    rest = np.maximum(counts - 1, 1)
    weighted = bank.vectors @ precision
    products = weighted @ means.T  # [pictures, classes]
    squares = ((means @ precision) * means).sum(axis=1)
    scores = products - squares / 2
    cross, own = products[rows, members], (weighted * bank.vectors).sum(axis=1)
    square = counts**2 * squares[members] - 2 * counts * cross + own
    scores[rows, members] = (counts * cross - own) / rest - square / rest**2 / 2
    added = np.stack([one.vectors.mean(axis=0) for one in enrolled.classes])
    new = weighted @ added.T - ((added @ precision) * added).sum(axis=1) / 2  # [pictures, added classes]
    others = np.hstack([scores, np.delete(new, number, axis=1)])
    return new[:, number] - others.max(axis=1)


def highest_offset(evidence: np.ndarray, held_out: HeldOut, answers: np.ndarray, of_neighbours: np.ndarray) -> float:
    """Return the highest offset at which an added class wins at most MOST_LOST of the correct pictures.

    A share s taken from a best probability p wins if s > p (1 - s), that is if logit(s) > log(p). The offset is
    interpolated between two pictures: of 90 pictures MOST_LOST is 0.9, and rounding down to 0 would cost recall.
    Held-out pictures alone are too few to measure such a share (docs/experiments.csv).

    Args:
        evidence: logits of the added class without offset, float [held-out pictures].
        held_out: the model's held-out pictures.
        answers: numbers of the network's outputs that a decision can return.
        of_neighbours: the same for the neighbours, of whose answers the network is taken to be sure.
    """
    probabilities = held_out.probabilities[:, answers]
    right = answers[probabilities.argmax(axis=1)] == held_out.classes
    of_held_out = (np.log(np.maximum(probabilities.max(axis=1), _TINY)) - evidence)[right]
    critical = np.sort(np.concatenate([of_held_out, -of_neighbours]))
    allowed = MOST_LOST * (len(evidence) + len(of_neighbours))
    return float(np.interp(allowed, np.arange(len(critical)), critical)) if allowed < len(critical) - 1 else np.inf


def _threshold(enrolled: Enrolled, held_out: HeldOut, margins: list[np.ndarray], answers: np.ndarray) -> float:
    """Return the highest threshold that accepts the target share of the trained classes' pictures, and of all.

    In the latter each added class has the weight of a trained class, so that a class with few pictures has a limited
    effect on the threshold.
    """
    weighed = enrolled.weigh_vectors(held_out.probabilities, held_out.vectors, answers)
    added = np.arange(held_out.probabilities.shape[1], weighed.shape[1])
    trained = weighed[:, np.r_[answers, added]].max(axis=1)
    own = [_confidences(enrolled.neighbours, *pair) for pair in zip(enrolled.classes, margins, strict=True)]
    share = len(trained) / len(np.unique(held_out.classes))
    weights = np.concatenate([np.ones(len(trained)), *(np.full(len(one), share / len(one)) for one in own)])
    of_all = weighted_threshold(np.concatenate([trained, *own]), weights, held_out.accepted)
    return min(of_all, weighted_threshold(trained, np.ones(len(trained)), held_out.accepted))


def _confidences(neighbours: Neighbours, one: EnrolledClass, margins: np.ndarray) -> np.ndarray:
    """Return the confidence of each picture of a class, scored without itself."""
    scores = (knn_scores_without_itself(one.vectors, one.count) - one.middle) / one.width
    evidence = neighbours.evidence(logistic(one.slope * margins + one.offset), scores)
    return logistic(neighbours.slope * evidence + neighbours.offset)


def weighted_threshold(confidences: np.ndarray, weights: np.ndarray, accepted: float) -> float:
    """Return the highest threshold that is reached by at least the given share of the total weight.

    Confidences 0.2, 0.4, 0.8 with weights 1, 1, 2 and accepted 0.75: 0.4.
    """
    order = np.argsort(-confidences, kind="stable")
    reached = np.cumsum(weights[order])
    last = int(np.searchsorted(reached, accepted * reached[-1] - _TINY))
    return float(confidences[order[min(last, len(order) - 1)]])
