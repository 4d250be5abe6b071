"""The predictions and reports of all folds -> crossval.json: every photograph counted once."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from inference.errors import InputError, printable
from inference.model.decide import UNKNOWN
from pipeline.calibration.temperature import highest_threshold
from pipeline.crossval.folds import CrossvalFolder
from pipeline.crossval.over_folds import folds_text, over_folds
from pipeline.crossval.sections import BaselineComparison, CrossvalReport, OverFolds, PooledData, PooledMetrics
from pipeline.evaluation.predictions import pool_scores, read_predictions
from pipeline.metrics.classification import Scores, auroc_background, measure
from pipeline.metrics.intervals import Estimate, bootstrap, proportion, share_over_photos
from pipeline.report.sections import ClassificationReport
from pipeline.report.stored import read_section
from pipeline.report.style import columns

REPORT_FORMAT = 1
ROC_POINTS = (0.9, 0.95)  # shares of the classes' patches that are accepted
_TITLE_COLUMNS = 30


def pool_folds(folder: CrossvalFolder) -> CrossvalReport:
    """Return the report of a cross-validation.

    Raises:
        InputError: a fold is not finished, or a photograph was tested in two folds.
    """
    settings = folder.read_settings()
    numbers = range(1, settings.folds + 1)
    remedy = f"Finish the folds: python -m pipeline resume {folder.path}."
    reports = [read_section(ClassificationReport, folder.fold(number).report, remedy) for number in numbers]
    parts = [read_predictions(folder.fold(number).predictions, settings.recipe.labels) for number in numbers]
    _check_apart(parts)
    scores = pool_scores(parts)
    return CrossvalReport(
        format=REPORT_FORMAT,
        recipe=settings.recipe.name,
        title=settings.recipe.title,
        run=folder.path.name,
        machine="; ".join(sorted({report.machine for report in reports})),
        seed=settings.recipe.seed,
        folds=settings.folds,
        released=", ".join(sorted({report.released for report in reports})),
        data=_describe_data(scores, reports),
        pooled=_measure_pooled(scores),
        models=_other_models(reports),
        over_folds=_measure_over_folds(parts),
        baseline=_compare_baseline(parts, reports),
    )


def rejected_where_accepted(scores: Scores, share: float) -> float | None:
    """Return the share of background below the highest threshold that accepts a share of the classes' patches.

    Classes' patches at 0.2, 0.4, 0.6, 0.8 and background at 0.1, 0.3, 0.5: with 0.75 accepted, 2 of 3.
    """
    positives, negatives = scores.confidences[scores.positive], scores.confidences[~scores.positive]
    if not len(positives) or not len(negatives):
        return None
    return float((negatives < highest_threshold(positives, share)).mean())


def pool_proportions(estimates: Sequence[Estimate]) -> Estimate:
    """Return the pooled proportion of all folds: 1 of 2 and 3 of 4 are 4 of 6."""
    successes = sum(round(one.value * one.n) for one in estimates if one.value is not None)
    return proportion(successes, sum(one.n for one in estimates))


def _check_apart(parts: list[Scores]) -> None:
    """Refuse folds that were split from different photographs: their test sets would overlap."""
    fold_of: dict[str, int] = {}
    for number, part in enumerate(parts, start=1):
        for photo in np.unique(part.photos):
            if photo in fold_of:
                raise InputError(
                    f"a photograph may be tested in one fold only. Received: {printable(str(photo))} in folds "
                    f"{fold_of[photo]} and {number}; the photographs or boxes changed between these folds. Start a "
                    "new cross-validation with another folder: --runs DIR."
                )
            fold_of[str(photo)] = number


def _describe_data(scores: Scores, reports: list[ClassificationReport]) -> PooledData:
    return PooledData(
        kind=reports[0].data.kind,
        photos=len(np.unique(scores.photos)),
        patches={str(label): int(n) for label, n in zip(*np.unique(scores.labels, return_counts=True), strict=True)},
        refused=tuple(sorted({entry for report in reports for entry in report.data.refused})),
    )


def _measure_pooled(scores: Scores) -> PooledMetrics:
    positives = scores.take(np.flatnonzero(scores.positive))
    right, weights = positives.best == positives.labels, _photo_weights(positives.photos)
    return PooledMetrics(
        **vars(measure(scores)),
        accuracy_over_photos=bootstrap(float(right.mean()), lambda drawn: float(right[drawn].mean()), positives.photos),
        accuracy_each_photo=bootstrap(
            float(np.average(right, weights=weights)),
            lambda drawn: float(np.average(right[drawn], weights=weights[drawn])),
            positives.photos,
        ),
        accepted=share_over_photos(positives.results != UNKNOWN, positives.photos),
    )


def _photo_weights(photos: np.ndarray) -> np.ndarray:
    """Return a weight per box so that every photograph counts the same: a, a, b weigh 1/2, 1/2, 1."""
    _, owner, boxes = np.unique(photos, return_inverse=True, return_counts=True)
    return 1 / boxes[owner]


def _other_models(reports: list[ClassificationReport]) -> dict[str, Estimate]:
    """Return the accuracy of each kind of file that every fold has, Keras and float32 for comparison."""
    shared = set.intersection(*(set(report.models) for report in reports))
    return {mode: pool_proportions([report.models[mode].accuracy for report in reports]) for mode in shared}


def _measure_over_folds(parts: list[Scores]) -> dict[str, OverFolds]:
    statistics: dict[str, Callable[[Scores], float | None]] = {
        "accuracy": _accuracy,
        "accuracy_of_accepted": _accuracy_of_accepted,
        "auroc_background": auroc_background,
        **{f"rejected_background_at_{share}": _roc_point(share) for share in ROC_POINTS},
    }
    return {name: over_folds([statistic(part) for part in parts]) for name, statistic in statistics.items()}


def _roc_point(share: float) -> Callable[[Scores], float | None]:
    return lambda scores: rejected_where_accepted(scores, share)


def _accuracy(scores: Scores) -> float | None:
    right = (scores.best == scores.labels)[scores.positive]
    return float(right.mean()) if len(right) else None


def _accuracy_of_accepted(scores: Scores) -> float | None:
    """Return the accuracy of the answers given, which calibrate.risk limits."""
    return _accuracy(scores.take(np.flatnonzero(scores.results != UNKNOWN)))


def _compare_baseline(parts: list[Scores], reports: list[ClassificationReport]) -> BaselineComparison:
    """Return the baseline's accuracy on the same folds, and the network's lead in each."""
    baselines = [report.baseline for report in reports if report.baseline]
    values = [one.accuracy.value for one in baselines]
    pairs = zip(map(_accuracy, parts), values, strict=True)
    ahead = [None if own is None or other is None else own - other for own, other in pairs]
    accuracy = pool_proportions([one.accuracy for one in baselines])
    name = " or ".join(sorted({one.name for one in baselines}))
    return BaselineComparison(name, accuracy, over_folds(values), over_folds(ahead))


def crossval_lines(report: CrossvalReport) -> list[str]:
    """Return the report for a terminal."""
    heading = f"{report.recipe}: {report.folds}-fold cross-validation, {report.released}, 95 % intervals"
    return [heading, *(f"  {title:{_TITLE_COLUMNS}}{text}" for title, text in _rows(report))]


def _rows(report: CrossvalReport) -> Iterator[tuple[str, str]]:
    pooled, folds, baseline = report.pooled, report.over_folds, report.baseline
    yield "Accuracy, nothing rejected", columns(pooled.accuracy)
    yield "  photographs resampled", columns(pooled.accuracy_over_photos)
    yield "  photographs of equal weight", columns(pooled.accuracy_each_photo)
    yield "  over the folds", folds_text(folds["accuracy"])
    for mode in sorted(set(report.models) - {report.released}):
        yield f"  {mode}", columns(report.models[mode])
    yield f"  {baseline.name}", columns(baseline.accuracy)
    yield "  ahead of it by", folds_text(baseline.difference)
    if pooled.rejected_background:
        yield "Background rejected", columns(pooled.rejected_background)
    yield "Known classes accepted", columns(pooled.accepted)
    if pooled.accuracy_of_accepted:
        yield "Accuracy of accepted", columns(pooled.accuracy_of_accepted)
        yield "  of accepted, each fold", folds_text(folds["accuracy_of_accepted"])
    yield "AUROC against background", folds_text(folds["auroc_background"])
    for share in ROC_POINTS:
        title = f"Background rejected at {100 * share:.0f} %"
        yield title, folds_text(folds[f"rejected_background_at_{share}"])
    for label, row in pooled.per_class.items():
        yield f"Recall of {label}", columns(row.recall)
