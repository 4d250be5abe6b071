"""A report -> report.json for programs, report.html for people, a few lines for the terminal."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from inference.atomic_file import write_atomically
from inference.figures.threshold_words import threshold_sentences
from inference.model.decide import UNKNOWN
from pipeline.metrics.classification import Confusion
from pipeline.metrics.intervals import UNDEFINED, Estimate, proportion
from pipeline.report.comparison import colour_sentence, describe_lead
from pipeline.report.figures import draw_figures, ordered_classes
from pipeline.report.mistakes import mistakes_context
from pipeline.report.page import render_page
from pipeline.report.plots import row_name
from pipeline.report.sections import Baseline, ClassificationReport, Parity, Training
from pipeline.report.stored import section_text
from pipeline.report.style import ABSENT, THIN, columns, show, size, spread

TERMINAL_COLUMNS = 80
TITLE_COLUMNS = 42
SPLITS = ("train", "validation", "test")
JOIN = "\N{NO-BREAK SPACE}"  # keeps 93 of 100 on one line

# title, key of the metrics, number style, meaning
KEY_FIGURES = (
    ("Accuracy", "accuracy", "share", "best label right, nothing rejected"),
    ("Top-2 accuracy", "top2_accuracy", "share", "one of the two best labels right"),
    ("Balanced accuracy", "balanced_accuracy", "share", "the mean over the classes"),
    ("Accuracy of accepted", "accuracy_of_accepted", "share", "accuracy of the patches not answered unknown"),
    ("Background rejected", "rejected_background", "share", "answered unknown; more is better"),
    ("Known classes rejected", "rejected_known", "share", "answered unknown; fewer is better"),
    ("AUROC against background", "auroc_background", "decimal", "by confidence; 0.5 is chance"),
    ("Calibration error", "ece", "decimal", "mean difference of confidence and accuracy; 0 is best"),
    ("Macro F1", "macro_f1", "share", "the mean of F1 over the classes"),
)
MODEL_ROWS = (*KEY_FIGURES, ("Micro F1", "micro_f1", "share", ""))


@dataclass(frozen=True)
class KeyFigure:
    """A key figure as text: its title, value, spread (interval and n) and meaning."""

    title: str
    value: str
    spread: str
    meaning: str


@dataclass(frozen=True)
class Cell:
    """One count of the confusion matrix and its share of the row; right marks the correct result."""

    count: int
    share: float
    right: bool
    unknown: bool


@dataclass(frozen=True)
class ConfusionRow:
    """One row of the confusion matrix; apart marks a label that is not a possible result: background."""

    label: str
    total: int
    apart: bool
    cells: list[Cell]


def write_report(
    folder: Path, report: ClassificationReport, history: Sequence[Mapping[str, float]]
) -> tuple[Path, Path]:
    """Write folder/report.json and folder/report.html and return both paths.

    Pictures of mistakes are read from paths relative to folder; unreadable ones are left out.

    Raises:
        ValueError: the report holds NaN or infinity, which JSON can't represent; undefined values are None.
    """
    json_path, html_path = folder / "report.json", folder / "report.html"
    text = section_text(report)  # first, since it refuses NaN and infinity
    write_atomically(html_path, render_html(report, history, folder))
    write_atomically(json_path, text)  # last: it marks the evaluation as done
    return json_path, html_path


def render_html(report: ClassificationReport, history: Sequence[Mapping[str, float]], folder: Path) -> str:
    """Return the page as self-contained HTML with embedded style, plots and pictures."""
    return render_page(
        "report.html.jinja",
        report=report,
        metrics=report.metrics,
        verdict=verdict(report),
        baseline_text=baseline_sentence(report) if report.baseline else "No baseline was measured.",
        key_figures=key_figures(report),
        sentences=unknown_sentences(report),
        figures=draw_figures(report, history),
        length=training_length(report.training, history),
        kept=training_kept(report.training, history),
        confusion=confusion_rows(report.metrics.confusion),
        classes=ordered_classes(report),
        splits=SPLITS,
        data_rows=data_rows(report),
        models=model_columns(report),
        model_rows=MODEL_ROWS,
        gate=gate_sentence(report),
        unknown=UNKNOWN,
        **mistakes_context(report, folder),
    )


def summary_lines(report: ClassificationReport) -> list[str]:
    """Return the report for a terminal: at most nine lines of at most 80 columns."""
    metrics, baseline, keras = report.metrics, report.baseline, report.models.get("keras")
    parity = _parity(report)
    rows: list[tuple[str, str, Estimate | None]] = [
        ("Accuracy", "share", metrics.accuracy),
        (f"  {baseline.name}" if baseline else "", "share", baseline.accuracy if baseline else None),
        ("  Keras model", "share", keras.accuracy if keras else None),
        ("Background rejected", "share", metrics.rejected_background),
        ("Known classes rejected", "share", metrics.rejected_known),
        ("Calibration error (ECE)", "decimal", metrics.ece),
        ("Same label as Keras", "share", parity.agreement if parity else None),
    ]
    lines = [f"{report.recipe}: {report.released} on test patches, 95 % intervals"]
    lines += [_aligned(title, columns(estimate, style)) for title, style, estimate in rows if estimate]
    lines.append(_aligned("Size and time per patch", _cost_text(report)))
    return [line[:TERMINAL_COLUMNS].rstrip() for line in lines]


def verdict(report: ClassificationReport) -> str:
    """Return the result in one sentence with counts, for example: Right on 93 of 100 test patches."""
    background = report.metrics.rejected_background
    sentence = f"Right on {_counts(report.metrics.accuracy)} test patches"
    if report.baseline and report.baseline.accuracy.value is not None:
        sentence += f", against {_counts(report.baseline.accuracy)} by {report.baseline.name}"
    if background and background.value is not None:
        sentence += f"; answers {UNKNOWN} for {_counts(background)} background patches"
    return sentence + "."


def baseline_sentence(report: ClassificationReport) -> str:
    """Return the difference to the baseline, patch by patch, as one sentence; control.html has the same."""
    baseline = report.baseline or Baseline("", UNDEFINED)
    network, colour = report.metrics.accuracy.value, baseline.accuracy.value
    if network is None or colour is None:
        return "The two can't be compared: one of them has no accuracy."
    if baseline.lead.value is None:  # a report of an earlier version
        lead = describe_lead(Estimate(network - colour, None, None, baseline.accuracy.n), "the baseline")
        return f"The network is {lead}; they were not compared patch by patch."
    return colour_sentence(baseline)


def training_length(training: Training, history: Sequence[Mapping[str, float]]) -> str:
    """Return what was trained: "trained 60 epochs", or which linear head was fitted to a frozen trunk."""
    if row_name(history) == "penalty":
        return f"fitted a linear head, penalty {training.best_epoch} of {training.epochs},"
    return f"trained {training.epochs} epoch{'s' if training.epochs != 1 else ''}"


def training_kept(training: Training, history: Sequence[Mapping[str, float]]) -> str:
    """Return which row of the history became the network."""
    if row_name(history) == "penalty":
        return f"The linear head with penalty {training.best_epoch} was kept, the best on validation."
    return f"The weights of epoch {training.best_epoch} were kept, the best on validation."


def unknown_sentences(report: ClassificationReport) -> list[str]:
    """Return what the threshold does to the test patches, in words."""
    rejected, background = report.metrics.rejected_known, report.metrics.rejected_background
    if rejected is None or rejected.value is None:
        return []
    accepted = proportion(round((1 - rejected.value) * rejected.n), rejected.n)
    unknown = {"background patches": background} if background else {}
    return threshold_sentences(accepted, unknown, report.calibration.risk)


def gate_sentence(report: ClassificationReport) -> str:
    """Return by what it was decided that the released file may be used."""
    parity, released = _parity(report), report.released
    if parity is None:
        return ""
    if parity.validation is None:
        return (
            f"An earlier version of the program made the {released} file. It compared its accuracy with Keras' on the "
            "test patches before it wrote the file."
        )
    gate = parity.validation
    parts = [
        (gate.accuracy, "accuracy"),
        (gate.unknown, f"answers “{UNKNOWN}” to the classes"),
        (gate.unknown_background, f"answers “{UNKNOWN}” to background"),
    ]
    shown = [f"{what} {show(one.converted.value)} ({show(one.keras.value)})" for one, what in parts if one.keras.n]
    return f"The {released} file was compared with Keras (in brackets) on validation patches first: {', '.join(shown)}."


def key_figures(report: ClassificationReport) -> list[KeyFigure]:
    """Return the key figures of the released model that were measured."""
    measured = [(getattr(report.metrics, key), title, style, text) for title, key, style, text in KEY_FIGURES]
    found = [
        KeyFigure(title, show(one.value, style), spread(one, style), text)
        for one, title, style, text in measured
        if one
    ]
    parity = _parity(report)
    if parity:
        agreement, meaning = parity.agreement, f"{report.released} against Keras"
        found.append(KeyFigure("Same label as Keras", show(agreement.value), spread(agreement), meaning))
    return found + list(_cost_figures(report))


def confusion_rows(confusion: Confusion) -> list[ConfusionRow]:
    """Return the confusion matrix with row shares; background is right where the result is unknown."""
    rows = []
    for label, counts in zip(confusion.rows, confusion.counts, strict=True):
        total, apart = sum(counts), label not in confusion.columns
        expected = UNKNOWN if apart else label
        cells = [
            Cell(count, count / total if total else 0.0, column == expected, column == UNKNOWN)
            for column, count in zip(confusion.columns, counts, strict=True)
        ]
        rows.append(ConfusionRow(label, total, apart, cells))
    return rows


def data_rows(report: ClassificationReport) -> list[tuple[str, list[int]]]:
    """Return rows of counts, one per split: photographs, then the patches of each class."""
    photos = ("photographs", [report.data.photos.get(split, 0) for split in SPLITS])
    patches = [report.data.patches.get(split, {}) for split in SPLITS]
    return [photos] + [(name, [counts.get(name, 0) for counts in patches]) for name in ordered_classes(report)]


def model_columns(report: ClassificationReport) -> list[str]:
    """Return the models: Keras first, then the exported files by name."""
    return sorted(report.models, key=lambda name: (name != "keras", name))


def _cost_figures(report: ClassificationReport) -> Iterator[KeyFigure]:
    """Yield the key figures of the model's cost that were measured."""
    cost, released = report.cost, report.released
    if released in cost.bytes:
        yield KeyFigure("Size", size(cost.bytes[released]), f"{cost.bytes[released]:,} bytes", f"the {released} file")
    work = f"{cost.macs / 1e6:,.1f} million multiply-adds"
    yield KeyFigure("Parameters", f"{cost.parameters:,}", work, "for one patch")
    latency = cost.latency_ms.get(released)
    if latency:
        runs = f"95{THIN}% under {latency.p95:.2f}{THIN}ms, n{THIN}={THIN}{latency.n:,}"
        yield KeyFigure("Time per patch", f"{latency.median:.2f}{THIN}ms", runs, "the median")


def _aligned(title: str, text: str) -> str:
    return f"{title[: TITLE_COLUMNS - 1]:<{TITLE_COLUMNS}}{text}"


def _cost_text(report: ClassificationReport) -> str:
    latency = report.cost.latency_ms.get(report.released)
    time = f"{latency.median:.2f} ms (p95 {latency.p95:.2f}), n={latency.n}" if latency else "not timed"
    return f"{size(report.cost.bytes.get(report.released)).replace(THIN, ' ').replace(ABSENT, '-')}, {time}"


def _parity(report: ClassificationReport) -> Parity | None:
    return report.parity.get(report.released)


def _counts(estimate: Estimate) -> str:
    """Return a proportion as counts: 0.93 of n = 100 -> 93 of 100."""
    if estimate.value is None:
        return f"an unknown number of {estimate.n:,}"
    return f"{round(estimate.value * estimate.n):,}{JOIN}of{JOIN}{estimate.n:,}"
