"""The recipe cifar10 from class folders to a report, on generated pictures of 32 pixels."""

import csv
import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from benchmarks.cifar10 import main as compare
from benchmarks.cifar10_kinds import main as kinds
from benchmarks.short_runs import main as short_runs
from inference.model.classifier import Classifier
from pipeline.__main__ import main
from pipeline.recipes import RECIPES

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("few_resamples")]
LABELS = RECIPES["cifar10"].labels
COUNTS = {"train": 16, "test": 4}


def write_pictures(root: Path) -> None:
    """Write pictures that a network can tell apart within seconds: each class has a hue and a side that is bright."""
    random = np.random.default_rng(0)
    for split, count in COUNTS.items():
        for number, label in enumerate(LABELS):
            folder = root / split / label
            folder.mkdir(parents=True)
            for place in range(count):
                hsv = np.full((32, 32, 3), (number * 25, 220, 90), np.uint8)
                hsv[:, :16, 2] = 200
                rgb = np.asarray(Image.fromarray(hsv, "HSV").convert("RGB")).astype(float)
                pixels = (rgb + random.normal(0, 25, rgb.shape)).clip(0, 255).astype(np.uint8)
                Image.fromarray(pixels).save(folder / f"{place}.png")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, few_resamples: None) -> Path:
    """Return the folder of a finished run."""
    folder = tmp_path_factory.mktemp("cifar10")
    write_pictures(folder / "data")
    arguments = ["run", "cifar10", "--smoke", "--images", str(folder / "data"), "--runs", str(folder / "runs")]
    assert main([*arguments, "--set", "fit.epochs=6", "--set", "fit.warmup_epochs=1"]) == 0
    return next((folder / "runs" / "cifar10").glob("*-seed0"))


@pytest.fixture(scope="module")
def report(run: Path) -> dict[str, Any]:
    """Return the report of the run."""
    return json.loads((run / "report.json").read_text())


def test_the_smoke_run_learns_and_measures_the_given_test_set(run: Path, report: dict[str, Any]) -> None:
    """Catches a flow that ends without learning, or measures other pictures than the test folder's."""
    metrics = report["models"]["int8"]
    assert metrics["accuracy"]["n"] == COUNTS["test"] * len(LABELS)
    assert metrics["accuracy"]["value"] > 0.5, "0.1 is chance"
    assert metrics["top2_accuracy"]["value"] >= metrics["accuracy"]["value"]
    assert report["data"]["kind"] == "pictures in class folders"
    assert sorted(json.loads((run / "results.json").read_text())) == sorted(
        f"test/{label}/{place}.png" for label in LABELS for place in range(COUNTS["test"])
    )


def test_the_report_has_every_figure_that_was_asked_for(report: dict[str, Any]) -> None:
    """Catches a figure that the issue names and the report lacks."""
    for mode in ("keras", "float32", "int8"):
        metrics = report["models"][mode]
        assert metrics.keys() >= {"accuracy", "top2_accuracy", "confusion", "ece", "macro_f1"}
        for label in LABELS:
            assert metrics["per_class"][label].keys() == {"accuracy", "precision", "recall", "f1"}
        latency = report["cost"]["latency_ms"][mode]
        assert 0 < latency["median"] <= latency["p95"]
        assert report["cost"]["bytes"][mode] > 0
    assert report["cost"]["parameters"] < 1_000_000
    assert report["cost"]["macs"] > 1e6


def test_the_page_shows_tables_and_plots(run: Path) -> None:
    """Catches figures that are measured and not shown."""
    page = (run / "report.html").read_text()
    for text in (
        "Top-2 accuracy",
        "Precision and recall of each class, nothing rejected",
        "Milliseconds per patch on one thread",
        "pictures in class folders".capitalize(),
    ):
        assert text in page
    assert page.count("<svg") == 7  # comparison, training, classes, reliability, threshold, cost, robustness


def test_the_page_shows_each_mistake_with_its_likes_and_its_heat(run: Path, report: dict[str, Any]) -> None:
    """Faults: mistakes without an explanation; pictures that the page can't find; more on the page than it can hold."""
    mistakes = report["mistakes"]
    assert len(mistakes["shown"]) == min(mistakes["count"], 24)
    assert mistakes["count"] == sum(pair["count"] for pair in mistakes["pairs"]) or len(mistakes["pairs"]) == 10
    for entry in mistakes["shown"]:
        assert entry["given"] != entry["label"]
        assert [one["label"] for one in entry["maps"]] == [entry["given"], entry["label"]]
        assert len(entry["nearest"]) == 3
    page = (run / "report.html").read_text()
    assert "picture not found" not in page
    assert page.count("<img") == bool(mistakes["shown"]) + 6 * len(mistakes["shown"]) + len(
        report["label_errors"]["shown"]
    )


def test_the_file_knows_ten_classes_and_32_pixels(run: Path) -> None:
    """Catches an output for background, which CIFAR-10 has no pictures of."""
    card = Classifier(run / "model.tflite").card
    assert (card.labels, card.reject_labels, card.input_size) == (LABELS, (), (32, 32))


def test_the_comparison_measures_what_the_report_does(run: Path, tmp_path: Path) -> None:
    """Catches labels in another order, and a comparison by another path than the runner's."""
    pictures = run.parent.parent.parent / "data" / "test"
    out = tmp_path / "comparison.json"
    assert compare([str(pictures), str(run / "model.tflite"), "--json", str(out)]) == 0
    figures = json.loads(out.read_text())["models"][str(run / "model.tflite")]
    expected = json.loads((run / "report.json").read_text())["models"]["int8"]
    assert figures["accuracy"] == expected["accuracy"]
    assert figures["top2_accuracy"] == expected["top2_accuracy"]
    assert figures["bytes"] == (run / "model.tflite").stat().st_size
    assert compare([str(pictures.parent), str(run / "model.tflite")]) == 2, "a folder without class folders"


def test_each_kind_of_pictures_is_measured_by_itself(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Catches figures that are not the report's, and pictures of the wrong split."""
    assert kinds(["measure", str(run), "--split", "test"]) == 0
    accuracy = json.loads((run / "report.json").read_text())["models"]["int8"]["accuracy"]["value"]
    words = capsys.readouterr().out.split()
    assert (words[:3], words[-1]) == (["test", ".png", f"{100 * accuracy:.1f}"], "n=40")


def test_lossless_pictures_lie_beside_their_compressed_ones(tmp_path: Path) -> None:
    """Catches changed pixels, and a lossless picture without a compressed one, which would be a photograph more."""
    pixels = np.random.default_rng(0).integers(0, 256, (1, 32, 32, 3)).astype(np.uint8)
    with zipfile.ZipFile(tmp_path / "jpeg.zip", "w") as archive:
        archive.writestr("train/cat/0007.jpg", b"compressed")
    out = tmp_path / "both"
    for name, code in (("train/cat/0007.jpg", 0), ("train/cat/0008.jpg", 2)):
        np.savez(tmp_path / "lossless.npz", x_train=pixels, jpeg_name=np.array([name]))
        assert kinds(["make", str(tmp_path / "jpeg.zip"), str(tmp_path / "lossless.npz"), str(out)]) == code
    assert sorted(path.name for path in (out / "train" / "cat").iterdir()) == ["0007.jpg", "0007.png"]
    assert np.array_equal(np.asarray(Image.open(out / "train" / "cat" / "0007.png")), pixels[0])


def test_short_trainings_are_compared_on_held_out_training_pictures(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Faults: test pictures that choose a setting, unequal classes, one seed for all, a training repeated or stale."""
    pictures, work, changes = tmp_path / "pictures", tmp_path / "work", tmp_path / "changes.json"
    assert short_runs(["subset", str(run), str(pictures), "--pictures", "80"]) == 0
    with (run / "index.csv").open() as lines:
        held_out = {row["file"] for row in csv.DictReader(lines) if row["split"] == "validation"}
    subset = {path.relative_to(pictures) for path in pictures.rglob("*.png")}
    assert {f"train/{path.relative_to('test')}" for path in subset if path.parts[0] == "test"} == held_out
    assert not {str(path) for path in subset if path.parts[0] == "train"} & held_out
    assert all(len(list((pictures / "train" / label).iterdir())) == 8 for label in LABELS)

    changes.write_text(json.dumps([{"name": "base", "set": {}}, {"name": "slow", "set": {"fit.learning_rate": 1e-6}}]))
    command = ["measure", "cifar10", str(changes), "--images", str(pictures), "--work", str(work)]
    command += ["--set", "fit.epochs=4", "--set", "fit.batch_size=16", "--set", "fit.warmup_epochs=1"]
    command += ["--set", "fit.learning_rate=0.02", "--json", str(tmp_path / "out.json")]
    assert short_runs(command) == 0
    base, slow = json.loads((tmp_path / "out.json").read_text())["changes"]
    accuracies = [[one["accuracy"][".png"]["value"] for one in change["runs"]] for change in (base, slow)]
    assert min(accuracies[0]) > max(accuracies[1])
    assert base["runs"][0]["accuracy"][".png"]["n"] == len(held_out)
    assert json.loads((work / "base" / "seed1" / "recipe.json").read_text())["seed"] == 1
    trained = (work / "slow" / "seed1" / "best.keras").stat().st_mtime_ns
    printed = capsys.readouterr().out
    assert short_runs(command) == 0
    assert (work / "slow" / "seed1" / "best.keras").stat().st_mtime_ns == trained
    assert capsys.readouterr().out == printed[printed.index("base") :]
    changes.write_text(changes.read_text().replace("1e-06", "1e-05"))
    assert short_runs(command) == 2, "a run that is kept has other settings than the change of its name now has"


def test_evaluate_measures_a_trained_run_anew(run: Path, tmp_path: Path) -> None:
    """Catches an evaluation that copies old figures instead of computing them."""
    copy = run.parent / "copy"
    shutil.copytree(run, copy)
    old = json.loads((copy / "report.json").read_text())
    (copy / "report.json").write_text(json.dumps(old | {"models": {}}))
    assert main(["evaluate", str(copy)]) == 0
    new = json.loads((copy / "report.json").read_text())
    assert new["models"]["int8"]["accuracy"] == old["models"]["int8"]["accuracy"]
