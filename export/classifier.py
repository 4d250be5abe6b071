"""A classification run -> the draft of its file: network, neighbours, and the comparison with Keras."""

from export.calibration import calibration_pictures
from export.convert import convert
from export.draft import Draft
from export.metadata import add_metadata
from export.verify import measure_parity
from models.build import with_probabilities
from pipeline.calibration.neighbours import read_run_neighbours
from pipeline.classification.stages import run_index
from pipeline.data.sources import SOURCES
from pipeline.settings.labels import BACKGROUND
from pipeline.settings.recipe import Recipe
from pipeline.settings.run_folder import RunFolder, read_json
from pipeline.training.saved_network import read_classifier


def draft_classifier(run: RunFolder, recipe: Recipe, mode: str) -> Draft:
    """Return the draft of a run's file: the network converted to the mode, and to float32 for comparison.

    Raises:
        InputError: a stage is missing.
    """
    calibration, index = read_json(run.calibration, "Calibrate first: python -m pipeline resume RUN."), run_index(run)
    network = read_classifier(run, recipe)
    neighbours = read_run_neighbours(run, network, recipe)
    deployed = with_probabilities(network, calibration["temperature"], recipe.export.features or neighbours is not None)
    pictures, side, decision = calibration_pictures(index, recipe), recipe.network.input_side, recipe.calibrate.decision
    reject_labels = tuple(label for label in recipe.outputs if label == BACKGROUND)
    flatbuffers = {
        kind: add_metadata(convert(deployed, kind, pictures), recipe.title, recipe.outputs, list(reject_labels))
        for kind in dict.fromkeys((mode, "float32"))
    }
    card = {
        "labels": recipe.outputs,
        "reject_labels": reject_labels,
        "input_size": (side, side),
        # "neighbours" tells earlier runners that neighbours.npz must be read
        "decision": "neighbours" if neighbours and decision == "softmax" else decision,
        "threshold": calibration["threshold"],
        "temperature": calibration["temperature"],
        "region_margin": recipe.patches.margin if SOURCES[recipe.source.kind].photographs else 0.0,
    }
    return Draft(
        flatbuffers,
        card,
        {path.name: path.read_bytes() for path in (run.neighbours, run.held_out) if path.is_file()},
        lambda models: measure_parity(network, calibration, neighbours, models, index, recipe),
        recipe.export.max_accuracy_loss,
        calibrated={name: calibration[name] for name in ("accepted", "risk") if name in calibration},
    )
