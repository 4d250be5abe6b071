"""Datasets: every patch as the runner would see it, with its label, once; training ones shuffled and changed."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import pipeline.data.dataset
from inference.errors import InputError
from inference.pictures.image_io import read_image, resize_image
from pipeline.data.dataset import TrainingData, evaluation_dataset, label_weights, load_patch, validation_dataset
from pipeline.data.index import PatchIndex
from pipeline.settings.labels import BACKGROUND
from pipeline.settings.recipe import Recipe, override, override_all
from tests.worlds import NO_AUGMENTATION, RECIPE, Scene, write_patches

STILL = override_all(RECIPE, NO_AUGMENTATION)
LABELS = ["red"] * 9 + ["green"] * 6 + ["blue"] * 2 + [BACKGROUND] * 4


def numbers_of(dataset: Iterable) -> list[int]:
    """Return which patches of write_patches a dataset yields, in order, from 1."""
    return [int(picture[0, 0, 0]) for batch in dataset for picture in batch[0].numpy()]


class Epochs:
    """A training of which each iteration yields the next epoch."""

    def __init__(self, data: TrainingData) -> None:
        self.data, self._next = data, 0

    def __iter__(self) -> Iterator[tuple[tf.Tensor, tf.Tensor, tf.Tensor]]:
        self._next += 1
        return iter(self.data.batches(self._next - 1, self._next))


def train_on(index: PatchIndex, recipe: Recipe, folder: Path, **changes: str) -> Epochs:
    """Return the epochs of a recipe with changes to its fit section."""
    changed = override_all(recipe, tuple((f"fit.{name}", text) for name, text in changes.items()))
    return Epochs(TrainingData(index, changed, folder / "cache" / "train"))


@pytest.mark.parametrize("count", [1, 4, 21])
def test_evaluation_yields_every_patch_once_in_order_with_its_label(count: int, tmp_path: Path) -> None:
    """Catches a shuffled or repeated evaluation, a dropped last batch, and labels of the neighbour."""
    index = write_patches(tmp_path, LABELS[:count])
    batches = list(evaluation_dataset(index, STILL))
    assert numbers_of(batches) == list(range(1, count + 1))
    assert [pixels.shape[0] for pixels, _ in batches] == [4] * (count // 4) + [count % 4] * (count % 4 > 0)
    assert all((pixels.dtype, labels.dtype) == (tf.uint8, tf.int32) for pixels, labels in batches)
    expected = [STILL.outputs.index(label) for label in LABELS[:count]]
    assert list(chain.from_iterable(labels.numpy() for _, labels in batches)) == expected


def test_a_label_that_is_no_output_is_minus_one(tmp_path: Path) -> None:
    """Catches background that is evaluated as one of the classes."""
    confident = override(STILL, "network.background", "confidence")
    index = write_patches(tmp_path, ["blue", BACKGROUND, "red"])
    assert [list(labels.numpy()) for _, labels in evaluation_dataset(index, confident)] == [[2, -1, 0]]


def test_validation_yields_every_patch_once_with_one_hot_labels(tmp_path: Path) -> None:
    """Catches augmented or dropped validation pictures: early stopping would follow chance."""
    dataset = validation_dataset(write_patches(tmp_path, LABELS), RECIPE)
    assert numbers_of(dataset) == numbers_of(dataset) == list(range(1, len(LABELS) + 1))
    targets = np.concatenate([labels.numpy() for _, labels in dataset])
    assert np.array_equal(targets, np.eye(4)[[RECIPE.outputs.index(label) for label in LABELS]])


def test_pixels_are_those_that_the_runner_would_see(tmp_path: Path) -> None:
    """Catches a second decoder or resize, whose pixels differ from those on the phone: skew."""
    files = {"wide.png": (50, 20), "small.png": (7, 9), "turned.jpg": (40, 30), "clear.png": (33, 33)}
    pictures = {name: Scene(n, width=w, height=h).draw() for n, (name, (w, h)) in enumerate(files.items())}
    exif = Image.Exif()
    exif[0x0112] = 6
    for name, picture in pictures.items():
        Image.fromarray(picture).save(tmp_path / name, exif=exif if name == "turned.jpg" else None)
    transparent = np.dstack([pictures["clear.png"], pictures["clear.png"][..., 0]])
    Image.fromarray(transparent).save(tmp_path / "clear.png")
    model = write_patches(tmp_path, ["red"] * len(files)).patches
    index = PatchIndex(tmp_path, tuple(replace(p, file=name) for p, name in zip(model, files, strict=True)))
    expected = np.stack([resize_image(read_image(tmp_path / name), (16, 16)) for name in files])
    ((pixels, _),) = evaluation_dataset(index, STILL)
    assert np.array_equal(pixels, expected)
    assert np.array_equal(load_patch(tmp_path / "turned.jpg", 16), expected[2])
    confident = override(STILL, "network.background", "confidence")
    index = PatchIndex(
        tmp_path, (*index.patches, *(replace(index.patches[0], label=name) for name in ("green", "blue")))
    )
    trained = np.concatenate([batch[0] for batch in Epochs(TrainingData(index, confident, tmp_path / "cache"))])
    assert {picture.tobytes() for picture in trained} == {picture.astype(np.float32).tobytes() for picture in expected}


@pytest.mark.parametrize("in_memory", [True, False])
@pytest.mark.parametrize("balance", ["none", "weights"])
def test_an_epoch_trains_on_every_patch_once_and_in_another_order(
    balance: str, in_memory: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Catches patches left out or seen twice, epochs that are all alike, and a cache file that breaks the training."""
    room = len(LABELS) if in_memory else len(LABELS) - 5
    monkeypatch.setattr(pipeline.data.dataset, "MEMORY_CACHE_BYTES", room * 16 * 16 * 3)
    dataset = train_on(write_patches(tmp_path, LABELS), STILL, tmp_path, balance=balance)
    epochs = [numbers_of(dataset) for _ in range(3)]
    assert all(sorted(epoch) == list(range(1, len(LABELS) + 1)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 3
    assert (tmp_path / "cache").exists() is not in_memory


def test_the_seed_decides_every_pixel_of_a_run(tmp_path: Path) -> None:
    """Catches a run that can't be repeated, since batches race for their random changes, and seeds without effect."""
    index = write_patches(tmp_path, LABELS * 4)
    first, again, other = (
        [batch[0].numpy() for _ in range(2) for batch in train_on(index, override(RECIPE, "seed", seed), tmp_path)]
        for seed in ("0", "0", "1")
    )
    assert all(np.array_equal(*pair) for pair in zip(first, again, strict=True))
    assert not any(np.array_equal(*pair) for pair in zip(first, other, strict=True))


@pytest.mark.parametrize("balance", ["none", "sampling"])
def test_an_epoch_is_the_same_whichever_came_before(balance: str, tmp_path: Path) -> None:
    """Catches order or changes that count from the process's start: a resumed run sees the first epoch's batches again.

    And batches that depend on how the epochs are asked for, one by one or together.
    """
    index = write_patches(tmp_path, LABELS * 2)
    unbroken, resumed = (train_on(index, RECIPE, tmp_path, balance=balance).data for _ in range(2))
    whole = [pixels.numpy() for pixels, _, _ in unbroken.batches(0, 3)]
    tail = [pixels.numpy() for pixels, _, _ in resumed.batches(2, 3)]
    assert len(whole) == 3 * unbroken.steps_per_epoch
    assert len(tail) == unbroken.steps_per_epoch
    assert all(np.array_equal(*pair) for pair in zip(whole[-len(tail) :], tail, strict=True))


def test_a_cache_of_a_killed_run_is_no_hindrance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Catches a resumed run that stops at the half written cache of its former self, or trains on its pictures."""
    monkeypatch.setattr(pipeline.data.dataset, "MEMORY_CACHE_BYTES", 6 * 16 * 16 * 3)
    index = write_patches(tmp_path, LABELS)
    next(iter(train_on(write_patches(tmp_path / "other", LABELS[::-1]), STILL, tmp_path)))
    next(iter(train_on(PatchIndex(tmp_path, index.patches[::-1]), STILL, tmp_path)))
    assert list((tmp_path / "cache").iterdir())
    assert sorted(numbers_of(train_on(index, STILL, tmp_path))) == list(range(1, len(LABELS) + 1))


def test_a_picture_is_decoded_once(tmp_path: Path) -> None:
    """Catches a cache that is thrown away, so that every epoch reads all files again."""
    index = write_patches(tmp_path, LABELS)
    dataset = train_on(index, STILL, tmp_path)
    assert len(numbers_of(dataset)) == len(LABELS)
    for patch in index.patches:
        index.path(patch).unlink()
    assert sorted(numbers_of(dataset)) == list(range(1, len(LABELS) + 1))


@pytest.mark.parametrize("room", [10_000, 8])
def test_sampling_draws_all_classes_alike(room: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Catches a balance without effect, one drawn from each class's first pictures alone, epochs all alike, and epochs
    that by chance have no picture of a class.
    """
    monkeypatch.setattr(pipeline.data.dataset, "MEMORY_CACHE_BYTES", room * 16 * 16 * 3)
    labels = ["red"] * 34 + ["green"] * 10 + ["blue"] * 2 + [BACKGROUND] * 4
    dataset = train_on(write_patches(tmp_path, labels), STILL, tmp_path, balance="sampling")
    epochs = [numbers_of(dataset) for _ in range(12)]
    assert {len(epoch) for epoch in epochs} == {len(labels)}
    assert len({tuple(epoch) for epoch in epochs}) == len(epochs)
    for epoch in epochs:
        assert sorted(Counter(labels[number - 1] for number in epoch).values()) == [12, 12, 13, 13]
    assert set(chain.from_iterable(epochs)) == set(range(1, len(labels) + 1))
    assert all(set(weights.numpy()) == {1.0} for _, _, weights in dataset)


def test_weights_worked_example(tmp_path: Path) -> None:
    """Catches weights that favour the frequent class, or that change the loss's scale and so the learning rate."""
    recipe = override(STILL, "network.background", "confidence")
    index = write_patches(tmp_path, ["red", "red", "red", "green"])
    assert label_weights(index, recipe) == pytest.approx([2 / 3, 2, 0])
    assert label_weights(index, override(recipe, "fit.balance", "none")) == pytest.approx([1, 1, 1])
    index = write_patches(tmp_path, LABELS)
    batches = list(train_on(index, STILL, tmp_path, balance="weights"))
    expected = {label: len(LABELS) / (4 * LABELS.count(label)) for label in LABELS}
    for number, weight in zip(numbers_of(batches), np.concatenate([b[2].numpy() for b in batches]), strict=True):
        assert weight == pytest.approx(expected[LABELS[number - 1]])
    assert np.concatenate([b[2].numpy() for b in batches]).mean() == pytest.approx(1)


def test_labels_stay_with_their_pictures(tmp_path: Path) -> None:
    """Catches pictures and labels that are shuffled apart."""
    for pixels, targets, _ in train_on(write_patches(tmp_path, LABELS), STILL, tmp_path):
        for picture, target in zip(pixels.numpy(), targets.numpy(), strict=True):
            label = LABELS[int(picture[0, 0, 0]) - 1]
            assert np.array_equal(target, np.eye(4)[STILL.outputs.index(label)])


@pytest.mark.parametrize("balance", ["none", "weights", "sampling"])
def test_background_judged_by_confidence_takes_no_part(balance: str, tmp_path: Path) -> None:
    """Catches negatives trained as one of the classes, or as no class at all, which flattens every answer."""
    recipe = override(STILL, "network.background", "confidence")
    batches = list(train_on(write_patches(tmp_path, LABELS), recipe, tmp_path, balance=balance))
    assert len(numbers_of(batches)) == LABELS.index(BACKGROUND)
    assert max(numbers_of(batches)) <= LABELS.index(BACKGROUND)
    assert all(
        targets.shape[1] == 3 and np.array_equal(targets.numpy().sum(axis=1), [1] * len(targets))
        for _, targets, _ in batches
    )


def test_a_class_without_patches_is_refused_by_name(tmp_path: Path) -> None:
    """Catches a network with an output that can never be right."""
    with pytest.raises(InputError, match=r"Missing: background, green\. Add pictures"):
        train_on(write_patches(tmp_path, ["red", "blue"]), STILL, tmp_path)
    for make in (evaluation_dataset, validation_dataset):
        with pytest.raises(InputError, match="every split needs patches"):
            make(PatchIndex(tmp_path, ()), STILL)


def test_mixed_pictures_carry_the_weights_of_both_labels(tmp_path: Path) -> None:
    """Catches mixup that mixes pictures but not labels, or weighs a mix by one of its halves."""
    recipe = override(STILL, "augment.mixup", "0.5")
    index = write_patches(tmp_path, LABELS)
    weights = label_weights(index, recipe)
    mixed = 0
    for pixels, targets, weight in train_on(index, recipe, tmp_path, balance="weights"):
        assert weight.numpy() == pytest.approx(targets.numpy() @ weights, rel=1e-4)
        mixed += int((targets.numpy().max(axis=1) < 0.99).sum())
        assert pixels.dtype == tf.float32
    assert mixed > 2


def test_training_pictures_are_changed_anew_in_each_epoch(tmp_path: Path) -> None:
    """Catches augmentation before the cache: every epoch would show the same few pictures."""
    index = write_patches(tmp_path, LABELS)
    for file in {patch.file for patch in index.patches}:
        Image.fromarray(Scene(len(file) + int(file[6:9])).draw()[:16, :16]).save(tmp_path / file)
    dataset = train_on(index, RECIPE, tmp_path)
    first, second = ({picture.tobytes() for picture in _pictures(dataset)} for _ in range(2))
    assert len(first) == len(second) == len(LABELS)
    assert not first & second


def _pictures(dataset: tf.data.Dataset) -> Iterable[np.ndarray]:
    for batch in dataset:
        yield from batch[0].numpy()
