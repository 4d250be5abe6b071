"""Photographs that a user knows to belong together: read from a file, kept on one side of a split."""

import json
from pathlib import Path

import pytest
from PIL import Image

from inference.errors import InputError
from pipeline.__main__ import main
from pipeline.data.groups import PhotoGroups, describe_separated, fit_groups, groups_of, read_photo_groups
from pipeline.data.sources import DataPlace, annotated_photos, class_folders, place_from_json
from pipeline.settings.recipe import override_all
from tests.worlds import RECIPE, one_each, write_world

SCENES = one_each(24)


def write_groups(path: Path, content: object) -> Path:
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def splits(place: DataPlace, *overrides: tuple[str, str]) -> dict[str, str]:
    index = annotated_photos(place, override_all(RECIPE, overrides)).index
    return {patch.photo: patch.split for patch in index.patches}


def test_names_are_known_with_and_without_extension() -> None:
    """Catches groups that fit no photograph because one writes .jpg and the other does not."""
    numbers = PhotoGroups((("a.jpg", "b"), ("sub/a", "b"), ("missing",))).numbers()
    assert groups_of("a.jpg", numbers) == groups_of("b.png", numbers)[:1] == (0,)
    assert groups_of("b.png", numbers) == (0, 1)
    assert groups_of("sub/a.jpg", numbers) == (1,)
    assert groups_of("c.jpg", numbers) == groups_of("sub/b.jpg", numbers) == ()


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("oak/1.jpg", "oak/1.jpg"),
        ("oak/1", "oak/1"),
        ("oak\\1.jpg", "oak/1.jpg"),
        ("trees/oak/1.jpg", "oak/1.jpg"),
        ("/data/trees/inner/elm/3.png", "inner/elm/3"),
        ("2.jpg", "oak/2.jpg"),
        ("1.jpg", None),  # of two photographs, so it fits neither
        ("oak/9.jpg", None),
        ("", None),
        ("/", None),
    ],
)
def test_names_are_found_however_a_path_is_written(written: str, meant: str | None) -> None:
    """Faults: names of another program that fit nothing, and a name that is taken for another photograph."""
    photos = ["oak/1.jpg", "pine/1.jpg", "oak/2.jpg", "inner/elm/3"]
    fitted, notes = fit_groups(PhotoGroups((("pine/1.jpg", written),)), photos)
    assert fitted.lists == (("pine/1.jpg", written if meant is None else meant),)
    missed = f"1 of 2 names of --groups fit no photograph, for example {written}"
    assert (notes == [missed]) == (meant is None)


def test_a_name_with_the_ending_of_its_picture_is_no_other_spelling() -> None:
    """Faults: a note for each photograph of class folders, whose names have no ending; a.png taken for a.jpg."""
    groups = PhotoGroups((("oak/1.jpg", "oak/2.PNG"),))
    fitted, notes = fit_groups(groups, ["oak/1", "oak/2", "oak/3"])
    assert (fitted.lists, notes) == ((("oak/1", "oak/2"),), [])
    _, (note,) = fit_groups(PhotoGroups((("a.png", "b.jpg"),)), ["a.jpg", "b.jpg"])
    assert "with another extension" in note


def test_what_follows_a_dot_in_a_name_without_ending_is_part_of_it() -> None:
    """Fault: scan.0002 is in the groups of a photograph named scan."""
    photos = ["oak/scan", "oak/scan.0002", "oak/b"]
    fitted, _ = fit_groups(PhotoGroups((("oak/scan", "oak/b"),)), photos)
    assert [groups_of(photo, fitted.numbers()) for photo in photos] == [(0,), (), (0,)]


def test_groups_hold_in_a_folder_inside_the_given_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Fault: names count from a folder that the program chose, and the groups have silently no effect."""
    (tmp_path / "data" / "my_trees").mkdir(parents=True)
    for number, scene in enumerate(SCENES.values()):
        label = ("oak", "pine")[number % 2]
        (tmp_path / "data" / "my_trees" / label).mkdir(exist_ok=True)
        Image.fromarray(scene.draw()).save(tmp_path / "data" / "my_trees" / label / f"{number}.png")
    names = [f"my_trees\\{('oak', 'pine')[number % 2]}\\{number}.png" for number in range(16)]
    path = write_groups(tmp_path / "groups.json", [names, ["nowhere.png"]])
    recipe = override_all(RECIPE, (("source.kind", "class_folders"), ("labels", "oak,pine")))
    index = class_folders(DataPlace(tmp_path / "data", None, tmp_path / "runs", path), recipe).index
    split = {int(Path(patch.file).stem): patch.split for patch in index.patches}
    assert len({split[number] for number in range(16)}) == 1
    assert "1 of 17 names of --groups fit no photograph, for example nowhere.png" in capsys.readouterr().err


def test_groups_of_other_photographs_are_refused(tmp_path: Path) -> None:
    """Fault: the wrong file is given, and the training begins without any group."""
    write_world(tmp_path, SCENES)
    path = write_groups(tmp_path / "groups.json", [["a", "b"]])
    place = DataPlace(tmp_path / "photos", tmp_path / "boxes.json", tmp_path / "runs", path)
    with pytest.raises(InputError, match=r"--groups must name photographs as 000\.png is named.* example a\."):
        annotated_photos(place, RECIPE)


def test_a_group_that_given_splits_separate_is_said() -> None:
    """Fault: a specimen in training and test, although the user named its photographs."""
    groups, given = PhotoGroups((("a", "b"), ("c", "d"))), {"a.jpg": "train", "b.jpg": "test", "c": "train"}
    assert describe_separated(groups, given) == [
        "the splits that the data give are kept, but they separate 1 group of photographs, for example a.jpg (train) "
        "and b.jpg (test)"
    ]
    assert describe_separated(groups, given | {"b.jpg": "train"}) == describe_separated(groups, {}) == []


@pytest.mark.parametrize(
    "text", ["", "[[", '{"a": ["b"]}', '["a", "b"]', "[[1, 2]]", "[null]", '"a"', "\xff", "[" * 100_000]
)
def test_a_file_that_holds_no_groups_is_refused_before_anything_is_made(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Catches a traceback, groups that are silently ignored, and an empty run left behind."""
    write_world(tmp_path, SCENES)
    path = tmp_path / "groups.json"
    path.write_bytes(text.encode("latin-1"))
    place = ["--images", str(tmp_path / "photos"), "--annotations", str(tmp_path / "boxes.json")]
    for verb in ("run", "patches", "crossval"):
        assert main([verb, "minerals", *place, "--groups", str(path), "--runs", str(tmp_path / "runs")]) == 2
        error = capsys.readouterr().err
        assert f"{path}: must be a JSON list of lists" in error
        assert "Received: " in error
        assert "--groups" in error
    assert not (tmp_path / "runs").exists()


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    """Catches a mistyped path that means no groups."""
    with pytest.raises(InputError, match="--groups"):
        read_photo_groups(tmp_path / "none.json")
    assert read_photo_groups(None) == PhotoGroups()


def test_a_group_is_on_one_side_and_names_without_photograph_do_no_harm(tmp_path: Path) -> None:
    """Catches groups that never reach the split: one specimen in training and test."""
    write_world(tmp_path, SCENES)
    groups = [[f"{number:03}" for number in range(first, 24, 8)] + ["not here"] for first in range(8)]
    path = write_groups(tmp_path / "groups.json", groups)
    place = DataPlace(tmp_path / "photos", tmp_path / "boxes.json", tmp_path / "runs", path)
    for overrides in ((), (("split.folds", "3"), ("split.fold", "2"))):
        parted = splits(place, *overrides)
        assert set(parted) == set(SCENES)
        assert all(len({parted[f"{name}.png"] for name in group[:-1]}) == 1 for group in groups)
        assert set(parted.values()) == {"train", "validation", "test"}


def test_a_group_draws_a_new_photograph_even_to_one_that_is_missing_today(tmp_path: Path) -> None:
    """Catches another view of a test photograph in the training because that photograph's disk was not there."""
    write_world(tmp_path, SCENES)
    place = DataPlace(tmp_path / "photos", tmp_path / "boxes.json", tmp_path / "runs", tmp_path / "groups.json")
    new = [f"{number:03}.png" for number in range(24, 48)]
    write_groups(tmp_path / "groups.json", list(zip(SCENES, new, strict=True)))
    before = splits(place)
    write_world(tmp_path, one_each(24, first=24))
    after = splits(place)
    assert [after[name] for name in new] == list(before.values())


def test_runs_with_other_groups_have_other_patches(tmp_path: Path) -> None:
    """Catches splits made without groups that a run with groups finds and keeps; and a folder named after a path."""
    write_world(tmp_path, SCENES)
    pairs = [["001", "002"]]
    paths = [
        None,
        write_groups(tmp_path / "a", pairs),
        write_groups(tmp_path / "b", pairs),
        write_groups(tmp_path / "c", []),
    ]
    paths.append(write_groups(tmp_path / "d", [["001", "003"]]))
    places = [DataPlace(tmp_path / "photos", tmp_path / "boxes.json", tmp_path / "runs", path) for path in paths]
    roots = [annotated_photos(place, RECIPE).index.root for place in places]
    assert roots[1] == roots[2]
    assert roots[0] == roots[3]
    assert len({*roots}) == 3


def test_a_place_is_remembered_and_an_old_one_has_no_groups(tmp_path: Path) -> None:
    """Catches a resumed run that forgets its groups, and a run of an earlier version that can't be resumed."""
    place = DataPlace(tmp_path / "photos", tmp_path / "boxes.json", tmp_path / "runs", tmp_path / "groups.json")
    for one in (place, DataPlace(None, None, tmp_path)):
        assert place_from_json(one.to_json()) == one
    old = {name: path for name, path in place.to_json().items() if name != "groups"}
    assert place_from_json(old) == DataPlace(place.images, place.annotations, place.runs)
