"""Wrong answers -> the nearest training patches, and Grad-CAM maps for the given and the true label."""

import shutil
from pathlib import Path

import keras
import numpy as np

from inference.atomic_file import write_atomically
from inference.errors import printable
from inference.model.decide import UNKNOWN
from inference.pictures.encode import HALF_COLOUR, jpeg_bytes
from inference.pictures.image_io import read_image
from models.flips import with_flips
from models.heads import POOL
from pipeline.data.dataset import load_patch
from pipeline.data.index import Patch, PatchIndex
from pipeline.evaluation.grad_cam import grad_cam
from pipeline.evaluation.mistakes import TestAnswers, rank_mistakes, summarise_mistakes
from pipeline.evaluation.nearest import nearest_patches, training_features
from pipeline.report.heat_map import draw_heat_map
from pipeline.report.sections import EvidenceMap, Mistake, Mistakes, NearestPatch, Searched
from pipeline.settings.labels import BACKGROUND
from pipeline.settings.recipe import Recipe
from pipeline.settings.run_folder import RunFolder, relative_path

SHOWN = 24
NEAREST = 3
MAP_SIDE_PIXELS = 160
_MAP_QUALITY = 88

Maps = tuple[EvidenceMap, ...]
Nearest = tuple[NearestPatch, ...]


def explain_mistakes(
    answers: TestAnswers, network: keras.Model, index: PatchIndex, recipe: Recipe, run: RunFolder
) -> Mistakes:
    """Return the report's mistakes; write the heat maps of the listed ones into run.mistakes.

    Paths are relative to the run's folder.
    """
    shutil.rmtree(run.mistakes, ignore_errors=True)  # from an earlier evaluation
    wrong = rank_mistakes(answers)
    shown = wrong[:SHOWN]
    entries: tuple[Mistake, ...] = ()
    searched = Searched(0, 0)
    if len(shown):
        train = training_features(with_flips(network, recipe.export.flips), index, recipe)
        searched = Searched(len(train.index.patches), train.of)
        nearest = nearest_patches(answers.features[shown], train, NEAREST)
        maps = _write_maps(answers, shown, network, recipe, run)
        alike = [tuple(_describe_nearest(*one, index, run.path) for one in some) for some in nearest]
        entries = tuple(_describe(answers, *parts, run.path) for parts in zip(shown, maps, alike, strict=True))
    sides = tuple(int(side) for side in network.get_layer(POOL).input.shape[1:3])
    return Mistakes(**vars(summarise_mistakes(answers, wrong)), shown=entries, searched=searched, fields=sides)


def _describe(answers: TestAnswers, position: int, maps: Maps, nearest: Nearest, folder: Path) -> Mistake:
    patch, scores = answers.index.patches[position], answers.scores
    return Mistake(
        file=relative_path(answers.index.path(patch), folder),
        photo=printable(patch.photo),
        label=patch.label if scores.positive[position] else BACKGROUND,
        given=str(scores.best[position]),
        confidence=float(scores.confidences[position]),
        truth=float(answers.truths[position]),
        loss=float(answers.losses[position]),
        rejected=bool(scores.results[position] == UNKNOWN),
        maps=maps,
        nearest=nearest,
    )


def _describe_nearest(patch: Patch, cosine: float, index: PatchIndex, folder: Path) -> NearestPatch:
    return NearestPatch(relative_path(index.path(patch), folder), printable(patch.photo), patch.label, cosine)


def _write_maps(
    answers: TestAnswers, shown: np.ndarray, network: keras.Model, recipe: Recipe, run: RunFolder
) -> list[Maps]:
    """Write the Grad-CAM maps of each mistake for the given and the true label; background may have no output."""
    patches = [answers.index.patches[position] for position in shown]
    given = [("given", str(answers.scores.best[position])) for position in shown]
    asked = [
        (number, kind, label)
        for number, patch in enumerate(patches)
        for kind, label in (given[number], ("true", patch.label))
        if label in recipe.outputs
    ]
    paths = [answers.index.path(patch) for patch in patches]
    pixels = [load_patch(path, recipe.network.input_side) for path in paths]
    outputs = np.array([recipe.outputs.index(label) for _, _, label in asked])
    found: list[list[EvidenceMap]] = [[] for _ in patches]
    heats = grad_cam(network, np.stack([pixels[number] for number, _, _ in asked]), outputs)
    for (number, kind, label), heat in zip(asked, heats, strict=True):
        path = run.mistakes / f"{number + 1:02}-{kind}.jpg"
        picture = draw_heat_map(read_image(paths[number]), heat, MAP_SIDE_PIXELS)
        write_atomically(path, jpeg_bytes(picture, _MAP_QUALITY, HALF_COLOUR))
        found[number].append(EvidenceMap(label, relative_path(path, run.path), not bool(heat.any())))
    return [tuple(maps) for maps in found]
