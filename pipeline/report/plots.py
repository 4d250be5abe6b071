"""Figures of a report -> matplotlib plots -> inline SVG that takes its colours and font from the page."""

import io
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from pipeline.metrics.classification import ReliabilityBin, ThresholdPoint
from pipeline.metrics.intervals import Estimate
from pipeline.report.style import THIN, share

Row = Mapping[str, float]  # one epoch of a history

# The light page's colours; in the SVG each becomes var(--name), which the page sets for light, dark and print.
PALETTE = {
    "ink": "#1b2026",
    "muted": "#5c6670",
    "line": "#d3d8dd",
    "accent": "#1c5d9f",
    "soft": "#bfd3e8",
    "paper": "#fcfcfa",
}
INK, MUTED, LINE, ACCENT, SOFT, PAPER = PALETTE.values()

_LONGEST_NAME = 24  # characters that fit next to a plot
WIDTH_INCHES = 4.4  # 317 points: text stays near 9 pixels on a phone and near 13 in a wide column
STYLE: dict[Any, Any] = {  # Any: the keys are a literal type of matplotlib
    "axes.axisbelow": True,
    "axes.edgecolor": LINE,
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.labelcolor": MUTED,
    "axes.labelsize": 8.5,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "figure.facecolor": "none",
    "figure.constrained_layout.use": True,
    "font.family": "DejaVu Sans",  # part of matplotlib, so that the layout is the same on every machine
    "font.size": 8.5,
    "grid.color": LINE,
    "grid.linewidth": 0.5,
    "legend.fontsize": 8.5,
    "legend.frameon": False,
    "legend.labelcolor": INK,
    "lines.linewidth": 1.6,
    "svg.fonttype": "none",
    "text.color": INK,
    "text.parse_math": False,  # a class or file name may contain a dollar sign
    "xtick.color": MUTED,
    "xtick.major.size": 0,
    "ytick.color": MUTED,
    "ytick.major.size": 0,
}


@dataclass(frozen=True)
class Bar:
    """One share in [0, 1] with its interval and label text; value None draws only the text."""

    name: str
    text: str
    value: float | None
    low: float | None
    high: float | None


def estimate_bar(name: str, estimate: Estimate) -> Bar:
    """Return the bar of an estimate."""
    return Bar(name, share(estimate.value), estimate.value, estimate.low, estimate.high)


def speak_bars(bars: Sequence[Bar]) -> str:
    """Return the text alternative of a comparison of accuracies."""
    return "Accuracy: " + "; ".join(f"{bar.name} {bar.text}" for bar in bars) + "."


def draw_comparison(bars: Sequence[Bar]) -> Figure:
    """Draw one horizontal bar per entry with its interval as whiskers; the first is on top, in the accent colour."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH_INCHES, 0.5 + 0.62 * len(bars)))
        axes = figure.subplots()
        for y, bar in enumerate(bars):
            _draw_bar(axes, bar, -y, ACCENT if y == 0 else SOFT)
        axes.set(xlim=(0, 1.16), ylim=(0.35 - len(bars), 0.75), yticks=[])
        axes.set_xticks([0, 0.25, 0.5, 0.75, 1])
        axes.xaxis.set_major_formatter(percent_axis())
        axes.spines[["left", "bottom"]].set_visible(False)
    return figure


@dataclass(frozen=True)
class Pair:
    """Two shares of one row; None where undefined."""

    name: str
    first: float | None
    second: float | None


@dataclass(frozen=True)
class Duration:
    """Milliseconds per picture, median and 95th percentile, and the label text."""

    name: str
    text: str
    median: float
    p95: float


def draw_pairs(rows: Sequence[Pair], titles: tuple[str, str], mark: float | None = None) -> Figure:
    """Draw both shares of each row on one line, joined, so that a large difference is easy to see.

    mark: a share to compare with, drawn as a vertical line.
    """
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH_INCHES, 0.75 + 0.24 * len(rows)))
        axes = figure.subplots()
        for y, row in enumerate(rows):
            if row.first is not None and row.second is not None:
                axes.hlines(y, row.first, row.second, color=LINE, linewidth=3)
        styles: tuple[dict[str, Any], ...] = ({"facecolor": PAPER, "edgecolor": INK}, {"color": ACCENT})
        lowest = 1.0
        for field, title, style in zip(("first", "second"), titles, styles, strict=True):
            points = [(getattr(row, field), y) for y, row in enumerate(rows)]
            values, heights = zip(*[point for point in points if point[0] is not None] or [(math.nan, 0)], strict=True)
            lowest = min([lowest, *(value for value in values if not math.isnan(value))])
            axes.scatter(values, heights, s=26, linewidth=1.2, label=title, zorder=3, **style)
        if mark is not None:
            axes.axvline(mark, color=MUTED, linewidth=1, linestyle="--")
        axes.set_yticks(range(len(rows)), [_shortened(row.name) for row in rows])
        axes.tick_params(axis="y", labelcolor=INK)
        axes.grid(visible=False, axis="y")
        axes.set(xlim=(math.floor(max(lowest - 0.03, 0) * 10) / 10, 1.015), ylim=(len(rows) - 0.5, -0.5))
        axes.xaxis.set_major_formatter(percent_axis())
        axes.spines["left"].set_visible(False)
        _legend(axes)
    return figure


def draw_durations(durations: Sequence[Duration]) -> Figure:
    """Draw one horizontal bar per median, with a whisker to the 95th percentile."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH_INCHES, 0.6 + 0.62 * len(durations)))
        axes = figure.subplots()
        longest = max(row.p95 for row in durations)
        for y, row in enumerate(durations):
            axes.text(0, 0.3 - y, row.name, va="bottom", fontsize=8.5)
            axes.barh(-y, row.median, height=0.46, color=ACCENT if y == 0 else SOFT)
            axes.plot([row.median, row.p95], [-y, -y], color=INK, linewidth=1.2, marker="|", markevery=[1])
            axes.text(row.p95 + 0.02 * longest, -y, row.text, va="center", fontweight="bold")
        axes.set(xlim=(0, 1.45 * longest), ylim=(0.35 - len(durations), 0.75), yticks=[], xlabel="milliseconds")
        axes.spines[["left", "bottom"]].set_visible(False)
    return figure


def draw_reliability(bins: Sequence[ReliabilityBin]) -> Figure:
    """Draw the accuracy of each bin against its mean confidence, above a histogram of the patches."""
    points = [(row.confidence, row.accuracy) for row in bins if row.confidence is not None and row.accuracy is not None]
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH_INCHES, 4.1))
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3.2, 1))
        upper.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=(0, (4, 3)), label="confidence = accuracy")
        upper.plot(*zip(*points, strict=True), color=ACCENT, marker="o", markersize=4.5, label="measured")
        _share_axis(upper, "accuracy")
        _legend(upper)
        _draw_histogram(lower, bins)
    return figure


def draw_threshold_curve(curve: Sequence[ThresholdPoint], threshold: float) -> Figure:
    """Draw the accepted and rejected shares at every threshold, with the chosen threshold marked."""
    thresholds = [row.threshold for row in curve]
    known, background = [row.accepted_known for row in curve], [row.rejected_background for row in curve]
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH_INCHES, 3.3))
        axes = figure.subplots()
        _draw_series(axes, thresholds, known, "known classes accepted", ACCENT)
        _draw_series(axes, thresholds, background, "background rejected", INK, linestyle="--")
        _share_axis(axes, "share of test patches")
        axes.set_xlim(0, 1)
        axes.set_xlabel("threshold on confidence")
        _mark(axes, threshold, f"chosen: {threshold:.2f}", left=threshold > 0.75, height=0.08)
        _legend(axes)
    return figure


def row_name(history: Sequence[Row]) -> str:
    """Return what a row of a history is: an epoch, or a penalty of the linear head on a frozen trunk."""
    return "penalty" if history and all("strength" in row for row in history) else "epoch"


def draw_training(history: Sequence[Row], best_epoch: int) -> Figure:
    """Draw loss and accuracy by row of the history, counted from 1, for training and validation; the best is marked.

    Measures missing from all rows are left out.
    """
    epochs = [row["epoch"] + 1 for row in history]
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH_INCHES, 3.7))
        upper, lower = figure.subplots(2, 1, sharex=True)
        for axes, measure in ((upper, "loss"), (lower, "accuracy")):
            _draw_series(axes, epochs, [row.get(measure) for row in history], "training", MUTED, linestyle="--")
            _draw_series(axes, epochs, [row.get(f"val_{measure}") for row in history], "validation", ACCENT)
            axes.set_ylabel(measure)
        lower.yaxis.set_major_formatter(percent_axis())
        lower.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))
        lower.set_xlabel({"epoch": "epoch", "penalty": "penalty, from the strongest to the weakest"}[row_name(history)])
        _legend(upper)
        _mark(upper, best_epoch, f"best: {best_epoch}", left=best_epoch > max(epochs, default=0) / 2)
        _mark(lower, best_epoch)
    return figure


def svg_text(figure: Figure, name: str, description: str) -> str:
    """Return a figure as one <svg> element for an HTML page; the same figure gives the same bytes.

    name: prefix that makes the element's ids unique on the page. description: text alternative for screen readers.
    """
    buffer = io.StringIO()
    no_metadata = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    with matplotlib.rc_context({**STYLE, "svg.hashsalt": name}):
        figure.savefig(buffer, format="svg", metadata=no_metadata)
    body = buffer.getvalue()[buffer.getvalue().index("<svg") :]
    # no fixed size: the figure follows the width of its column
    opening = f'<svg role="img" aria-label="{escape(description)}" '
    body = re.sub(r"<svg[^>]*?(viewBox=\"[^\"]+\")[^>]*>", lambda match: f"{opening}{match[1]}>", body, count=1)
    body = re.sub(r"<defs>\s*<style.*?</defs>", "", body, count=1, flags=re.DOTALL)  # would style the whole page
    body = re.sub(r" id=\"[\w.]+_\d+\"", "", body)  # unused group names, the same in every figure
    return _themed(body)


def _themed(body: str) -> str:
    """Return the SVG with palette colours replaced by the page's custom properties, and without its own font."""
    for name, colour in PALETTE.items():
        body = body.replace(f": {colour}", f": var(--{name})")
    return re.sub(r" font-family: [^;\"]+;", "", body)


def _shortened(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}\N{HORIZONTAL ELLIPSIS}"


def _draw_bar(axes: Axes, bar: Bar, y: float, colour: str) -> None:
    axes.text(0, y + 0.3, bar.name, va="bottom", fontsize=8.5)
    if bar.value is None or bar.low is None or bar.high is None:
        axes.text(0, y, bar.text, va="center", color=MUTED)
        return
    axes.barh(y, bar.value, height=0.46, color=colour)
    # max: rounding may put a bound slightly on the wrong side, and errorbar refuses negative lengths
    whisker = [[max(bar.value - bar.low, 0)], [max(bar.high - bar.value, 0)]]
    for colour, width in ((PAPER, 3.2), (INK, 1.2)):  # an outline, so that the whisker is visible on a dark bar
        _, caps, _ = axes.errorbar(bar.value, y, xerr=whisker, fmt="none", color=colour, elinewidth=width, capsize=3)
        for cap in caps:
            cap.set_markeredgewidth(width)
    axes.text(bar.high + 0.02, y, bar.text, va="center", fontweight="bold")


def _draw_histogram(axes: Axes, bins: Sequence[ReliabilityBin]) -> None:
    centres = [(row.low + row.high) / 2 for row in bins]
    widths = [(row.high - row.low) * 0.86 for row in bins]
    axes.bar(centres, [row.n for row in bins], width=widths, color=SOFT)
    axes.grid(visible=False, axis="x")
    axes.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=3))
    axes.set(xlim=(0, 1), xlabel="confidence", ylabel="patches")


def _draw_series(
    axes: Axes, x: Sequence[float], series: Sequence[float | None], label: str, colour: str, linestyle: str = "-"
) -> None:
    values = [math.nan if value is None else value for value in series]
    if all(math.isnan(value) for value in values):
        return
    marker = "o" if len(values) == 1 else ""  # a line of one point would be invisible
    axes.plot(x, values, color=colour, linestyle=linestyle, label=label, marker=marker)


def _mark(axes: Axes, x: float, text: str = "", left: bool = False, height: float = 1) -> None:
    """Mark a position of the x axis with a line; the text is at a share of the height, left or right of the line."""
    axes.axvline(x, color=INK, linewidth=1, linestyle=":")
    axes.annotate(
        text,
        (x, height),
        xycoords=("data", "axes fraction"),
        xytext=(-4 if left else 4, -2),
        textcoords="offset points",
        horizontalalignment="right" if left else "left",
        verticalalignment="top",
    )


def _share_axis(axes: Axes, label: str) -> None:
    axes.set_ylim(0, 1.03)
    axes.set_ylabel(label)
    axes.yaxis.set_major_formatter(percent_axis())


def _legend(axes: Axes) -> None:
    """Put the legend in one line above the panel, where it covers no curve."""
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="lower left", bbox_to_anchor=(-0.02, 1), ncols=2, handlelength=1.8, borderaxespad=0.2)


def percent_axis() -> PercentFormatter:
    """Return the tick format of an axis of shares."""
    return PercentFormatter(1.0, decimals=0, symbol=f"{THIN}%")
