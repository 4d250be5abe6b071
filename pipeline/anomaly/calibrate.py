"""Converted trunk + photographs -> the memory bank, the held-out scores of every photograph, and the threshold."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from inference.anomaly.detector import make_tiling, score_positions
from inference.anomaly.feature_network import FeatureNetwork
from inference.anomaly.memory_bank import MemoryBank, memory_bank_to_file
from inference.anomaly.surface import Surface, surface_to_file
from inference.atomic_file import write_atomically
from inference.model.array_file import arrays_to_file
from pipeline.anomaly.alignment import measure_alignment
from pipeline.anomaly.features import empty_bank, normal_positions, read_pixels, tiling_of
from pipeline.anomaly.gaussian import fit_gaussian, fit_surface
from pipeline.anomaly.memory_bank import Candidates, choose_bank, sample_positions, split_folds, trim
from pipeline.anomaly.photos import FIT, AnomalyPhoto, read_photos
from pipeline.anomaly.prevalence import resolve_recipe
from pipeline.anomaly.threshold import ScoreThreshold, bulk_threshold, choose_threshold
from pipeline.progress import count, track
from pipeline.settings.recipe import Recipe
from pipeline.settings.run_folder import RunFolder, write_json

_ALIGNMENT_PHOTOS = 6  # used to measure the alignment
_RARE_COLOUR = 2.0  # times the weight of colour where anomalies are rare: small ones are sharper in colour
_SURFACE_PHOTOS = 24  # used to fit the colours


@dataclass(frozen=True)
class HeldOut:
    """The memory bank of all photographs, and the distances of each photograph, by name, from banks without it."""

    bank: MemoryBank
    distances: dict[str, np.ndarray]  # float32 [rows, columns]


def calibrate_anomalies(run: RunFolder) -> None:
    """Build the memory bank and set the threshold.

    Writes surface.npz where the recipe uses colour, bank.npz, held_out_scores.npz and calibration.json.
    """
    recipe = resolve_recipe(run)
    settings = recipe.anomaly
    photos = [photo for photo in read_photos(run.photos) if photo.split == FIT]
    network = FeatureNetwork(run.trunk.read_bytes(), run.trunk.name, threads=2)
    held_out = hold_out(network, photos, recipe)
    surface = fit_colours(held_out, photos, recipe) if settings.colour else None
    if surface is not None:
        write_atomically(run.surface, surface_to_file(surface))
    scores = {
        photo.name: score_positions(
            held_out.bank, surface, held_out.distances[photo.name], read_pixels(photo, settings), settings.stride
        )
        for photo in photos
    }
    threshold = _threshold(scores, photos, recipe)
    write_atomically(run.bank, memory_bank_to_file(held_out.bank.decide_by(threshold.score, threshold.width)))
    write_atomically(run.held_out_scores, arrays_to_file(scores))
    values = {
        "threshold": 0.5,
        "temperature": 1.0,
        "score_threshold": threshold.score,
        "score_width": threshold.width,
        "vectors": len(held_out.bank.vectors),
        "highest": dict(zip(scores, threshold.highest, strict=True)),
        "alignment": held_out.bank.alignment,
        "clean": settings.clean,
        "false_positive_rate": settings.false_positive_rate,
    }
    write_json(run.calibration, values)


def hold_out(network: FeatureNetwork, photos: list[AnomalyPhoto], recipe: Recipe) -> HeldOut:
    """Return the memory bank of all photographs, and the distances of each one from a memory bank without its fold."""
    settings = recipe.anomaly
    drawn = _draw(network, photos, recipe)
    candidates = drawn if settings.method == "gaussian" else trim(drawn, settings.trim_fraction)
    empty = empty_bank(settings, find_alignment(network, photos, recipe))
    tiling, distances = make_tiling(network, empty), dict[str, np.ndarray]()
    with count(len(photos), "photographs held out") as progress:
        for fold in split_folds([photo.group for photo in photos], settings.folds):
            distance = _distance(empty, candidates.without(fold), recipe)
            for photo in photos:
                if photo.group in fold:
                    distances[photo.name] = distance(tiling.look(network, read_pixels(photo, settings)))
                    progress.advance()
    # the network ends with the whitening of the Gaussian of all photographs, whose mean is then 0
    zero = np.zeros((1, network.features), np.float32)
    vectors = zero if settings.method == "gaussian" else choose(candidates, recipe)
    return HeldOut(replace(empty, vectors=vectors), {photo.name: distances[photo.name] for photo in photos})


def fit_colours(held_out: HeldOut, photos: list[AnomalyPhoto], recipe: Recipe) -> Surface:
    """Return the surface's colour, fitted on up to 24 photographs; its seven numbers are not held out."""
    settings, some = recipe.anomaly, photos[:: -(-len(photos) // _SURFACE_PHOTOS)]
    pictures = [read_pixels(photo, settings) for photo in some]
    normal = [normal_positions(one, settings) for one in pictures]
    surface = fit_surface(pictures, [held_out.distances[photo.name] for photo in some], normal, settings.stride)
    common = settings.method == "gaussian"
    power = surface.colour_power * (1 if common else _RARE_COLOUR)
    return replace(surface, colour_power=power, masks_background=common)


def _distance(empty: MemoryBank, candidates: Candidates, recipe: Recipe) -> Callable[[np.ndarray], np.ndarray]:
    """Return the function from a map to its distances from a model fitted on the candidates."""
    if recipe.anomaly.method == "gaussian":
        return fit_gaussian(candidates.vectors).distances
    return replace(empty, vectors=choose(candidates, recipe)).distances


def _threshold(scores: dict[str, np.ndarray], photos: list[AnomalyPhoto], recipe: Recipe) -> ScoreThreshold:
    settings = recipe.anomaly
    if settings.method == "gaussian" and not settings.clean:
        normal = [normal_positions(read_pixels(photo, settings), settings) for photo in photos]
        return bulk_threshold([one[inside] for one, inside in zip(scores.values(), normal, strict=True)])
    return choose_threshold(list(scores.values()), settings.clean, settings.false_positive_rate, settings.score_share)


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
    each, parts = max(1, settings.candidates // len(photos)), list[np.ndarray]()
    for photo in track(photos, len(photos), "photographs sampled"):
        pixels = read_pixels(photo, settings)
        vectors = empty.prepare(tiling.look(network, pixels))[normal_positions(pixels, settings)]
        parts.append(sample_positions(vectors[np.newaxis], each, recipe.seed, photo.name))
    groups = np.repeat([photo.group for photo in photos], [len(part) for part in parts])
    return Candidates(np.concatenate(parts), groups)
