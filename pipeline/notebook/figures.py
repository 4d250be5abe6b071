"""Figures of reports -> plots in a notebook, in the style of report.html."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from inference.figures.estimate import Estimate
from pipeline.metrics.classification import ThresholdPoint
from pipeline.report.plots import (
    ACCENT,
    INK,
    MUTED,
    PAPER,
    SOFT,
    STYLE,
    draw_comparison,
    draw_threshold_curve,
    draw_training,
    estimate_bar,
)
from pipeline.report.stored import parse_section

WIDTH_INCHES = 10.0
_DPI = 80  # small pictures, a small file
_QUALITY = {"quality": 88}  # of photographs, as JPEG


def show_figure(figure: Figure, photographs: bool = False) -> None:
    """Show a figure on the paper of the reports: as PNG, or as JPEG where it is made of photographs."""
    from IPython.display import display_jpeg, display_png  # notebooks alone have it

    buffer = io.BytesIO()
    with matplotlib.rc_context(STYLE):
        if photographs:
            figure.savefig(buffer, format="jpeg", dpi=_DPI, facecolor=PAPER, pil_kwargs=_QUALITY)
            display_jpeg(buffer.getvalue(), raw=True)
        else:
            figure.savefig(buffer, format="png", dpi=_DPI, facecolor=PAPER, metadata={"Software": None})
            display_png(buffer.getvalue(), raw=True)


def text_of(estimate: Mapping[str, Any]) -> str:
    """Return a share of report.json with its 95 % interval and n: 88.2% [82.3%, 92.3%], n = 161."""
    return "{value:.1%} [{low:.1%}, {high:.1%}], n = {n}".format(**estimate)


def show_estimates(estimates: Mapping[str, Mapping[str, Any]]) -> None:
    """Show shares of a report as bars with their intervals, the first one in colour."""
    bars = [estimate_bar(name, parse_section(Estimate, one)) for name, one in estimates.items()]
    figure = draw_comparison(bars)
    figure.set_figwidth(WIDTH_INCHES * 0.7)
    show_figure(figure)


def show_training(run: Path, best_epoch: int) -> None:
    """Show loss and accuracy by epoch of a run."""
    with (run / "history.csv").open(newline="") as file:
        history = [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]
    figure = draw_training(history, best_epoch)
    figure.set_figwidth(WIDTH_INCHES * 0.7)
    show_figure(figure)


def show_thresholds(curve: Sequence[Mapping[str, float]], threshold: float) -> None:
    """Show what each threshold accepts and rejects; curve: threshold_curve of a model in report.json."""
    figure = draw_threshold_curve([parse_section(ThresholdPoint, one) for one in curve], threshold)
    figure.set_figwidth(WIDTH_INCHES * 0.7)
    show_figure(figure)


def show_confusion(confusion: Mapping[str, Any]) -> None:
    """Show how often each class got each answer; confusion: of a model in report.json."""
    counts = np.array(confusion["counts"])
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    rows, columns = counts.shape
    with matplotlib.rc_context({**STYLE, "axes.grid": False}):
        figure = Figure(figsize=(WIDTH_INCHES * 0.7, 0.9 + 0.36 * rows))
        axes = figure.subplots()
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1.2, aspect="auto")
        for (row, column), count in np.ndenumerate(counts):
            colour = PAPER if shares[row, column] > 0.6 else INK if count else SOFT
            axes.text(column, row, str(count), ha="center", va="center", color=colour)
        axes.set_xticks(range(columns), confusion["columns"], rotation=30, ha="right")
        axes.set_yticks(range(rows), confusion["rows"])
        axes.set(xlabel="answer", ylabel="true class")
        axes.spines[:].set_visible(False)
    show_figure(figure)


def show_scores(groups: Mapping[str, Sequence[float]], threshold: float, meaning: str) -> None:
    """Show groups of scores as points, one line a group, with the threshold; meaning: of a score."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH_INCHES * 0.7, 0.8 + 0.5 * len(groups)))
        axes = figure.subplots()
        for place, scores in enumerate(groups.values()):
            axes.scatter(scores, [-place] * len(scores), alpha=0.5, s=24, linewidth=0, color=ACCENT)
        axes.set_yticks([-place for place in range(len(groups))], list(groups))
        axes.set(ylim=(0.6 - len(groups), 0.6), xlabel=meaning)
        axes.axvline(threshold, color=MUTED, linestyle="--", linewidth=1.2)
        axes.text(threshold, 0.62, f" threshold {threshold:.2f}", color=MUTED, va="bottom")
        axes.tick_params(axis="y", labelcolor=INK)
        axes.grid(visible=False, axis="y")
        axes.spines["left"].set_visible(False)
    show_figure(figure)
