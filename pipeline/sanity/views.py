"""A run's test patches -> what its network says of pictures with parts hidden, where it looks, and examples to show."""

import sys
from collections.abc import Iterable
from typing import Any

import keras
import numpy as np

from inference.errors import InputError, printable
from inference.model.classifier import Classifier
from pipeline.data.index import PatchIndex
from pipeline.data.patches import store_patch
from pipeline.data.sources import SOURCES
from pipeline.random_generator import make_generator
from pipeline.sanity.figures import BOXES, CENTRE, measure_views
from pipeline.sanity.folder import ControlFolder, digest_files, remembered
from pipeline.sanity.occlusion import SeenViews, draw_example, look_at_views, map_evidence, shares_inside
from pipeline.sanity.specimen_views import SpecimenViews, View, centre_views, find_photographs
from pipeline.settings.run_folder import RunFolder

EXAMPLES = 8


def look_at_run(run: RunFolder, folder: ControlFolder, index: PatchIndex, shuffled: RunFolder | None) -> dict[str, Any]:
    """Return the figures of the views, or why there are none.

    shuffled: the training on shuffled labels, whose network is looked into beside the run's.
    """
    recipe = run.read_recipe()
    origin = digest_files(run.model, run.best, run.index, *([shuffled.best] if shuffled else []))
    photographs = SOURCES[recipe.source.kind].photographs
    if photographs is not None:
        try:
            images = find_photographs(run, photographs, index.root)
        except InputError as fault:
            return {"kind": None, "reason": printable(str(fault))}
        views = SpecimenViews(index.select("test"), images, recipe.labels)
        kind, look = BOXES, lambda: _look_at_specimens(views, run, folder, shuffled)
    else:
        kind, look = CENTRE, lambda: _look_at_centres(index.select("test", recipe.labels), run)
    found = remembered(folder.views, origin, look)
    figures = measure_views(kind, found["rows"])
    return {**figures, **found["shown"], "test_patches": len(index.select("test", recipe.labels).patches)}


def _look_at_specimens(
    views: SpecimenViews, run: RunFolder, folder: ControlFolder, shuffled: RunFolder | None
) -> dict[str, Any]:
    recipe = run.read_recipe()
    seen = _ask(views, run)
    rows = _rows(seen)
    maps = _add_masses(rows, seen, run, shuffled, len(recipe.labels))
    return {
        "rows": rows,
        "shown": {"left_out": dict(views.left_out), "examples": _write_examples(seen, maps, rows, folder)},
    }


def _look_at_centres(test: PatchIndex, run: RunFolder) -> dict[str, Any]:
    return {"rows": _rows(_ask(centre_views(test), run)), "shown": {"left_out": {}, "examples": []}}


def _ask(views: Iterable[View], run: RunFolder) -> SeenViews:
    print("looking at test pictures with parts hidden ...", file=sys.stderr, flush=True)
    return look_at_views(views, Classifier(run.model, threshold=0), run.read_recipe().network.input_side)


def _rows(seen: SeenViews) -> list[dict[str, Any]]:
    """Return a row for each view, as pipeline.sanity.figures.measure_views takes it."""
    return [
        {
            "file": view.patch.file,
            "photo": view.patch.photo,
            "label": view.patch.label,
            **{name: str(answers[place]) for name, answers in seen.answers.items()},
        }
        for place, view in enumerate(seen.small)
    ]


def _add_masses(
    rows: list[dict[str, Any]], seen: SeenViews, run: RunFolder, shuffled: RunFolder | None, classes: int
) -> np.ndarray:
    """Put into the rows which share of the Grad-CAM maps lies in the boxes; return the maps of the run's network."""
    maps: dict[str, np.ndarray] = {}
    for key, one in (("mass", run), ("shuffled_mass", shuffled)):
        if one is None:
            shares = np.full(len(rows), np.nan)
        else:
            maps[key] = map_evidence(keras.models.load_model(one.best, compile=False), seen.pixels, classes)
            shares = shares_inside(maps[key], seen.inside)
        for row, share in zip(rows, shares, strict=True):
            row[key] = None if np.isnan(share) else float(share)
    for row, inside in zip(rows, seen.inside, strict=True):
        row["area"] = float(inside.mean())
    return maps["mass"]


def _write_examples(
    seen: SeenViews, maps: np.ndarray, rows: list[dict[str, Any]], folder: ControlFolder
) -> list[dict[str, Any]]:
    """Write some views, by lot, and where the network looked; return what their captions need."""
    chosen = np.sort(make_generator(0, "examples", len(rows)).permutation(len(rows))[:EXAMPLES])
    examples = []
    for place in chosen:
        names = {key: f"control/{folder.examples.name}/{place:04d}-{key}.png" for key in ("view", "lit")}
        for name, picture in zip(names.values(), draw_example(seen.small[place], maps[place]), strict=True):
            store_patch(picture, folder.path.parent / name)
        row = rows[place]
        shown = {key: row[key] for key in ("label", "whole", "mass", "area")}
        examples.append({**names, **shown, "photo": printable(row["photo"])})
    return examples
