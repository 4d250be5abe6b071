"""export --mode onnx: a file that other programs read without us, and that says what Keras says."""

import json
import shutil
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from export.__main__ import main
from inference.pictures.image_io import read_resized
from models.build import build_network, with_probabilities
from models.flips import with_flips
from pipeline.calibration.neighbours import keras_outputs
from pipeline.classification.stages import CALIBRATE, run_index
from pipeline.recipes import RECIPES
from pipeline.settings.recipe import Recipe, override_all, recipe_to_json
from pipeline.settings.run_folder import RunFolder
from pipeline.stages import complete
from pipeline.training.saved_network import read_classifier

needs_onnx = pytest.mark.skipif(
    not all(map(find_spec, ("onnx", "tf2onnx", "onnxruntime"))), reason="needs ONNX (requirements-optional.txt)"
)


def another(run: RunFolder, folder: Path, *changes: tuple[str, str]) -> RunFolder:
    """Return a copy of a trained run, calibrated with other settings."""
    copy = RunFolder(Path(shutil.copytree(run.path, folder / "run")))
    data = json.loads(copy.data.read_text())
    copy.data.write_text(json.dumps(data | {"patches": str(run_index(run).root.resolve())}))
    copy.recipe.write_text(recipe_to_json(override_all(copy.read_recipe(), changes)))
    copy.calibration.unlink()
    complete(copy, [CALIBRATE])
    return copy


def read(path: Path, pictures: list[Path]) -> tuple[dict, list[np.ndarray]]:
    """Return the card and the outputs for pictures, as a program would that knows the file alone."""
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    card = json.loads(session.get_modelmeta().custom_metadata_map["card"])
    pixels = np.stack([read_resized(picture, card["input_size"]) for picture in pictures]).astype(np.float32)
    return card, session.run(None, {session.get_inputs()[0].name: pixels})


@needs_onnx
@pytest.mark.parametrize("kind", ["temperature", "neighbours"])
@pytest.mark.usefixtures("few_resamples")
def test_the_file_says_what_keras_says(
    colour_run: RunFolder, kind: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Faults: logits or unscaled softmax, views left out, swapped outputs, a threshold of other confidences."""
    run = another(colour_run, tmp_path, ("calibrate.kind", kind), ("export.flips", "horizontal_and_vertical"))
    capfd.readouterr()
    assert main([str(run.path), "--mode", "onnx"]) == 0
    printed = capfd.readouterr().err.splitlines()[-1]
    assert printed.startswith("onnx: accuracy 1.000 (1.000 in Keras), agreement ")

    recipe, calibration, index = run.read_recipe(), json.loads(run.calibration.read_text()), run_index(run)
    test = index.select("test")
    card, outputs = read(run.path / "model.onnx", [test.path(patch) for patch in test.patches])
    expected = keras_outputs(read_classifier(run, recipe), calibration["temperature"], test, recipe)
    assert len(outputs) == (2 if kind == "neighbours" else 1)
    # logarithms, since the probabilities of these pictures are all near 0 or 1
    np.testing.assert_allclose(*(np.log(np.maximum(part[0], 1e-9)) for part in (outputs, expected)), atol=0.01)
    np.testing.assert_allclose(outputs[-1], expected[len(outputs) - 1], atol=1e-3)
    assert (card["labels"], card["reject_labels"]) == (["red", "green", "blue", "background"], ["background"])
    assert (card["decision"], card["temperature"]) == ("softmax", calibration["temperature"])

    validation = index.select("validation", recipe.labels)
    _, (probabilities, *_) = read(run.path / "model.onnx", [validation.path(patch) for patch in validation.patches])
    accepted = (probabilities[:, :-1].max(axis=1) >= card["threshold"] - 1e-5).mean()
    assert accepted >= recipe.calibrate.accepted
    assert (card["threshold"] == calibration["threshold"]) == (kind == "temperature")


@needs_onnx
@pytest.mark.slow
@pytest.mark.parametrize("trunk", ["mobilenet_v2", "efficientnet_lite0"])
def test_other_trunks_convert(trunk: str) -> None:
    """Fault: an operator of a trunk that the converter does not know."""
    import onnxruntime

    from export.convert import convert_onnx

    network = with_probabilities(with_flips(build_network(trunk, "classifier", 64, 4, 0.2), "horizontal"), 0.1)
    pixels = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3)).astype(np.float32)
    session = onnxruntime.InferenceSession(convert_onnx(network), providers=["CPUExecutionProvider"])
    np.testing.assert_allclose(session.run(None, {"pixels": pixels})[0], network(pixels, training=False), atol=1e-3)


def stub(folder: Path, recipe: Recipe) -> str:
    """Write a run that has a recipe alone; return its folder."""
    (folder / "recipe.json").write_text(recipe_to_json(recipe))
    return str(folder)


def test_an_anomaly_run_is_refused_with_the_reason(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Faults: a trunk without its memory, written as if it were a detector; half a minute until the refusal."""
    assert main([stub(tmp_path, RECIPES["wood"]), "--mode", "onnx"]) == 2
    assert "memory of normal surfaces" in capsys.readouterr().err


def test_missing_packages_are_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Fault: a traceback of Keras after the network was read."""
    monkeypatch.setattr("inference.packages.find_spec", lambda name: None if "onnx" in name else name)
    assert main([stub(tmp_path, Recipe(name="c", title="C", labels=("a", "b"))), "--mode", "onnx"]) == 2
    assert "tf2onnx, onnx. Install them: python -m pip install -r requirements-opt" in capsys.readouterr().err
