"""A classification run -> the draft of its file: network, neighbours, and the comparison with Keras."""

from dataclasses import dataclass
from typing import Any

import keras

from export.calibration import calibration_pictures
from export.convert import convert
from export.draft import Draft
from export.metadata import add_metadata
from export.verify import measure_gate, measure_parity
from inference.model.neighbours import Neighbours
from models.build import with_probabilities
from pipeline.calibration.neighbours import read_run_neighbours
from pipeline.classification.stages import run_index
from pipeline.data.sources import SOURCES
from pipeline.settings.labels import BACKGROUND
from pipeline.settings.recipe import Recipe
from pipeline.settings.run_folder import RunFolder, read_json
from pipeline.training.saved_network import read_classifier


@dataclass(frozen=True)
class Calibrated:
    """A calibrated run's network.

    network: pixels to logits. calibration: the content of calibration.json. neighbours: None if it has none.
    """

    network: keras.Model
    calibration: dict[str, Any]
    neighbours: Neighbours | None

    def deployed(self, features: bool) -> keras.Model:
        """Return the model from pixels to probabilities, and to features where asked for or needed by neighbours."""
        return with_probabilities(
            self.network, self.calibration["temperature"], features or self.neighbours is not None
        )


def read_calibrated(run: RunFolder, recipe: Recipe) -> Calibrated:
    """Return the network of a run as it is exported.

    Raises:
        InputError: a stage is missing.
    """
    calibration = read_json(run.calibration, "Calibrate first: python -m pipeline resume RUN.")
    network = read_classifier(run, recipe)
    return Calibrated(network, calibration, read_run_neighbours(run, network, recipe))


def softmax_card(calibration: dict[str, Any], recipe: Recipe) -> dict[str, Any]:
    """Return the fields of the card that a decision needs which uses the network's probabilities alone."""
    side = recipe.network.input_side
    return {
        "labels": recipe.outputs,
        "reject_labels": tuple(label for label in recipe.outputs if label == BACKGROUND),
        "input_size": (side, side),
        "decision": recipe.calibrate.decision,
        "threshold": calibration["threshold"],
        "temperature": calibration["temperature"],
        "region_margin": recipe.patches.margin if SOURCES[recipe.source.kind].photographs else 0.0,
    }


def draft_classifier(run: RunFolder, recipe: Recipe, mode: str) -> Draft:
    """Return the draft of a run's file: the network converted to the mode, and to float32 for comparison.

    Raises:
        InputError: a stage is missing.
    """
    index, source = run_index(run), read_calibrated(run, recipe)
    calibration, neighbours = source.calibration, source.neighbours
    deployed, pictures = source.deployed(recipe.export.features), calibration_pictures(index, recipe)
    card = softmax_card(calibration, recipe)
    if neighbours and card["decision"] == "softmax":
        card["decision"] = "neighbours"  # tells earlier runners that neighbours.npz must be read
    flatbuffers = {
        kind: add_metadata(convert(deployed, kind, pictures), recipe.title, recipe.outputs, list(card["reject_labels"]))
        for kind in dict.fromkeys((mode, "float32"))
    }
    return Draft(
        flatbuffers,
        card,
        {path.name: path.read_bytes() for path in (run.neighbours, run.held_out) if path.is_file()},
        lambda models: measure_parity(source.network, calibration, neighbours, models, index, recipe),
        lambda model: measure_gate(source.network, calibration, neighbours, model, index, recipe),
        calibrated={name: calibration[name] for name in ("accepted", "risk") if name in calibration},
    )
