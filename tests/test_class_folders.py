"""Class folders: every picture found, its class and split as the folders say, near-duplicates on one side."""

import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from inference.errors import InputError
from pipeline.data.cifar10 import write_originals
from pipeline.data.class_folders import index_class_folders, list_class_folders
from pipeline.data.folder_layout import given_split
from pipeline.data.groups import PhotoGroups
from pipeline.data.sources import CLASS_FOLDERS, ORIGINALS, SOURCES, DataPlace
from pipeline.settings.labels import BACKGROUND
from pipeline.settings.recipe import Recipe, override_all

RECIPE = override_all(
    Recipe(name="folders", title="Two classes", labels=("cat", "dog")),
    (("source.kind", "class_folders"), ("split.validation", "0.25"), ("network.background", "confidence")),
)


def write_picture(path: Path, seed: int, quality: int | None = None) -> None:
    """Write a picture that resembles no other but those of the same seed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    coarse = Image.fromarray(np.random.default_rng(seed).integers(0, 256, (8, 8, 3), np.uint8))
    coarse.resize((32, 24), Image.Resampling.BICUBIC).save(path, **({"quality": quality} if quality else {}))


def write_folders(root: Path, splits: tuple[str, ...] = ("",), count: int = 12) -> Path:
    """Write so many pictures of each class into each split."""
    seed = 0
    for split in splits:
        for label in RECIPE.labels:
            for number in range(count):
                write_picture(root / split / label / f"{number:02}.png", seed := seed + 1)
    return root


def splits_of(root: Path, work: Path, recipe: Recipe = RECIPE) -> dict[str, str]:
    return {patch.file: patch.split for patch in index_class_folders(root, work, recipe).index.patches}


def test_without_a_test_set_all_pictures_are_split(tmp_path: Path) -> None:
    """Catches pictures that are lost, labels of another folder, and shares that are not kept."""
    found = index_class_folders(write_folders(tmp_path / "data"), tmp_path / "work", RECIPE)
    patches = found.index.patches
    assert found.refused == ()
    assert Counter(patch.split for patch in patches) == {"train": 12, "validation": 6, "test": 6}
    assert all(patch.file.startswith(f"{patch.label}/") for patch in patches)
    assert {(patch.x, patch.y, patch.width, patch.height) for patch in patches} == {(0, 0, 32, 24)}
    assert all(found.index.path(patch).is_file() for patch in patches)


def test_folds_that_replace_given_splits_separate_no_group(tmp_path: Path) -> None:
    """Fault: a note that splits of the data are kept, where a cross-validation splits all photographs anew."""
    root = write_folders(tmp_path / "data", ("train", "val"), 6)
    names = [str(file.relative_to(root).with_suffix("")) for file in sorted(root.glob("*/cat/*"))]
    folds = override_all(RECIPE, (("split.folds", "2"), ("split.fold", "1")))
    groups = PhotoGroups((tuple(names),))
    assert index_class_folders(root, tmp_path / "work", folds, groups).notes == ()
    (note, _) = index_class_folders(root, tmp_path / "work", RECIPE, groups).notes
    assert note.startswith("the splits that the data give are kept, but they separate 1 group")


def test_drawn_outliers_are_not_written_among_the_users_pictures(tmp_path: Path) -> None:
    """Faults: drawn pictures in the user's folder, which the next run takes for a class; paths that lead nowhere."""
    (tmp_path / "far" / "away").mkdir(parents=True)
    write_folders(tmp_path / "far" / "away" / "data")
    (tmp_path / "data").symlink_to(tmp_path / "far" / "away" / "data")
    before = sorted((tmp_path / "data").rglob("*"))
    recipe = override_all(RECIPE, (("network.background", "output"), ("patches.outliers", "3")))
    for _ in range(2):
        index = SOURCES["class_folders"].prepare(DataPlace(tmp_path / "data", None, tmp_path / "runs"), recipe).index
        drawn = [patch for patch in index.patches if patch.label == BACKGROUND]
        assert len(drawn) == 3 and all(index.path(patch).is_file() for patch in drawn)
        assert sorted((tmp_path / "data").rglob("*")) == before


def test_given_splits_stay_and_validation_comes_from_training(tmp_path: Path) -> None:
    """Catches test pictures that are trained on: a training picture that resembles one stays where it is, too."""
    root = write_folders(tmp_path / "data", ("train", "Test"))
    write_picture(root / "Test" / "cat" / "twin.png", seed=1)  # as train/cat/00.png
    found = splits_of(root, tmp_path / "work")
    assert {file for file, split in found.items() if split == "test"} == {f for f in found if f.startswith("Test/")}
    assert Counter(split for file, split in found.items() if file.startswith("train/")) == {
        "train": 18,
        "validation": 6,
    }


def test_a_class_may_be_called_train(tmp_path: Path) -> None:
    """Catches trains that vanish as a split among buses and trams."""
    recipe = override_all(RECIPE, (("labels", "bus,train"),))
    for number in range(24):
        write_picture(tmp_path / "data" / ("bus", "train")[number % 2] / f"{number}.png", number)
    found = index_class_folders(tmp_path / "data", tmp_path / "work", recipe)
    assert (len(found.index.patches), found.refused) == (24, ())


def test_a_given_validation_set_is_kept(tmp_path: Path) -> None:
    """Catches a validation share taken from training although there is a set for it."""
    root = write_folders(tmp_path / "data", ("train", "val", "test"), 4)
    assert Counter(splits_of(root, tmp_path / "work").values()) == {"train": 8, "validation": 8, "test": 8}


def test_versions_and_near_duplicates_and_groups_share_a_split(tmp_path: Path) -> None:
    """Catches a compressed copy, a near-duplicate or another view of a training picture in the validation set."""
    root = write_folders(tmp_path / "data", ("train", "test"), 12)
    for number in range(12):
        write_picture(root / "train" / "cat" / f"{number:02}.jpg", number + 1, quality=30)
        write_picture(root / "train" / "dog" / f"again{number:02}.png", number + 13)
    groups = PhotoGroups((("train/cat/00", "train/cat/01", "train/dog/03"),))
    found = index_class_folders(root, tmp_path / "work", RECIPE, groups).index
    split = {patch.file: patch.split for patch in found.patches}
    assert all(split[f"train/cat/{n:02}.jpg"] == split[f"train/cat/{n:02}.png"] for n in range(12))
    assert all(split[f"train/dog/again{n:02}.png"] == split[f"train/dog/{n:02}.png"] for n in range(12))
    assert len({split[f"train/{name}.png"] for name in ("cat/00", "cat/01", "dog/03")}) == 1
    photos = {patch.photo for patch in found.patches if patch.file.startswith("train/cat/00.")}
    assert photos == {"train/cat/00"}, "two versions of a picture are one photograph"


def test_what_cannot_be_used_is_named(tmp_path: Path) -> None:
    """Catches folders that vanish silently, a broken picture that ends the run, and macOS' hidden files as pictures."""
    root = write_folders(tmp_path / "data", ("train", "test"), 4)
    (root / "train" / "cat" / "broken.jpg").write_bytes(b"no picture")
    (root / "train" / "cat" / "._00.png").write_bytes(b"resource fork")
    (root / "train" / ".cache").mkdir()
    (root / "train" / ".cache" / "x.png").write_bytes(b"hidden")
    (root / "labels.csv").write_text("a,b")
    write_picture(root / "test" / "horse" / "1.png", 99)
    found = index_class_folders(root, tmp_path / "work", RECIPE)
    assert len(found.index.patches) == 16
    horses, broken = found.refused
    assert horses == "folders not among the labels cat, dog, and left out: 'horse' (1: fewer than 3 photographs)."
    assert "texts are no pictures, and passed over: labels.csv" in found.notes
    assert broken.startswith("train/cat/broken.jpg: is not an image in a supported format")


def test_a_zip_with_a_folder_around_gives_the_same(tmp_path: Path) -> None:
    """Catches an archive as people download it: one folder around the classes."""
    root = write_folders(tmp_path / "data", ("train", "test"), 4)
    archive = tmp_path / "pictures.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for path in sorted(root.rglob("*.png")):
            file.write(path, Path("download") / path.relative_to(root))
    assert splits_of(archive, tmp_path / "work") == splits_of(root, tmp_path / "work")


def test_a_second_call_decodes_nothing_and_a_changed_file_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Catches sixty thousand pictures hashed anew for each run, and an index that outlives what it tells of."""
    root, decoded = write_folders(tmp_path / "data"), []
    first = splits_of(root, tmp_path / "work")
    from pipeline.data import class_folders

    real = class_folders.decode_image
    monkeypatch.setattr(class_folders, "decode_image", lambda data: decoded.append(1) or real(data))
    assert splits_of(root, tmp_path / "work") == first
    assert not decoded
    write_picture(root / "cat" / "new.png", 77)
    assert "cat/new.png" in splits_of(root, tmp_path / "work")
    assert len(decoded) == 25


def test_clear_refusals(tmp_path: Path) -> None:
    """Catches a KeyError, or a run without classes, where a sentence would help."""
    root = write_folders(tmp_path / "data", ("train", "test"), 4)
    (tmp_path / "text.zip").write_text("no archive")
    with zipfile.ZipFile(tmp_path / "empty.zip", "w"):
        pass
    with zipfile.ZipFile(tmp_path / "odd.zip", "w") as archive:
        archive.writestr("cat", "a file where a folder should be")
        archive.writestr("cat/1.png", "no picture")
    work = tmp_path / "work"
    with pytest.raises(InputError, match=r"must hold a folder of pictures for each class \(owl\).*--set labels"):
        index_class_folders(root, work, override_all(RECIPE, (("labels", "owl"), ("network.background", "output"))))
    with pytest.raises(InputError, match="nor a readable zip"):
        index_class_folders(tmp_path / "text.zip", work, RECIPE)
    with pytest.raises(InputError, match="must hold a folder of pictures"):
        index_class_folders(tmp_path / "empty.zip", work, RECIPE)
    with pytest.raises(InputError, match="nor a readable zip"):
        index_class_folders(tmp_path / "odd.zip", work, RECIPE)
    with pytest.raises(InputError, match="cross-validation splits all pictures"):
        index_class_folders(root, work, override_all(RECIPE, (("split.folds", "2"), ("split.fold", "1"))))
    (root / "train").rename(root / "pictures to learn")
    for label in RECIPE.labels:
        write_picture(root / label / "1.png", 55)
    with pytest.raises(InputError, match="either all inside train and test or none"):
        index_class_folders(root, work, RECIPE)


@pytest.mark.parametrize(
    ("source", "images", "annotations", "message"),
    [
        ("annotated_photos", "data", None, "belong together"),
        ("class_folders", None, None, "needs pictures"),
        ("class_folders", "data", "boxes.json", "need no annotations"),
        ("class_folders", "nowhere", None, "does not exist"),
        ("cifar10", None, "boxes.json", "need no annotations"),
        ("cifar10", "nowhere", None, "does not exist"),
    ],
)
def test_each_source_says_what_it_needs(
    tmp_path: Path, source: str, images: str | None, annotations: str | None, message: str
) -> None:
    """Catches a run that starts and fails after minutes, or one that ignores what it was given."""
    (tmp_path / "data").mkdir()
    (tmp_path / "boxes.json").write_text("{}")
    paths = [None if name is None else tmp_path / name for name in (images, annotations)]
    with pytest.raises(InputError, match=message):
        DataPlace(paths[0], paths[1], tmp_path / "runs").check(source)


def fake_cifar(classes: int = 2) -> tuple:
    random = np.random.default_rng(0)
    sets = (
        (random.integers(0, 256, (n, 32, 32, 3), np.uint8), 3 + 2 * (np.arange(n)[:, np.newaxis] % classes))
        for n in (12, 4)
    )
    return tuple(sets)


def test_downloaded_pictures_become_class_folders_once(tmp_path: Path) -> None:
    """Catches labels exchanged, pixels changed by a lossy format, and sixty thousand files written for each run."""
    arrays = fake_cifar()
    folder = write_originals(tmp_path, lambda: arrays)
    assert sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.png"))[:3] == [
        "test/cat/00000.png",
        "test/cat/00002.png",
        "test/dog/00001.png",
    ]
    np.testing.assert_array_equal(np.asarray(Image.open(folder / "train" / "dog" / "00005.png")), arrays[0][0][5])

    def again() -> tuple:
        raise AssertionError("loaded twice")

    assert write_originals(tmp_path, again) == folder


def test_a_failing_download_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Catches Keras' bare Exception with a traceback."""
    import keras

    def fail() -> None:
        raise Exception("URL fetch failure")

    monkeypatch.setattr(keras.datasets.cifar10, "load_data", fail)
    with pytest.raises(InputError, match=r"can't be downloaded: URL fetch failure.*--images"):
        write_originals(tmp_path)


def test_the_cifar10_source_takes_folders_or_what_was_downloaded(tmp_path: Path) -> None:
    """Catches given pictures that are ignored, and a report that calls compressed pictures the published ones."""
    root = write_folders(tmp_path / "data", ("train", "test"), 4)
    given = SOURCES["cifar10"].prepare(DataPlace(root, None, tmp_path / "runs"), RECIPE)
    write_originals(tmp_path / "runs" / RECIPE.name, fake_cifar)
    downloaded = SOURCES["cifar10"].prepare(DataPlace(None, None, tmp_path / "runs"), RECIPE)
    assert (given.kind, len(given.index.patches)) == (CLASS_FOLDERS, 16)
    assert (downloaded.kind, len(downloaded.index.patches)) == (ORIGINALS, 16)


def test_a_folder_in_other_case_is_its_class(tmp_path: Path) -> None:
    """Faults: Cat is no cat; Training and Testing are no splits; DOG beside dog is announced as dog and left out."""
    root = write_folders(tmp_path / "data", ("Training", "TESTING"), 4)
    for split in ("Training", "TESTING"):
        (root / split / "cat").rename(root / split / "Cats")
        (root / split / "Cats").rename(root / split / "Cat")
    write_picture(root / "Training" / "DOG" / "other.png", 99)
    found = index_class_folders(root, tmp_path / "work", RECIPE)
    assert Counter(patch.label for patch in found.index.patches) == {"cat": 8, "dog": 9}
    assert {patch.split for patch in found.index.patches if patch.file.startswith("TESTING/")} == {"test"}
    assert found.refused == ()
    apart = index_class_folders(root, tmp_path / "work", override_all(RECIPE, (("labels", "cat,dog,DOG"),)))
    assert Counter(patch.label for patch in apart.index.patches) == {"cat": 8, "dog": 8, "DOG": 1}


def test_files_of_the_system_are_passed_over(tmp_path: Path) -> None:
    """Fault: each Thumbs.db is refused as a picture."""
    root = write_folders(tmp_path / "data", count=4)
    for place in (root, root / "cat"):
        for name in ("Thumbs.db", "desktop.ini", ".DS_Store", "._00.png"):
            (place / name).write_bytes(b"x")
    (tmp_path / "data" / "__MACOSX" / "cat").mkdir(parents=True)
    (tmp_path / "data" / "__MACOSX" / "cat" / "._00.png").write_bytes(b"x")
    for name in ("$RECYCLE.BIN", "System Volume Information", "lost+found", "cat/@eaDir"):
        write_picture(tmp_path / "data" / name / "thumbnail.png", 5)
    assert index_class_folders(root, tmp_path / "work", RECIPE).refused == ()


def test_backslashes_in_a_zip_are_folders(tmp_path: Path) -> None:
    """Faults: a zip from Windows gives files named data\\cat\\00.png; one of its names leads out of the folder."""
    root = write_folders(tmp_path / "data", count=4)
    with zipfile.ZipFile(tmp_path / "data.zip", "w") as archive:
        for file in sorted(root.rglob("*.png")):
            entry = zipfile.ZipInfo("placeholder")
            entry.filename = str(file.relative_to(tmp_path)).replace("/", "\\")
            archive.writestr(entry, file.read_bytes())
        entry = zipfile.ZipInfo("placeholder")
        entry.filename = "..\\..\\out.png"
        archive.writestr(entry, b"x")
    found = index_class_folders(tmp_path / "data.zip", tmp_path / "work", RECIPE)
    assert Counter(patch.label for patch in found.index.patches) == {"cat": 4, "dog": 4}
    assert not list(tmp_path.glob("out.png")) and not list((tmp_path / "work").glob("out.png"))


@pytest.mark.parametrize(
    ("train", "test"),
    [
        ("training_set", "test_set"),
        ("Train Images", "Test Images"),
        ("trainset", "TestSet"),
        ("seg_train/seg_train", "seg_test/seg_test"),
        ("train-data", "holdout"),
        ("train2017", "eval"),
    ],
)
def test_folders_of_splits_are_told_however_they_are_called(tmp_path: Path, train: str, test: str) -> None:
    """Fault: two classes training_set and test_set, learned without a word."""
    write_folders(tmp_path, (train, test), 2)
    found = list_class_folders(tmp_path, tmp_path)
    assert {picture.label for picture in found.pictures} == {"cat", "dog"}
    of = {given_split(Path(train).name): 4, given_split(Path(test).name): 4}
    assert Counter(picture.split for picture in found.pictures) == of
    assert "train" in of and len(of) == 2


@pytest.mark.parametrize("name", ["images", "data_set", "retrain", "training course", "test and train", "t"])
def test_other_names_are_of_classes(name: str) -> None:
    """Fault: a class that vanishes as a split."""
    assert given_split(name) == ""


def test_a_class_train_in_the_split_train_is_no_second_split(tmp_path: Path) -> None:
    """Fault: trains/train is passed over as if the archive had been packed in a folder of its own name."""
    for number in range(4):
        write_picture(tmp_path / "train" / ("bus", "train")[number % 2] / f"{number}.png", number)
        write_picture(tmp_path / "test" / ("bus", "train")[number % 2] / f"{number}.png", number + 9)
    found = list_class_folders(tmp_path, tmp_path)
    assert Counter((picture.split, picture.label) for picture in found.pictures) == {
        ("train", "bus"): 2,
        ("train", "train"): 2,
        ("test", "bus"): 2,
        ("test", "train"): 2,
    }
