"""Wrong answers -> why: the nearest training patches, and where in the picture the network saw which label."""

import shutil
from pathlib import Path
from typing import Any

import keras
import numpy as np

from inference.atomic_file import write_atomically
from inference.errors import printable
from inference.model.decide import UNKNOWN
from inference.pictures.encode import HALF_COLOUR, jpeg_bytes
from inference.pictures.image_io import read_image
from models.heads import POOL
from pipeline.data.dataset import load_patch
from pipeline.data.index import Patch, PatchIndex
from pipeline.evaluation.grad_cam import grad_cam
from pipeline.evaluation.heat_map import draw_heat_map
from pipeline.evaluation.mistakes import TestAnswers, rank_mistakes, summarise_mistakes
from pipeline.evaluation.nearest import nearest_patches, training_features
from pipeline.settings.labels import BACKGROUND
from pipeline.settings.recipe import Recipe
from pipeline.settings.run_folder import RunFolder, relative_to_run

SHOWN = 24
NEAREST = 3
MAP_SIDE_PIXELS = 160
_MAP_QUALITY = 88

Entry = dict[str, Any]


def explain_mistakes(
    answers: TestAnswers, network: keras.Model, index: PatchIndex, recipe: Recipe, run: RunFolder
) -> Entry:
    """Return the report's "mistakes"; the heat maps of those that are shown are written into run.mistakes.

    Files are relative to the run's folder. searched: among how many of how many training patches the nearest were
    sought. fields: rows and columns of the network's last feature map, as fine as a heat map can be.
    """
    shutil.rmtree(run.mistakes, ignore_errors=True)  # of an earlier evaluation
    wrong = rank_mistakes(answers)
    shown = wrong[:SHOWN]
    entries = [_describe(answers, place, run.path) for place in shown]
    searched = {"patches": 0, "of": 0}
    if entries:
        train = training_features(network, index, recipe)
        searched = {"patches": len(train.index.patches), "of": train.of}
        for entry, nearest in zip(entries, nearest_patches(answers.features[shown], train, NEAREST), strict=True):
            entry["nearest"] = [_describe_nearest(patch, cosine, index, run.path) for patch, cosine in nearest]
        _add_maps(entries, [answers.index.path(answers.index.patches[place]) for place in shown], network, recipe, run)
    fields = [int(side) for side in network.get_layer(POOL).input.shape[1:3]]
    return {**summarise_mistakes(answers, wrong), "shown": entries, "searched": searched, "fields": fields}


def _describe(answers: TestAnswers, place: int, folder: Path) -> Entry:
    patch, scores = answers.index.patches[place], answers.scores
    return {
        "file": relative_to_run(answers.index.path(patch), folder),
        "photo": printable(patch.photo),
        "label": patch.label if scores.positive[place] else BACKGROUND,
        "given": str(scores.best[place]),
        "confidence": float(scores.confidences[place]),
        "truth": float(answers.truths[place]),
        "loss": float(answers.losses[place]),
        "rejected": bool(scores.results[place] == UNKNOWN),
    }


def _describe_nearest(patch: Patch, cosine: float, index: PatchIndex, folder: Path) -> Entry:
    file = relative_to_run(index.path(patch), folder)
    return {"file": file, "photo": printable(patch.photo), "label": patch.label, "likeness": cosine}


def _add_maps(entries: list[Entry], paths: list[Path], network: keras.Model, recipe: Recipe, run: RunFolder) -> None:
    """Draw for each mistake where the network saw the given and the true label; background may have no output."""
    side = recipe.network.input_side
    asked = [
        (number, kind, entry[kind])
        for number, entry in enumerate(entries)
        for kind in ("given", "label")
        if entry[kind] in recipe.outputs
    ]
    pixels = [load_patch(path, side) for path in paths]
    chosen = np.array([recipe.outputs.index(label) for _, _, label in asked])
    maps = grad_cam(network, np.stack([pixels[number] for number, _, _ in asked]), chosen)
    for entry in entries:
        entry["maps"] = []
    for (number, kind, label), heat in zip(asked, maps, strict=True):
        path = run.mistakes / f"{number + 1:02}-{'given' if kind == 'given' else 'true'}.jpg"
        picture = draw_heat_map(read_image(paths[number]), heat, MAP_SIDE_PIXELS)
        write_atomically(path, jpeg_bytes(picture, _MAP_QUALITY, HALF_COLOUR))
        entries[number]["maps"].append(
            {"label": label, "file": relative_to_run(path, run.path), "empty": not bool(heat.any())}
        )
