"""Changed test patches: each change does what its name says, and the accuracies are those of the changed pictures."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from inference.errors import InputError
from pipeline.data.index import Patch, PatchIndex
from pipeline.data.sources import DataPlace
from pipeline.evaluation.changes import CHANGES, Change
from pipeline.evaluation.robustness import apply_change, cut_looser, measure_robustness
from pipeline.report.sections import ChangedAccuracy, Robustness
from pipeline.settings.recipe import Recipe, override, recipe_to_json
from pipeline.settings.run_folder import RunFolder, write_json
from tests.open_model import make_open_model
from tests.tiny_model import INPUT_SIZE

RECIPE = Recipe(name="colours", title="Colours", labels=("red", "green", "blue"))
REDDISH = (150, 120, 110)  # of which less red and more blue is bluish
SIZE = (64, 64)


def scene(seed: int = 0, side: int = 96) -> np.ndarray:
    """Return a picture with structure of all sizes, uint8 [side, side, 3]."""
    random = np.random.default_rng(seed)
    coarse = random.integers(60, 200, (6, 6, 3), np.uint8)
    picture = np.asarray(Image.fromarray(coarse).resize((side, side), Image.Resampling.NEAREST))
    return (picture + random.integers(-20, 20, picture.shape)).clip(0, 255).astype(np.uint8)


def changed(change: Change) -> np.ndarray:
    return apply_change(change, scene(), SIZE, 0)


def named(name: str) -> list[Change]:
    return [change for change in CHANGES if change.name == name]


@pytest.mark.parametrize("name", sorted({change.name for change in CHANGES if change.resized}))
def test_the_stronger_change_changes_more(name: str) -> None:
    """Catches strengths in the wrong order, a change without effect, and pixels that run over."""
    plain = apply_change(Change("none", "", lambda pixels, random: pixels), scene(), SIZE, 0).astype(float)
    amounts = [np.abs(changed(change) - plain).mean() for change in named(name)]
    assert len(amounts) > 1 and amounts == sorted(set(amounts))
    assert amounts[0] > 0.5 and amounts[-1] < 100
    for change in named(name):
        assert (changed(change).dtype, changed(change).shape) == (np.uint8, (*SIZE, 3))
        assert np.array_equal(changed(change), changed(change))


def test_warmer_light_is_redder() -> None:
    """Catches a gain for the wrong channel, as of OpenCV's BGR."""
    plain, warm, cold = (changed(named(name)[1]).mean(axis=(0, 1)) for name in ("blur", "warmer light", "colder light"))
    assert warm[0] > plain[0] > cold[0]
    assert warm[2] < plain[2] < cold[2]


def test_clutter_leaves_the_picture_in_the_middle() -> None:
    """Catches clutter that hides what it should surround."""
    pixels = np.full((40, 60, 3), 77, np.uint8)
    around = apply_change(named("clutter around")[1], pixels, SIZE, 3)
    assert (around[10:30, 15:45] == 77).all()
    assert (around[:9] != 77).any() and (around[:, :14] != 77).any()


def test_a_tighter_box_worked_example() -> None:
    """Catches shares of the wrong side: 20 % off 50 rows and 100 columns leave 30 and 60."""
    pixels = np.arange(50 * 100 * 3).reshape(50, 100, 3).astype(np.uint8)
    assert np.array_equal(apply_change(named("tighter box")[1], pixels, SIZE, 0), pixels[10:40, 20:80])


def test_a_looser_box_worked_example() -> None:
    """Catches a box that leaves the frame: of 30 % of 40 x 20 at (10, 50), 12 columns, 10 are there on the left."""
    photo = scene(side=100)
    views = cut_looser(photo, Patch("a.png", "red", "a.jpg", 10, 50, 40, 20, "test"), (32, 62))
    assert np.array_equal(views[0.3], photo[44:76, 0:62])
    with pytest.raises(InputError, match="is smaller than when its patches were cut"):
        cut_looser(photo[:60], Patch("a.png", "red", "a.jpg", 10, 50, 40, 20, "test"), (32, 62))


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Robustness:
    """Return the figures of a network that sees mean colours, for reddish patches on blue photographs."""
    folder = tmp_path_factory.mktemp("robustness")
    images, run = folder / "photos", RunFolder(folder / "runs" / "colours" / "run")
    root = folder / "runs" / "colours" / "patches"
    for place in (images, root, run.path):
        place.mkdir(parents=True)
    run.model.write_bytes(make_open_model())
    write_json(run.source, DataPlace(images, folder / "boxes.json", folder / "runs").to_json())
    run.recipe.write_text(recipe_to_json(RECIPE), encoding="utf-8")
    patches = []
    for number in range(4):
        photo = np.full((80, 80, 3), (0, 0, 255), np.uint8)
        photo[30:50, 30:50] = REDDISH
        Image.fromarray(photo).save(images / f"{number}.png")
        Image.fromarray(photo[30:50, 30:50]).save(root / f"{number}.png")
        patches.append(Patch(f"{number}.png", "red", f"{number}.png", 30, 30, 20, 20, "test"))
    return measure_robustness(run, PatchIndex(root, tuple(patches)), RECIPE)


def accuracies(measured: Robustness, change: str) -> list[float | None]:
    rows: list[ChangedAccuracy] = [row for row in measured.changes if row.change == change]
    return [row.accuracy.value for row in rows]


def test_the_figures_are_those_of_changed_pictures(measured: Robustness) -> None:
    """Catches unchanged pixels handed to the network, and changes mixed up in the table."""
    assert (measured.of, measured.unchanged.n, measured.unchanged.value) == (4, 4, 1.0)
    assert accuracies(measured, "warmer light") == [1.0, 1.0]
    assert accuracies(measured, "colder light")[1] == 0.0
    assert accuracies(measured, "looser box")[1] == 0.0  # blue surroundings
    lost = [row.difference.value for row in measured.changes if row.change == "colder light"]
    assert lost[1] == -1.0


def test_without_photographs_looser_boxes_are_left_out(tmp_path: Path) -> None:
    """Catches a report that fails because the photographs were moved."""
    run = RunFolder(tmp_path)
    run.model.write_bytes(make_open_model())
    Image.fromarray(np.full((*INPUT_SIZE, 3), REDDISH, np.uint8)).save(tmp_path / "a.png")
    index = PatchIndex(tmp_path, (Patch("a.png", "red", "a.jpg", 0, 0, *INPUT_SIZE, "test"),))
    for recipe in (RECIPE, override(RECIPE, "source.kind", "class_folders")):
        found = measure_robustness(run, index, recipe)
        assert accuracies(found, "looser box") == []
        assert len(found.changes) == len(CHANGES)
