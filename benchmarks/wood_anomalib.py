"""Compare our PatchCore and PaDiM with anomalib's on the same feature maps.

    python -m venv ANOMALIB && ANOMALIB/bin/pip install -r benchmarks/requirements-anomalib.txt
    python -m benchmarks.wood_anomalib PHOTOS --python ANOMALIB/bin/python [--masks DIR] [--groups FILE]
        [--set network.weights=FILE] [--json OUT]

anomalib needs PyTorch and gigabytes, so it has a separate environment, in which benchmarks/anomalib_models.py runs. Our
trunk computes the maps of its levels once. Each program averages, concatenates and compares them in its own way; every
photograph with a mask is scored by fits without it and its group, and all are measured by our metrics. Unlike in a run,
our projection is also fitted without them.

Both coresets are chosen from positions sampled with the same seed (the same positions if the recipe's stride is that of
its finest level) and have as many vectors as the recipe's memory bank: anomalib's default, a tenth of all positions,
takes hours at this size. anomalib's PaDiM has a Gaussian per position, so it needs photographs of one size and is
meaningful only if a position shows the same in all of them. It uses all features. "relative": scores divided by the
photograph's median, as in the recipe. Seconds are processor time on one thread, per fit and per photograph, without the
trunk, which is the same for all.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.anomalib_task import Answer, Fold, Looked, answers_of_anomalib
from benchmarks.folds import show
from inference.anomaly.memory_bank import enlarge, top_mean
from inference.anomaly.tiles import Tiling
from inference.errors import InputError
from inference.pictures.image_io import read_image
from pipeline.anomaly.memory_bank import Candidates, choose_bank, fit_projection, sample_positions, split_folds, trim
from pipeline.anomaly.photos import AnomalyPhoto, list_photos
from pipeline.data.groups import read_photo_groups
from pipeline.metrics.ranking import auroc
from pipeline.metrics.segmentation import aupro, best_f1
from pipeline.quiet import load_tensorflow
from pipeline.recipes.wood import RECIPE
from pipeline.settings.recipe import Recipe, override_all
from pipeline.settings.run_folder import describe_machine

PROJECTION_VECTORS = 40_000  # used to fit the projection, as in a run
ROWS = (
    ("our PatchCore", "ours", "patchcore", True),
    ("our PatchCore, not relative", "ours", "patchcore", False),
    ("our PaDiM", "ours", "padim", True),
    ("our PaDiM, not relative", "ours", "padim", False),
    ("anomalib PatchCore", "theirs", "patchcore", False),
    ("anomalib PatchCore, relative", "theirs", "patchcore", True),
    ("anomalib PaDiM", "theirs", "padim", False),
    ("anomalib PaDiM, relative", "theirs", "padim", True),
)


def main(arguments: list[str]) -> int:
    """Print one line per method; return the exit code."""
    options = _make_parser().parse_args(arguments)
    return show(lambda: compare(options), table, options.json)


def compare(options: argparse.Namespace) -> dict[str, Any]:
    """Return the figures of every method.

    Raises:
        InputError: photographs have different sizes, none has a mask, or anomalib fails.
    """
    recipe = override_all(RECIPE, tuple(tuple(text.split("=", 1)) for text in options.set))
    photos = list_photos(
        options.photographs,
        None,
        options.masks,
        read_photo_groups(options.groups),
        recipe.split.near_duplicate_distance,
    ).photos
    load_tensorflow()
    looked = look_at(photos, recipe)
    folds = make_folds(looked, recipe.anomaly.folds)
    theirs = answers_of_anomalib(options.python, looked, folds, recipe)
    with threadpool_limits(1):
        ours = {(m, rel): our_answer(_with(recipe, m, rel), looked, folds) for _, who, m, rel in ROWS if who == "ours"}
    rows = []
    for name, who, method, relative in ROWS:
        answer = ours[method, relative] if who == "ours" else theirs[method]
        rows.append({"name": name, **figures(as_relative(answer) if who == "theirs" and relative else answer, looked)})
    return {
        "machine": describe_machine(),
        "threads": 1,
        "trunk": recipe.network.trunk,
        "levels": list(looked[0].levels),
        "photographs": len(photos),
        "scored": [looked[number].photo.name for fold in folds for number in fold.score],
        "groups": [photo.group for photo in photos],
        "bank": recipe.anomaly.coreset_size,
        "rows": rows,
    }


def look_at(photos: Sequence[AnomalyPhoto], recipe: Recipe) -> list[Looked]:
    """Return the maps of all photographs by the recipe's trunk.

    Raises:
        InputError: they have different sizes, or none has a mask.
    """
    import keras

    from models.feature_maps import LEVELS
    from pipeline.anomaly.features import make_feature_maps

    settings = recipe.anomaly
    whole = make_feature_maps(recipe, settings.tile)
    layers = {level: LEVELS[recipe.network.trunk][int(level)] for level in sorted(settings.levels, key=int)}
    levels = {level: keras.Model(whole.input, whole.get_layer(layer).output) for level, layer in layers.items()}
    looked = [_look(photo, recipe, whole, levels) for photo in photos]
    sizes = {one.seen for one in looked}
    if len(sizes) > 1:
        raise InputError(f"anomalib's PaDiM needs photographs of one size. Received: {sorted(sizes)}. Crop them.")
    if not any(one.mask is not None for one in looked):
        raise InputError("No photograph has a mask, so nothing can be measured. Give the masks: --masks DIR.")
    return looked


def _look(photo: AnomalyPhoto, recipe: Recipe, whole: Any, levels: dict[str, Any]) -> Looked:
    from pipeline.anomaly.features import keras_network, read_pixels

    settings = recipe.anomaly
    seen, size = read_pixels(photo, settings), read_image(photo.path).shape[:2]

    def see(network: Any, stride: int) -> np.ndarray:
        return Tiling(settings.tile, settings.margin, stride).look(keras_network(network), seen)

    maps = {level: see(network, int(level)) for level, network in levels.items()}
    features = see(whole, settings.stride)
    return Looked(photo, (size[0], size[1]), seen.shape[:2], photo.read_mask((size[0], size[1])), maps, features)


def make_folds(looked: Sequence[Looked], most: int) -> list[Fold]:
    """Return the folds of a run, without folds that have no mask."""
    folds = []
    for held_out in split_folds([one.photo.group for one in looked], most):
        fit = [number for number, one in enumerate(looked) if one.photo.group not in held_out]
        score = [n for n, one in enumerate(looked) if one.photo.group in held_out and one.mask is not None]
        folds += [Fold(fit, score)] if score else []
    return folds


def our_answer(recipe: Recipe, looked: Sequence[Looked], folds: Sequence[Fold]) -> Answer:
    """Return the scores of our method, from the concatenated features."""
    settings, maps, scores = recipe.anomaly, dict[int, np.ndarray](), dict[int, float]()
    fit_seconds, score_seconds = list[float](), list[float]()
    for fold in folds:
        began = time.process_time()
        score = fit_ours(recipe, [looked[number] for number in fold.fit], len(looked))
        fit_seconds.append(time.process_time() - began)
        for number in fold.score:
            one, began = looked[number], time.process_time()
            positions = score(one.features)
            maps[number] = enlarge(positions, settings.stride, one.seen, one.size)
            score_seconds.append(time.process_time() - began)
            scores[number] = top_mean(positions, settings.score_share)
    return Answer(maps, scores, float(np.median(fit_seconds)), float(np.median(score_seconds)))


def fit_ours(recipe: Recipe, looked: Sequence[Looked], count: int) -> Callable[[np.ndarray], np.ndarray]:
    """Return the function from features to scores, fitted on `looked`; count: number of all photographs."""
    from pipeline.anomaly.features import empty_bank

    settings, bank = recipe.anomaly, empty_bank(recipe.anomaly)

    def draw(maps: Iterable[np.ndarray], most: int) -> list[np.ndarray]:
        pairs = zip(maps, looked, strict=True)
        return [
            sample_positions(bank.prepare(one), most // count, recipe.seed, shown.photo.name) for one, shown in pairs
        ]

    channels = [looked[0].levels[level].shape[-1] for level in settings.levels]
    vectors = np.concatenate(draw((one.features for one in looked), PROJECTION_VECTORS))
    projection = fit_projection(vectors, channels, settings.dimensions, settings.method == "padim")
    drawn = draw((projection(one.features) for one in looked), settings.candidates)
    groups = np.repeat([one.photo.group for one in looked], [len(part) for part in drawn])
    candidates = trim(Candidates(np.concatenate(drawn), groups), settings.trim_fraction)
    vectors = choose_bank(candidates, settings.coreset_size, settings.method, recipe.seed)
    full = replace(bank, vectors=vectors.astype(np.float16).astype(np.float32))  # at the precision of a model's file
    return lambda features: full.scores(projection(features), settings.stride)


def as_relative(answer: Answer) -> Answer:
    """Return an answer with every photograph's scores divided by their median."""
    medians = {number: float(np.median(one)) for number, one in answer.maps.items()}
    maps = {number: one / medians[number] for number, one in answer.maps.items()}
    scores = {number: score / medians[number] for number, score in answer.scores.items()}
    return replace(answer, maps=maps, scores=scores, normal_only_threshold=None)


def figures(answer: Answer, looked: Sequence[Looked]) -> dict[str, Any]:
    """Return the figures of one method, with the pixels of all photographs pooled."""
    numbers = sorted(answer.maps)
    masks = {number: mask for number in numbers if (mask := looked[number].mask) is not None}
    scores = np.concatenate([answer.maps[number].ravel() for number in numbers])
    positive = np.concatenate([masks[number].ravel() for number in numbers])
    best = best_f1(scores, positive)
    whole = np.array([answer.scores[number] for number in numbers])
    return {
        "aupro": aupro([answer.maps[number] for number in numbers], [masks[number] for number in numbers]),
        "best_f1": best and best.value,
        "pixel_auroc": auroc(scores, positive),
        "image_auroc": auroc(whole, np.array([masks[number].any() for number in numbers])),
        "fit_seconds": answer.fit_seconds,
        "score_seconds": answer.score_seconds,
        "normal_only_threshold": answer.normal_only_threshold,
        "photos": {
            looked[n].photo.name: {"score": answer.scores[n], "aupro": aupro([answer.maps[n]], [masks[n]])}
            for n in numbers
        },
    }


def table(report: dict[str, Any]) -> list[str]:
    """Return the figures as lines of text."""
    lines = [f"{'':<30}AUPRO  best F1  AUROC of pixels  of photographs  fit s  score s"]
    for row in report["rows"]:
        cells = ["-" if row[n] is None else f"{row[n]:.3f}" for n in ("aupro", "best_f1", "pixel_auroc", "image_auroc")]
        lines.append(
            f"{row['name']:<30}{cells[0]:>5}{cells[1]:>9}{cells[2]:>17}{cells[3]:>16}"
            f"{row['fit_seconds']:>7.1f}{row['score_seconds']:>9.2f}"
        )
    return lines


def _with(recipe: Recipe, method: str, relative: bool) -> Recipe:
    return override_all(recipe, (("anomaly.method", method), ("anomaly.normalize_by_median", str(relative).lower())))


def _make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.wood_anomalib", description=(__doc__ or "").splitlines()[0]
    )
    add = parser.add_argument
    add("photographs", type=Path, metavar="PHOTOS", help="folder of photographs, all of one size")
    add("--python", type=Path, required=True, metavar="FILE", help="interpreter of the environment with anomalib")
    add("--masks", type=Path, metavar="DIR", help="folder of the masks (default: masks/ next to PHOTOS)")
    add("--groups", type=Path, metavar="FILE", help="JSON list of lists of photographs that are held out together")
    add("--set", action="append", default=[], metavar="NAME=VALUE", help="change a setting of the recipe")
    add("--json", type=Path, metavar="FILE", help="write the figures here")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
