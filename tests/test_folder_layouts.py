"""Folders as people have them: links, missing permissions, odd names and layouts; nothing is lost without a word."""

import os
import re
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from inference.errors import InputError
from pipeline.__main__ import main
from pipeline.data.class_folders import list_class_folders
from pipeline.data.file_listing import list_files
from pipeline.data.index import read_index
from tests.test_class_folders import write_picture


def write_folders(root: Path, *places: str, count: int = 6) -> Path:
    """Write so many pictures into each folder, "train/oak" say; return the root."""
    for place in places:
        for number in range(count):
            write_picture(root / place / f"{number}.png", zlib.crc32(f"{place}/{number}".encode()))
    return root


def cut(root: Path, work: Path, *options: str) -> int:
    """Index class folders as a user would."""
    return main(["patches", "folders", "--images", str(root), "--runs", str(work), "--smoke", *options])


def counts_of(work: Path) -> dict[str, int]:
    """Return the number of pictures of each class in the newest index."""
    return read_index(max(work.glob("*/*/index.csv"), key=lambda path: path.stat().st_mtime_ns)).counts()


@pytest.fixture
def folder_of_nobody() -> Iterator[Path]:
    """Return a folder in which permissions are refused, whoever runs the tests: root may read everything."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        root = os.geteuid() == 0
        if root:
            os.chown(name, 65534, 65534)
            os.seteuid(65534)
        try:
            yield Path(name)
        finally:
            if root:
                os.seteuid(0)


def test_linked_folders_are_listed_and_loops_are_not(tmp_path: Path) -> None:
    """Faults: a linked class folder is lost without a word; a link to a folder above is followed for ever."""
    store = write_folders(tmp_path / "store", "pine")
    root = write_folders(tmp_path / "data", "oak")
    (root / "pine").symlink_to(store / "pine")
    (root / "all").symlink_to(root)
    (store / "pine" / "again").symlink_to(root)
    (root / "oak" / "gone.png").symlink_to(root / "nowhere.png")
    found = list_files(root)
    assert [file for file in found if file.startswith("pine/")] == [f"pine/{number}.png" for number in range(6)]
    assert "oak/gone.png" in found, "it is refused by name, not missed"
    assert len(found) == 13


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_a_folder_that_cannot_be_read_is_refused(folder_of_nobody: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Faults: a class is lost without a word; a traceback; lost+found, which only root may read, ends the run."""
    root = write_folders(folder_of_nobody / "data", "oak", "pine", "elm")
    for name in ("lost+found", ".Trash-0"):
        (root / name).mkdir(mode=0)
    assert len(list_files(root)) == 18
    for place in (root / "elm", root):
        place.chmod(0)
        assert cut(root, folder_of_nobody / "runs") == 2
        assert f"{place}: can't be listed: Permission denied" in capsys.readouterr().err
        place.chmod(0o755)
    folder_of_nobody.chmod(0o600)  # the pictures can't even be looked for
    assert cut(root, folder_of_nobody / "runs") == 2
    folder_of_nobody.chmod(0o755)
    assert "Give a folder, or zip" in capsys.readouterr().err


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_a_repaired_permission_is_seen(folder_of_nobody: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Fault: the refusal of a picture stays in the index, since neither its size nor its time has changed."""
    root, runs = write_folders(folder_of_nobody / "data", "oak", "pine"), folder_of_nobody / "runs"
    (root / "oak" / "1.png").chmod(0)
    for _ in range(2):
        assert cut(root, runs) == 1
        assert "oak/1.png: cannot be read: Permission denied" in capsys.readouterr().err
    (root / "oak" / "1.png").chmod(0o644)
    assert cut(root, runs) == 0
    assert counts_of(runs) == {"oak": 6, "pine": 6}


@pytest.mark.parametrize("names", [("scripts", "a.py", "print()"), ("raw", "a.jpg", "HEIC under another name")])
def test_a_folder_without_a_readable_picture_is_no_class(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], names: tuple[str, str, str]
) -> None:
    """Faults: scripts are a class, which the training misses after minutes; the message adds it to the labels."""
    folder, name, text = names
    root = write_folders(tmp_path / "data", "oak", "pine")
    (root / folder).mkdir()
    for number in range(4):
        (root / folder / f"{number}{name}").write_text(text)
    assert cut(root, tmp_path / "runs") == 1
    said = capsys.readouterr().err
    assert f"'{folder}' (4: no photograph that can be read)" in said and "--set" not in said
    assert counts_of(tmp_path / "runs") == {"oak": 6, "pine": 6}
    assert cut(root, tmp_path / "runs", "--set", f"labels=oak,{folder}") == 2
    assert f"Missing: {folder}" in capsys.readouterr().err


def test_a_damaged_version_of_a_photograph_does_not_cost_the_other(tmp_path: Path) -> None:
    """Fault: a class is left out since a damaged .jpg lies beside each of its .png."""
    root = write_folders(tmp_path / "data", "oak", "pine", count=3)
    for file in sorted((root / "oak").iterdir()):
        file.with_suffix(".jpg").write_text("damaged")
    assert cut(root, tmp_path / "runs") == 1
    assert counts_of(tmp_path / "runs") == {"oak": 3, "pine": 3}


def test_folders_that_differ_in_case_alone_are_one_class(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Fault: announced as one class of both, of which one folder is then thrown away."""
    root = write_folders(write_folders(tmp_path / "data", "Oak", count=4), "oak", "pine")
    assert cut(root, tmp_path / "runs") == 0
    assert "2 classes: oak 10, pine 6\nnote: Oak is read as oak" in capsys.readouterr().err
    assert counts_of(tmp_path / "runs") == {"oak": 10, "pine": 6}
    assert cut(root, tmp_path / "runs", "--set", "labels=Oak,oak,pine") == 0
    assert counts_of(tmp_path / "runs") == {"Oak": 4, "oak": 6, "pine": 6}


@pytest.mark.parametrize(
    ("places", "extra", "said"),
    [
        (("train/oak", "train/pine"), "test", "test 6"),
        (
            ("seg_train/seg_train/oak", "seg_train/seg_train/pine", "seg_test/seg_test/oak", "seg_test/seg_test/pine"),
            "seg_pred/seg_pred",
            "seg_pred 6",
        ),
    ],
)
def test_pictures_beside_the_splits_are_left_out_and_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], places: tuple[str, ...], extra: str, said: str
) -> None:
    """Fault: data as published, with a test set without classes, are refused by a message that names no folder."""
    root = write_folders(tmp_path / "data", *places, extra)
    assert cut(root, tmp_path / "runs") == 1
    assert f"folders in none of the splits, and left out: {said}. Sort" in capsys.readouterr().err
    assert sum(counts_of(tmp_path / "runs").values()) == 6 * len(places)


@pytest.mark.parametrize("options", [(), ("--set", "labels=hotdog,nothotdog")])
def test_a_folder_may_be_called_like_a_class_in_it(tmp_path: Path, options: tuple[str, ...]) -> None:
    """Fault: "Missing: nothotdog", since the folder around both is taken for the class hotdog."""
    root = write_folders(tmp_path / "data", "hotdog/hotdog", "hotdog/nothotdog")
    assert cut(root, tmp_path / "runs", *options) == 0
    assert counts_of(tmp_path / "runs") == {"hotdog": 6, "nothotdog": 6}


def test_a_dot_in_a_name_without_ending_is_no_ending(tmp_path: Path) -> None:
    """Fault: scan.0001 to scan.0040 count as versions of one photograph, which then is in one split."""
    for number in range(3):
        write_picture(tmp_path / "oak" / "scan.png", number)
        (tmp_path / "oak" / "scan.png").rename(tmp_path / "oak" / f"scan.{number:04}")
        write_picture(tmp_path / "pine" / f"{number}.JPG", 9 + number)
    (tmp_path / "pine" / "0.tif").write_bytes((tmp_path / "pine" / "0.JPG").read_bytes())
    found = list_class_folders(tmp_path, tmp_path)
    assert {one.photo for one in found.pictures} == {
        "oak/scan.0000", "oak/scan.0001", "oak/scan.0002", "pine/0", "pine/1", "pine/2"
    }  # fmt: skip


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    """Fault: a mistyped path is an empty data set."""
    with pytest.raises(InputError, match="can't be listed: No such file"):
        list_files(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"oak.zip": b"PK\3\4", "pine.zip": b"PK\3\4"}, "Received archives: oak.zip and 1 more. Unpack"),
        ({"1.png": b"x", "2.png": b"x"}, "Received 2 files directly in it. Sort the pictures into folders"),
        ({"oak/1.jpg": b"\0\0\0\x18ftypheic", "pine/1.jpg": b"x"}, "oak/1.jpg: is not an image.*HEIC"),
        ({}, "Received an empty one"),
    ],
)
def test_a_folder_without_any_class_is_told_what_it_holds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], files: dict[str, bytes], said: str
) -> None:
    """Fault: "Received: none" to Teachable Machine's archives, to pictures in one heap, to a folder of an iPhone's."""
    (tmp_path / "data").mkdir()
    for name, data in files.items():
        (tmp_path / "data" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "data" / name).write_bytes(data)
    assert cut(tmp_path / "data", tmp_path / "runs") == 2
    assert re.search(said, capsys.readouterr().err)


def test_texts_beside_the_pictures_are_passed_over_and_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Fault: exit code 1 for the README of every export of Roboflow, and a refusal for each metadata.csv or .xmp."""
    root = write_folders(tmp_path / "data", "oak", "pine")
    for name in ("README.dataset.txt", "LICENSE", "metadata.csv", "oak/1.json", "oak/IMG_1.AAE"):
        (root / name).write_text("text")
    assert cut(root, tmp_path / "runs") == 0
    assert "note: texts are no pictures, and passed over: LICENSE and 4 more" in capsys.readouterr().err
    assert counts_of(tmp_path / "runs") == {"oak": 6, "pine": 6}
