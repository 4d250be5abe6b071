"""Initial weights of an anomaly run that were trained on its photographs are told by the files, not by their names."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from inference.errors import InputError
from pipeline.anomaly.stages import photos_stage
from pipeline.data.index import Patch, PatchIndex, write_index
from pipeline.data.sources import DataPlace
from pipeline.recipes import RECIPES
from pipeline.settings.recipe import override_all
from pipeline.settings.run_folder import RunFolder, read_json, write_json
from pipeline.stages import start_run


def write_noise(path: Path, seed: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (48, 48, 3), np.uint8)).save(path)
    return path


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """Return the weights of a run that was trained on one photograph, chosen by another and tested on a third."""
    splits = ("train", "validation", "test")
    names = [write_noise(tmp_path / "trained" / f"{n}.png", n).name for n in range(3)]
    run = RunFolder(tmp_path / "earlier")
    run.path.mkdir()
    write_json(run.source, DataPlace(tmp_path / "trained", None, tmp_path / "runs").to_json())
    patches = [Patch(f"a/{name}", "a", name, 0, 0, 9, 9, split) for name, split in zip(names, splits, strict=True)]
    write_index(PatchIndex(run.path, tuple(patches)), run.index)
    run.best.touch()
    return run.best


def list_with(weights: Path, place: DataPlace) -> dict:
    """Do the stage that lists the photographs; return the content of data.json."""
    recipe = override_all(RECIPES["wood"], (("network.weights", str(weights)),))
    run = start_run(recipe, place)
    photos_stage(run)
    return dict(read_json(run.data, ""))


@pytest.mark.parametrize(("seed", "leaks"), [(0, True), (1, True), (2, False), (9, False)])
def test_weights_that_have_seen_test_photographs_are_refused(
    seed: int, leaks: bool, weights: Path, tmp_path: Path
) -> None:
    """Faults: figures of photographs that the trunk was trained on; another photograph of the same name refused."""
    for number in range(3):
        write_noise(tmp_path / "fit" / f"{number}.png", number + 20)
    write_noise(tmp_path / "test" / "0.png", seed)
    place = DataPlace(tmp_path / "fit", None, tmp_path / "runs", test=tmp_path / "test")
    if leaks:
        with pytest.raises(InputError, match=r"network\.weights must not be trained on .* 1 of them, .*test/0\.png"):
            list_with(weights, place)
    else:
        assert list_with(weights, place)["notes"] == []


def test_weights_that_have_seen_the_memory_bank_are_noted(weights: Path, tmp_path: Path) -> None:
    """Fault: a trunk trained on the very photographs whose scores set the threshold, without a word."""
    for number in range(2):
        write_noise(tmp_path / "fit" / f"copy-{number}.png", number * 2)
    (note,) = list_with(weights, DataPlace(tmp_path / "fit", None, tmp_path / "runs"))["notes"]
    assert "was trained on 1 of the photographs" in note
