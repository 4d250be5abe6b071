"""Patches: exactly the photograph's pixels, cut once, named for good, split so that nothing leaks."""

import os
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from inference.errors import InputError
from inference.pictures.image_io import read_image, resize_image
from pipeline.data.index import Patch, PatchIndex, read_index
from pipeline.data.patches import CutResult, cut_patches
from pipeline.settings.labels import BACKGROUND
from pipeline.settings.recipe import Recipe, override, override_all
from tests.worlds import RECIPE, Scene, Specimen, annotate_world, one_each, write_world

SCENES = one_each(24)


def cut(folder: Path, scenes: dict[str, Scene], recipe: Recipe = RECIPE, out: str = "patches") -> CutResult:
    """Write a world and cut it, or what is new of it."""
    return cut_patches(write_world(folder, scenes), folder / "photos", folder / out, recipe)


def splits_of(index: PatchIndex) -> dict[str, str]:
    """Return each photograph's split; fails where its patches are on two sides."""
    pairs = {(patch.photo, patch.split) for patch in index.patches}
    assert len(pairs) == len(dict(pairs))
    return dict(pairs)


def window_of(patch: Patch, picture: np.ndarray) -> np.ndarray:
    return picture[patch.y : patch.y + patch.height, patch.x : patch.x + patch.width]


def modification_times(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*.png")}


def test_a_patch_is_exactly_the_photographs_pixels(tmp_path: Path) -> None:
    """Catches windows with x and y exchanged, off by one, or stored with loss."""
    cut_now = cut(tmp_path, SCENES)
    assert cut_now.written == len(cut_now.index.patches) == len(list((tmp_path / "patches").rglob("*.png")))
    for patch in cut_now.index.patches:
        expected = window_of(patch, SCENES[patch.photo].draw())
        assert expected.shape[:2] == (patch.height, patch.width)
        assert np.array_equal(read_image(cut_now.index.path(patch)), expected)


def test_positives_follow_their_box_and_are_jittered_in_train_alone(tmp_path: Path) -> None:
    """Catches test figures over jittered copies, which count a specimen several times, and boxes without patch."""
    index = cut(tmp_path, SCENES, override_all(RECIPE, (("patches.jitters", "2"), ("patches.margin", "0")))).index
    assert set(splits_of(index).values()) == {"train", "validation", "test"}
    for photo, split in splits_of(index).items():
        (one,) = SCENES[photo].specimens
        positives = [patch for patch in index.patches if patch.photo == photo and patch.label != BACKGROUND]
        assert {patch.label for patch in positives} == {one.label}
        assert len(positives) == (3 if split == "train" else 1)
        assert positives[0] == replace(positives[0], x=one.x, y=one.y, width=one.side, height=one.side)


def test_a_large_patch_is_reduced_by_the_runners_resize(tmp_path: Path) -> None:
    """Catches a second kind of resize before the runner's, or an aspect that changes on the way."""
    recipe = override_all(RECIPE, (("patches.longest_side", "40"), ("patches.margin", "0.2")))
    index = cut(tmp_path, SCENES, recipe).index
    large = [patch for patch in index.patches if patch.label != BACKGROUND and patch.split != "train"]
    for patch in large:
        assert (patch.width, patch.height) == (68, 68)
        expected = resize_image(window_of(patch, SCENES[patch.photo].draw()), (40, 40))
        assert np.array_equal(read_image(index.path(patch)), expected)
    assert all(max(Image.open(index.path(patch)).size) <= 40 for patch in index.patches)
    again = cut(tmp_path, SCENES, override(recipe, "patches.longest_side", "50")).index
    assert max(max(Image.open(again.path(patch)).size) for patch in again.patches) == 50, "not those of 40 pixels"


@pytest.mark.parametrize(("orientation", "turns"), [(3, 2), (6, 1), (8, 3)])
def test_boxes_are_laid_over_the_turned_photograph(orientation: int, turns: int, tmp_path: Path) -> None:
    """Catches boxes laid over the stored frame of a phone's photograph: the patch would show its surroundings."""
    scene = Scene(5, (Specimen("green", 7, x=70, y=10, side=40),))
    picture = scene.draw()
    exif = Image.Exif()
    exif[0x0112] = orientation
    (tmp_path / "photos").mkdir()
    Image.fromarray(np.rot90(picture, turns)).save(tmp_path / "photos" / "turned.png", exif=exif)
    annotations = annotate_world(tmp_path, {"turned.png": scene})
    index = cut_patches(annotations, tmp_path / "photos", tmp_path / "patches", RECIPE).index
    assert {patch.label for patch in index.patches} == {"green", BACKGROUND}
    for patch in index.patches:
        assert np.array_equal(read_image(index.path(patch)), window_of(patch, picture))


def test_cutting_again_writes_nothing(tmp_path: Path) -> None:
    """Catches work that is done again, or names that depend on anything but the patch."""
    first = cut(tmp_path, SCENES)
    before = modification_times(tmp_path), (tmp_path / "patches" / "index.csv").read_bytes()
    second = cut(tmp_path, SCENES)
    assert (second.written, second.index) == (0, first.index)
    assert (modification_times(tmp_path), (tmp_path / "patches" / "index.csv").read_bytes()) == before


def test_more_photographs_add_only_their_patches_and_keep_every_split(tmp_path: Path) -> None:
    """Catches photographs that change sides as the collection grows: yesterday's training is today's test."""
    first = cut(tmp_path, SCENES)
    before = modification_times(tmp_path / "patches")
    second = cut(tmp_path, one_each(6, first=100) | SCENES | one_each(12, first=200))
    new = [patch for patch in second.index.patches if patch.photo not in SCENES]
    assert len({patch.photo for patch in new}) == 18
    assert second.written == len(new)
    assert set(first.index.patches) == set(second.index.patches) - set(new)
    assert before.items() <= modification_times(tmp_path / "patches").items()


@pytest.mark.parametrize("told", [("train", "test"), ("train", "validation", "test")])
def test_splits_that_are_given_later_win_over_those_of_earlier_calls(told: tuple[str, ...], tmp_path: Path) -> None:
    """Fault: "splits are kept", although photographs of the given training stay in the test of an earlier split."""
    cut(tmp_path, SCENES)
    given = {name: told[number % len(told)] for number, name in enumerate(SCENES)}
    annotations = replace(annotate_world(tmp_path, SCENES), splits=given)
    for _ in range(2):
        splits = splits_of(cut_patches(annotations, tmp_path / "photos", tmp_path / "patches", RECIPE).index)
        kept = {name: split for name, split in splits.items() if split in told}
        assert kept.items() <= given.items()
        assert set(splits.values()) == {"train", "validation", "test"}
        assert {given[name] for name in splits.keys() - kept.keys()} <= {"train"}


def test_a_lost_patch_is_cut_again(tmp_path: Path) -> None:
    """Catches an index that names files that are not there, after a killed run or a careless hand."""
    first = cut(tmp_path, SCENES).index
    lost = first.path(first.patches[5])
    content = lost.read_bytes()
    lost.unlink()
    assert cut(tmp_path, SCENES).written == 1
    assert lost.read_bytes() == content


@pytest.mark.slow
def test_a_changed_photograph_is_cut_anew_and_stays_on_its_side(tmp_path: Path) -> None:
    """Catches patches of a picture that was replaced by a better one, and one that thereby moves into training."""
    first = cut(tmp_path, SCENES)
    for photo in SCENES:
        brighter = np.clip(SCENES[photo].draw() * 1.1, 0, 255).astype(np.uint8)
        Image.fromarray(brighter).save(tmp_path / "photos" / photo)
    second = cut(tmp_path, SCENES | one_each(12, first=100))
    assert second.written == len(second.index.patches)
    assert splits_of(second.index).items() >= splits_of(first.index).items()
    for patch in second.index.patches:
        expected = window_of(patch, read_image(tmp_path / "photos" / patch.photo))
        assert np.array_equal(read_image(second.index.path(patch)), expected)


def test_corrected_boxes_are_cut_anew_and_stay_on_their_side(tmp_path: Path) -> None:
    """Catches boxes that are remembered from before, and an annotator's correction that shuffles the splits."""
    first = splits_of(cut(tmp_path, SCENES).index)
    corrected = {
        name: replace(scene, specimens=(replace(scene.specimens[0], x=22, side=40, label="blue"),))
        for name, scene in SCENES.items()
    }
    index = cut(tmp_path, corrected | one_each(12, first=100), override(RECIPE, "patches.margin", "0")).index
    assert splits_of(index).items() >= first.items()
    for patch in index.select("test", ("red", "green", "blue")).patches:
        assert patch.photo not in SCENES or (patch.label, patch.x, patch.width) == ("blue", 22, 40)


def test_a_photograph_that_was_missing_for_a_while_keeps_its_split(tmp_path: Path) -> None:
    """Catches splits that are forgotten when a disk was not there once, and a look-alike that crosses meanwhile."""
    first = splits_of(cut(tmp_path, SCENES).index)
    away = dict(list(SCENES.items())[::2])
    rest = {name: scene for name, scene in SCENES.items() if name not in away}
    copies = {f"copy-{name}": scene for name, scene in away.items()}
    cut(tmp_path, rest)
    splits = splits_of(cut(tmp_path, rest | copies).index)
    assert {name: splits[f"copy-{name}"] for name in away} == {name: first[name] for name in away}
    assert splits_of(cut(tmp_path, SCENES).index) == first


def test_a_photograph_that_now_shows_another_side_is_left_out_and_named(tmp_path: Path) -> None:
    """Catches a leak by name: a test specimen was laid into the picture under a training photograph's name."""
    splits = splits_of(cut(tmp_path, SCENES).index)
    by_split = {split: name for name, split in splits.items()}
    name, shown = by_split["train"], SCENES[by_split["test"]].specimens[0]
    changed = SCENES | {name: replace(SCENES[name], specimens=(*SCENES[name].specimens, replace(shown, x=90)))}
    (tmp_path / "photos" / name).unlink()
    for _ in range(2):  # cutting once more does not let it in
        result = cut(tmp_path, changed)
        assert splits_of(result.index) == {photo: split for photo, split in splits.items() if photo != name}
        (message,) = result.refused
        assert message.startswith(f"{name}: resembles photographs of more than one split")


def test_a_photograph_that_became_another_joins_its_like(tmp_path: Path) -> None:
    """Catches a split that clings to a name: the file now holds a copy of a test photograph."""
    splits = splits_of(cut(tmp_path, SCENES).index)
    by_split = {split: name for name, split in splits.items()}
    name, model = by_split["train"], by_split["test"]
    (tmp_path / "photos" / name).unlink()
    result = cut(tmp_path, SCENES | {name: SCENES[model]})
    assert splits_of(result.index) == splits | {name: "test"}


def test_the_same_specimen_stays_on_one_side(tmp_path: Path) -> None:
    """Catches a specimen trained on one table and tested on another, in the mirror, smaller or recompressed."""
    scenes: dict[str, Scene] = {}
    for number in range(20):
        one = Specimen("red", 500 + number)
        moved = replace(one, x=100, y=60)
        scenes |= {f"{number}-a.png": Scene(number, (one,)), f"{number}-b.png": Scene(900 + number, (moved,), 220, 180)}
    (tmp_path / "photos").mkdir()
    for number in range(20):
        small = resize_image(scenes[f"{number}-b.png"].draw()[:, ::-1].copy(), (135, 165))
        Image.fromarray(small).save(tmp_path / "photos" / f"{number}-c.jpg", quality=70)
        scenes[f"{number}-c.jpg"] = Scene(0, (Specimen("green", 0, x=0, y=100, side=20),), 165, 135)
    splits = splits_of(cut(tmp_path, scenes).index)
    for number in range(20):
        assert len({splits[f"{number}-{form}"] for form in ("a.png", "b.png", "c.jpg")}) == 1
    assert len(set(splits.values())) == 3


def test_an_undecodable_photograph_is_left_out_and_named(tmp_path: Path) -> None:
    """Catches one damaged file that ends the cutting of all others, or vanishes without a word."""
    write_world(tmp_path, SCENES)
    damaged = tmp_path / "photos" / "003.png"
    damaged.write_bytes(damaged.read_bytes()[:2000])
    result = cut(tmp_path, SCENES)
    assert set(splits_of(result.index)) == set(SCENES) - {"003.png"}
    (message,) = result.refused
    assert message.startswith("003.png: is damaged"), "and no folder of this machine in a report that is shared"


def test_nothing_usable_is_a_clear_error(tmp_path: Path) -> None:
    """Catches an empty index that only the training stumbles over."""
    annotations = write_world(tmp_path, dict(list(SCENES.items())[:2]))
    for name in annotations.photos:
        (tmp_path / "photos" / name).unlink()
    with pytest.raises(InputError, match=r"no photograph can be used. First error: .*000\.png"):
        cut_patches(annotations, tmp_path / "photos", tmp_path / "patches", RECIPE)


def test_a_photograph_with_a_refused_box_gives_no_background(tmp_path: Path) -> None:
    """Catches an unlabelled specimen that is trained as background."""
    annotations = replace(write_world(tmp_path, SCENES), incomplete=("001.png", "004.png"))
    index = cut_patches(annotations, tmp_path / "photos", tmp_path / "patches", RECIPE).index
    with_background = {patch.photo for patch in index.patches if patch.label == BACKGROUND}
    assert with_background == set(SCENES) - {"001.png", "004.png"}
    assert set(splits_of(index)) == set(SCENES)


def test_a_photograph_without_boxes_gives_background_alone(tmp_path: Path) -> None:
    """Catches photographs of bare rock that are dropped, though they are the best background there is."""
    index = cut(tmp_path, SCENES | {"bare.png": Scene(77)}).index
    assert Counter(p.label for p in index.patches if p.photo == "bare.png") == {BACKGROUND: RECIPE.patches.negatives}


def test_a_second_fresh_folder_is_identical_byte_for_byte(tmp_path: Path) -> None:
    """Catches an order of threads, folders or sets that gets into the index: nobody could repeat the run."""
    for place in ("here", "elsewhere"):
        (tmp_path / place).mkdir()
        scenes = dict(sorted(SCENES.items(), reverse=place == "elsewhere"))
        cut(tmp_path / place, scenes)
    here, there = (tmp_path / place / "patches" for place in ("here", "elsewhere"))
    names = sorted(path.relative_to(here) for path in here.rglob("*") if path.is_file())
    assert names == sorted(path.relative_to(there) for path in there.rglob("*") if path.is_file())
    assert all((here / name).read_bytes() == (there / name).read_bytes() for name in names)


def test_names_of_patches_are_ascii_and_differ_for_equal_stems(tmp_path: Path) -> None:
    """Catches a/1.png and b/1.png that overwrite each other, and names that a zip or another system garbles."""
    names = ["a/1.png", "b/1.png", "1.png", "Stück Größe.png", "Stuck Grosse.png", "石.png", "x" * 200 + ".png"]
    scenes = dict(zip(names, one_each(len(names)).values(), strict=True))
    scenes["b/1.png"] = scenes["a/1.png"]  # even the same picture twice
    index = cut(tmp_path, scenes).index
    files = [patch.file for patch in index.patches]
    assert len(set(files)) == len(files)
    assert all(re.fullmatch(r"[a-z]+/[A-Za-z0-9_-]{1,90}\.png", file) for file in files), files
    for patch in index.patches:
        assert np.array_equal(read_image(index.path(patch)), window_of(patch, scenes[patch.photo].draw()))


def test_a_photograph_whose_name_is_not_utf8_is_cut_like_any_other(tmp_path: Path) -> None:
    """Catches a name in Latin-1 that ends the cutting when it is hashed or written down."""
    name = os.fsdecode(b"\xe9.png")
    annotations = write_world(tmp_path, SCENES)
    try:
        (tmp_path / "photos" / "000.png").rename(tmp_path / "photos" / name)
    except OSError:
        pytest.skip("this file system takes UTF-8 names alone")
    renamed = tuple(replace(a, photo=name) if a.photo == "000.png" else a for a in annotations.annotations)
    annotations = replace(annotations, annotations=renamed, photos=(*annotations.photos[1:], name))
    for written in (True, False):
        result = cut_patches(annotations, tmp_path / "photos", tmp_path / "patches", RECIPE)
        assert (name in splits_of(result.index), bool(result.written)) == (True, written)
    assert read_index(tmp_path / "patches" / "index.csv") == result.index


def test_a_label_is_no_path(tmp_path: Path) -> None:
    """Catches patches of the class "../x" that are written beside their folder."""
    annotations = write_world(tmp_path, SCENES)
    odd = tuple(replace(a, label="../Lapis läzuli") for a in annotations.annotations)
    index = cut_patches(replace(annotations, annotations=odd), tmp_path / "photos", tmp_path / "patches", RECIPE).index
    assert {patch.file.split("/")[0] for patch in index.patches} == {"___Lapis_l_zuli", BACKGROUND}
    assert {patch.label for patch in index.patches} == {"../Lapis läzuli", BACKGROUND}
    assert not list(tmp_path.glob("*.png"))


def test_a_box_that_is_there_twice_gives_one_patch(tmp_path: Path) -> None:
    """Catches a specimen that counts double in training and test because its box was saved twice."""
    scene = SCENES["000.png"]
    doubled = SCENES | {"000.png": replace(scene, specimens=scene.specimens * 2)}
    result = cut(tmp_path, doubled, override(RECIPE, "patches.jitters", "0"))
    assert len(set(result.index.patches)) == len(result.index.patches) == result.written
    assert sum(patch.photo == "000.png" and patch.label == "red" for patch in result.index.patches) == 1


def test_a_folder_of_another_version_is_refused(tmp_path: Path) -> None:
    """Catches a traceback, or forgotten splits, over a photos.csv that this version did not write."""
    cut(tmp_path, SCENES)
    records = tmp_path / "patches" / "photos.csv"
    records.write_text(records.read_text().replace("views", "phash", 1))
    with pytest.raises(InputError, match=r"photos\.csv: line 1 must be photo,.*Use a new folder"):
        cut(tmp_path, SCENES)
