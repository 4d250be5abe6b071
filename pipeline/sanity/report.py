"""The figures of a control -> control.json for programs and control.html for people."""

from collections.abc import Sequence
from pathlib import Path

from markupsafe import Markup
from matplotlib import rc_context
from matplotlib.figure import Figure

from inference.atomic_file import write_atomically
from pipeline.report import plots
from pipeline.report.mistakes import picture_uri
from pipeline.report.page import render_page
from pipeline.report.stored import section_text
from pipeline.report.style import bounds, share
from pipeline.sanity import sentences
from pipeline.sanity.measure import BOXES
from pipeline.sanity.occlusion import INSIDE_HIDDEN, OUTSIDE_HIDDEN, WHOLE
from pipeline.sanity.sections import ControlReport, ViewReport


def write_control(folder: Path, report: ControlReport) -> tuple[Path, Path]:
    """Write folder/control.json and folder/control.html and return both paths.

    Raises:
        ValueError: the report holds NaN or infinity, which JSON can't represent.
    """
    json_path, html_path = folder / "control.json", folder / "control.html"
    text = section_text(report)  # first, since it refuses NaN and infinity
    write_atomically(html_path, render_control(report, folder))
    write_atomically(json_path, text)
    return json_path, html_path


def render_control(report: ControlReport, folder: Path) -> str:
    """Return the page as self-contained HTML; pictures are read from paths relative to folder."""
    return render_page(
        "control.html.jinja",
        report=report,
        views=report.views,
        words=sentences,
        figures=draw_figures(report),
        pictures=[(picture_uri(folder / one.view), picture_uri(folder / one.lit)) for one in report.views.examples],
        boxes=BOXES,
    )


def draw_figures(report: ControlReport) -> dict[str, Markup]:
    """Return the page's plots as inline SVG, by name."""
    bars = accuracy_bars(report)
    chance, accuracy = report.permutation_test.by_chance, report.accuracy.value or 0.0
    spoken = f"Accuracy by chance: {share(chance.value)}, {bounds(chance)}; the network {share(accuracy)}."
    figures = {
        "accuracies": (plots.draw_comparison(bars), plots.speak_bars(bars)),
        "chance": (draw_chance(report.permutation_test.chance.histogram, accuracy), spoken),
    }
    if report.views.kind and report.views.n:
        bars = hidden_bars(report.views)
        figures["hidden"] = plots.draw_comparison(bars), plots.speak_bars(bars)
    # Markup: matplotlib has escaped every text in the figure, svg_text the description
    return {name: Markup(plots.svg_text(figure, f"control-{name}", text)) for name, (figure, text) in figures.items()}


def accuracy_bars(report: ControlReport) -> list[plots.Bar]:
    """Return the bars of the comparison, the network first."""
    rows = [(f"network, {report.released}", report.accuracy)]
    rows += [(one.name, one.accuracy) for one in report.colour]
    rows.append((f"always {report.majority.label}", report.majority.accuracy))
    if report.shuffled and report.training:
        rows.append((f"same training, shuffled labels ({sentences.length(report.training)})", report.shuffled))
    return [plots.estimate_bar(*row) for row in rows]


def hidden_bars(views: ViewReport) -> list[plots.Bar]:
    """Return the bars of the views, whole and with parts hidden."""
    inside, outside = sentences.parts_of(views)
    names = {WHOLE: "nothing hidden", INSIDE_HIDDEN: f"{inside} hidden", OUTSIDE_HIDDEN: f"{outside} hidden"}
    return [plots.estimate_bar(text, views.accuracy[name]) for name, text in names.items()]


def draw_chance(histogram: Sequence[int], accuracy: float) -> Figure:
    """Draw the histogram of accuracies under permuted labels over [0, 1], with the network's accuracy marked."""
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
        axes.xaxis.set_major_formatter(plots.percent_axis())
    return figure
