"""Intervals over photographs, and what a histogram of colours can tell: the figures that a control compares."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.data.index import Patch, PatchIndex
from pipeline.evaluation.colour_baseline import LOGISTIC_NAME, NAME, predict_by_colour
from pipeline.metrics.intervals import bootstrap, mean_difference, proportion, share_over_photos
from pipeline.sanity.permutation import naming_luck
from pipeline.settings.recipe import override
from tests.worlds import COLOURS, RECIPE


def test_a_share_has_the_wider_of_two_intervals() -> None:
    """Faults: patches of one photograph that count as independent; no width where all are right; no patches at all."""
    photos = np.repeat(np.arange(10), 10).astype(str)
    hits = np.repeat([True] * 7 + [False] * 3, 10)
    wide = share_over_photos(hits, photos)
    narrow = proportion(70, 100)
    assert wide.value == narrow.value and wide.n == 100
    assert wide.low < narrow.low - 0.1 and wide.high > narrow.high + 0.05
    assert share_over_photos(np.ones(20, bool), np.arange(20).astype(str)) == proportion(20, 20)
    assert share_over_photos(np.ones(4, bool), np.array(["one"] * 4)) == proportion(4, 4)
    assert share_over_photos(np.zeros(0, bool), np.zeros(0, str)) == proportion(0, 0)


def test_the_interval_of_a_share_holds_the_truth_where_patches_of_a_photograph_are_alike() -> None:
    """Fault: intervals of 95 % that hold the truth in three of four draws, since they count patches as independent."""
    random, photos, held = np.random.default_rng(0), np.repeat(np.arange(40), 8).astype(str), [0, 0]
    for _ in range(200):
        chances = random.beta(0.85 * 7 / 3, 0.15 * 7 / 3, 40)  # of each photograph: an intraclass correlation of 0.3
        hits = (random.random((40, 8)) < chances[:, np.newaxis]).ravel()
        for number, one in enumerate((proportion(int(hits.sum()), hits.size), share_over_photos(hits, photos))):
            held[number] += one.low <= 0.85 <= one.high
    assert held[0] < 170 and held[1] > 180, held


def test_a_difference_is_taken_patch_by_patch() -> None:
    """Both are right on 8 of 10, one beside the other: the difference is 0. Faults: intervals of the two apart."""
    first, second = np.array([True] * 8 + [False] * 2), np.array([True] * 7 + [False, True, False])
    photos = np.arange(10).astype(str)
    difference = mean_difference(first, second, photos)
    assert difference.value == 0
    assert difference == bootstrap(0.0, lambda places: float((first * 1.0 - second)[places].mean()), photos)
    ahead = mean_difference(first, np.zeros(10, bool), photos)
    assert ahead.value == pytest.approx(0.8) and ahead.low > 0


def test_the_luck_of_names_by_hand() -> None:
    """Three classes told apart: 1 of 6 ways to name them is right. Faults: a draw too few; rows for columns."""
    classes = ("a", "b", "c")
    labels = np.array(list("aabbcc"))
    assert naming_luck(labels, labels, classes) == pytest.approx(1 / 6, abs=0.015)
    assert naming_luck(np.array(list("bbccaa")), labels, classes) == 1
    assert naming_luck(np.array(list("aaaaaa")), labels, classes) == 1
    # a right, b and c exchanged: as good or better are this way, the right one and the two others that keep one
    assert naming_luck(np.array(list("aaccbb")), labels, classes) == pytest.approx(4 / 6, abs=0.015)


def test_colour_alone_names_coloured_patches(tmp_path: Path) -> None:
    """Faults: learned from the test; labels in another order than the patches; background among the answers."""
    random, patches = np.random.default_rng(0), []
    for number in range(60):
        label, split = list(COLOURS)[number % 3], "train" if number < 30 else "test"
        shown = "green" if split == "test" and label == "red" else label
        pixels = np.array(COLOURS[shown]) + random.normal(0, 15, (20, 20, 3))
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(tmp_path / f"{number}.png")
        patches.append(Patch(f"{number}.png", label, f"{number}.jpg", 0, 0, 20, 20, split))
    patches.append(Patch("0.png", "background", "x.jpg", 0, 0, 20, 20, "test"))
    answers = predict_by_colour(PatchIndex(tmp_path, tuple(patches)), override(RECIPE, "network.input_side", "16"))
    expected = ["green", "green", "blue"] * 10
    assert {name: given.tolist() for name, given in answers.items()} == {LOGISTIC_NAME: expected, NAME: expected}
