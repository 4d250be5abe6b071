"""A calibrated run -> model.tflite, one file that carries its own description, and parity.json."""

from pathlib import Path
from typing import Any

import keras
import numpy as np

from export.calibration import calibration_pictures
from export.convert import convert
from export.metadata import add_metadata
from export.verify import check_parity, measure_parity
from inference.atomic_file import write_atomically
from inference.model.artefact import Artefact, flatbuffer_sha256, pack_artefact
from inference.model.card import Card, card_files
from models.build import with_probabilities
from pipeline.calibration.neighbours import read_run_neighbours
from pipeline.data.index import PatchIndex
from pipeline.settings.labels import BACKGROUND
from pipeline.settings.recipe import Recipe
from pipeline.settings.run_folder import RunFolder, read_json, write_json


def export_run(run: RunFolder, index: PatchIndex, mode: str, out: Path) -> dict[str, Any]:
    """Convert a run's best network, measure it beside Keras and float32, write the artefact; return its parity.

    Raises:
        InputError: a stage is missing, or the file loses more accuracy than the recipe allows; then no model is
            written, but parity.json shows the figures.
    """
    recipe = run.read_recipe()
    calibration = read_json(run.calibration, "Calibrate first: python -m pipeline resume RUN.")
    network = keras.models.load_model(run.best, compile=False)
    neighbours = read_run_neighbours(run, network, recipe)
    features = recipe.export.features or neighbours is not None
    deployed = with_probabilities(network, calibration["temperature"], features)
    pictures = calibration_pictures(index, recipe)
    drafts = {kind: run.path / f".draft_{kind}.tflite" for kind in dict.fromkeys((mode, "float32"))}
    flatbuffers = {kind: _convert(deployed, kind, pictures, recipe) for kind in drafts}
    try:
        for kind, draft in drafts.items():
            card = make_card(run, recipe, calibration, kind, flatbuffers[kind], {})
            draft.write_bytes(_pack(flatbuffers[kind], card, run))
        parity = measure_parity(network, calibration, neighbours, drafts, index, recipe)
    finally:
        for draft in drafts.values():
            draft.unlink(missing_ok=True)
    known = read_json(run.parity, "") if run.parity.is_file() else {}
    write_json(run.parity, known | parity)  # an export in another mode adds its own
    check_parity(parity, mode, recipe.export.max_accuracy_loss)
    companion = {} if run.float_model.is_file() else {"float32": run.float_model}
    targets = companion | {mode: out}
    for kind, target in targets.items():
        card = make_card(run, recipe, calibration, kind, flatbuffers[kind], parity[kind])
        write_atomically(target, _pack(flatbuffers[kind], card, run))
    return parity


def make_card(
    run: RunFolder,
    recipe: Recipe,
    calibration: dict[str, Any],
    mode: str,
    flatbuffer: bytes,
    measured: dict[str, Any],
) -> Card:
    """Describe a converted network; measured is its part of parity.json."""
    side = recipe.network.input_side
    return Card(
        recipe=recipe.name,
        labels=recipe.outputs,
        reject_labels=tuple(label for label in recipe.outputs if label == BACKGROUND),
        input_size=(side, side),
        decision="neighbours" if run.neighbours.is_file() else "softmax",
        threshold=calibration["threshold"],
        temperature=calibration["temperature"],
        quantization=mode,
        flatbuffer_sha256=flatbuffer_sha256(flatbuffer),
        region_margin=recipe.patches.margin if recipe.source.kind == "annotated_photos" else 0.0,
        training=_describe_training(run, recipe),
        measured={key: value for key, value in measured.items() if key in ("accuracy", "rejected_background")},
    )


def _describe_training(run: RunFolder, recipe: Recipe) -> dict[str, Any]:
    environment = read_json(run.environment, "Start a new run.")
    return {
        "run": run.path.name,
        "title": recipe.title,
        "network": recipe.network.trunk,
        "seed": recipe.seed,
        "revision": environment["revision"],
        "packages": environment["packages"],
        **read_json(run.fit, "Train first: python -m pipeline resume RUN."),
    }


def _convert(deployed: keras.Model, mode: str, pictures: np.ndarray, recipe: Recipe) -> bytes:
    reject_labels = [label for label in recipe.outputs if label == BACKGROUND]
    return add_metadata(convert(deployed, mode, pictures), recipe.title, recipe.outputs, reject_labels)


def _pack(flatbuffer: bytes, card: Card, run: RunFolder) -> bytes:
    """Return the artefact; what a run of an earlier version lacks is left out."""
    files = {path.name: path.read_bytes() for path in (run.neighbours, run.held_out) if path.is_file()}
    return pack_artefact(Artefact(flatbuffer, card_files(card) | files))
