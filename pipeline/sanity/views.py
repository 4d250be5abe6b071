"""A run's test patches -> accuracies with parts hidden, Grad-CAM shares, and examples."""

import sys
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np

from inference.atomic_file import write_atomically
from inference.errors import InputError, printable
from inference.model.classifier import Classifier
from inference.pictures.encode import png_bytes
from pipeline.data.index import PatchIndex
from pipeline.data.sources import SOURCES, find_photographs
from pipeline.progress import track
from pipeline.random_generator import make_generator
from pipeline.sanity.folder import ControlFolder, digest_files, remembered
from pipeline.sanity.measure import BOXES, CENTRE, measure_views
from pipeline.sanity.occlusion import (
    INSIDE_HIDDEN,
    OUTSIDE_HIDDEN,
    WHOLE,
    SeenViews,
    classify_views,
    draw_example,
    map_evidence,
    shares_inside,
)
from pipeline.sanity.sections import ViewExample, ViewReport, ViewRow
from pipeline.sanity.specimen_views import MOST_VIEWS, SpecimenViews, View, centre_views
from pipeline.settings.run_folder import RunFolder
from pipeline.training.saved_network import read_network

EXAMPLES = 8
_FORMAT = "-2"  # of views.json; files of other formats are recomputed


@dataclass(frozen=True)
class Views:
    """The content of RUN/control/views.json: every view, the number left out by reason, and examples."""

    rows: tuple[ViewRow, ...]
    left_out: dict[str, int] = field(default_factory=dict)
    examples: tuple[ViewExample, ...] = ()


def measure_run_views(
    run: RunFolder, folder: ControlFolder, index: PatchIndex, shuffled: RunFolder | None
) -> ViewReport:
    """Return the figures of the views, or why there are none.

    shuffled: the training on shuffled labels; Grad-CAM maps of its network are compared with the run's.
    """
    recipe = run.read_recipe()
    origin = digest_files(run.model, run.best, run.index, *([shuffled.best] if shuffled else [])) + _FORMAT
    photographs = SOURCES[recipe.source.kind].photographs
    if photographs is not None:
        try:
            images = find_photographs(run, photographs, index.root)
        except InputError as fault:
            return ViewReport(None, reason=printable(str(fault)))
        views = SpecimenViews(index.select("test"), images, recipe.labels)
        kind, look = BOXES, lambda: _view_specimens(views, run, folder, shuffled)
    else:
        kind, look = CENTRE, lambda: _view_centres(index.select("test", recipe.labels), run)
    found = remembered(Views, folder.views, origin, look)
    return ViewReport(
        **vars(measure_views(kind, found.rows)),
        test_patches=len(index.select("test", recipe.labels).patches),
        left_out=found.left_out,
        examples=found.examples,
    )


def _view_specimens(views: SpecimenViews, run: RunFolder, folder: ControlFolder, shuffled: RunFolder | None) -> Views:
    seen, classes = _ask(views, views.most, run), len(run.read_recipe().labels)
    rows, maps = _add_masses(_rows(seen), seen, run, shuffled, classes)
    return Views(tuple(rows), dict(views.left_out), _write_examples(seen, maps, rows, folder))


def _view_centres(test: PatchIndex, run: RunFolder) -> Views:
    return Views(tuple(_rows(_ask(centre_views(test), min(len(test.patches), MOST_VIEWS), run))))


def _ask(views: Iterable[View], most: int, run: RunFolder) -> SeenViews:
    """Return the answers to the views, which are as many as the test patches or fewer."""
    print("classifying test pictures with parts hidden ...", file=sys.stderr, flush=True)
    classifier, side = Classifier(run.model, threshold=0), run.read_recipe().network.input_side
    return classify_views(track(views, most, "views"), classifier, side)


def _rows(seen: SeenViews) -> list[ViewRow]:
    return [
        ViewRow(
            file=view.patch.file,
            photo=view.patch.photo,
            label=view.patch.label,
            whole=str(seen.answers[WHOLE][number]),
            inside_hidden=str(seen.answers[INSIDE_HIDDEN][number]),
            outside_hidden=str(seen.answers[OUTSIDE_HIDDEN][number]),
        )
        for number, view in enumerate(seen.small)
    ]


def _add_masses(
    rows: list[ViewRow], seen: SeenViews, run: RunFolder, shuffled: RunFolder | None, classes: int
) -> tuple[list[ViewRow], np.ndarray]:
    """Return the rows with the shares of the Grad-CAM mass in the boxes, and the maps of the run's network."""
    maps = _map_evidence(run, seen, classes)
    masses = shares_inside(maps, seen.inside)
    others = np.full(len(rows), np.nan)
    if shuffled is not None:
        others = shares_inside(_map_evidence(shuffled, seen, classes), seen.inside)
    parts = zip(rows, masses, others, seen.inside, strict=True)
    return [
        replace(row, mass=_known(mass), shuffled_mass=_known(other), area=float(inside.mean()))
        for row, mass, other, inside in parts
    ], maps


def _map_evidence(run: RunFolder, seen: SeenViews, classes: int) -> np.ndarray:
    return map_evidence(read_network(run.best), seen.pixels, classes)


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _write_examples(
    seen: SeenViews, maps: np.ndarray, rows: list[ViewRow], folder: ControlFolder
) -> tuple[ViewExample, ...]:
    """Write some views, sampled at random, and their Grad-CAM maps; return their entries."""
    chosen = np.sort(make_generator(0, "examples", len(rows)).permutation(len(rows))[:EXAMPLES])
    examples = []
    for number in chosen:
        row, stem = rows[number], f"control/{folder.examples.name}/{number:04d}"
        view, lit = f"{stem}-view.png", f"{stem}-lit.png"
        for name, picture in zip((view, lit), draw_example(seen.small[number], maps[number]), strict=True):
            write_atomically(folder.path.parent / name, png_bytes(picture, compress_level=1))
        photo = printable(row.photo)
        examples.append(ViewExample(view, lit, photo, row.label, row.whole, row.mass, row.area or 0.0))
    return tuple(examples)
