"""inference.batch.file_names: each mask, score and preview has a file of its own, and replaces no input."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from inference.__main__ import main
from inference.batch.file_names import FileNames
from inference.errors import InputError
from inference.pictures.listing import Picture
from inference.safe_path import without_suffix


def masks_of(*keys: str) -> dict[str, str]:
    """Return the mask's path of each key, in a folder of these pictures."""
    pictures = [Picture(key, Path(key)) for key in keys]
    names = FileNames(pictures)
    return {one.key: without_suffix(Path(), names.file_key(one), ".png").as_posix() for one in pictures}


def test_pictures_that_differ_in_their_suffix_have_a_mask_each() -> None:
    """Faults: a.jpg and a.png share a mask, of which one is lost; other pictures' masks get new names."""
    assert masks_of("d/a.jpg", "d/a.png", "d/b.jpg", "e/a.jpg", "b") == {
        "d/a.jpg": "d/a.jpg.png",
        "d/a.png": "d/a.png.png",
        "d/b.jpg": "d/b.png",
        "e/a.jpg": "e/a.png",
        "b": "b.png",
    }


def test_a_name_that_stays_shared_is_refused() -> None:
    """Fault: the name that keeps its suffix is another picture's, which is lost."""
    with pytest.raises(InputError, match=r"a\.jpg: its mask or scores would replace those of another"):
        masks_of("a.jpg", "a.png", "a.jpg.gif")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder of two pictures; the second has the name of the first one's preview."""
    for name in ("a", "a.jpg"):
        (tmp_path / "set").mkdir(exist_ok=True)
        Image.new("RGB", (20, 20), (255, 0, 0)).save(tmp_path / "set" / name, "PNG")
    return tmp_path / "set"


@pytest.mark.parametrize(
    ("prepare", "option"),
    [
        (lambda folder: folder, "--preview"),
        (lambda folder: linked(folder, Path.symlink_to), "--preview"),
        (lambda folder: linked(folder, Path.hardlink_to), "--preview"),
        (lambda folder: shutil.copy(folder / "a.jpg", folder / "a.png") and folder, "--masks"),
    ],
)
def test_no_picture_is_replaced_by_what_is_drawn_of_another(
    prepare: Callable[[Path], Path], option: str, tiny_model: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Faults: the preview of "a" replaces the picture a.jpg; the same through links."""
    target = prepare(folder)
    before = {path: path.read_bytes() for path in folder.iterdir()}
    assert main([str(tiny_model), str(folder), option, str(target)]) == 2
    assert f"is an input, which {option} would replace" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def linked(folder: Path, link: Callable[[Path, Path], None]) -> Path:
    (folder.parent / "look").mkdir()
    link(folder.parent / "look" / "a.jpg", folder / "a.jpg")
    return folder.parent / "look"
