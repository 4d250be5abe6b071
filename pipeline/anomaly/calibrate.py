"""Converted trunk + photographs -> the memory bank, the held-out scores of every photograph, and the threshold."""

from dataclasses import dataclass, replace

import numpy as np

from inference.anomaly.detector import make_tiling
from inference.anomaly.feature_network import FeatureNetwork
from inference.anomaly.memory_bank import MemoryBank, memory_bank_to_file
from inference.atomic_file import write_atomically
from inference.model.array_file import arrays_to_file
from pipeline.anomaly.alignment import measure_alignment
from pipeline.anomaly.features import empty_bank, read_pixels, tiling_of
from pipeline.anomaly.memory_bank import Candidates, choose_bank, sample_positions, split_folds, trim
from pipeline.anomaly.photos import FIT, AnomalyPhoto, read_photos
from pipeline.anomaly.threshold import choose_threshold
from pipeline.progress import count, track
from pipeline.settings.recipe import Recipe
from pipeline.settings.run_folder import RunFolder, write_json

_ALIGNMENT_PHOTOS = 6  # used to measure the alignment


@dataclass(frozen=True)
class HeldOutScores:
    """The memory bank of all photographs, and the scores of each photograph, by name, from memory banks without it."""

    bank: MemoryBank
    scores: dict[str, np.ndarray]  # float32 [rows, columns]


def calibrate_anomalies(run: RunFolder) -> None:
    """Build the memory bank and set the threshold; write bank.npz, held_out_scores.npz and calibration.json."""
    recipe = run.read_recipe()
    photos = [photo for photo in read_photos(run.photos) if photo.split == FIT]
    network = FeatureNetwork(run.trunk.read_bytes(), run.trunk.name, threads=2)
    held_out = hold_out(network, photos, recipe)
    settings = recipe.anomaly
    rate, share = settings.false_positive_rate, settings.score_share
    threshold = choose_threshold(list(held_out.scores.values()), settings.clean, rate, share)
    write_atomically(run.bank, memory_bank_to_file(held_out.bank.decide_by(threshold.score, threshold.width)))
    write_atomically(run.held_out_scores, arrays_to_file(held_out.scores))
    names = list(held_out.scores)
    values = {
        "threshold": 0.5,
        "temperature": 1.0,
        "score_threshold": threshold.score,
        "score_width": threshold.width,
        "vectors": len(held_out.bank.vectors),
        "highest": dict(zip(names, threshold.highest, strict=True)),
        "alignment": held_out.bank.alignment,
        "clean": settings.clean,
        "false_positive_rate": rate,
    }
    write_json(run.calibration, values)


def hold_out(network: FeatureNetwork, photos: list[AnomalyPhoto], recipe: Recipe) -> HeldOutScores:
    """Return the memory bank of all photographs, and the scores of each one from a memory bank without its fold."""
    settings = recipe.anomaly
    candidates = trim(_draw(network, photos, recipe), settings.trim_fraction)
    empty = empty_bank(settings, find_alignment(network, photos, recipe))
    tiling = make_tiling(network, empty)
    scores = {}
    with count(len(photos), "photographs held out") as progress:
        for fold in split_folds([photo.group for photo in photos], settings.folds):
            bank = replace(empty, vectors=choose(candidates.without(fold), recipe))
            for photo in photos:
                if photo.group in fold:
                    scores[photo.name] = bank.scores(tiling.look(network, read_pixels(photo, settings)), tiling.stride)
                    progress.advance()
    ordered = {photo.name: scores[photo.name] for photo in photos}
    return HeldOutScores(replace(empty, vectors=choose(candidates, recipe)), ordered)


def find_alignment(network: FeatureNetwork, photos: list[AnomalyPhoto], recipe: Recipe) -> int:
    """Return the network's alignment, measured on a few of the photographs; see pipeline.anomaly.alignment."""
    settings = recipe.anomaly
    some = photos[:: max(1, len(photos) // _ALIGNMENT_PHOTOS)][:_ALIGNMENT_PHOTOS]
    return measure_alignment(
        network, tiling_of(settings), [read_pixels(photo, settings) for photo in some], recipe.seed
    )


def choose(candidates: Candidates, recipe: Recipe) -> np.ndarray:
    """Return the memory bank chosen from the candidates, at the precision in which the file stores it."""
    size, method = recipe.anomaly.coreset_size, recipe.anomaly.method
    return choose_bank(candidates, size, method, recipe.seed).astype(np.float16).astype(np.float32)


def _draw(network: FeatureNetwork, photos: list[AnomalyPhoto], recipe: Recipe) -> Candidates:
    """Return candidates sampled at random, equally many from every photograph."""
    settings = recipe.anomaly
    empty = empty_bank(settings)
    tiling = make_tiling(network, empty)
    each = max(1, settings.candidates // len(photos))
    read = track(photos, len(photos), "photographs sampled")
    maps = (empty.prepare(tiling.look(network, read_pixels(photo, settings))) for photo in read)
    parts = [sample_positions(one, each, recipe.seed, photo.name) for one, photo in zip(maps, photos, strict=True)]
    groups = np.repeat([photo.group for photo in photos], [len(part) for part in parts])
    return Candidates(np.concatenate(parts), groups)
