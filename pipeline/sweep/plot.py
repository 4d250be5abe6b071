"""The trials of a sweep -> a plot with an axis for each setting (parallel coordinates), and one for the accuracy."""

import matplotlib
from matplotlib.figure import Figure

from pipeline.report.plots import ACCENT, INK, LINE, MUTED, SOFT, STYLE, WIDTH_INCHES
from pipeline.sweep.sections import SweepReport

_HEIGHT_INCHES = 3.4


def draw_coordinates(report: SweepReport) -> Figure:
    """Draw a line for each trial: the best dark, the recipe's own dashed, the others light."""
    names = [*report.dimensions, "accuracy"]
    columns = [[row.settings[name] for row in report.rows] for name in report.dimensions]
    columns.append([f"{100 * row.estimate:.1f}" for row in report.rows])
    places = [_places(column) for column in columns]
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH_INCHES, _HEIGHT_INCHES))
        axes = figure.subplots()
        for number, row in reversed(list(enumerate(report.rows))):
            colour = ACCENT if row is report.best else INK if row is report.own else SOFT
            style = "--" if row is report.own else "-"
            line = [place[column[number]] for place, column in zip(places, columns, strict=True)]
            axes.plot(range(len(names)), line, color=colour, linestyle=style)
        for position, place in enumerate(places):
            axes.axvline(position, color=LINE, linewidth=1)
            for text, height in (min(place.items(), key=_height), max(place.items(), key=_height)):
                axes.annotate(text, (position, height), xytext=(0, 7 if height > 0.5 else -13),
                    textcoords="offset points", ha="center", fontsize=7, color=MUTED)  # fmt: skip
        axes.set(xlim=(-0.3, len(names) - 0.7), ylim=(-0.12, 1.12), yticks=[], xticks=range(len(names)))
        axes.set_xticklabels([_short(name) for name in names], rotation=25, ha="right")
        axes.grid(visible=False)
        axes.spines[["left", "bottom"]].set_visible(False)
    return figure


def _places(values: list[str]) -> dict[str, float]:
    """Return the height of each value on its axis, 0 to 1: numbers by their ranks, words in their order."""
    try:
        ordered = sorted(set(values), key=float)
    except ValueError:
        ordered = sorted(set(values))
    return {value: place / max(len(ordered) - 1, 1) for place, value in enumerate(ordered)}


def _height(entry: tuple[str, float]) -> float:
    return entry[1]


def _short(name: str) -> str:
    return name.split(",")[0].rpartition(".")[2]
