"""Pictures of a run, with titles -> rows of pictures in a notebook."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from inference.pictures.image_io import read_image
from pipeline.notebook.figures import WIDTH_INCHES, show_figure
from pipeline.report.plots import INK, STYLE

Picture = Path | np.ndarray  # a file, or uint8 [height, width, 3], or a map [height, width]
Titled = tuple[str, Picture]
_BOX_COLOUR = "#ffb000"


def show_pictures(rows: Sequence[Sequence[Titled]], height: float = 1.5, **options: Any) -> None:
    """Show rows of titled pictures.

    height: of a row in inches. options: of matplotlib's imshow, for maps.
    """
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH_INCHES, height * len(rows)))
        grid = figure.subplots(len(rows), max(len(row) for row in rows), squeeze=False)
        for place in grid.flat:
            place.axis("off")
        for line, row in zip(grid, rows, strict=True):
            for place, (title, picture) in zip(line, row, strict=False):
                place.imshow(pixels_of(picture), **options)
                place.set_title(title, fontsize=8, color=INK)
    show_figure(figure, photographs=True)


def show_boxes(photos: Path, coco: dict[str, Any], count: int = 4, height: float = 2.3) -> None:
    """Show the first photographs of a COCO file with their boxes and labels."""
    names = {one["id"]: one["name"] for one in coco["categories"]}
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH_INCHES, height))
        for place, image in zip(figure.subplots(1, count), coco["images"], strict=False):
            place.axis("off")
            place.imshow(pixels_of(photos / image["file_name"]))
            place.set_title(image["file_name"], fontsize=8, color=INK)
            for box in coco["annotations"]:
                if box["image_id"] == image["id"]:
                    _draw_box(place, box["bbox"], names[box["category_id"]])
    show_figure(figure, photographs=True)


def mistake_rows(run: Path, mistakes: Sequence[dict[str, Any]]) -> list[list[Titled]]:
    """Return a row for each wrong answer: the picture, where each label was seen, the most similar training pictures.

    run: the run's folder. mistakes: of report.json, mistakes.shown.
    """
    return [_mistake_row(run, one) for one in mistakes]


def doubtful_row(run: Path, suspects: Sequence[dict[str, Any]]) -> list[Titled]:
    """Return the pictures whose labels are unlikely; suspects: of report.json, label_errors.shown."""
    return [(f"{one['label']}?\n{one['quality']:.0%} likely", run / one["file"]) for one in suspects]


def answer_row(folder: Path, answers: dict[str, dict[str, Any]]) -> list[Titled]:
    """Return pictures of a folder with the runner's answers to them."""
    return [(f"{name}\n{one['result']} {one['confidence']:.0%}", folder / name) for name, one in answers.items()]


def box_row(photos: Path, boxes: Sequence[dict[str, Any]]) -> list[Titled]:
    """Return the cut-out of each box with its label and a question mark; boxes: of audit.json, suspects."""
    return [(f"{one['label']}?\n{one['photo']}", _cut(photos / one["photo"], one)) for one in boxes]


def in_rows(pictures: Sequence[Titled], columns: int) -> list[Sequence[Titled]]:
    """Return rows of this many pictures; the last may be shorter."""
    return [pictures[start : start + columns] for start in range(0, len(pictures), columns)]


def pixels_of(picture: Picture) -> np.ndarray:
    """Return the pixels of a picture."""
    return picture if isinstance(picture, np.ndarray) else read_image(picture)


def _mistake_row(run: Path, mistake: dict[str, Any]) -> list[Titled]:
    label, given = mistake["label"], mistake["given"]
    row: list[Titled] = [(f"{label}, taken for\n{given} ({mistake['confidence']:.0%} sure)", run / mistake["file"])]
    row += [(f"where it saw\n{view['label']}", run / view["file"]) for view in mistake["maps"]]
    return row + [(f"{one['label']}\nalike: {one['cosine']:.2f}", run / one["file"]) for one in mistake["nearest"]]


def _draw_box(axes: Axes, bbox: Sequence[float], label: str) -> None:
    """Draw a box [x, y, width, height] with its label above it."""
    x, y, width, height = bbox
    axes.add_patch(Rectangle((x, y), width, height, fill=False, edgecolor=_BOX_COLOUR, linewidth=1.4))
    axes.text(x + 2, y + 2, label, va="top", fontsize=7, color=INK, bbox={"facecolor": _BOX_COLOUR, "lw": 0, "pad": 1})


def _cut(photo: Path, box: dict[str, Any]) -> np.ndarray:
    left, top = max(round(box["x"]), 0), max(round(box["y"]), 0)
    return read_image(photo)[top : round(box["y"] + box["height"]), left : round(box["x"] + box["width"])]
