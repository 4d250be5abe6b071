"""Anyone's data: classes, splits and title come from the data, and what is left out is named with its remedy."""

import io
import json
import shlex
import sys
import zlib
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

from inference.model.classifier import Classifier
from models.backbones import BACKBONES
from models.build import TRUNKS
from pipeline.__main__ import main
from pipeline.data.classes import (
    FoundClass,
    LabelledPhoto,
    describe_classes,
    find_classes,
    labels_option,
    refuse_others,
)
from pipeline.data.index import PatchIndex, read_index
from pipeline.data.sources import DataPlace
from pipeline.report.sections import ClassificationReport
from pipeline.report.stored import read_section
from pipeline.settings.run_folder import RunFolder
from tests.colour_run import COLOURS, write_photographs

SIDE = 40


def write_picture(path: Path, seed: int) -> None:
    """Write a picture unlike every other."""
    path.parent.mkdir(parents=True, exist_ok=True)
    coarse = np.random.default_rng(seed).integers(0, 255, (8, 8, 3), np.uint8)
    Image.fromarray(coarse).resize((SIDE, SIDE), Image.Resampling.BICUBIC).save(path)


def write_folders(folder: Path, counts: dict[str, int]) -> Path:
    """Write folders with these numbers of pictures, "train/oak": 4 say; return the folder."""
    for place, count in counts.items():
        for number in range(count):
            write_picture(folder / place / f"{number}.png", zlib.crc32(f"{place}/{number}".encode()))
    return folder


def write_boxes(folder: Path, labels: list[str]) -> tuple[Path, Path]:
    """Write a photograph with one box for each label; return (photographs, CSV file)."""
    lines = ["filename,label,xmin,ymin,xmax,ymax"]
    for number, label in enumerate(labels):
        write_picture(folder / "photos" / f"{number:02}.png", number)
        lines.append(f"{number:02}.png,{label},5,5,25,25")
    (folder / "boxes.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder / "photos", folder / "boxes.csv"


def cut(folder: Path, *options: str) -> int:
    """Cut the patches of a recipe."""
    return main(["patches", *options, "--smoke", "--runs", str(folder / "runs")])


def cut_boxes(folder: Path, labels: list[str], *options: str) -> int:
    """Cut the patches of photographs with these labels."""
    photos, boxes = write_boxes(folder, labels)
    return cut(folder, "photos", "--images", str(photos), "--annotations", str(boxes), *options)


def index_of(folder: Path) -> PatchIndex:
    """Return the only index that was made."""
    return read_index(next((folder / "runs").glob("*/*/index.csv")))


def counts_of(folder: Path) -> dict[str, int]:
    """Return the number of patches of each class."""
    return {label: count for label, count in index_of(folder).counts().items() if label != "background"}


def test_the_classes_are_those_of_the_annotations(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Faults: --set labels is needed for other classes than the recipe's; the classes are not shown before the work."""
    assert cut_boxes(tmp_path, ["oak", "Beech", "pine"] * 4) == 0
    assert set(counts_of(tmp_path)) == {"oak", "Beech", "pine"}
    assert capsys.readouterr().err.startswith("3 classes: Beech 4, oak 4, pine 4\n")


def test_the_classes_are_the_folders(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Fault: class folders of anyone else are refused as no classes."""
    root = write_folders(tmp_path / "my_trees", {"oak": 8, "beech": 9})
    assert cut(tmp_path, "folders", "--images", str(root)) == 0
    assert counts_of(tmp_path) == {"beech": 9, "oak": 8}
    assert "2 classes: beech 9, oak 8" in capsys.readouterr().err


def test_another_recipe_takes_the_classes_of_the_data_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Faults: pine is no mineral, "did you mean pyrite?"; or a recipe's labels are lost where the data agree."""
    photos, boxes = write_boxes(tmp_path, ["pine", "oak"] * 4)
    assert cut(tmp_path, "minerals", "--images", str(photos), "--annotations", str(boxes)) == 0
    assert counts_of(tmp_path) == {"oak": 4, "pine": 4}
    assert "Did you mean" not in capsys.readouterr().err


def test_other_classes_than_the_given_ones_are_named_once_with_the_option_that_adds_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Faults: one message a box; a misspelt mineral is suggested; the remedy has to be guessed or can't be pasted."""
    labels = ["oak", "beech", "silver fir", "silver fir", "yew"] * 3
    assert cut_boxes(tmp_path, labels, "--set", "labels=oak,beech") == 1
    (refused,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("refused")]
    assert "'silver fir' (6), 'yew' (3)" in refused
    option = refused.partition("too: ")[2]
    assert option == "--set 'labels=oak,beech,silver fir,yew'"
    photos, boxes = tmp_path / "photos", tmp_path / "boxes.csv"
    assert cut(tmp_path, "photos", "--images", str(photos), "--annotations", str(boxes), *shlex.split(option)) == 0


def test_a_misspelt_label_is_still_suggested(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Fault: a spelling mistake becomes a class of its own without a word."""
    assert cut_boxes(tmp_path, ["chestnut", "beech"] * 4 + ["chesnut"], "--set", "labels=chestnut,beech") == 1
    assert "'chesnut'. Did you mean chestnut?" in capsys.readouterr().err


def test_a_given_label_without_any_box_is_refused_before_the_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Fault: the training breaks down after all patches were cut, since a class has none."""
    assert cut_boxes(tmp_path, ["oak", "beech"] * 4, "--set", "labels=oak,beech,fir") == 2
    error = capsys.readouterr().err
    assert "Missing: fir. The data hold: beech 4, oak 4." in error and "--set labels=oak,beech" in error
    assert not list(tmp_path.glob("runs/*/patches-*"))


def test_a_class_too_small_for_all_splits_is_left_out_and_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Fault: one stray label of one box ends the whole run, or adds a class that can't be tested."""
    assert cut_boxes(tmp_path, ["oak", "beech"] * 4 + ["yew"]) == 1
    assert set(counts_of(tmp_path)) == {"oak", "beech"}
    assert "'yew' (1: fewer than 3 photographs)" in capsys.readouterr().err


def test_a_class_without_photographs_is_left_out_and_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Fault: a class of boxes whose photographs are missing is learned, and the training breaks down."""
    photos, boxes = write_boxes(tmp_path, ["oak", "beech"] * 4 + ["elm"] * 5)
    for number in range(8, 13):
        (photos / f"{number:02}.png").unlink()
    options = ("photos", "--images", str(photos), "--annotations", str(boxes))
    assert cut(tmp_path, *options) == 1
    said = capsys.readouterr().err
    assert said.startswith("2 classes: beech 4, oak 4\n") and "--set" not in said
    assert "'elm' (5: no photograph that can be read)" in said
    assert cut(tmp_path, *options, "--set", "labels=oak,elm") == 2
    assert "Missing: elm. The data hold: beech 4, elm 5 (no photograph that can be read)" in capsys.readouterr().err
    (tmp_path / "empty").mkdir()
    assert cut(tmp_path, "photos", "--images", str(tmp_path / "empty"), "--annotations", str(boxes)) == 2
    assert "nothing there is named '00.png'" in capsys.readouterr().err, "the wrong folder is told as such"


def test_a_class_of_boxes_in_the_test_alone_is_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Fault: the training breaks down, since a class has no photograph to learn from."""
    photos, boxes = write_boxes(tmp_path, ["oak", "beech", "yew"] * 4)
    header, *lines = boxes.read_text().split()
    splits = ["test" if "yew" in line else ("train", "test")[number % 4 // 3] for number, line in enumerate(lines)]
    told = [f"{line},{split}" for line, split in zip(lines, splits, strict=True)]
    boxes.write_text("\n".join([f"{header},split", *told]) + "\n")
    assert cut(tmp_path, "photos", "--images", str(photos), "--annotations", str(boxes)) == 1
    assert "'yew' (4: none of it is in the training set)" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["background", "Unknown"])
def test_a_reserved_name_is_refused_with_the_remedy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    """Fault: a class that is named like an answer of the program is learned as that, or the message adds it."""
    assert cut_boxes(tmp_path, ["oak", "beech", name] * 4) == 1
    error = capsys.readouterr().err
    assert f"the name {name} is reserved; rename the class" in error and "--set" not in error
    assert set(counts_of(tmp_path)) == {"oak", "beech"}


def test_labels_that_differ_in_case_are_one_class_and_that_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Fault: Oak and oak are learned as two classes that nobody can tell apart."""
    assert cut_boxes(tmp_path, ["oak", "beech"] * 3 + ["Oak"]) == 0
    assert counts_of(tmp_path).keys() == {"oak", "beech"}
    assert "note: Oak is read as oak" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("parts", "expected", "said"),
    [
        (("train", "val", "test"), {"train": {"train"}, "val": {"validation"}, "test": {"test"}}, ""),
        (("Training", "TESTING"), {"Training": {"train", "validation"}, "TESTING": {"test"}}, "15 % for validation"),
        (("train", "val"), {"train": {"train", "test"}, "val": {"validation"}}, "25 % for test"),
        (("train",), {"train": {"train", "validation", "test"}}, "15 % for validation, 25 % for test"),
    ],
)
def test_given_splits_are_kept_and_a_missing_test_is_split_off_and_said(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    parts: tuple[str, ...],
    expected: dict[str, set[str]],
    said: str,
) -> None:
    """Faults: a data set without a test part is refused; a validation picture is tested; nobody is told."""
    root = write_folders(tmp_path / "data", {f"{part}/{label}": 12 for part in parts for label in ("oak", "beech")})
    assert cut(tmp_path, "folders", "--images", str(root)) == 0
    found = {part: {p.split for p in index_of(tmp_path).patches if p.photo.startswith(f"{part}/")} for part in parts}
    assert found == expected
    assert capsys.readouterr().err.partition("split off from train: ")[2].partition("\n")[0] == said


def test_a_class_that_is_in_the_test_part_alone_is_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Fault: the training breaks down, since a class has no picture to learn from."""
    counts = {"train/oak": 6, "train/beech": 6, "test/oak": 4, "test/beech": 4, "test/yew": 4}
    root = write_folders(tmp_path / "data", counts)
    assert cut(tmp_path, "folders", "--images", str(root)) == 1
    assert "'yew' (4: none of it is in the training set)" in capsys.readouterr().err
    assert counts_of(tmp_path) == {"beech": 10, "oak": 10}


def test_a_folder_of_background_says_which_option_uses_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Fault: pictures of no class are learned as a class, or left out without a word of how to use them."""
    root = write_folders(tmp_path / "data", {"oak": 6, "beech": 6, "background": 6})
    assert cut(tmp_path, "folders", "--images", str(root)) == 1
    option = capsys.readouterr().err.partition("To use them: ")[2].splitlines()[0]
    assert cut(tmp_path / "again", "folders", "--images", str(root), *shlex.split(option)) == 0
    assert index_of(tmp_path / "again").counts()["background"] >= 6


def test_an_output_for_background_needs_pictures_of_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Fault: after TensorFlow has loaded, a message about boxes, where there are none."""
    root = write_folders(tmp_path / "data", {"oak": 6, "beech": 6})
    options = ("folders", "--images", str(root), "--set", "network.background=output")
    assert cut(tmp_path, *options) == 2
    assert "into a folder background, or draw some: --set patches.outliers=300" in capsys.readouterr().err
    assert cut(tmp_path, *options, "--set", "patches.outliers=3") == 0


def test_a_class_of_damaged_pictures_ends_before_the_training(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Faults: TensorFlow is loaded for a class without pictures; a run folder remains; the remedy has to be guessed."""
    root = write_folders(tmp_path / "data", {"oak": 9, "beech": 9, "yew": 9})
    for file in (root / "yew").iterdir():
        file.write_bytes(file.read_bytes()[:100])
    options = ["--images", str(root), "--runs", str(tmp_path / "runs"), "--set", "network.weights=none"]
    assert main(["begin", "folders", *options]) == 2
    assert "Missing: yew. Add pictures, or name the others alone: --set labels=" in capsys.readouterr().err
    assert not list(tmp_path.glob("runs/*/*-seed0"))


def test_trains_may_be_a_class_without_naming_it(tmp_path: Path) -> None:
    """Fault: the folder of a class is taken for a split."""
    root = write_folders(tmp_path / "data", {"train": 6, "bus": 6})
    assert cut(tmp_path, "folders", "--images", str(root)) == 0
    assert counts_of(tmp_path) == {"bus": 6, "train": 6}


def test_a_folder_of_texts_is_no_class(tmp_path: Path) -> None:
    """Fault: a folder of labels beside the pictures is a class of which no picture can be read."""
    root = write_folders(tmp_path / "data", {"oak": 6, "beech": 6})
    (root / "labels").mkdir()
    for number in range(9):
        (root / "labels" / f"{number}.txt").write_text("0 0.5 0.5 1 1")
    assert cut(tmp_path, "folders", "--images", str(root)) == 1
    assert counts_of(tmp_path) == {"beech": 6, "oak": 6}


def test_a_class_that_the_terminal_cannot_show_does_not_end_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fault: UnicodeEncodeError after all work, where standard output is that of an old Windows."""
    root, shown = write_folders(tmp_path / "data", {"büche 松": 6, "oak": 6}), io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(shown, "cp1252"))
    assert cut(tmp_path, "folders", "--images", str(root)) == 0
    sys.stdout.flush()
    assert "büche \\u677e 6" in shown.getvalue().decode("cp1252")


def test_one_class_is_too_few(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Fault: a folder too deep, of one class, is trained on."""
    root = write_folders(tmp_path / "data", {"oak": 6, "yew": 1})
    assert cut(tmp_path, "folders", "--images", str(root)) == 2
    assert "at least two classes with 3 photographs each are needed. Received: oak 6, yew 1" in capsys.readouterr().err


def test_a_recipe_without_classes_of_its_own_needs_data(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Fault: a traceback, or a network of no classes; and settings that can't be shown before there are data."""
    assert cut(tmp_path, "photos") == 2
    assert "learns the classes of your data. Give them to --images." in capsys.readouterr().err
    assert main(["settings", "photos", "--pretrained"]) == 0
    assert "network.trunk = mobilenet_v1" in capsys.readouterr().out


def test_pretrained_is_refused_where_a_recipe_has_no_such_variant(capsys: pytest.CaptureFixture[str]) -> None:
    """Fault: the flag changes nothing, and the user believes otherwise."""
    assert main(["settings", "cifar10", "--pretrained"]) == 2
    assert "only for the recipes photos, folders" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("path", "title"),
    [
        ("my_trees", "my trees"),
        ("my_trees/images", "my trees"),
        ("trees v1.2", "trees v1.2"),
        ("trees.zip", "trees"),
    ],
)
def test_the_title_is_the_name_of_the_data(tmp_path: Path, path: str, title: str) -> None:
    """Faults: a report about "images" or "Seven minerals"; a version number taken for an extension."""
    place = tmp_path / path
    if place.suffix == ".zip":
        place.write_bytes(b"")
    else:
        place.mkdir(parents=True)
    assert DataPlace(place, None, tmp_path).title == title


def test_the_option_of_labels_can_be_pasted(tmp_path: Path) -> None:
    """Fault: labels with blanks, quotes or commas become other labels."""
    assert labels_option(["oak", "pine"]) == "--set labels=oak,pine"
    for labels in (["big oak", "pine"], ["a, b", "c"], ["it's", 'a "b"'], ["[old] oak", "pine"]):
        _, text = shlex.split(labels_option(labels))
        value = text.removeprefix("labels=")
        assert (json.loads(value) if value.startswith("[") else value.split(",")) == labels


def test_many_classes_do_not_fill_the_screen() -> None:
    """Fault: a thousand labels hide the remedy."""
    found = find_classes([LabelledPhoto(f"k{n}", f"{n}-{photo}") for n in range(300) for photo in range(3)])
    assert len(describe_classes(found, tuple(one.label for one in found))[0]) < 300
    assert "and 280 more" in refuse_others(found, ("a",))
    assert found[0] == FoundClass("k0", ("k0",), 3, 3, True)


def colours_with_boxes(folder: Path) -> list[str]:
    """Write photographs of coloured squares with boxes; return the options of the recipe photos."""
    photos, boxes = write_photographs(folder / "my_colours", 36)
    return ["photos", "--images", str(photos), "--annotations", str(boxes)]


def colours_in_folders(folder: Path) -> list[str]:
    """Write the same photographs in a folder for each colour; return the options of the recipe folders."""
    photos, _ = write_photographs(folder / "written", 36)
    for number, photo in enumerate(sorted(photos.iterdir())):
        place = folder / "my_colours" / list(COLOURS)[number % 3] / photo.name
        place.parent.mkdir(parents=True, exist_ok=True)
        photo.rename(place)
    return ["folders", "--images", str(folder / "my_colours")]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("write", "extra", "title"),
    [(colours_with_boxes, ["--title", "My tiles"], "My tiles"), (colours_in_folders, [], "my colours")],
)
def test_a_run_on_own_data_ends_with_a_report_under_its_own_title(
    tmp_path: Path, quick_run: None, write: Callable[[Path], list[str]], extra: list[str], title: str
) -> None:
    """Faults: a run on trees is reported as "Seven minerals"; other classes than the data's in report and model."""
    options = [*write(tmp_path), "--runs", str(tmp_path / "runs"), "--smoke", "--set", "network.weights=none", *extra]
    assert main(["run", *options]) == 0
    (run,) = (RunFolder(path) for path in (tmp_path / "runs").glob("*/*-seed0"))
    report = read_section(ClassificationReport, run.report, "")
    assert (report.title, sorted(report.metrics.per_class)) == (title, ["blue", "green", "red"])
    card = Classifier(run.model).card
    assert (card.training["title"], card.labels[:3]) == (title, ("blue", "green", "red"))
    page = run.report.with_suffix(".html").read_text(encoding="utf-8")
    assert f"<h1>Touchstone report: {title}</h1>" in page
    assert "mineral" not in page.lower()
    assert report.advice and "What to do next" in page


@pytest.mark.slow
@pytest.mark.parametrize("write", [colours_with_boxes, colours_in_folders])
def test_pretrained_runs_to_the_end_with_a_file_of_weights(
    tmp_path: Path, quick_run: None, monkeypatch: pytest.MonkeyPatch, write: Callable[[Path], list[str]]
) -> None:
    """Fault: a flag that was only ever looked at in the list of settings; here MobileNet has a quarter of its width."""
    small = partial(keras.applications.MobileNet, alpha=0.25)
    monkeypatch.setitem(TRUNKS, "mobilenet_v1", replace(BACKBONES["mobilenet_v1"], application=small))
    weights = tmp_path / "small.weights.h5"
    small(include_top=False, weights=None).save_weights(weights)
    options = ["--pretrained", "--set", f"network.weights={weights}", "--set", "network.input_side=32", "--smoke"]
    assert main(["run", *write(tmp_path), "--runs", str(tmp_path / "runs"), *options]) == 0
    (run,) = (RunFolder(path) for path in (tmp_path / "runs").glob("*/*-seed0"))
    assert run.read_recipe().network.trunk == "mobilenet_v1"
    assert read_section(ClassificationReport, run.report, "").released == "dynamic"
