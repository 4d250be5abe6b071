"""Views around boxes: where they lie, what counts as inside, which are left out."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from inference.errors import InputError
from pipeline.data.index import Patch, PatchIndex
from pipeline.data.sources import DataPlace, annotated_photos, find_photographs, photographs_of
from pipeline.data.windows import Window
from pipeline.recipes import RECIPES
from pipeline.sanity.specimen_views import (
    FULL,
    LOST,
    MIXED,
    SpecimenViews,
    View,
    centre_views,
    make_view,
    mark_boxes,
    mark_centre,
    surrounding_window,
)
from pipeline.settings.recipe import Recipe, override_all
from pipeline.settings.run_folder import RunFolder
from pipeline.stages import start_run

PIXELS = np.arange(100 * 120 * 3, dtype=np.uint32).reshape(100, 120, 3).astype(np.uint8)


def patch(x: int, y: int, width: int, height: int, label: str = "red", photo: str = "a.png") -> Patch:
    return Patch(f"{label}/{x}-{y}.png", label, photo, x, y, width, height, "test")


def test_a_window_is_twice_the_box_holds_it_and_stays_in_the_photograph() -> None:
    """Faults: sides exchanged; a window that cuts the box or sticks out; one that is always centred."""
    box, frame, starts = Window(30, 60, 20, 30), (120, 100), set()
    for seed in range(200):
        window = surrounding_window(box, frame, np.random.default_rng(seed))
        assert (window.width, window.height) == (40, 60)
        assert window.x <= 30 and window.x + 40 >= 50 and window.x >= 0
        assert window.y <= 60 and window.y + 60 >= 90 and window.y + 60 <= 100
        starts.add((window.x, window.y))
    assert {x for x, _ in starts} == set(range(10, 31))
    assert {y for _, y in starts} == set(range(30, 41))


def test_a_window_without_room_is_the_photograph() -> None:
    """Faults: an error, or a negative start, where the box is as large as its photograph."""
    assert surrounding_window(Window(0, 0, 45, 40), (45, 50), np.random.default_rng(0)) == Window(0, 0, 45, 50)


def test_boxes_are_marked_in_the_windows_own_frame() -> None:
    """Faults: rows and columns exchanged; a box that begins before the window, or ends behind it, shifts its mark."""
    inside = mark_boxes([Window(8, 21, 4, 3), Window(18, 25, 9, 99), Window(0, 0, 5, 5)], Window(10, 20, 10, 8))
    expected = np.zeros((8, 10), bool)
    expected[1:4, 0:2] = True
    expected[5:8, 8:10] = True
    assert np.array_equal(inside, expected)


def test_a_view_shows_the_photograph_and_every_specimen_of_its_class() -> None:
    """Faults: pixels of another place; a second specimen that counts as surroundings."""
    one = patch(40, 40, 20, 20)
    view = make_view(one, [("red", Window(40, 40, 20, 20)), ("red", Window(58, 58, 30, 30))], PIXELS)
    assert isinstance(view, View)
    assert view.pixels.shape == (40, 40, 3)
    rows, columns = np.nonzero((view.pixels[0, 0] == PIXELS).all(axis=2))
    shown = [PIXELS[y : y + 40, x : x + 40] for y, x in zip(rows, columns, strict=True)]
    assert any(np.array_equal(part, view.pixels) for part in shown if part.shape == (40, 40, 3))
    assert view.inside.sum() >= 400


def test_views_that_tell_nothing_are_left_out() -> None:
    """Faults: a specimen of another class that is taken for background; a photograph that changed its size."""
    one = patch(40, 40, 20, 20)
    boxes = [("red", Window(40, 40, 20, 20))]
    assert make_view(one, [*boxes, ("blue", Window(0, 0, 119, 99))], PIXELS) == MIXED
    assert make_view(patch(0, 0, 120, 70), [("red", Window(0, 0, 120, 70))], PIXELS) == FULL
    assert make_view(one, boxes, PIXELS[:50]) == LOST
    assert make_view(one, boxes, None) == LOST


def test_photographs_are_read_and_the_lost_ones_counted(tmp_path: Path) -> None:
    """Faults: one missing photograph that ends the work; background patches that are taken for specimens."""
    Image.fromarray(PIXELS).save(tmp_path / "a.png")
    patches = (patch(40, 40, 20, 20), patch(1, 1, 9, 9, photo="b.png"), patch(60, 60, 20, 20, label="background"))
    views = SpecimenViews(PatchIndex(tmp_path, patches), tmp_path, ("red",))
    assert [view.patch.photo for view in views] == ["a.png"]
    assert views.left_out == {LOST: 1}


def test_the_centre_is_half_of_the_area_in_the_middle(tmp_path: Path) -> None:
    """Faults: half of each side, which is a quarter; a corner."""
    inside = mark_centre(10, 20)
    assert inside.sum() == 7 * 14
    assert inside[1:8, 3:17].all()
    Image.fromarray(PIXELS).save(tmp_path / "a.png")
    index = PatchIndex(tmp_path, (Patch("a.png", "red", "a", 0, 0, 120, 100, "test"),))
    view = next(centre_views(index))
    assert np.array_equal(view.pixels, PIXELS)
    assert view.inside.mean() == pytest.approx(0.5, abs=0.02)


def test_the_drawn_scenes_are_found_where_the_source_draws_them(tmp_path: Path) -> None:
    """Faults: another name for their folder than pipeline.data.sources gives it."""
    recipe = override_all(RECIPES["minerals"], (("source.count", "8"), ("patches.outliers", "0")))
    run = start_run(recipe, DataPlace(None, None, tmp_path))
    prepared = annotated_photos(DataPlace(None, None, tmp_path), recipe)
    images = find_photographs(run, photographs_of, prepared.index.root)
    assert all((images / one.photo).is_file() for one in prepared.index.patches if one.label != "background")


def test_photographs_that_are_gone_are_named(tmp_path: Path) -> None:
    """Faults: a traceback, or an empty answer, where the folder was moved."""
    recipe = Recipe(name="a", title="A", labels=("red", "blue"))
    (tmp_path / "photos").mkdir()
    (tmp_path / "boxes.json").write_text("{}")
    run: RunFolder = start_run(recipe, DataPlace(tmp_path / "photos", tmp_path / "boxes.json", tmp_path / "runs"))
    (tmp_path / "photos").rmdir()
    with pytest.raises(InputError, match="photos: does not exist"):
        find_photographs(run, photographs_of, tmp_path / "runs" / "a" / "patches")
