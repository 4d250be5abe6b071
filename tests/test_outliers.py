"""Drawn outliers: varied, repeatable, background of the training alone."""

from pathlib import Path

import numpy as np
import pytest

from inference.pictures.image_io import read_image
from pipeline.data.outliers import add_outliers
from pipeline.drawn.outliers import DRAWINGS, SIDE, draw_outlier
from pipeline.settings.labels import BACKGROUND
from tests.worlds import write_patches


def test_a_picture_depends_on_seed_and_number_alone() -> None:
    """Catches pictures that differ between two runs of one recipe, and one picture for all numbers."""
    for number in range(len(DRAWINGS)):
        first, again = draw_outlier(0, number), draw_outlier(0, number)
        assert (first.dtype, first.shape) == (np.uint8, (SIDE, SIDE, 3))
        assert np.array_equal(first, again)
        assert not np.array_equal(first, draw_outlier(1, number))
        assert not np.array_equal(first, draw_outlier(0, number + len(DRAWINGS)))


@pytest.mark.slow
def test_pictures_show_something() -> None:
    """Catches a process that ends in plain black or white."""
    flat = [number for number in range(36) if draw_outlier(0, number).std(axis=(0, 1)).max() < 2]
    assert len(flat) <= 2


def test_outliers_are_background_of_the_training_alone(tmp_path: Path) -> None:
    """Catches drawn pictures in validation or test, where they would flatter the rejection, and lost patches."""
    index = write_patches(tmp_path, ["red", BACKGROUND], split="test")
    more = add_outliers(index, index.root / BACKGROUND, 7, seed=3)
    assert more.patches[:2] == index.patches
    added = more.patches[2:]
    assert [(patch.label, patch.split) for patch in added] == [(BACKGROUND, "train")] * 7
    assert len({read_image(more.path(patch)).tobytes() for patch in added}) == 7
    assert np.array_equal(read_image(more.path(added[4])), draw_outlier(3, 4))


def test_a_second_call_draws_nothing_anew(tmp_path: Path) -> None:
    """Catches minutes of drawing at each start of a run."""
    index = write_patches(tmp_path, ["red"])
    files = [index.root / patch.file for patch in add_outliers(index, index.root / "drawn", 3, seed=0).patches[1:]]
    before = [file.stat().st_mtime_ns for file in files]
    assert [patch.file for patch in add_outliers(index, index.root / "drawn", 3, seed=0).patches] == [
        patch.file for patch in add_outliers(index, index.root / "drawn", 4, seed=0).patches[:-1]
    ]
    assert [file.stat().st_mtime_ns for file in files] == before


def test_without_outliers_the_index_is_the_same(tmp_path: Path) -> None:
    """Catches outliers in recipes that ask for none."""
    index = write_patches(tmp_path, ["red"])
    assert add_outliers(index, tmp_path, 0, seed=0).patches == index.patches
