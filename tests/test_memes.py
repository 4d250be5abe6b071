"""The recipe memes from drawn or given pictures to a report, through the command line."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from inference.model.classifier import Classifier
from pipeline.__main__ import main
from pipeline.data.index import read_index
from pipeline.drawn.memes.dataset import write_meme_pictures
from pipeline.recipes import RECIPES

RECIPE = RECIPES["memes"]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, few_resamples: None) -> Path:
    """Return the folder of a finished quick run on drawn memes."""
    runs = tmp_path_factory.mktemp("memes")
    assert main(["run", "memes", "--smoke", "--runs", str(runs)]) == 0
    return next((runs / "memes").glob("*/model.tflite")).parent


@pytest.mark.slow
def test_the_smoke_run_learns_from_drawn_memes(run: Path) -> None:
    """Faults: a flow that needs a download or pictures, one that ends without learning, results of other pictures."""
    report: dict[str, Any] = json.loads((run / "report.json").read_text())
    results = json.loads((run / "results.json").read_text())
    accuracy = report["models"]["int8"]["accuracy"]
    assert accuracy["n"] == len(results) == 24
    assert accuracy["value"] > 0.6, "0.5 is chance"
    assert report["data"]["kind"] == "embedded memes"
    assert {name.split("/")[0] for name in results} == {"doom", "animal_crossing"}
    assert {answer["result"] for answer in results.values()} <= {"doom", "animal_crossing", "unknown"}


@pytest.mark.slow
def test_the_file_carries_what_unknown_and_new_classes_need(run: Path) -> None:
    """Faults: an artefact without features of training memes, or with an output for background that none showed."""
    classifier = Classifier(run / "model.tflite")
    assert (classifier.card.labels, classifier.card.reject_labels) == (RECIPE.labels, ())
    neighbours = json.loads((run / "calibration.json").read_text())["knn_score"]
    assert classifier.card.decision == "neighbours"
    assert neighbours["pictures"] == sum(patch.split == "train" for patch in read_index(run / "index.csv", run).patches)


def cut(folder: Path, images: Path, *options: str) -> int:
    """Only list the pictures; the network takes no part."""
    return main(["patches", "memes", "--images", str(images), "--runs", str(folder / "runs"), *options])


@pytest.mark.slow
def test_a_zip_of_folders_is_taken_and_a_third_folder_is_a_class(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Faults: an archive as people download it that is refused, and a game that joins or vanishes silently."""
    memes = write_meme_pictures(tmp_path / "memes", 24, 1, ("doom", "animal_crossing", "genshin"))
    with zipfile.ZipFile(tmp_path / "memes.zip", "w") as archive:
        for file in memes.rglob("*.jpg"):
            archive.write(file, f"doom-crossing/{file.relative_to(memes).as_posix()}")
    assert cut(tmp_path, tmp_path / "memes.zip", "--set", "labels=doom,animal_crossing") == 1
    said = capsys.readouterr()
    assert "doom 8" in said.out and "animal_crossing 8" in said.out
    assert "'genshin' (8). To learn them too: --set labels=doom,animal_crossing,genshin" in said.err
    assert cut(tmp_path, memes) == 0
    assert "genshin 8" in capsys.readouterr().out


def test_a_folder_without_one_of_the_games_is_a_clear_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Faults: a training that breaks down because a folder is called otherwise, and a message without a remedy."""
    memes = write_meme_pictures(tmp_path / "memes", 4, 1, ("doom", "genshin"))
    assert cut(tmp_path, memes, "--set", "labels=doom,animal_crossing") == 2
    error = capsys.readouterr().err
    assert "every label needs boxes or pictures. Missing: animal_crossing." in error
    assert "--set labels=" in error


def test_labels_name_the_styles_that_are_drawn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Faults: labels or background without pictures, pictures of another choice of labels, and a game nobody draws."""
    options = ["patches", "memes", "--set", "source.count=12", "--runs", str(tmp_path)]
    assert main(options) == 0
    assert "animal_crossing 4, background 4, doom 4" in capsys.readouterr().out
    assert main([*options, "--set", "labels=doom,genshin,animal_crossing"]) == 0
    assert "animal_crossing 3, background 3, doom 3, genshin 3" in capsys.readouterr().out
    assert main([*options, "--set", "labels=doom,chess"]) == 2
    assert (
        "memes are drawn for doom, animal_crossing, background, genshin. Received: 'chess'" in capsys.readouterr().err
    )
