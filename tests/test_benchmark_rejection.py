"""The benchmarks of rejection and of colour, on a model that names a picture's mean colour: every answer is known."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import roc_auc_score

from benchmarks.colour_and_structure import VARIANTS, measure_variants
from benchmarks.colour_and_structure import main as measure_colour
from benchmarks.rejection import _share_ahead, main, measure_rejection, measure_source, table
from inference.errors import InputError
from pipeline.data.index import Patch, PatchIndex, write_index
from pipeline.evaluation.predictions import write_predictions
from pipeline.metrics.classification import Scores
from pipeline.settings.labels import BACKGROUND
from pipeline.settings.run_folder import RunFolder, write_json
from tests.tiny_model import COLOURS, make_card, make_flatbuffer, write_model

CLASSES = ("red", "green", "blue")
SIDE = 16
CONFIDENCES = {"red": 0.2, "green": 0.4, "blue": 0.6}


def save(path: Path, *colours: str) -> None:
    """Write a picture of one colour, or of two in stripes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.array([COLOURS[colours[column % len(colours)]] for column in range(SIDE)], np.uint8)
    Image.fromarray(np.broadcast_to(pixels, (SIDE, SIDE, 3)).copy()).save(path)


@pytest.fixture(scope="module")
def flatbuffer() -> bytes:
    return make_flatbuffer()


@pytest.fixture
def run(tmp_path: Path, flatbuffer: bytes) -> RunFolder:
    """Return a run of four test patches with known confidences, and two of background: 0.1 and 0.5."""
    return make_run(tmp_path / "run", flatbuffer, threshold=0.4)


def make_run(folder: Path, flatbuffer: bytes, threshold: float) -> RunFolder:
    run = RunFolder(folder)
    labels = [*CONFIDENCES, "blue", BACKGROUND, BACKGROUND]
    names = [f"{place}.png" for place in range(len(labels))]
    for name, label in zip(names, labels, strict=True):
        save(folder / "patches" / name, "grey" if label == BACKGROUND else label)
    index = PatchIndex(
        folder / "patches",
        tuple(Patch(n, label, n, 0, 0, SIDE, SIDE, "test") for n, label in zip(names, labels, strict=True)),
    )
    write_index(index, run.index)
    write_json(run.data, {"patches": "patches"})
    confidences = np.array([*CONFIDENCES.values(), 0.8, 0.1, 0.5])
    best = np.array([*labels[:4], "red", "red"])
    results = np.where(confidences >= threshold, best, "unknown")
    scores = Scores(CLASSES, np.array(labels), np.array(names), results, best, confidences, best)
    write_predictions(scores, np.zeros(len(labels)), index, run.predictions)
    write_model(run.model, flatbuffer, replace(make_card(flatbuffer), threshold=threshold))
    return run


def positives() -> Scores:
    values = np.array([0.2, 0.4, 0.6, 0.8])
    names = np.array(list("abcd"))
    a, none = np.repeat("a", 4), np.repeat("", 4)
    return Scores(("a",), a, names, a, a, values, none)


def test_a_sources_figures_by_hand() -> None:
    """Catches AUROC of the wrong side, a threshold from the source itself, and "at or below" in place of "below".

    Of 4 x 3 pairs the class is ahead in 4 + 3 + 2 = 9; 90 % of four patches are four, so the threshold is 0.2.
    """
    figures = measure_source(positives(), np.array([0.1, 0.3, 0.5]), threshold=0.5)
    assert figures["auroc"].value == pytest.approx(9 / 12)
    assert figures["unknown_at_0.9"].value == pytest.approx(1 / 3)
    assert figures["unknown_at_card"].value == pytest.approx(2 / 3)  # 0.5 reaches 0.5
    assert [figures[name].n for name in ("unknown_at_0.95", "unknown_at_card")] == [3, 3]


def test_auroc_is_that_of_scikit_learn() -> None:
    """Catches ties that count as won or lost."""
    random = np.random.default_rng(0)
    ours, others = random.integers(2, 9, 40) / 10, random.integers(0, 7, 30) / 10
    expected = roc_auc_score(np.repeat([1, 0], [40, 30]), np.concatenate([ours, others]))
    assert _share_ahead(ours, others) == pytest.approx(expected)


def test_background_comes_from_the_predictions_and_folders_from_the_model(
    run: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Catches a folder inside the folder that is left out, and an unreadable picture that is counted or not named."""
    save(tmp_path / "colours/red.png", "red")  # certain, so accepted: a class after all
    save(tmp_path / "colours/deep/grey.png", "grey")  # background 0.948: 0.017 for the best colour
    (tmp_path / "colours/broken.jpg").write_bytes(b"no picture")
    report = measure_rejection(run.path, {"colours": tmp_path / "colours"})
    background, colours = report["sources"][BACKGROUND], report["sources"]["colours"]
    assert background["auroc"]["mean"] == pytest.approx(6 / 8)  # against 0.1: four ahead; against 0.5: two
    assert (background["unknown_at_card"]["mean"], report["accepted_at_card"]["mean"]) == (0.5, 0.75)
    assert colours["auroc"]["mean"] == 0.5  # ahead of grey always, of pure red never
    assert colours["unknown_at_card"]["folds"][0].n == 2
    assert list(report["unreadable"]) == [str(tmp_path / "colours/broken.jpg")]
    assert "broken.jpg" in capsys.readouterr().err
    assert any("75.0" in line for line in table(report))


def test_folds_are_measured_apart_and_then_averaged(tmp_path: Path, flatbuffer: bytes) -> None:
    """Catches confidences of two networks that are pooled, and a fold that is silently missing."""
    write_json(tmp_path / "crossval_settings.json", {"folds": 2})
    make_run(tmp_path / "fold-1", flatbuffer, threshold=0.4)
    with pytest.raises(InputError, match="fold-2"):
        measure_rejection(tmp_path, {})
    make_run(tmp_path / "fold-2", flatbuffer, threshold=0.6)
    report = measure_rejection(tmp_path, {})
    figure = report["sources"][BACKGROUND]["unknown_at_card"]
    assert [estimate.value for estimate in figure["folds"]] == [0.5, 1.0]
    assert (figure["mean"], report["accepted_at_card"]["mean"]) == (0.75, 0.625)


def test_the_command_writes_json_and_refuses_an_empty_folder(run: RunFolder, tmp_path: Path) -> None:
    """Catches a traceback for a mistyped folder, and figures on paper that differ from those in the file."""
    (tmp_path / "empty").mkdir()
    assert main([str(run.path), "--folder", f"empty={tmp_path / 'empty'}"]) == 2
    assert main([str(tmp_path / "nothing")]) == 2
    assert main([str(run.path), "--json", str(tmp_path / "out.json")]) == 0
    assert json.loads((tmp_path / "out.json").read_text())["sources"][BACKGROUND]["unknown_at_card"]["mean"] == 0.5


def changed(name: str, rgb: np.ndarray) -> np.ndarray:
    return VARIANTS[name](rgb, np.random.default_rng(0))


def test_variants_take_away_what_they_say() -> None:
    """Catches grey that keeps a tint, a shuffle that changes colours or moves nothing, and a blur of one pixel."""
    rgb = np.random.default_rng(1).integers(0, 256, (32, 32, 3), np.uint8)
    grey = changed("grey", rgb)
    assert (grey == grey[..., :1]).all()
    red = np.broadcast_to(np.array([255, 0, 0], np.uint8), (8, 8, 3))
    assert changed("grey", red)[0, 0, 0] == 76  # 0.299 x 255
    assert (changed("grey, mean taken out", red) == 128).all()
    shuffled = changed("colour only, shuffled", rgb)
    assert (shuffled != rgb).any()
    as_rows = [np.sort(picture.reshape(-1, 3).astype(int) @ [65536, 256, 1]) for picture in (rgb, shuffled)]
    assert (as_rows[0] == as_rows[1]).all()
    assert changed("blurred", rgb).std() < rgb.std() / 4
    assert (changed("as it is", rgb) == rgb).all()


def test_a_model_of_mean_colours_needs_colour_and_no_structure(run: RunFolder, tmp_path: Path) -> None:
    """Catches changed pictures that never reach the network, and background counted among the classes."""
    variants: dict[str, Any] = measure_variants(run.path)["variants"]
    accuracy = {name: figures["accuracy"].value for name, figures in variants.items()}
    assert accuracy["as it is"] == accuracy["colour only, shuffled"] == accuracy["blurred"] == 1.0
    # Grey gives the three colours the same probability; the first, red, is answered: one patch of four.
    assert accuracy["grey"] == accuracy["grey, mean taken out"] == 0.25
    assert {label: one.n for label, one in variants["grey"]["per_class"].items()} == {
        "red": 1,
        "green": 1,
        "blue": 2,
    }
    assert measure_colour([str(run.path), "--json", str(tmp_path / "out.json")]) == 0
    assert measure_colour([str(tmp_path / "nothing")]) == 2
