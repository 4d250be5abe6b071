"""The figures of a control -> control.json for programs and control.html for people."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from inference.atomic_file import write_atomically
from pipeline.report import plots
from pipeline.report.mistakes import picture_uri
from pipeline.report.page import render_page
from pipeline.report.style import THIN, bounds, share
from pipeline.sanity import sentences
from pipeline.sanity.figures import BOXES, best_colour
from pipeline.sanity.occlusion import INSIDE_HIDDEN, OUTSIDE_HIDDEN, WHOLE
from pipeline.sanity.sentences import Estimate, Report


def write_control(folder: Path, report: dict[str, Any]) -> tuple[Path, Path]:
    """Write folder/control.json and folder/control.html, a self-contained page, and return both paths.

    Raises:
        ValueError: the report holds NaN or infinity, which JSON has no word for.
    """
    json_path, html_path = folder / "control.json", folder / "control.html"
    text = json.dumps(report, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
    write_atomically(html_path, render_control(report, folder))
    write_atomically(json_path, text + "\n")
    return json_path, html_path


def render_control(report: Report, folder: Path) -> str:
    """Return the page as one text; pictures are read from paths relative to folder."""
    views = report["views"]
    examples = views.get("examples", [])
    return render_page(
        "control.html.jinja",
        report=report,
        views=views,
        words=sentences,
        figures=draw_figures(report),
        best_colour=best_colour(report["colour"]),
        pictures=[{key: picture_uri(folder / one[key]) for key in ("view", "lit")} for one in examples],
        left_out=sum(views["left_out"].values()) if "left_out" in views else 0,
        boxes=BOXES,
    )


def draw_figures(report: Report) -> dict[str, Markup]:
    """Return the page's plots as inline SVG, by name."""
    bars = accuracy_bars(report)
    test, accuracy = report["permutation_test"], report["accuracy"]
    chance = test["chance"]
    spoken = f"Accuracy by chance: {share(chance['mean'])}, {bounds(chance)}; the network {share(accuracy['value'])}."
    figures = {
        "accuracies": (plots.draw_comparison(bars), _spoken(bars)),
        "chance": (draw_chance(test["chance"]["histogram"], accuracy["value"]), spoken),
    }
    if report["views"]["kind"] and report["views"]["n"]:
        bars = hidden_bars(report["views"])
        figures["hidden"] = plots.draw_comparison(bars), _spoken(bars)
    # Markup: matplotlib has escaped every text in the figure, svg_text the description
    return {name: Markup(plots.svg_text(figure, f"control-{name}", text)) for name, (figure, text) in figures.items()}


def accuracy_bars(report: Report) -> list[plots.Bar]:
    """Return the bars of the comparison, the network first."""
    rows = [(f"network, {report['released']}", report["accuracy"])]
    rows += [(one["name"], one["accuracy"]) for one in report["colour"]]
    rows.append((f"always {report['majority']['label']}", report["majority"]["accuracy"]))
    if report["shuffled"]:
        text = f"same training, shuffled labels ({sentences.length(report['training'])})"
        rows.append((text, report["shuffled"]))
    return [_bar(*row) for row in rows]


def hidden_bars(views: Report) -> list[plots.Bar]:
    """Return the bars of the views, whole and with a part hidden."""
    inside, outside = ("specimen", "surroundings") if views["kind"] == BOXES else ("centre", "border")
    names = {WHOLE: "nothing hidden", INSIDE_HIDDEN: f"{inside} hidden", OUTSIDE_HIDDEN: f"{outside} hidden"}
    return [_bar(text, views["accuracy"][name]) for name, text in names.items()]


def draw_chance(histogram: Sequence[int], accuracy: float) -> Figure:
    """Draw how often permuted labels gave each accuracy, from 0 to 1 in bins alike, and where the network's lies."""
    width = 1 / len(histogram)
    with rc_context(plots.STYLE):
        figure = Figure(figsize=(plots.WIDTH_INCHES, 2.6))
        axes = figure.subplots()
        centres = [(place + 0.5) * width for place in range(len(histogram))]
        axes.bar(centres, histogram, width=width * 0.86, color=plots.SOFT)
        axes.axvline(accuracy, color=plots.ACCENT, linewidth=2)
        left = accuracy > 0.5
        axes.annotate(
            "the network",
            (accuracy, 1),
            xycoords=("data", "axes fraction"),
            xytext=(-5 if left else 5, -2),
            textcoords="offset points",
            horizontalalignment="right" if left else "left",
            verticalalignment="top",
            color=plots.INK,
        )
        axes.set(xlim=(0, 1.01), xlabel="accuracy", ylabel="permutations")
        axes.grid(visible=False, axis="x")
        axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0, symbol=f"{THIN}%"))
    return figure


def _bar(name: str, one: Estimate) -> plots.Bar:
    return plots.Bar(name, share(one["value"]), one["value"], one["low"], one["high"])


def _spoken(bars: Sequence[plots.Bar]) -> str:
    return "Accuracy: " + "; ".join(f"{bar.name} {bar.text}" for bar in bars) + "."
