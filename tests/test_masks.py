"""Masks of anomalies fit their photographs in the layouts of published data sets, or it is said that they do not."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.anomaly.masks import find_masks, read_mask
from pipeline.anomaly.photos import TEST, list_photos
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
    found, refused = list_photos(tmp_path / train, tmp_path / test, folder if given else None, NO_GROUPS, 0)
    masked = {str(photo.path.relative_to(tmp_path)): photo.mask for photo in found if photo.mask}
    assert masked == {photo: str(tmp_path / mask) for photo, mask in masks.items()}
    assert all((photo.read_mask((12, 16)) == (MASK > 0)).all() for photo in found if photo.mask)
    assert {photo.path for photo in found if photo.split == TEST} >= {tmp_path / photo for photo in masks}
    assert refused == []


@pytest.mark.parametrize("values", [(0, 1), (0, 255), (0, 3), (10, 200)])
def test_a_mask_may_hold_one_or_255(values: tuple[int, int], tmp_path: Path) -> None:
    """Fault: a mask of 0 and 1 counts as clean."""
    path = write(tmp_path / "a.png", np.where(MASK > 0, values[1], values[0]).astype(np.uint8))
    assert (read_mask(path) == (MASK > 0)).all()


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
