"""The audit of a data set: planted leaks, boxes and labels are found, and little else is claimed."""

import json
import shutil
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.planted_pictures import COPIES, draw_picture
from pipeline.__main__ import main
from pipeline.audit.audit import audit_data
from pipeline.audit.features import FrozenNetwork, compute_features
from pipeline.audit.page import AuditFiles, outlined, render_audit, write_audit
from pipeline.audit.photos import DataSet, read_data_set
from pipeline.audit.sections import AuditReport
from pipeline.data.groups import NO_GROUPS, PhotoGroups, read_photo_groups
from pipeline.data.sources import DataPlace
from tests.worlds import Scene, Specimen, one_each, write_world

_PER_KIND = 3


def mean_colours() -> FrozenNetwork:
    """Return the simplest frozen network: the mean colour of a patch."""
    return FrozenNetwork("mean colour", 16, 3, lambda patches: patches.mean(axis=(1, 2), dtype=np.float32))


def save(folder: Path, name: str, rgb: np.ndarray) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(rgb).save(path, quality=92)


def read_folders(folder: Path) -> DataSet:
    return read_data_set(DataPlace(folder, None, folder.parent))


@pytest.fixture(scope="module")
def leaky(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, set[tuple[str, str]]]:
    """Return class folders in train and test, and the pairs that were planted across them."""
    folder, planted = tmp_path_factory.mktemp("leaky") / "pictures", set()
    for number in range(30):
        save(folder, f"train/{'ab'[number % 2]}/{number:03}.jpg", draw_picture(number))
    for number in range(9):
        save(folder, f"test/{'ab'[number % 2]}/t{number:03}.jpg", draw_picture(1000 + number))
    for row, (kind, change) in enumerate(COPIES.items()):
        for number in range(row * _PER_KIND, (row + 1) * _PER_KIND):
            label = "ab"[number % 2]
            save(folder, f"test/{label}/{kind} {number}.png", change(draw_picture(number)))
            planted.add((f"test/{label}/{kind} {number}", f"train/{label}/{number:03}"))
    return folder, planted


@pytest.fixture(scope="module")
def leaky_report(
    leaky: tuple[Path, set[tuple[str, str]]], tmp_path_factory: pytest.TempPathFactory
) -> tuple[AuditReport, AuditFiles]:
    """Return the audit of the leaky folders and its files."""
    data, out = read_folders(leaky[0]), tmp_path_factory.mktemp("audit")
    report = audit_data(data, mean_colours(), out, NO_GROUPS)
    return report, write_audit(report, data, out)


def test_planted_leaks_across_splits_are_found_and_little_else_is_claimed(
    leaky: tuple[Path, set[tuple[str, str]]], leaky_report: tuple[AuditReport, AuditFiles]
) -> None:
    """Faults: a kind of copy that is missed, and different pictures that are called the same."""
    planted = leaky[1]
    claimed = {(pair.first, pair.second) for pair in leaky_report[0].pairs if pair.leak}
    assert len(claimed & planted) / len(planted) >= 0.95, sorted(planted - claimed)
    assert len(claimed & planted) / len(claimed) >= 0.9, sorted(claimed - planted)
    assert {pair.kind for pair in leaky_report[0].pairs if pair.leak} == {"copy"}


def test_the_share_of_tested_photographs_that_leak_is_stated(leaky_report: tuple[AuditReport, AuditFiles]) -> None:
    """Fault: a number of pairs that does not say how much of the test is affected."""
    tested = leaky_report[0].leaks.tested
    assert tested.n == 9 + _PER_KIND * len(COPIES)
    assert tested.value == pytest.approx(_PER_KIND * len(COPIES) / tested.n, abs=0.05)


def test_groups_are_taken_by_the_option_groups(leaky_report: tuple[AuditReport, AuditFiles]) -> None:
    """Fault: a file that the training does not read, or names that fit no photograph."""
    report, files = leaky_report
    assert read_photo_groups(files.groups).lists == report.groups
    assert ("test/a/encoded again 0", "train/a/000") in report.groups


def test_a_second_audit_uses_the_kept_features(
    leaky: tuple[Path, set[tuple[str, str]]],
    leaky_report: tuple[AuditReport, AuditFiles],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Fault: a killed audit that begins anew."""
    monkeypatch.setattr("pipeline.audit.features.read_image", lambda path: pytest.fail(f"{path} was read again"))
    compute_features(read_folders(leaky[0]), mean_colours(), leaky_report[1].folder)


def test_the_page_is_self_contained_and_the_figures_are_json(leaky_report: tuple[AuditReport, AuditFiles]) -> None:
    """Faults: a page that needs other files, figures that no program can read."""
    files = leaky_report[1]
    page = files.page.read_text(encoding="utf-8")
    assert "<link" not in page and "http" not in page.split("</style>")[1]
    assert page.count("data:image/") >= 2 * _PER_KIND * 4
    assert json.loads(files.json.read_text(encoding="utf-8"))["leaks"]["copies"] >= _PER_KIND * len(COPIES) * 0.95


def test_known_groups_are_joined_with_those_that_are_found(tmp_path: Path) -> None:
    """Fault: groups that a user knows by eye get lost."""
    write_world(tmp_path, one_each(12))
    data = read_data_set(DataPlace(tmp_path / "photos", tmp_path / "boxes.json", tmp_path))
    report = audit_data(data, mean_colours(), tmp_path / "out", PhotoGroups((("000.png", "005"),)))
    assert report.groups == (("000.png", "005.png"),)


@pytest.mark.slow
def test_swapped_labels_are_doubted(tmp_path: Path) -> None:
    """Faults: labels that are checked with features of the same photograph, or not at all."""
    scenes = one_each(60)
    for name in ("003.png", "040.png"):  # red and green by number, drawn blue
        one = scenes[name].specimens[0]
        blue = Scene(scenes[name].seed, (Specimen("blue", one.seed),))
        save(tmp_path / "photos", name, blue.draw())
    write_world(tmp_path, scenes)
    data = read_data_set(DataPlace(tmp_path / "photos", tmp_path / "boxes.json", tmp_path))
    report = audit_data(data, mean_colours(), tmp_path / "out", NO_GROUPS)
    assert {(one.photo, one.suggested) for one in report.suspects} >= {("003.png", "blue"), ("040.png", "blue")}
    assert len(report.suspects) <= 4
    assert "003.png" in render_audit(report, data)


def test_boxes_out_of_the_picture_and_boxes_drawn_twice_are_listed(tmp_path: Path) -> None:
    """Faults: clipped boxes are only counted, and two boxes of one object pass."""
    scenes = one_each(8)
    scenes["002.png"] = Scene(2, (Specimen("blue", 7, x=140, side=48),))
    twice = scenes["005.png"].specimens[0]
    scenes["005.png"] = Scene(5, (twice, Specimen("red", twice.seed, twice.x + 1, twice.y, twice.side)))
    Image.fromarray(Scene(2).draw()).save(folder_of(tmp_path) / "002.png")
    write_world(tmp_path, scenes)
    data = read_data_set(DataPlace(tmp_path / "photos", tmp_path / "boxes.json", tmp_path))
    report = audit_data(data, mean_colours(), tmp_path / "out", NO_GROUPS)
    assert [(one.photo, one.x, one.width) for one in report.outside] == [("002.png", 140, 20)]
    assert [(one.photo, one.label, one.other_label) for one in report.overlapping] == [("005.png", "red", "blue")]


@pytest.mark.parametrize(
    ("box", "shape"),
    [((100, 50, 60, 20), (130, 180)), ((380, 290, 20, 10), (30, 40)), ((0, 0, 400, 300), (300, 400))],
)
def test_a_box_is_shown_large_enough_to_be_judged(box: tuple[int, int, int, int], shape: tuple[int, int]) -> None:
    """Fault: a box of 20 pixels in a photograph of thousands, shown at the size of a stamp."""
    shown = outlined(np.full((300, 400, 3), 90, np.uint8), box)
    assert shown.shape[:2] == shape
    assert (shown != 90).any() == (box[2] < 400)


def folder_of(tmp_path: Path) -> Path:
    """Return the folder of the photographs, made if needed."""
    folder = tmp_path / "photos"
    folder.mkdir(exist_ok=True)
    return folder


def test_a_copy_with_another_label_is_a_conflict(tmp_path: Path) -> None:
    """Fault: one picture in two classes."""
    for number in range(8):
        save(tmp_path / "p", f"{'ab'[number % 2]}/{number}.png", draw_picture(number))
    save(tmp_path / "p", "b/again.png", COPIES["mirrored"](draw_picture(0)))
    report = audit_data(read_folders(tmp_path / "p"), mean_colours(), tmp_path / "out", NO_GROUPS)
    assert [(pair.first, pair.second, pair.mirrored) for pair in report.pairs if pair.conflict] == [
        ("a/0", "b/again", True)
    ]


@pytest.mark.slow
def test_a_blind_split_flatters_where_photographs_repeat_one_another(tmp_path: Path) -> None:
    """Fault: the worth of a leak is not measured; labels here can be learned from copies alone."""
    random = np.random.default_rng(0)
    for number in range(24):
        label = "ab"[int(random.integers(2))]
        for copy in ("encoded again", "mirrored", "resized"):
            save(tmp_path / "p", f"{label}/{number}-{copy}.png", COPIES[copy](draw_picture(number)))
    report = audit_data(read_folders(tmp_path / "p"), mean_colours(), tmp_path / "out", NO_GROUPS)
    assert report.blind is not None
    assert report.blind.flattery.is_above(0.1), report.blind
    assert len(report.groups) == 24


def test_a_file_that_is_no_picture_is_refused_alone(tmp_path: Path) -> None:
    """Faults: one damaged file ends the audit, or counts as a photograph without a fault."""
    for number in range(4):
        save(tmp_path / "p", f"{'ab'[number % 2]}/{number}.jpg", draw_picture(number))
    (tmp_path / "p" / "a" / "broken.jpg").write_bytes((tmp_path / "p" / "a" / "0.jpg").read_bytes()[:900])
    (tmp_path / "p" / "a" / "words.jpg").write_text("no picture")
    report = audit_data(read_folders(tmp_path / "p"), mean_colours(), tmp_path / "out", NO_GROUPS)
    assert sorted(line.split(":")[0] for line in report.refused) == ["a/broken.jpg", "a/words.jpg"]


def test_pictures_of_one_file_each_do_not_fail(tmp_path: Path) -> None:
    """Faults: no pairs, no folds and no groups are errors."""
    save(tmp_path / "p", "a/1.png", np.full((20, 20, 3), 90, np.uint8))
    data = read_folders(tmp_path / "p")
    report = audit_data(data, mean_colours(), tmp_path / "out", NO_GROUPS)
    assert report.pairs == report.groups == report.suspects == ()
    assert report.blind is None
    assert "Not measured" in render_audit(report, data)


def test_plain_pictures_are_no_copies_of_one_another(tmp_path: Path) -> None:
    """Fault: pictures without structure are equal by any correlation."""
    for number, level in enumerate((20, 90, 160, 230)):
        save(tmp_path / "p", f"{'ab'[number % 2]}/{number}.png", np.full((40, 60, 3), level, np.uint8))
    report = audit_data(read_folders(tmp_path / "p"), mean_colours(), tmp_path / "out", NO_GROUPS)
    assert report.pairs == ()


def test_a_watermark_ties_no_photographs_together(tmp_path: Path) -> None:
    """Fault: the same lettering over different pictures."""
    for number in range(10):
        pixels = draw_picture(number).copy()
        pixels[120:140, 60:160] = draw_picture(5000)[40:60, 20:120]
        save(tmp_path / "p", f"{'ab'[number % 2]}/{number}.png", pixels)
    report = audit_data(read_folders(tmp_path / "p"), mean_colours(), tmp_path / "out", NO_GROUPS)
    assert report.pairs == ()


def test_a_second_audit_keeps_groups_that_were_corrected_by_hand(
    leaky: tuple[Path, set[tuple[str, str]]], leaky_report: tuple[AuditReport, AuditFiles], tmp_path: Path
) -> None:
    """Faults: an afternoon's corrections are overwritten, in the first file or the second; a further file each time."""
    data, report = read_folders(leaky[0]), leaky_report[0]
    first = write_audit(report, data, tmp_path)
    found = replace(report, groups=report.groups[1:])
    assert write_audit(found, data, tmp_path).groups == first.groups, "not edited"
    assert read_photo_groups(first.groups).lists == found.groups
    first.groups.write_text('[["a", "b"]]', encoding="utf-8")
    for _ in range(2):
        again = write_audit(report, data, tmp_path)
        assert read_photo_groups(first.groups).lists == (("a", "b"),)
        assert again.groups != first.groups and read_photo_groups(again.groups).lists == report.groups
    again.groups.write_text('[["c", "d"]]', encoding="utf-8")
    for found in (report, replace(report, groups=report.groups[1:])):
        third = write_audit(found, data, tmp_path)
        assert [read_photo_groups(one.groups).lists for one in (first, again)] == [(("a", "b"),), (("c", "d"),)]
        assert third.groups.name == "GROUPS.new2.json" and read_photo_groups(third.groups).lists == found.groups


def test_an_audit_deletes_no_folder_of_others(tmp_path: Path) -> None:
    """Faults: a thesis named features-... is deleted; the numbers of earlier data pile up."""
    own = [tmp_path / "out" / name for name in ("features-of-my-thesis", "features-0123456789ab", "features-x")]
    for folder in own[:2]:
        folder.mkdir(parents=True)
        (folder / "chapter.txt").touch()
    own[2].touch()
    for number in range(2):
        save(tmp_path / "p", f"a/{number}.png", draw_picture(number))
        compute_features(read_folders(tmp_path / "p"), mean_colours(), tmp_path / "out")
    assert all(folder.exists() for folder in own)
    assert len(list(tmp_path.glob("out/features-*/done.npy"))) == 1


def test_the_names_of_groups_are_pairs_of_the_planted(leaky_report: tuple[AuditReport, AuditFiles]) -> None:
    """Fault: chains of wrong pairs make groups of many pictures."""
    pairs = [pair for group in leaky_report[0].groups for pair in combinations(group, 2)]
    assert len(pairs) <= _PER_KIND * len(COPIES) * 1.1


@pytest.mark.slow
def test_the_command_audits_class_folders_without_network(
    leaky: tuple[Path, set[tuple[str, str]]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Faults: a verb that needs weights from elsewhere, and an exit code that hides refused files."""
    assert main(["audit", "--images", str(leaky[0]), "--out", str(tmp_path / "out")]) == 0
    printed = capsys.readouterr().out
    assert "Given splits: test" in printed
    assert AuditFiles(tmp_path / "out").page.is_file()


@pytest.mark.slow
def test_the_command_audits_photographs_with_boxes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Faults: the README's command fails, and a refused photograph does not end with 1."""
    write_world(tmp_path, one_each(12))
    (tmp_path / "photos" / "007.png").write_bytes(b"no picture")
    options = ["--images", str(tmp_path / "photos"), "--annotations", str(tmp_path / "boxes.json")]
    assert main(["audit", *options, "--out", str(tmp_path / "out")]) == 1
    assert "11 photographs, 11 boxes, 3 classes: blue 4, green 3, red 4" in capsys.readouterr().out


def test_class_folders_are_read_as_a_training_reads_them(tmp_path: Path) -> None:
    """Faults: a zip is refused, versions of one picture are copies of one another, classes by another rule."""
    for number, name in enumerate(("Train/oak/1.png", "Train/elm/2.png", "Test/Oak/3.png", "Test/elm/4.png")):
        save(tmp_path / "p" / "trees", name, draw_picture(number))
    save(tmp_path / "p" / "trees", "Train/oak/1.jpg", draw_picture(0))
    archive = shutil.make_archive(str(tmp_path / "trees"), "zip", tmp_path / "p")
    data = read_folders(Path(archive))
    assert [(photo.name, photo.split) for photo in data.photos] == [
        ("Test/Oak/3", "test"),
        ("Test/elm/4", "test"),
        ("Train/elm/2", "train"),
        ("Train/oak/1", "train"),
    ]
    assert (len(data.labels), data.place.title, len(data.notes)) == (2, "trees", 1)


def test_what_is_missing_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Faults: a traceback for a wrong path or an empty folder."""
    assert main(["audit", "--images", str(tmp_path / "none")]) == 2
    assert main(["audit", "--images", str(tmp_path)]) == 2
    assert main(["audit", "--images", str(tmp_path), "--set", "fit.epochs=3"]) == 2
    printed = capsys.readouterr().err
    assert "only settings of network" in printed
    assert "none: does not exist" in printed
    assert "sort the pictures into folders" in printed
