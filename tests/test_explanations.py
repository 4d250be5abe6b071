"""Why an answer is wrong, explained of a network that counts red and green: what it must show is known beforehand."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from PIL import Image

from inference.pictures.image_io import read_image
from pipeline.calibration.neighbours import keras_outputs
from pipeline.calibration.temperature import decision_rule
from pipeline.data.index import Patch, PatchIndex
from pipeline.evaluation import nearest
from pipeline.evaluation.explanations import explain_mistakes
from pipeline.evaluation.mistakes import TestAnswers, true_probabilities
from pipeline.evaluation.nearest import TrainingFeatures, nearest_patches, training_features
from pipeline.metrics.classification import score
from pipeline.report.heat_map import colour_scale, draw_heat_map
from pipeline.report.report import write_report
from pipeline.report.sections import Searched
from pipeline.settings.recipe import Recipe, override_all
from pipeline.settings.run_folder import RunFolder
from tests.sample_report import parsed, sample_history, sample_report
from tests.test_grad_cam import SIDE, make_colour_counter

RECIPE = override_all(
    Recipe(name="count", title="Red and green", labels=("red", "green")),
    (("network.input_side", str(SIDE)), ("network.background", "confidence")),
)
ODD = os.fsdecode(b"odd-\xff.png")


def write_patch(root: Path, file: str, label: str, photo: str, split: str) -> Patch:
    """Write a picture with red in the upper left and, where the name says mixed, as much green in the lower right."""
    pixels = np.zeros((SIDE, SIDE, 3), np.uint8)
    if "green" not in file:
        pixels[:6, :6, 0] = 200
    if "green" in file or "mixed" in file:
        pixels[10:, 10:, 1] = 190
    root.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(root / file)
    return Patch(file, label, photo, 0, 0, SIDE, SIDE, split)


@pytest.fixture
def index(tmp_path: Path) -> PatchIndex:
    """Return a training of three red photographs, one with two copies, and a green one; two of four tests are wrong."""
    root = tmp_path / "patches"
    rows = (
        ("red-1.png", "red", "one", "train"),
        ("red-1-again.png", "red", "one", "train"),
        ("red-2.png", "red", "two", "train"),
        ("red-3.png", "red", "three", "train"),
        ("green-1.png", "green", "four", "train"),
        ("scene.png", "background", "five", "train"),
        ("red-4.png", "red", "six", "test"),
        ("green-2.png", "green", "seven", "test"),
        ("mixed.png", "green", "eight", "test"),
        (ODD, "green", ODD, "test"),
    )
    return PatchIndex(root, tuple(write_patch(root, *row) for row in rows))


@pytest.fixture(scope="module")
def network() -> keras.Model:
    return make_colour_counter()


def answer(network: keras.Model, index: PatchIndex) -> TestAnswers:
    test = index.select("test")
    probabilities, features = keras_outputs(network, 1.0, test, RECIPE)
    labels = [patch.label for patch in test.patches]
    scores = score(probabilities, labels, [patch.photo for patch in test.patches], decision_rule(RECIPE, 0.0))
    return TestAnswers(test, scores, true_probabilities(probabilities, labels, RECIPE), features)


def explain(network: keras.Model, index: PatchIndex, folder: Path) -> dict[str, Any]:
    return explain_mistakes(answer(network, index), network, index, RECIPE, RunFolder(folder))


def heat(path: Path, rows: slice, columns: slice) -> float:
    """Return how yellow a part of a heat map is: red less blue, 0 for grey."""
    part = read_image(path)[rows, columns].astype(float)
    return float((part[..., 0] - part[..., 2]).mean())


def test_mistakes_show_likes_and_heat_where_they_belong(
    network: keras.Model, index: PatchIndex, tmp_path: Path
) -> None:
    """Faults: explanations of another patch; neighbours by label or from one photograph; background that the network
    never learned among them; maps of given and true label exchanged; an empty map that is not told."""
    run = tmp_path / "run"
    found = explain(network, index, run)
    assert (found.count, found.tested, found.fields) == (2, 4, (SIDE, SIDE))
    assert found.searched == Searched(5, 5)
    worst, mixed = found.shown
    assert (worst.label, worst.given, worst.photo) == ("green", "red", "odd-\\udcff.png")
    assert mixed.photo == "eight"
    for entry in (worst, mixed):
        assert [one.label for one in entry.nearest] == ["red"] * 3
        assert {one.photo for one in entry.nearest} == {"one", "two", "three"}
        assert all((run / one.file).is_file() for one in (entry, *entry.nearest, *entry.maps))
        assert [one.label for one in entry.maps] == ["red", "green"]
    assert [one.empty for one in worst.maps + mixed.maps] == [False, True, False, False]
    given, true = (run / one.file for one in mixed.maps)
    upper_left, lower_right = (slice(0, 50), slice(0, 50)), (slice(110, 160), slice(110, 160))
    assert heat(given, *upper_left) > 50 > 10 > abs(heat(given, *lower_right))
    assert heat(true, *lower_right) > 50 > 10 > abs(heat(true, *upper_left))


@pytest.mark.slow
def test_the_page_of_pictures_with_odd_names_is_written(
    network: keras.Model, index: PatchIndex, tmp_path: Path
) -> None:
    """Faults: a surrogate in a name ends the evaluation when the report is written; pictures are not found."""
    run = tmp_path / "run"
    report = replace(parsed(sample_report()), mistakes=explain(network, index, run), label_errors=None)
    _, page = write_report(run, report, sample_history())
    text = page.read_text(encoding="utf-8")
    assert text.count("picture not found") == 0
    assert "odd-\\udcff.png" in text


def test_a_later_evaluation_leaves_no_map_of_an_earlier_one(
    network: keras.Model, index: PatchIndex, tmp_path: Path
) -> None:
    """Faults: maps of mistakes that are no longer made, which a reader takes for new ones; a crash without any."""
    run = tmp_path / "run"
    explain(network, index, run)
    assert len(list((run / "mistakes").iterdir())) == 4
    patches = tuple(p for p in index.patches if p.file in ("red-1.png", "red-4.png", "green-2.png"))
    found = explain(network, replace(index, patches=patches), run)
    assert (found.count, found.shown, found.searched.of) == (0, (), 0)
    assert not (run / "mistakes").exists()


def test_a_small_training_gives_fewer_neighbours(network: keras.Model, index: PatchIndex, tmp_path: Path) -> None:
    """Faults: a crash, or a picture shown twice, where fewer than three photographs were trained on."""
    patches = tuple(p for p in index.patches if p.split == "test" or p.photo == "one")
    found = explain(network, replace(index, patches=patches), tmp_path / "run")
    assert [len(entry.nearest) for entry in found.shown] == [1, 1]


def test_of_a_large_training_some_are_drawn_by_lot(
    network: keras.Model, index: PatchIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Faults: features of 60,000 pictures; the first ones, which are all of one class; another sample in each run."""
    monkeypatch.setattr(nearest, "MOST_PATCHES", 3)
    drawn = [training_features(network, index, RECIPE) for _ in range(2)]
    assert (len(drawn[0].index.patches), drawn[0].of, len(drawn[0].features)) == (3, 5, 3)
    assert drawn[0].index == drawn[1].index
    more = tuple(replace(patch, photo=f"{patch.photo} {number}") for number in range(20) for patch in index.patches)
    many = training_features(network, PatchIndex(index.root, more), RECIPE)
    assert many.of == 100
    assert many.index.patches != PatchIndex(index.root, more).select("train", RECIPE.outputs).patches[:3]


def test_similarity_is_the_cosine_of_the_features() -> None:
    """Faults: a dot product, which prefers bright pictures; a distance sorted the wrong way."""
    patches = tuple(Patch(f"{n}.png", "a", str(n), 0, 0, 1, 1, "train") for n in range(3))
    train = TrainingFeatures(PatchIndex(Path(), patches), np.array([[9.0, 9.0], [1.0, 0.0], [0.0, 0.0]]), 3)
    ((first, second),) = nearest_patches(np.array([[2.0, 0.0]]), train, 2)
    assert (first[0].photo, second[0].photo) == ("1", "0")
    assert (first[1], second[1]) == (pytest.approx(1.0), pytest.approx(0.5**0.5))


def test_a_heat_map_keeps_the_patch_in_grey_and_its_proportions() -> None:
    """Faults: the patch's own colours read as heat; a tall patch squeezed to a square; the map turned on its side."""
    pixels = np.zeros((60, 30, 3), np.uint8)
    pixels[..., 2] = 255  # blue
    hot = np.zeros((4, 2), np.float32)
    hot[3, 0] = 1  # lower left
    drawn = draw_heat_map(pixels, hot, 120).astype(int)
    assert drawn.shape == (120, 60, 3)
    assert np.ptp(drawn[:60], axis=2).max() == 0, "grey where nothing is"
    assert drawn[-1, 0, 0] - drawn[-1, 0, 2] > 50
    assert np.ptp(drawn[-1, -1]) < 10


def test_the_scale_runs_from_grey_to_the_hottest_colour() -> None:
    """Faults: a legend with other colours than the maps."""
    scale = colour_scale(50, 4)
    one = draw_heat_map(np.full((4, 4, 3), 128, np.uint8), np.ones((2, 2)), 4)
    assert scale.shape == (4, 50, 3)
    assert np.ptp(scale[0, 0]) == 0
    np.testing.assert_array_equal(scale[0, -1], one[0, 0])
