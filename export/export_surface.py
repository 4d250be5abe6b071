"""A run that looks for anomalies -> its trunk as .tflite, then one artefact with the bank behind it, and its parity."""

from pathlib import Path
from typing import Any

import keras
import numpy as np

from export.convert import convert
from inference.anomaly.detector import NORMAL
from inference.anomaly.feature_network import FeatureNetwork
from inference.anomaly.memory_bank import MemoryBank, read_memory_bank
from inference.atomic_file import write_atomically
from inference.model.artefact import Artefact, flatbuffer_sha256, pack_artefact
from inference.model.card import Card, card_files
from inference.model.decide import ANOMALY
from pipeline.anomaly.features import Network, keras_network, read_seen, tiling_of
from pipeline.anomaly.photos import FIT, SurfacePhoto, read_photos
from pipeline.settings.recipe import Recipe
from pipeline.settings.run_folder import RunFolder, read_json, write_json

_PARITY_PHOTOS = 4


def convert_trunk(run: RunFolder) -> None:
    """Convert the run's feature maps in the recipe's mode, before the bank is made of what the file itself gives."""
    recipe = run.read_recipe()
    write_atomically(run.trunk, _convert(run, recipe, recipe.export.mode))


def export_surface(run: RunFolder, mode: str, out: Path) -> dict[str, Any]:
    """Pack the converted trunk, its card, the bank and the names of regions; return its parity with Keras.

    Raises:
        InputError: a stage is missing.
    """
    recipe = run.read_recipe()
    calibration = read_json(run.calibration, "Calibrate first: python -m pipeline resume RUN.")
    same = mode == recipe.export.mode and run.trunk.is_file()
    flatbuffer = run.trunk.read_bytes() if same else _convert(run, recipe, mode)
    network = FeatureNetwork(flatbuffer, out.name, threads=2)
    bank = read_memory_bank(run.bank.read_bytes(), network.features, run.bank.name)
    parity = {mode: measure_parity(run, network, bank, recipe)}
    known = read_json(run.parity, "") if run.parity.is_file() else {}
    write_json(run.parity, known | parity)
    card = make_card(run, recipe, calibration, mode, flatbuffer)
    files = {path.name: path.read_bytes() for path in (run.bank, run.region_names) if path.is_file()}
    write_atomically(out, pack_artefact(Artefact(flatbuffer, card_files(card) | files)))
    return parity


def make_card(run: RunFolder, recipe: Recipe, calibration: dict[str, Any], mode: str, flatbuffer: bytes) -> Card:
    """Describe a converted network with its bank."""
    side = recipe.anomaly.tile
    labels = read_json(run.name_report, "")["labels"] if run.region_names.is_file() else ()
    return Card(
        recipe=recipe.name,
        labels=(ANOMALY, NORMAL),
        reject_labels=(),
        input_size=(side, side),
        decision=ANOMALY,
        threshold=calibration["threshold"],
        temperature=1.0,
        quantization=mode,
        flatbuffer_sha256=flatbuffer_sha256(flatbuffer),
        region_labels=tuple(labels),
        training=_describe_training(run, recipe),
    )


def measure_parity(run: RunFolder, network: Network, bank: MemoryBank, recipe: Recipe) -> dict[str, float]:
    """Compare the scores that the file and the Keras model give to the places of a few photographs.

    Returns mean and largest difference of a score, as shares of the threshold, and n, the number of places.
    """
    reference = keras_network(keras.models.load_model(run.best, compile=False))
    photos = _some(run)
    differences = np.concatenate(
        [
            np.abs(_scores(network, bank, photo, recipe) - _scores(reference, bank, photo, recipe)).ravel()
            for photo in photos
        ]
    )
    shares = differences / bank.threshold
    return {"mean_difference": float(shares.mean()), "max_difference": float(shares.max()), "n": len(shares)}


def _scores(network: Network, bank: MemoryBank, photo: SurfacePhoto, recipe: Recipe) -> np.ndarray:
    settings = recipe.anomaly
    seen = read_seen(photo, settings)[: settings.tile, : settings.tile]
    tiling = tiling_of(settings)
    return bank.scores(tiling.look(network, seen), tiling.stride)


def _tiles(run: RunFolder, recipe: Recipe) -> np.ndarray:
    """Return uint8 [tiles, side, side, 3] that the network is shown of the fit's photographs."""
    settings = recipe.anomaly
    tiling = tiling_of(settings)
    tiles: list[np.ndarray] = []
    nothing = np.zeros((settings.tile // settings.stride, settings.tile // settings.stride, 1), np.float32)

    def note(tile: np.ndarray) -> np.ndarray:
        tiles.append(tile)
        return nothing

    for photo in _some(run):
        tiling.look(note, read_seen(photo, settings))
    return np.stack(tiles[: recipe.export.calibration_pictures])


def _describe_training(run: RunFolder, recipe: Recipe) -> dict[str, Any]:
    environment = read_json(run.environment, "Start a new run.")
    facts = {"run": run.path.name, "title": recipe.title, "network": recipe.network.trunk, "seed": recipe.seed}
    fit = read_json(run.fit, "Fit first: python -m pipeline resume RUN.")
    return {**facts, "revision": environment["revision"], "packages": environment["packages"], **fit}


def _some(run: RunFolder) -> list[SurfacePhoto]:
    """Return a few photographs of the fit, spread over the list."""
    photos = [photo for photo in read_photos(run.photos) if photo.split == FIT]
    return photos[:: max(1, len(photos) // _PARITY_PHOTOS)][:_PARITY_PHOTOS]


def _convert(run: RunFolder, recipe: Recipe, mode: str) -> bytes:
    """Convert the feature maps; ranges of int8 come from tiles of the fit's photographs."""
    network = keras.models.load_model(run.best, compile=False)
    return convert(network, mode, _tiles(run, recipe) if mode == "int8" else np.zeros((0, 1, 1, 3), np.uint8))
