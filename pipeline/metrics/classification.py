"""Probabilities of test patches -> the figures of a report, with the runner's decision rule."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from sklearn.metrics import balanced_accuracy_score, confusion_matrix, f1_score

from inference.model.decide import UNKNOWN, DecisionRule, decide
from pipeline.metrics.intervals import UNDEFINED, Estimate, bootstrap, share_over_photos
from pipeline.metrics.ranking import auroc
from pipeline.settings.labels import BACKGROUND

RELIABILITY_BINS = 10
_CURVE_STEPS = 101


@dataclass(frozen=True)
class Scores:
    """The answers of a model for n patches.

    labels: true labels, BACKGROUND for negatives. photos: name of each patch's photograph. results: decisions at the
    threshold. best: labels without rejection. confidences: of best. runners_up: second best labels, empty if there is
    only one class.
    """

    classes: tuple[str, ...]
    labels: np.ndarray  # str [n]
    photos: np.ndarray  # str [n]
    results: np.ndarray  # str [n]
    best: np.ndarray  # str [n]
    confidences: np.ndarray  # float [n]
    runners_up: np.ndarray  # str [n]

    def take(self, positions: np.ndarray) -> "Scores":
        """Return the scores of some of the patches."""
        arrays = (self.labels, self.photos, self.results, self.best, self.confidences, self.runners_up)
        return Scores(self.classes, *(array[positions] for array in arrays))

    @property
    def positive(self) -> np.ndarray:
        """Return which patches show one of the classes: bool [n]."""
        return self.labels != BACKGROUND


@dataclass(frozen=True)
class ClassFigures:
    """Figures of one class on the classes' patches, nothing rejected.

    accuracy: share of all patches correctly classified as of this class or not; None in old reports.
    """

    precision: Estimate
    recall: Estimate
    f1: Estimate
    accuracy: Estimate | None = None


@dataclass(frozen=True)
class Confusion:
    """Confusion matrix at the threshold, counts [row][column]: rows are true labels, columns results."""

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class ReliabilityBin:
    """Mean confidence and accuracy of the n patches with a confidence from low to high; None for an empty bin."""

    low: float
    high: float
    n: int
    confidence: float | None
    accuracy: float | None


@dataclass(frozen=True)
class ThresholdPoint:
    """Shares of the classes' patches accepted and of background rejected at a threshold; None without such patches."""

    threshold: float
    accepted_known: float | None
    rejected_background: float | None


@dataclass(frozen=True)
class Metrics:
    """All figures of one model; fields missing in reports of earlier versions are None.

    Accuracies, F1 and calibration are of the classes' patches with nothing rejected, unless the name says otherwise.
    """

    accuracy: Estimate
    per_class: dict[str, ClassFigures]
    confusion: Confusion
    reliability: tuple[ReliabilityBin, ...]
    threshold_curve: tuple[ThresholdPoint, ...]
    top2_accuracy: Estimate | None = None
    balanced_accuracy: Estimate | None = None
    macro_f1: Estimate | None = None
    micro_f1: Estimate | None = None
    ece: Estimate | None = None
    rejected_known: Estimate | None = None
    rejected_background: Estimate | None = None
    accuracy_of_accepted: Estimate | None = None
    auroc_background: Estimate | None = None


def score(probabilities: np.ndarray, labels: list[str], photos: list[str], rule: DecisionRule) -> Scores:
    """Return the model's decisions for probabilities [n, outputs], by the runner's code."""
    free = replace(rule, threshold=0.0)
    best = [decide(row, free) for row in probabilities]
    results = [decide(row, rule).result for row in probabilities]
    classes = tuple(label for label in rule.labels if label not in rule.reject_labels)
    return Scores(
        classes,
        np.array(labels),
        np.array(photos),
        np.array(results),
        np.array([decision.result for decision in best]),
        np.array([decision.confidence for decision in best]),
        _second_best(probabilities, rule.labels, classes),
    )


def measure(scores: Scores) -> Metrics:
    """Return all figures of one model."""
    positives = scores.take(np.flatnonzero(scores.positive))
    negatives = scores.take(np.flatnonzero(~scores.positive))
    accepted = positives.take(np.flatnonzero(positives.results != UNKNOWN))
    right = positives.best == positives.labels
    return Metrics(
        accuracy=share_over_photos(right, positives.photos),
        top2_accuracy=share_over_photos(right | (positives.runners_up == positives.labels), positives.photos),
        **_averages(positives),
        ece=_over_photos(positives, expected_calibration_error),
        rejected_known=share_over_photos(positives.results == UNKNOWN, positives.photos),
        rejected_background=share_over_photos(negatives.results == UNKNOWN, negatives.photos),
        accuracy_of_accepted=share_over_photos(accepted.best == accepted.labels, accepted.photos),
        auroc_background=_over_photos(scores, auroc_background),
        per_class=_per_class(positives),
        confusion=_confusion(scores),
        reliability=reliability(positives),
        threshold_curve=_threshold_curve(positives, negatives),
    )


def balanced_accuracy(counts: np.ndarray) -> float:
    """Return the mean recall over the classes that occur, from a confusion matrix [true, given]."""
    support = counts.sum(axis=1)
    return float((counts.diagonal()[support > 0] / support[support > 0]).mean())


def class_f1(counts: np.ndarray) -> np.ndarray:
    """Return F1 of each class [classes] from a confusion matrix [true, given]; 0 where a class is absent from both."""
    involved = counts.sum(axis=0) + counts.sum(axis=1)
    return 2 * counts.diagonal() / np.maximum(involved, 1)


def expected_calibration_error(scores: Scores) -> float:
    """Return the mean absolute difference of confidence and accuracy over ten bins, weighted by patches.

    Source: Guo et al. 2017, arXiv:1706.04599, section 2.
    """
    total = len(scores.labels)
    bins = [(one.n, one.confidence, one.accuracy) for one in reliability(scores)]
    return sum(n / total * abs(sure - right) for n, sure, right in bins if sure is not None and right is not None)


def reliability(scores: Scores) -> tuple[ReliabilityBin, ...]:
    """Return mean confidence and accuracy of the patches in each tenth of confidence."""
    right = scores.best == scores.labels
    position = np.minimum((scores.confidences * RELIABILITY_BINS).astype(int), RELIABILITY_BINS - 1)
    rows = []
    for number in range(RELIABILITY_BINS):
        inside = position == number
        n = int(inside.sum())
        low, high = number / RELIABILITY_BINS, (number + 1) / RELIABILITY_BINS
        rows.append(ReliabilityBin(low, high, n, _mean(scores.confidences[inside]), _mean(right[inside])))
    return tuple(rows)


def auroc_background(scores: Scores) -> float | None:
    """Return the AUROC of the classes' patches against background, by confidence; None without both kinds."""
    return auroc(scores.confidences, scores.positive)


def _second_best(probabilities: np.ndarray, labels: tuple[str, ...], classes: tuple[str, ...]) -> np.ndarray:
    """Return the class with the second highest probability of each row: str [n]."""
    if len(classes) < 2:
        return np.full(len(probabilities), "")
    columns = [labels.index(name) for name in classes]
    order = np.argsort(-probabilities[:, columns], axis=1, kind="stable")
    return np.array(classes)[order[:, 1]]


def _averages(scores: Scores) -> dict[str, Estimate]:
    """Return the averages over classes, with intervals from resampled confusion matrices."""
    statistics: dict[str, Callable[[np.ndarray], float]] = {
        "balanced_accuracy": balanced_accuracy,
        "macro_f1": lambda counts: float(class_f1(counts)[_involved(counts)].mean()),
        "micro_f1": lambda counts: float(counts.trace() / counts.sum()),
    }
    if not len(scores.labels):
        return dict.fromkeys(statistics, UNDEFINED)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of a class that is answered but not among the test patches
        balanced = balanced_accuracy_score(scores.labels, scores.best)
    values = {
        "balanced_accuracy": balanced,
        "macro_f1": f1_score(scores.labels, scores.best, average="macro", zero_division=0.0),
        "micro_f1": f1_score(scores.labels, scores.best, average="micro", zero_division=0.0),
    }
    return {name: _over_counts(scores, values[name], statistic) for name, statistic in statistics.items()}


def _involved(counts: np.ndarray) -> np.ndarray:
    """Return which classes are true or given in a confusion matrix: bool [classes]; F1 of others is undefined."""
    return counts.sum(axis=0) + counts.sum(axis=1) > 0


def _per_class(scores: Scores) -> dict[str, ClassFigures]:
    rows = {}
    for number, label in enumerate(scores.classes):
        true, given = scores.labels == label, scores.best == label
        f1 = _estimate_f1(scores, number) if (true | given).any() else UNDEFINED
        precision = share_over_photos(true[given], scores.photos[given])
        recall = share_over_photos(given[true], scores.photos[true])
        rows[label] = ClassFigures(precision, recall, f1, share_over_photos(true == given, scores.photos))
    return rows


def _estimate_f1(scores: Scores, number: int) -> Estimate:
    """Return F1 of one class; resamples in which it is undefined are ignored."""

    def resampled(counts: np.ndarray) -> float | None:
        return float(class_f1(counts)[number]) if _involved(counts)[number] else None

    label = scores.classes[number]
    return _over_counts(scores, f1_score(scores.labels == label, scores.best == label), resampled)


def _over_counts(scores: Scores, value: float, statistic: Callable[[np.ndarray], float | None]) -> Estimate:
    """Return a value with the interval of the same statistic over resampled confusion matrices [true, given]."""
    classes = len(scores.classes)
    numbers = {label: number for number, label in enumerate(scores.classes)}
    cells = np.array([numbers[t] * classes + numbers[b] for t, b in zip(scores.labels, scores.best, strict=True)])

    def resampled(positions: np.ndarray) -> float | None:
        return statistic(np.bincount(cells[positions], minlength=classes**2).reshape(classes, classes))

    return bootstrap(float(value), resampled, scores.photos)


def _confusion(scores: Scores) -> Confusion:
    """Return the confusion matrix at the threshold, with background as the last row and unknown as the last column."""
    rows, columns = [*scores.classes, BACKGROUND], [*scores.classes, UNKNOWN]
    true = np.where(scores.positive, scores.labels, UNKNOWN)  # one name for the last row and the last column
    counts = confusion_matrix(true, scores.results, labels=columns)
    return Confusion(tuple(rows), tuple(columns), tuple(map(tuple, counts.tolist())))


def _threshold_curve(positives: Scores, negatives: Scores) -> tuple[ThresholdPoint, ...]:
    known, background = positives.confidences, negatives.confidences
    return tuple(
        ThresholdPoint(float(threshold), _mean(known >= threshold), _mean(background < threshold))
        for threshold in np.linspace(0, 1, _CURVE_STEPS)
    )


def _over_photos(scores: Scores, statistic: Callable[[Scores], float | None]) -> Estimate:
    if not len(scores.labels):
        return UNDEFINED
    return bootstrap(statistic(scores), lambda positions: statistic(scores.take(positions)), scores.photos)


def _mean(values: np.ndarray) -> float | None:
    return float(values.mean()) if len(values) else None
