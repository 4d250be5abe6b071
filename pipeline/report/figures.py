"""A report -> the page's plots as inline SVG, each with a text alternative for screen readers."""

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from pipeline.report import plots
from pipeline.report.sections import ClassificationReport, Robustness
from pipeline.report.style import THIN, share, size


def draw_figures(report: ClassificationReport, history: Sequence[Mapping[str, float]]) -> dict[str, Markup]:
    """Return the page's plots as inline SVG, by name; plots without data are left out."""
    metrics, threshold = report.metrics, report.calibration.threshold
    figures = {"comparison": (plots.draw_comparison(_bars(report)), plots.speak_bars(_bars(report)))}
    durations = _durations(report)
    if durations:
        spoken = "; ".join(f"{row.name} {row.text}" for row in durations)
        figures["cost"] = plots.draw_durations(durations), f"Median time per patch and size: {spoken}."
    points = _class_points(report)
    figures["classes"] = plots.draw_pairs(points, ("precision", "recall")), f"Precision and recall: {_speak(points)}."
    if report.robustness:
        changes, unchanged = _changes(report.robustness), report.robustness.unchanged.value
        text = f"Accuracy by change, weakest and strongest: {_speak(changes)}; unchanged {share(unchanged)}."
        figures["robustness"] = plots.draw_pairs(changes, ("weakest change", "strongest change"), unchanged), text
    if metrics.reliability:
        text = "Reliability diagram: accuracy by confidence, over a histogram of confidences. Table below."
        figures["reliability"] = plots.draw_reliability(metrics.reliability), text
    if metrics.threshold_curve:
        text = f"Shares accepted and rejected at each threshold; {threshold:.2f} was chosen."
        figures["threshold"] = plots.draw_threshold_curve(metrics.threshold_curve, threshold), text
    if history:
        best, row = report.training.best_epoch, plots.row_name(history)
        text = f"Loss and accuracy by {row} for training and validation; the best {row} is {best}."
        figures["training"] = plots.draw_training(history, best), text
    # Markup: matplotlib has escaped every text in the figure, svg_text the description
    return {name: Markup(plots.svg_text(figure, name, text)) for name, (figure, text) in figures.items()}


def ordered_classes(report: ClassificationReport) -> list[str]:
    """Return all classes of the report in the order of the confusion matrix."""
    metrics = report.metrics
    named = [metrics.confusion.rows, *report.data.patches.values(), metrics.per_class]
    return list(dict.fromkeys(label for labels in named for label in labels))


def _bars(report: ClassificationReport) -> list[plots.Bar]:
    """Return the bars of the comparison: the released model, the Keras model, the baseline."""
    rows = [(f"network, {report.released}", report.metrics.accuracy)]
    keras = report.models.get("keras")
    if report.released != "keras" and keras:
        rows.append(("network, Keras", keras.accuracy))
    if report.baseline:
        rows.append((report.baseline.name, report.baseline.accuracy))
    return [plots.estimate_bar(*row) for row in rows]


def _class_points(report: ClassificationReport) -> list[plots.Pair]:
    rows = report.metrics.per_class
    names = [name for name in ordered_classes(report) if name in rows]
    return [plots.Pair(name, rows[name].precision.value, rows[name].recall.value) for name in names]


def _changes(robustness: Robustness) -> list[plots.Pair]:
    """Return the accuracies at the weakest and the strongest change of each kind."""
    values: dict[str, list[float | None]] = {}
    for row in robustness.changes:
        values.setdefault(row.change, []).append(row.accuracy.value)
    return [plots.Pair(change, pair[0], pair[-1]) for change, pair in values.items()]


def _speak(pairs: Sequence[plots.Pair]) -> str:
    return "; ".join(f"{row.name} {share(row.first)} and {share(row.second)}" for row in pairs)


def _durations(report: ClassificationReport) -> list[plots.Duration]:
    """Return the times of the released model and of the others, in the order of model_columns."""
    times, sizes = report.cost.latency_ms, report.cost.bytes
    names = sorted(times, key=lambda name: (name != report.released, name != "keras", name))
    return [
        plots.Duration(name, f"{one.median:.2f}{THIN}ms, {size(sizes.get(name))}", one.median, one.p95)
        for name, one in ((name, times[name]) for name in names)
    ]
