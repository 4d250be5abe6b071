"""Report dict -> report.json for programs, report.html for people, a few lines for the terminal."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inference.atomic_file import write_atomically
from inference.model.decide import UNKNOWN
from pipeline.report.figures import draw_figures, of_keras, ordered_classes
from pipeline.report.mistakes import mistakes_context
from pipeline.report.page import render_page
from pipeline.report.style import ABSENT, STYLES, THIN, Estimate, Report, share, size, spread

TERMINAL_COLUMNS = 80
TITLE_COLUMNS = 42
SPLITS = ("train", "validation", "test")
JOIN = "\N{NO-BREAK SPACE}"  # keeps 93 of 100 on one line

# title, key of the metrics, shown as, what it means
KEY_FIGURES = (
    ("Accuracy", "accuracy", "share", "best label right, nothing rejected"),
    ("Top-2 accuracy", "top2_accuracy", "share", "one of the two best labels right"),
    ("Balanced accuracy", "balanced_accuracy", "share", "the mean over the classes"),
    ("Accuracy of accepted", "accuracy_of_accepted", "share", "right where it did not say unknown"),
    ("Background rejected", "rejected_background", "share", "said unknown: more is better"),
    ("Known classes rejected", "rejected_minerals", "share", "said unknown: less is better"),
    ("Background told apart", "auroc_background", "decimal", "area under the ROC curve; 0.5 is chance"),
    ("Calibration error", "ece", "decimal", "mean gap of confidence and accuracy; 0 is best"),
    ("Macro F1", "macro_f1", "share", "precision and recall, the mean over the classes"),
)
MODEL_ROWS = (*KEY_FIGURES, ("Micro F1", "micro_f1", "share", ""))


@dataclass(frozen=True)
class Card:
    """One key figure as text: its title, value, spread (interval and n) and meaning."""

    title: str
    value: str
    spread: str
    meaning: str


@dataclass(frozen=True)
class Cell:
    """One count of the confusion matrix and its share of the row; right marks what the result should be."""

    count: int
    share: float
    right: bool
    unknown: bool


@dataclass(frozen=True)
class ConfusionRow:
    """One true label of the confusion matrix; apart marks a label that is no possible result: background."""

    label: str
    total: int
    apart: bool
    cells: list[Cell]


def write_report(folder: Path, report: dict[str, Any], history: list[dict[str, float]]) -> tuple[Path, Path]:
    """Write folder/report.json and folder/report.html and return both paths.

    Pictures of mistakes are read from paths relative to folder; one that can't be read is left out.

    Raises:
        ValueError: the report holds NaN or infinity, which JSON has no word for; undefined values are None.
    """
    json_path, html_path = folder / "report.json", folder / "report.html"
    text = json.dumps(report, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
    write_atomically(html_path, render_html(report, history, folder))
    write_atomically(json_path, text + "\n")  # last: it marks the evaluation as done
    return json_path, html_path


def render_html(report: Report, history: Sequence[Mapping[str, float]], folder: Path) -> str:
    """Return the page as one self-contained text: style, plots and pictures inside, no outside resource."""
    metrics = report["models"][report["released"]]
    return render_page(
        "report.html.jinja",
        report=report,
        metrics=metrics,
        verdict=verdict(report),
        baseline_text=baseline_sentence(report) if report.get("baseline") else "No baseline was measured.",
        cards=key_cards(report),
        figures=draw_figures(report, history),
        confusion=confusion_rows(metrics["confusion"]),
        classes=ordered_classes(report),
        splits=SPLITS,
        data_rows=data_rows(report),
        models=model_columns(report),
        model_rows=MODEL_ROWS,
        unknown=UNKNOWN,
        **mistakes_context(report, folder),
    )


def summary_lines(report: dict[str, Any]) -> list[str]:
    """Return the report for a terminal: at most nine lines of at most 80 columns."""
    metrics, baseline = report["models"][report["released"]], report.get("baseline")
    rows: list[tuple[str, str, Estimate | None]] = [
        ("Accuracy", "share", metrics.get("accuracy")),
        (f"  {baseline['name']}" if baseline else "", "share", baseline and baseline["accuracy"]),
        ("  Keras model", "share", of_keras(report, "accuracy")),
        ("Background rejected", "share", metrics.get("rejected_background")),
        ("Known classes rejected", "share", metrics.get("rejected_minerals")),
        ("Calibration error (ECE)", "decimal", metrics.get("ece")),
        ("Same label as Keras", "share", _parity(report).get("agreement")),
    ]
    lines = [f"{report['recipe']}: {report['released']} on test patches, 95 % intervals"]
    lines += [_summary_line(title, style, estimate) for title, style, estimate in rows if estimate]
    lines.append(_aligned("Size and time a patch", _cost_text(report)))
    return [line[:TERMINAL_COLUMNS].rstrip() for line in lines]


def verdict(report: Report) -> str:
    """Return the run in one sentence of counts, as in: Right on 93 of 100 test patches."""
    metrics, baseline = report["models"][report["released"]], report.get("baseline")
    sentence = f"Right on {_counts(metrics['accuracy'])} test patches"
    if baseline and baseline["accuracy"]["value"] is not None:
        sentence += f", against {_counts(baseline['accuracy'])} by {baseline['name']}"
    background = metrics.get("rejected_background")
    if background and background["value"] is not None:
        sentence += f"; says {UNKNOWN} to {_counts(background)} background patches"
    return sentence + "."


def baseline_sentence(report: Report) -> str:
    """Return by how much the released network is ahead of the baseline, and whether the intervals tell them apart."""
    network, baseline = report["models"][report["released"]]["accuracy"], report["baseline"]["accuracy"]
    if None in (*network.values(), *baseline.values()):
        return "The two can't be compared: one of them has no accuracy or no interval."
    points = 100 * (network["value"] - baseline["value"])
    apart = network["low"] > baseline["high"] or baseline["low"] > network["high"]
    side = "ahead of" if points >= 0 else "behind"
    overlap = "do not overlap" if apart else "overlap, so this test can't tell them apart"
    return f"The network is {abs(points):.1f} points {side} the baseline; the 95 % intervals {overlap}."


def key_cards(report: Report) -> list[Card]:
    """Return the key figures of the released model; what was not measured has no card."""
    metrics = report["models"][report["released"]]
    cards = [
        Card(title, STYLES[style](metrics[key]["value"]), spread(metrics[key], style), meaning)
        for title, key, style, meaning in KEY_FIGURES
        if metrics.get(key)
    ]
    agreement = _parity(report).get("agreement")
    if agreement:
        cards.append(
            Card(
                "Same label as Keras",
                share(agreement["value"]),
                spread(agreement),
                f"{report['released']} against Keras",
            )
        )
    return cards + list(_cost_cards(report))


def confusion_rows(confusion: Mapping[str, Any]) -> list[ConfusionRow]:
    """Return the confusion matrix with row shares; background is right where the result is unknown."""
    columns, rows = confusion["columns"], []
    for label, counts in zip(confusion["rows"], confusion["counts"], strict=True):
        total, apart = sum(counts), label not in columns
        expected = UNKNOWN if apart else label
        cells = [
            Cell(count, count / total if total else 0.0, column == expected, column == UNKNOWN)
            for column, count in zip(columns, counts, strict=True)
        ]
        rows.append(ConfusionRow(label, total, apart, cells))
    return rows


def data_rows(report: Report) -> list[tuple[str, list[int]]]:
    """Return photographs and patches of each class as rows of counts, one a split."""
    data = report["data"]
    photos = ("photographs", [data["photos"].get(split, 0) for split in SPLITS])
    patches = [data["patches"].get(split, {}) for split in SPLITS]
    return [photos] + [(name, [counts.get(name, 0) for counts in patches]) for name in ordered_classes(report)]


def model_columns(report: Report) -> list[str]:
    """Return the models in the order of the chain: Keras first, then its exports by name."""
    return sorted(report["models"], key=lambda name: (name != "keras", name))


def _cost_cards(report: Report) -> Iterator[Card]:
    """Yield the cards of what the model costs; those that were measured."""
    cost, released = report["cost"], report["released"]
    if released in cost["bytes"]:
        yield Card("Size", size(cost["bytes"][released]), f"{cost['bytes'][released]:,} bytes", f"the {released} file")
    work = f"{cost['macs'] / 1e6:,.1f} million multiply-adds"
    yield Card("Parameters", f"{cost['parameters']:,}", work, "for one patch")
    latency = cost["latency_ms"].get(released)
    if latency:
        runs = f"95{THIN}% under {latency['p95']:.2f}{THIN}ms, n{THIN}={THIN}{latency['n']:,}"
        yield Card("Time a patch", f"{latency['median']:.2f}{THIN}ms", runs, "the median")


def _summary_line(title: str, style: str, estimate: Estimate) -> str:
    """Return one line of the summary, in columns; terminals that know only ASCII show all of it."""
    if estimate["value"] is None:
        return _aligned(title, f"not defined, n={estimate['n']}")
    factor, digits, unit = (100, 1, " %") if style == "share" else (1, 3, "")
    value, low, high = (
        "?" if estimate[key] is None else f"{factor * estimate[key]:.{digits}f}" for key in ("value", "low", "high")
    )
    return _aligned(title, f"{value + unit:<7}  {f'[{low}, {high}]':<14}  n={estimate['n']}")


def _aligned(title: str, text: str) -> str:
    return f"{title[: TITLE_COLUMNS - 1]:<{TITLE_COLUMNS}}{text}"


def _cost_text(report: Report) -> str:
    cost, released = report["cost"], report["released"]
    latency = cost["latency_ms"].get(released)
    time = f"{latency['median']:.2f} ms (p95 {latency['p95']:.2f}), n={latency['n']}" if latency else "not timed"
    return f"{size(cost['bytes'].get(released)).replace(THIN, ' ').replace(ABSENT, '-')}, {time}"


def _parity(report: Report) -> Mapping[str, Any]:
    return report["parity"].get(report["released"], {})


def _counts(estimate: Estimate) -> str:
    """Return a proportion as the counts that it came from: 0.93 of n = 100 -> 93 of 100."""
    if estimate["value"] is None:
        return f"an unknown number of {estimate['n']:,}"
    return f"{round(estimate['value'] * estimate['n']):,}{JOIN}of{JOIN}{estimate['n']:,}"
