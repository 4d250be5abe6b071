"""A classification run -> one ONNX file with its card, compared with Keras where onnxruntime is installed."""

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import keras
import numpy as np

from export.classifier import read_calibrated, softmax_card
from export.convert import ONNX_OUTPUTS, convert_onnx
from export.draft import describe_measured, describe_training
from export.verify import compare
from inference.atomic_file import write_atomically
from inference.errors import InputError
from pipeline.calibration.neighbours import keras_probabilities
from pipeline.calibration.temperature import calibrate_softmax, decision_rule
from pipeline.classification.stages import run_index
from pipeline.data.dataset import evaluation_dataset
from pipeline.data.index import PatchIndex
from pipeline.settings.recipe import Recipe
from pipeline.settings.run_folder import RunFolder

CARD_KEY = "card"  # of the file's metadata_props
_LARGEST_DIFFERENCE = 0.001  # of a probability from Keras'; other sums of float32 differ by far less


def export_onnx(run: RunFolder, out: Path) -> dict[str, Any]:
    """Write a run's network as float32 ONNX; return its parity with Keras, empty without onnxruntime.

    A run with neighbours has a threshold for confidences that depend on them; the card has one for the softmax alone.

    Raises:
        InputError: a stage is missing, or the file's probabilities are not those of Keras.
    """
    recipe, index = run.read_recipe(), run_index(run)
    source = read_calibrated(run, recipe)
    network, calibration = source.network, source.calibration
    if source.neighbours:
        calibration = calibration | {"threshold": calibrate_softmax(network, index, recipe)["threshold"]}
    content = convert_onnx(source.deployed(recipe.export.features))
    parity = _measure(content, network, calibration, index.select("test"), recipe) if find_spec("onnxruntime") else {}
    measured = describe_measured(parity.get("onnx", {}), ())
    about = {"recipe": recipe.name, "resize": "stretch", "training": describe_training(run, recipe)}
    write_atomically(out, _with_card(content, about | softmax_card(calibration, recipe) | {"measured": measured}))
    return parity


def _measure(
    content: bytes, network: keras.Model, calibration: dict[str, Any], test: PatchIndex, recipe: Recipe
) -> dict[str, Any]:
    """Return the parity of the file with Keras on the test patches; refuse a file that differs."""
    reference = keras_probabilities(network, calibration["temperature"], None, test, recipe)
    rule = decision_rule(recipe, calibration["threshold"])
    parity = compare({"onnx": _probabilities(content, test, recipe)}, reference, test, rule)
    difference = parity["onnx"]["max_difference"]
    if not difference <= _LARGEST_DIFFERENCE:  # NaN too
        raise InputError(
            f"the ONNX file's probabilities may differ from Keras' by {_LARGEST_DIFFERENCE}. Received: {difference}. "
            "Install the pinned packages: python -m pip install -r requirements-optional.txt"
        )
    return parity


def _with_card(content: bytes, card: dict[str, Any]) -> bytes:
    """Return the file with its card, the probabilities as first output, and a name for the batch's size."""
    import onnx

    model = onnx.load_from_string(content)
    outputs = sorted(model.graph.output, key=lambda output: ONNX_OUTPUTS.index(output.name))
    del model.graph.output[:]
    model.graph.output.extend(outputs)
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "batch"
    onnx.helper.set_model_props(model, {CARD_KEY: json.dumps(card, sort_keys=True, ensure_ascii=False)})
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def _probabilities(content: bytes, index: PatchIndex, recipe: Recipe) -> np.ndarray:
    """Return float32 [patches, outputs], computed by onnxruntime."""
    import onnxruntime

    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    batches = (pixels.astype(np.float32) for pixels, _ in evaluation_dataset(index, recipe).as_numpy_iterator())
    return np.concatenate([session.run(ONNX_OUTPUTS[:1], {"pixels": pixels})[0] for pixels in batches])
