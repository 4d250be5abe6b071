"""Doubtful labels: planted ones are found, sound ones are left alone, and too little data is no crash."""

import csv
import os
from pathlib import Path

import numpy as np
import pytest

from pipeline.data.index import Patch, PatchIndex
from pipeline.evaluation.label_errors import check_labels, find_suspects
from pipeline.settings.recipe import Recipe
from pipeline.settings.run_folder import RunFolder

RECIPE = Recipe(name="three", title="Three classes and background", labels=("a", "b", "c"))
ODD = os.fsdecode(b"odd-\xff.png")


def make_index(root: Path, count: int = 30) -> PatchIndex:
    """Return patches a, b, c, background in turn, for each split."""
    names = [*RECIPE.labels, "background"]
    patches = [
        Patch(f"{split}-{number}.png", names[number % 4], ODD, number, 2, 30, 40, split)
        for split in ("train", "validation", "test")
        for number in range(count)
    ]
    return PatchIndex(root, tuple(patches))


def make_probabilities(index: PatchIndex, split: str) -> np.ndarray:
    """Return float32 [patches, outputs]: 0.85 for the label of each patch of the split."""
    patches = index.select(split).patches
    rows = np.full((len(patches), 4), 0.05, np.float32)
    rows[np.arange(len(patches)), [RECIPE.outputs.index(patch.label) for patch in patches]] = 0.85
    return rows


def test_planted_errors_are_found_with_what_they_should_be(tmp_path: Path) -> None:
    """Faults: one split alone is checked, or training and background too; rows of another patch; the suggestion is
    the label itself; the most doubtful is not the first; the photograph's place is lost; odd names end the run."""
    index, run = make_index(tmp_path / "patches"), RunFolder(tmp_path / "run")
    probabilities = {split: make_probabilities(index, split) for split in ("validation", "test")}
    probabilities["validation"][4] = [0.07, 0.9, 0.02, 0.01]  # a, looks like b
    probabilities["test"][6] = [0.9, 0.03, 0.02, 0.05]  # c, looks like a
    probabilities["test"][7] = [0.9, 0.03, 0.02, 0.05]  # background: no label of a person
    found = check_labels(probabilities, index, RECIPE, run)
    assert found.checked == 46
    assert found.count == len(found.shown) == 2
    first, second = found.shown
    assert (first.label, first.suggested, first.split) == ("c", "a", "test")
    assert (second.label, second.suggested, second.split) == ("a", "b", "validation")
    assert first.quality == pytest.approx(0.02 / 0.95, abs=1e-6)
    assert run.path / first.file == run.path / "../patches/test-6.png"
    assert first.photo == "odd-\\udcff.png"
    with run.label_errors.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["file"], row["x"], row["height"], row["suggested"]) for row in rows] == [
        ("test-6.png", "6", "40", "a"),
        ("validation-4.png", "4", "40", "b"),
    ]
    assert rows[0]["photo"] == ODD


def test_all_suspects_are_in_the_file_and_some_on_the_page(tmp_path: Path) -> None:
    """Faults: a report of thousands of entries; a file that is cut short like the page."""
    index, run = make_index(tmp_path, 400), RunFolder(tmp_path / "run")
    probabilities = {split: make_probabilities(index, split) for split in ("validation", "test")}
    probabilities["test"][0:120:4] = [0.05, 0.9, 0.04, 0.01]  # thirty of a look like b
    found = check_labels(probabilities, index, RECIPE, run)
    assert (found.count, len(found.shown)) == (30, 24)
    assert len(run.label_errors.read_bytes().splitlines()) == 1 + found.count


@pytest.mark.parametrize(
    ("probabilities", "labels"),
    [
        (np.zeros((0, 3)), []),
        (np.ones((3, 1)), [0, 0, 0]),
        ([[0.9, 0.05, 0.05]], [0]),
        ([[0.9, 0.1, 0.0]] * 3, [0, 0, 0]),
        ([[0.9, 0.1, 0.0], [0.2, 0.7, 0.1]], [0, 1]),
    ],
    ids=["nothing", "one class", "one patch", "one class of three", "a class without patches"],
)
def test_little_data_without_an_error_gives_no_suspects(
    probabilities: np.ndarray | list[list[float]], labels: list[int]
) -> None:
    """Faults: the library's errors and warnings about missing or single classes end an evaluation."""
    assert find_suspects(np.array(probabilities, float), np.array(labels, int)).tolist() == []


def test_background_that_takes_all_of_the_probability_is_no_crash(tmp_path: Path) -> None:
    """Faults: a division by zero where the classes have nothing left."""
    index = make_index(tmp_path, 8)
    probabilities = {split: make_probabilities(index, split) for split in ("validation", "test")}
    probabilities["test"][0] = [0, 0, 0, 1]
    with np.errstate(divide="raise", invalid="raise"):
        found = check_labels(probabilities, index, RECIPE, RunFolder(tmp_path / "run"))
    assert found.checked == 12
