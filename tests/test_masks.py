"""Masks of anomalies fit their photographs in the layouts of published data sets, or it is said that they do not."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.anomaly.masks import find_masks, read_mask
from pipeline.anomaly.photos import TEST, known_to_be_clean, list_photos
from pipeline.data.groups import NO_GROUPS

MASK = np.zeros((12, 16), np.uint8)
MASK[3:6, 4:8] = 255
LAYOUTS = {  # photographs to learn from, to measure, their masks, and those without; all but the last are found
    "mvtec": ("train", "test", {"test/crack/000.png": "ground_truth/crack/000_mask.png"}, ["test/good/000.png"]),
    "visa": (
        "Data/Images/Normal",
        "Data/Images",
        {"Data/Images/Anomaly/000.JPG": "Data/Masks/Anomaly/000.png"},
        ["Data/Images/Normal/000.JPG"],
    ),
    "btad": ("01/train", "01/test", {"01/test/ko/0000.bmp": "01/ground_truth/ko/0000.png"}, ["01/test/ok/0000.bmp"]),
    "beside": ("photos", "look", {"look/a.jpg": "masks/a.PNG", "look/b.jpg": "masks/b.bmp"}, []),
}


def write(path: Path, pixels: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


def write_noise(path: Path, seed: int) -> Path:
    return write(path, np.random.default_rng(seed).integers(0, 256, (12, 16, 3), np.uint8))


@pytest.mark.parametrize("given", [False, True])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_layouts_of_data_sets_are_found(layout: str, given: bool, tmp_path: Path) -> None:
    """Faults: masks ignored in silence; the mask of crack/000 laid over good/000; a mask listed as a photograph."""
    train, test, masks, bare = LAYOUTS[layout]
    for number in range(2):
        write_noise(tmp_path / train / "good" / f"{number + 10}.png", number)
    for number, photo in enumerate((*masks, *bare)):
        write_noise(tmp_path / photo, number + 5)
    for mask in masks.values():
        write(tmp_path / mask, MASK)
    parents = (tmp_path / next(iter(masks.values()))).parents
    folder = next(parent for parent in parents if parent.name.lower() in ("masks", "ground_truth"))
    listed = list_photos(tmp_path / train, tmp_path / test, folder if given else None, NO_GROUPS, 0)
    found = listed.photos
    masked = {str(photo.path.relative_to(tmp_path)): photo.mask for photo in found if photo.mask}
    assert masked == {photo: str(tmp_path / mask) for photo, mask in masks.items()}
    assert all((photo.read_mask((12, 16)) == (MASK > 0)).all() for photo in found if photo.mask)
    assert {photo.path for photo in found if photo.split == TEST} >= {tmp_path / photo for photo in masks}
    assert listed.refused == []
    assert known_to_be_clean(found) == {photo.name for photo in found if photo.split == TEST and not photo.mask}


@pytest.mark.parametrize("values", [(0, 1), (0, 255), (0, 3), (10, 200), (0, 100), (0, 40)])
@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_a_mask_may_hold_one_or_255(values: tuple[int, int], depth: type, tmp_path: Path) -> None:
    """Fault: a mask of 0 and 1, or of 0 and 100, or one in 16 bits, counts as clean."""
    path = write(tmp_path / "a.png", np.where(MASK > 0, values[1], values[0]).astype(depth))
    assert (read_mask(path) == (MASK > 0)).all()


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "1"])
def test_a_mask_may_have_any_mode(mode: str, tmp_path: Path) -> None:
    """Fault: transparent pixels, which are laid over white, count as an anomaly."""
    image = Image.fromarray(MASK).convert(mode)
    if mode in ("RGBA", "LA"):
        image.putalpha(Image.fromarray(MASK))
    image.save(tmp_path / "a.png", **({"transparency": 0} if mode == "P" else {}))
    assert (read_mask(tmp_path / "a.png") == (MASK > 0)).all()


def test_an_inverted_mask_is_noted(tmp_path: Path) -> None:
    """Fault: all but the anomaly is taken as the anomaly without a word."""
    photos = [write_noise(tmp_path / "photos" / name, n) for n, name in enumerate(("a.png", "b.png"))]
    write(tmp_path / "masks" / "a.png", MASK)
    write(tmp_path / "masks" / "b.png", 255 - MASK)
    (note,) = find_masks(photos, (), None).notes
    assert note.startswith(f"{tmp_path / 'masks/b.png'}: marks 94 % of the photograph")


@pytest.mark.parametrize("damage", ["size", "text"])
def test_a_mask_that_can_not_be_used_costs_itself_alone(damage: str, tmp_path: Path) -> None:
    """Fault: after the whole fit the run ends, for good, since one mask has another size or is no picture."""
    for number in range(3):
        write_noise(tmp_path / "photos" / f"{number}.png", number)
        write(tmp_path / "masks" / f"{number}.png", MASK)
    bad = tmp_path / "masks" / "1.png"
    bad.write_text("no picture") if damage == "text" else write(bad, MASK[:5])
    listed = list_photos(tmp_path / "photos", None, None, NO_GROUPS, 0)
    assert [bool(photo.mask) for photo in listed.photos] == [True, False, True]
    (message,) = listed.refused
    assert message.startswith(str(bad)) and message.count(str(bad)) == 1


@pytest.mark.parametrize(
    ("masks", "words"),
    [
        (["x.png", "y.png"], ["of 2 files none fits any of 2 photographs"]),
        (["a.png"], ["1 (", "b.png) have none"]),
        (["a.png", "b_mask.png", "x.png"], ["1 (", "x.png) fit none"]),
    ],
)
def test_a_given_folder_that_does_not_fit_is_said(masks: list[str], words: list[str], tmp_path: Path) -> None:
    """Fault: figures over pixels that no mask, or few, have measured."""
    photos = [write_noise(tmp_path / "photos" / name, 1) for name in ("a.png", "b.png")]
    for mask in masks:
        write(tmp_path / "given" / mask, MASK)
    (message,) = find_masks(photos, (), tmp_path / "given").refused
    assert all(word in message for word in words), message


def test_an_empty_mask_of_an_anomaly_is_noted(tmp_path: Path) -> None:
    """Fault: a mask that was exported empty makes each detection of this anomaly a false alarm."""
    photos = [write_noise(tmp_path / "test" / name, 1) for name in ("crack/0.png", "good/0.png")]
    for name in ("crack/0_mask.png", "good/0_mask.png"):
        write(tmp_path / "ground_truth" / name, MASK * 0)
    found = find_masks(photos, (), None)
    assert len(found.masks) == 2 and found.refused == ()
    assert found.notes == (
        f"{tmp_path / 'ground_truth/crack/0_mask.png'}: has no pixel of an anomaly, but lies in a folder of anomalies",
    )


def test_folders_called_good_are_clean_only_beside_masks_and_in_the_test(tmp_path: Path) -> None:
    """Faults: no false alarms counted in the layout of MVTec AD; photographs of unknown content called clean."""
    for number in range(3):
        write_noise(tmp_path / "train" / "good" / f"{number}.png", number)
    photo = write_noise(tmp_path / "test" / "good" / "0.png", 8)
    listed = list_photos(tmp_path / "train", tmp_path / "test", None, NO_GROUPS, 0)
    assert known_to_be_clean(listed.photos) == set(), "no masks"
    write_noise(tmp_path / "test" / "crack" / "0.png", 9)
    write(tmp_path / "ground_truth" / "crack" / "0_mask.png", MASK)
    listed = list_photos(tmp_path / "train", tmp_path / "test", None, NO_GROUPS, 0)
    assert known_to_be_clean(listed.photos) == {f"test/good/{photo.name}"}
