"""The embedded data: what is promised about the drawn photographs, their boxes and the folder they are written to."""

import json
from itertools import combinations
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from inference.errors import InputError
from pipeline.drawn.scenes.dataset import (
    MINERALS,
    Cutout,
    Scene,
    SpecimenBox,
    Table,
    _lay,
    draw_owned_scene,
    draw_scene,
    write_scenes,
)
from pipeline.drawn.scenes.drawing import Light

SCENES = 300
TRAINING_SCENES = 200


@pytest.fixture(scope="module")
def scenes() -> list[tuple[Scene, np.ndarray]]:
    """Scenes of one set with the owner of each pixel."""
    return [draw_owned_scene(5, index) for index in range(SCENES)]


def overlap_share(one: SpecimenBox, other: SpecimenBox) -> float:
    """Return intersection over union."""
    width = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    height = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    shared = max(width, 0) * max(height, 0)
    return shared / (one.width * one.height + other.width * other.height - shared)


def colour_histogram(scene: Scene, box: SpecimenBox) -> np.ndarray:
    """Return the joint hue, saturation, value histogram (8 x 4 x 4) of a box, square-rooted shares."""
    patch = scene.pixels[box.y : box.y + box.height, box.x : box.x + box.width]
    hsv = cv2.cvtColor(patch, cv2.COLOR_RGB2HSV)
    counts = cv2.calcHist([hsv], [0, 1, 2], None, [8, 4, 4], [0, 180, 0, 256, 0, 256]).ravel()
    return np.sqrt(counts / counts.sum())


def test_a_scene_is_the_same_whenever_it_is_drawn() -> None:
    """Catches randomness that is shared between pictures or not seeded."""
    first = draw_scene(3, 7)
    draw_scene(3, 8)
    again = draw_scene(3, 7)
    assert np.array_equal(first.pixels, again.pixels)
    assert first.boxes == again.boxes


@pytest.mark.parametrize(("seed", "index"), [(3, 8), (4, 7), (7, 3)])
def test_another_seed_or_index_gives_another_scene(seed: int, index: int) -> None:
    """Catches an index or a seed that is ignored, and seed + index used as one number (3 + 7 = 7 + 3)."""
    first, other = draw_scene(3, 7), draw_scene(seed, index)
    assert first.boxes != other.boxes
    assert first.pixels.shape != other.pixels.shape or not np.array_equal(first.pixels, other.pixels)


@pytest.mark.slow
def test_pictures_are_rgb_bytes_with_one_to_four_specimens(scenes: list[tuple[Scene, np.ndarray]]) -> None:
    """Catches floats that leak out, swapped sides and empty scenes."""
    for scene, owner in scenes:
        assert scene.pixels.dtype == np.uint8
        assert scene.pixels.shape == (*owner.shape, 3)
        assert 1 <= len(scene.boxes) <= 4
    assert {scene.pixels.shape[:2] for scene, _ in scenes} == {(240, 320), (320, 240), (288, 288)}


@pytest.mark.slow
def test_boxes_are_the_tightest_around_what_is_seen(scenes: list[tuple[Scene, np.ndarray]]) -> None:
    """Catches a box that leaves the picture, includes hidden parts, or is a pixel too large or too small."""
    for scene, owner in scenes:
        for number, box in enumerate(scene.boxes, start=1):
            rows, columns = np.nonzero(owner == number)
            assert (box.x, box.y) == (columns.min(), rows.min())
            assert (box.x + box.width - 1, box.y + box.height - 1) == (columns.max(), rows.max())


@pytest.mark.parametrize("seed", range(12))
def test_what_a_specimen_owns_is_where_it_was_painted(seed: int) -> None:
    """Catches a picture and its ownership that drift apart, also where a specimen reaches over the edge.

    On a black table a shadow stays black: only the white 40 x 30 specimen can brighten a pixel.
    """
    table = Table(np.zeros((60, 80, 3), np.float32), np.zeros((60, 80), np.int32), [])
    white = Cutout(np.ones((30, 40, 3), np.float32), np.ones((30, 40), np.float32))
    assert _lay(np.random.default_rng(seed), table, white, Light(0.5, -0.5, 0.7), 1)
    assert np.array_equal(table.picture[..., 1] > 0.5, table.owner == 1)
    assert (table.owner == 1).sum() >= 30 * 40 / 2


@pytest.mark.slow
def test_specimens_hardly_hide_one_another(scenes: list[tuple[Scene, np.ndarray]]) -> None:
    """Catches specimens laid on top of others: a patch would show two minerals under one label."""
    pairs = [pair for scene, _ in scenes for pair in combinations(scene.boxes, 2)]
    assert len(pairs) > SCENES
    assert max(overlap_share(one, other) for one, other in pairs) < 0.15


@pytest.mark.slow
def test_every_mineral_occurs_about_as_often(scenes: list[tuple[Scene, np.ndarray]]) -> None:
    """Catches a mineral that is never drawn (an off-by-one in the choice) or crowds out the others."""
    labels = [box.label for scene, _ in scenes for box in scene.boxes]
    counts = {mineral: labels.count(mineral) for mineral in MINERALS}
    assert sum(counts.values()) == len(labels)
    assert min(counts.values()) > 0.6 * len(labels) / 7, counts
    assert max(counts.values()) < 1.5 * len(labels) / 7, counts


@pytest.mark.slow
def test_colour_alone_does_not_tell_the_minerals_apart(scenes: list[tuple[Scene, np.ndarray]]) -> None:
    """Catches drawings that a colour histogram solves, and drawings whose colours mean nothing (chance is 0.14)."""
    rows = [
        (colour_histogram(scene, box), box.label, index)
        for index, (scene, _) in enumerate(scenes)
        for box in scene.boxes
    ]
    features = np.stack([row[0] for row in rows])
    labels, photo = np.array([row[1] for row in rows]), np.array([row[2] for row in rows])
    train = photo < TRAINING_SCENES
    classifier = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=500))
    accuracy = classifier.fit(features[train], labels[train]).score(features[~train], labels[~train])
    assert 0.4 < accuracy < 0.85, f"{accuracy:.3f} of {(~train).sum()}"


def test_the_folder_holds_what_draw_scene_draws(tmp_path: Path) -> None:
    """Catches workers that mix up pictures or boxes, and COCO fields that are wrong or missing."""
    annotations = write_scenes(tmp_path, photos=6, seed=9)
    assert annotations == tmp_path / "annotations.json"
    coco = json.loads(annotations.read_text())
    names = {category["id"]: category["name"] for category in coco["categories"]}
    assert tuple(names.values()) == MINERALS
    for index, image in enumerate(coco["images"]):
        scene = draw_scene(9, index)
        pixels = np.asarray(Image.open(tmp_path / "photos" / image["file_name"]))
        assert image["file_name"] == f"scene_{index:05d}.jpg"
        assert pixels.shape == (image["height"], image["width"], 3)
        assert np.abs(pixels.astype(float) - scene.pixels).mean() < 8  # JPEG's loss; another scene differs by 40
        found = [
            SpecimenBox(names[a["category_id"]], *a["bbox"])
            for a in coco["annotations"]
            if a["image_id"] == image["id"]
        ]
        assert tuple(found) == scene.boxes
    assert [a["id"] for a in coco["annotations"]] == list(range(1, len(coco["annotations"]) + 1))
    assert all(a["area"] == a["bbox"][2] * a["bbox"][3] and a["iscrowd"] == 0 for a in coco["annotations"])


@pytest.mark.slow
def test_the_number_of_workers_changes_nothing(tmp_path: Path) -> None:
    """Catches results that come back out of order and drawing that depends on the process or its threads."""
    alone, together = (write_scenes(tmp_path / str(workers), photos=12, seed=4, workers=workers) for workers in (1, 2))
    assert alone.read_bytes() == together.read_bytes()
    for index in range(12):
        name = f"photos/scene_{index:05d}.jpg"
        assert (alone.parent / name).read_bytes() == (together.parent / name).read_bytes()


def test_writing_again_adds_only_what_is_missing(tmp_path: Path) -> None:
    """Catches a second run that rewrites pictures, leaves gaps or changes the annotations."""
    annotations = write_scenes(tmp_path, photos=4, seed=2)
    kept, lost = tmp_path / "photos" / "scene_00001.jpg", tmp_path / "photos" / "scene_00002.jpg"
    before, picture = annotations.read_bytes(), lost.read_bytes()
    kept.write_bytes(b"not touched")
    lost.unlink()
    annotations.unlink()
    assert write_scenes(tmp_path, photos=4, seed=2).read_bytes() == before
    assert kept.read_bytes() == b"not touched"
    assert lost.read_bytes() == picture
    assert len(list(tmp_path.rglob("*.*"))) == 4 + 2, "pictures, annotations and the note; no partial file is left"


def test_more_photographs_can_be_added_later(tmp_path: Path) -> None:
    """Catches annotations of an earlier, smaller set that are taken for complete."""
    write_scenes(tmp_path, photos=2, seed=2)
    coco = json.loads(write_scenes(tmp_path, photos=3, seed=2).read_text())
    assert [image["file_name"] for image in coco["images"]] == [f"scene_{index:05d}.jpg" for index in range(3)]
    assert len(list((tmp_path / "photos").iterdir())) == 3


def test_a_folder_of_another_seed_is_refused(tmp_path: Path) -> None:
    """Catches pictures of one seed that get the boxes of another."""
    write_scenes(tmp_path, photos=1, seed=2)
    with pytest.raises(InputError, match=r"'seed': 2.*'seed': 3"):
        write_scenes(tmp_path, photos=1, seed=3)
