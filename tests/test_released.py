"""The released models: run straight after a clone, and are what their reports say."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
from PIL import Image

from export.release import _write_halved, release
from inference.errors import InputError
from inference.model.classifier import Classifier
from models.build import build_network, with_probabilities
from pipeline.drawn.scenes.dataset import write_scenes
from pipeline.settings.recipe import override, recipe_from_json, recipe_to_json
from pipeline.settings.run_folder import RunFolder, write_json
from pipeline.training.weights import load_weights
from tests.sample_report import sample_report

ROOT = Path(__file__).parent.parent
RELEASED = ROOT / "models" / "released"
MOST_BYTES = 12_000_000
NAMES = sorted(path.stem for path in RELEASED.glob("*.tflite"))
WITH_WEIGHTS = [name for name in NAMES if (RELEASED / name / "best.weights.h5").is_file()]


def test_everything_released_is_small_enough_for_a_repository() -> None:
    """Catches optimizer states, float models and data that slipped in."""
    assert sum(path.stat().st_size for path in RELEASED.rglob("*") if path.is_file()) < MOST_BYTES


def test_the_minerals_are_released() -> None:
    """Catches a clone without the models that the README names, and weights that were forgotten."""
    assert {"minerals", "minerals_transfer"} <= set(NAMES)
    assert {"minerals", "cifar10"} <= set(WITH_WEIGHTS)


@pytest.mark.parametrize("name", NAMES)
def test_a_released_model_classifies_straight_after_a_clone(name: str, tmp_path: Path) -> None:
    """Catches a file of another version, a damaged one, and a card without what was measured."""
    photos = write_scenes(tmp_path / "scenes", 4, 0).parent / "photos"
    command = [sys.executable, "-m", "inference", str(RELEASED / f"{name}.tflite"), str(photos)]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    results = json.loads(answer.stdout)
    assert len(results) == 4
    card = Classifier(RELEASED / f"{name}.tflite").card
    assert {one["result"] for one in results.values()} <= {*card.labels, "unknown"} - set(card.reject_labels)
    assert card.quantization == ("dynamic" if name == "minerals_transfer" else "int8")
    report = json.loads((RELEASED / name / "report.json").read_text(encoding="utf-8"))
    assert card.measured["accuracy"] == report["models"][card.quantization]["accuracy"]


@pytest.mark.slow
@pytest.mark.parametrize("name", WITH_WEIGHTS)
def test_the_released_weights_are_those_of_the_released_file(name: str) -> None:
    """Catches weights of another training beside the file: a fine-tuning would start from something else."""
    folder = RELEASED / name
    recipe = recipe_from_json((folder / "recipe.json").read_text(encoding="utf-8"))
    settings = recipe.network
    network = build_network(settings.trunk, settings.head, settings.input_side, len(recipe.outputs), settings.dropout)
    load_weights(network, folder / "best.weights.h5")
    classifier = Classifier(RELEASED / f"{name}.tflite")
    deployed = with_probabilities(network, classifier.card.temperature)
    random = np.random.default_rng(0)
    side = settings.input_side
    for _ in range(12):
        small = random.integers(0, 256, (4, 4, 3), np.uint8)
        pixels = np.asarray(Image.fromarray(small).resize((side, side), Image.Resampling.BICUBIC))
        expected = keras.ops.convert_to_numpy(deployed(pixels[np.newaxis].astype(np.float32), training=False))[0]
        # measured: 0.003 at most with these weights, 0.6 at least with those of another training
        assert classifier.softmax(pixels) == pytest.approx(expected, abs=0.1)


def test_a_release_names_no_folder_of_the_machine_that_made_it(colour_run: RunFolder, tmp_path: Path) -> None:
    """Catches folders of this machine in a public repository, or by "..", and a recipe that can't be read again."""
    run = RunFolder(tmp_path / "run")
    shutil.copytree(colour_run.path, run.path)
    outside = tmp_path / "runs" / "minerals_frozen" / "TIME-seed0" / "model.tflite"
    student = override(run.read_recipe(), "fit.teacher", f"{Path.cwd() / 'runs' / 'teacher.tflite'},{outside}")
    student = override(student, "network.weights", str(tmp_path / "trunk.weights.h5"))
    run.recipe.write_text(recipe_to_json(student), encoding="utf-8")
    run.model.write_bytes(b"model")
    run.report.unlink(missing_ok=True)  # other tests may have finished the shared run
    with pytest.raises(InputError, match="is not finished"):
        release(run, "colours", tmp_path / "released")
    write_json(run.report, sample_report() | {"worst": [{"file": "../patches/old.png"}]})
    release(run, "colours", tmp_path / "released")
    report = json.loads((tmp_path / "released" / "colours" / "report.json").read_text())
    assert report["worst"] == [{"file": "old.png"}]
    shown, suspect = report["mistakes"]["shown"][1], report["label_errors"]["shown"][0]
    assert [one["file"] for one in (shown, shown["maps"][0], suspect)] == ["001.png", "01-given.jpg", "doubtful-0.png"]
    assert [one["file"] for one in shown["nearest"]] == [f"train-001-{place}.png" for place in range(3)]
    assert report["models"] == json.loads(json.dumps(sample_report()["models"])), "the figures stay"
    folder = tmp_path / "released" / "colours"
    released = recipe_from_json((folder / "recipe.json").read_text(encoding="utf-8"))
    assert released.fit.teacher == "runs/teacher.tflite,minerals_frozen/TIME-seed0/model.tflite"
    assert released.network.weights == "trunk.weights.h5"
    assert sorted(path.name for path in folder.iterdir()) == [
        "README.md",
        "best.weights.h5",
        "history.csv",
        "recipe.json",
        "report.json",
    ]
    assert (tmp_path / "released" / "colours.tflite").read_bytes() == b"model"


def test_released_weights_take_half_the_room_where_that_loses_little(tmp_path: Path) -> None:
    """Faults: infinite weights; a seed of random numbers that is rounded; groups that Keras no longer finds."""
    whole, half = tmp_path / "whole.h5", tmp_path / "half.h5"
    kernel, large, seed = np.float32([[0.1, -2.5]]), np.float32([7e4]), np.uint32([4_000_000_001, 3])
    with h5py.File(whole, "w") as file:
        for name, values in {"a/vars/0": kernel, "a/vars/1": large, "seed/vars/0": seed}.items():
            file[name] = values
        file["a"].attrs["name"] = "dense"
        file.create_group("empty/vars")
    _write_halved(whole, half)
    with h5py.File(half) as file:
        found = {name: file[name][()] for name in ("a/vars/0", "a/vars/1", "seed/vars/0")}
        assert file["a"].attrs["name"] == "dense" and "empty/vars" in file
    assert found["a/vars/0"] == pytest.approx(kernel, rel=1e-3) and found["a/vars/0"].dtype == np.float16
    assert np.array_equal(found["a/vars/1"], large) and np.array_equal(found["seed/vars/0"], seed)
