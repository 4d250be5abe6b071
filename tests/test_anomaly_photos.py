"""The photographs of an anomaly run can be held out, whatever they are."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from inference.errors import InputError
from pipeline.anomaly.memory_bank import split_folds
from pipeline.anomaly.photos import FIT, TEST, list_photos, read_photos
from pipeline.anomaly.stages import photos_stage
from pipeline.data.groups import NO_GROUPS, PhotoGroups
from pipeline.data.sources import DataPlace
from pipeline.recipes.tiles import RECIPE
from pipeline.settings.recipe import override
from pipeline.stages import start_run

NAMES = [f"{number}.png" for number in range(6)]


def draw_surface(seed: int) -> np.ndarray:
    """Return coarse random pixels, uint8 [96, 96, 3]."""
    return np.random.default_rng(seed).integers(60, 200, (8, 8, 3), np.uint8).repeat(12, axis=0).repeat(12, axis=1)


@pytest.mark.parametrize("alike", [True, False])
def test_photographs_of_one_group_are_held_out_one_by_one(alike: bool, tmp_path: Path) -> None:
    """Fault: a crash after the fit where all photographs are near-duplicates, or in one group of --groups: of the one
    fold that holds them all, nothing is left for a memory bank.
    """
    for folder, names in (("fit", NAMES), ("test", NAMES[:1])):
        (tmp_path / folder).mkdir()
        for number, name in enumerate(names):
            surface = draw_surface(0 if alike else number)
            noise = np.random.default_rng(number).integers(0, 3, surface.shape, np.uint8)
            Image.fromarray(surface + noise).save(tmp_path / folder / name)
    groups = NO_GROUPS if alike else PhotoGroups((tuple(NAMES),))
    listed = list_photos(tmp_path / "fit", tmp_path / "test", None, groups, 6)
    numbers = [photo.group for photo in listed.photos if photo.split == FIT]
    assert len(numbers) == len(set(numbers)) == len(NAMES)
    assert len(split_folds(numbers, 5)) == 5
    assert any("Each is held out alone" in note for note in listed.notes)


def test_groups_that_can_be_held_out_are_kept(tmp_path: Path) -> None:
    """Fault: groups are lost where nothing is wrong with them."""
    for number, name in enumerate(NAMES):
        Image.fromarray(draw_surface(number)).save(tmp_path / name)
    listed = list_photos(tmp_path, None, None, PhotoGroups((tuple(NAMES[:4]),)), 0)
    assert len({photo.group for photo in listed.photos}) == 3
    assert listed.notes == []


def test_names_of_groups_are_matched_and_those_that_fit_nothing_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Fault: a mistyped name, or one with backslashes, has no effect in a recipe for anomalies, and no word of it."""
    for number, name in enumerate(("boards/a.png", "boards/b.png", "boards/c.png", "boards/masks/a.png")):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(draw_surface(number)).save(tmp_path / name)
    for number, name in enumerate(("knot/1.png", "knot/2.png", "hole/1.png", "hole/2.png"), start=9):
        (tmp_path / "crops" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(draw_surface(number)).save(tmp_path / "crops" / name)
    groups = tmp_path / "groups.json"
    place = DataPlace(tmp_path / "boards", None, tmp_path / "runs", groups, crops=tmp_path / "crops")
    groups.write_text(json.dumps([["boards\\a.png", "b"], ["knot/1.png", "typo.png"]]))
    run = start_run(RECIPE, place)
    photos_stage(run)
    number = {photo.name: photo.group for photo in read_photos(run.photos)}
    assert number["a.png"] == number["b.png"] != number["c.png"]
    assert "1 of 4 names of --groups fit no photograph, for example typo.png" in capsys.readouterr().err
    groups.write_text('[["typo", "other"]]')
    with pytest.raises(InputError, match="none fits a photograph"):
        photos_stage(run)


def test_a_single_drawn_plank_is_refused() -> None:
    """Fault: the same crash of a run on drawn planks."""
    with pytest.raises(InputError, match=r"source\.count must be 2 or more for surfaces"):
        override(RECIPE, "source.count", "1")


def write_surfaces(folder: Path, seeds: dict[str, int]) -> None:
    for name, seed in seeds.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(draw_surface(seed)).save(folder / name)


def test_copies_of_photographs_in_the_memory_bank_are_no_test(tmp_path: Path) -> None:
    """Fault: figures of test photographs that the model has by heart, under another name or as another file."""
    write_surfaces(tmp_path / "fit", {"0.png": 0, "1.png": 1, "2.png": 2})
    write_surfaces(tmp_path / "test", {"copy.png": 0, "copy.bmp": 1, "new.png": 3, "near.jpg": 2})
    listed = list_photos(tmp_path / "fit", tmp_path / "test", None, NO_GROUPS, 6)
    assert [photo.name for photo in listed.photos if photo.split == TEST] == ["test/near.jpg", "test/new.png"]
    assert [message.split(": ")[0] for message in listed.refused] == [
        str(tmp_path / "test" / name) for name in ("copy.bmp", "copy.png")
    ]
    assert all("a copy of " in message for message in listed.refused)
    (note,) = listed.notes
    assert note.startswith("1 test photographs are near-duplicates") and "test/near.jpg" in note


def test_the_same_folder_for_memory_bank_and_test_is_said(tmp_path: Path) -> None:
    """Fault: --test equal to --images tests nothing, without a word."""
    write_surfaces(tmp_path, {"0.png": 0, "1.png": 1, "2.png": 2})
    listed = list_photos(tmp_path, tmp_path, None, NO_GROUPS, 0)
    assert [photo.split for photo in listed.photos] == [FIT] * 3
    assert listed.notes[0].startswith("3 of 3 photographs of --test are in the memory bank too")


def test_too_few_photographs_are_counted_without_those_of_the_test(tmp_path: Path) -> None:
    """Faults: "at least two. Received: 4"; the reason why the others can't be read is not said."""
    write_surfaces(tmp_path / "fit", {"0.png": 0})
    (tmp_path / "fit" / "1.png").write_text("no picture")
    write_surfaces(tmp_path / "test", {"1.png": 1, "2.png": 2, "3.png": 3})
    with pytest.raises(InputError, match=r"Received: 1\. Add some\. Not readable: .*1\.png: is not an image"):
        list_photos(tmp_path / "fit", tmp_path / "test", None, NO_GROUPS, 0)
