"""An anomaly run -> the draft of its file: trunk, memory bank, region names, and the comparison with Keras."""

from pathlib import Path
from typing import Any

import numpy as np

from export.convert import convert
from export.draft import Draft
from export.verify import differences
from inference.anomaly.confidence import MEANING
from inference.anomaly.detector import NORMAL
from inference.anomaly.feature_network import FeatureNetwork
from inference.anomaly.memory_bank import MemoryBank, read_memory_bank
from inference.atomic_file import write_atomically
from inference.model.artefact import read_artefact
from inference.model.decide import ANOMALY
from pipeline.anomaly.features import Network, keras_network, read_pixels, tiling_of
from pipeline.anomaly.photos import FIT, AnomalyPhoto, read_photos
from pipeline.anomaly.prevalence import resolve_recipe
from pipeline.settings.recipe import Recipe
from pipeline.settings.run_folder import RunFolder, read_json
from pipeline.training.saved_network import read_network

_PARITY_PHOTOS = 4


def convert_trunk(run: RunFolder) -> None:
    """Convert the run's feature maps in the recipe's mode; the memory bank is built from the converted trunk."""
    recipe = resolve_recipe(run)
    write_atomically(run.trunk, _convert(run, recipe, recipe.export.mode))


def draft_detector(run: RunFolder, recipe: Recipe, mode: str) -> Draft:
    """Return the draft of a run's file: the trunk converted to the mode, memory bank and region names.

    Raises:
        InputError: a stage is missing.
    """
    calibration = read_json(run.calibration, "Calibrate first: python -m pipeline resume RUN.")
    recipe = resolve_recipe(run)
    same = mode == recipe.export.mode and run.trunk.is_file()
    side = recipe.anomaly.tile
    parts = (run.bank, run.surface, run.region_names, run.region_examples)
    card = {
        "labels": (ANOMALY, NORMAL),
        "reject_labels": (),
        "input_size": (side, side),
        "decision": ANOMALY,
        "threshold": calibration["threshold"],
        "temperature": 1.0,
        "region_labels": tuple(read_json(run.name_report, "")["labels"]) if run.region_names.is_file() else (),
    }
    return Draft(
        {mode: run.trunk.read_bytes() if same else _convert(run, recipe, mode)},
        card,
        {path.name: path.read_bytes() for path in parts if path.is_file()},
        lambda models: {kind: _compare_scores(run, path, recipe) for kind, path in models.items()},
        sentences=(MEANING,),
    )


def _compare_scores(run: RunFolder, model: Path, recipe: Recipe) -> dict[str, Any]:
    """Return the differences between the scores of the file and of the Keras model on a few photographs.

    They are the mean and largest difference of a score, as shares of the threshold, and n, the number of positions.
    """
    network = FeatureNetwork(read_artefact(model).flatbuffer, model.name, threads=2)
    bank = read_memory_bank(run.bank.read_bytes(), network.features, run.bank.name)
    reference = keras_network(read_network(run.best))
    given, expected = (
        np.concatenate([_scores(one, bank, photo, recipe).ravel() for photo in _some(run)])
        for one in (network, reference)
    )
    return {**differences(given, expected, bank.threshold), "n": len(given)}


def _scores(network: Network, bank: MemoryBank, photo: AnomalyPhoto, recipe: Recipe) -> np.ndarray:
    settings = recipe.anomaly
    seen = read_pixels(photo, settings)[: settings.tile, : settings.tile]
    tiling = tiling_of(settings)
    return bank.scores(tiling.look(network, seen), tiling.stride)


def _tiles(run: RunFolder, recipe: Recipe) -> np.ndarray:
    """Return the tiles of the fit's photographs, uint8 [tiles, side, side, 3], that set the int8 ranges."""
    settings = recipe.anomaly
    tiling = tiling_of(settings)
    tiles: list[np.ndarray] = []
    nothing = np.zeros((settings.tile // settings.stride, settings.tile // settings.stride, 1), np.float32)

    def note(tile: np.ndarray) -> np.ndarray:
        tiles.append(tile)
        return nothing

    for photo in _some(run):
        tiling.look(note, read_pixels(photo, settings))
    return np.stack(tiles[: recipe.export.calibration_pictures])


def _some(run: RunFolder) -> list[AnomalyPhoto]:
    """Return a few photographs of the fit, evenly spaced in the list."""
    photos = [photo for photo in read_photos(run.photos) if photo.split == FIT]
    return photos[:: max(1, len(photos) // _PARITY_PHOTOS)][:_PARITY_PHOTOS]


def _convert(run: RunFolder, recipe: Recipe, mode: str) -> bytes:
    """Return the flatbuffer of the feature maps; int8 ranges come from tiles of the fit's photographs."""
    network = read_network(run.best)
    return convert(network, mode, _tiles(run, recipe) if mode == "int8" else np.zeros((0, 1, 1, 3), np.uint8))
