"""PatchIndex -> tf.data batches: decode with the runner's code, cache, shuffle, augment, prefetch."""

import functools
import math
import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import tensorflow as tf

from inference.errors import InputError, printable
from inference.pictures.image_io import read_resized
from pipeline.data.augment import make_augmentation, reduce_pictures
from pipeline.data.classes import check_training_classes
from pipeline.data.index import PatchIndex
from pipeline.random_generator import make_generator, make_seed
from pipeline.settings.recipe import Recipe

MEMORY_CACHE_BYTES = 2 * 2**30  # above this size decoded pictures are cached in a file
_PARALLEL_BATCHES = 2


class Teaching(Protocol):
    """A source of soft labels for training pictures, such as pipeline.training.teaching.distillation.Teacher."""

    @property
    def side(self) -> int:
        """Return the side, in pixels, of the pictures that it needs."""

    @property
    def features(self) -> int:
        """Return the number of features that follow the labels of each picture."""

    def teach(self, pixels: np.ndarray, labels: np.ndarray, side: int, batch: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the pixels at the network's side, and float32 [batch, outputs + features]: soft labels, features.

        Args: pixels uint8 [batch, self.side, self.side, 3], labels float32 [batch, outputs], number of the batch.
        """


def evaluation_dataset(index: PatchIndex, recipe: Recipe) -> tf.data.Dataset:
    """Return batches (uint8 [batch, height, width, 3], int32 [batch]): every patch once, in the order of the index.

    Patches with a label that is not an output of the network (background, if it is not an output) have label -1.
    """
    decoded = _decoded(index, recipe)
    return decoded.batch(recipe.fit.batch_size).prefetch(tf.data.AUTOTUNE)


def validation_dataset(index: PatchIndex, recipe: Recipe) -> tf.data.Dataset:
    """Return batches (uint8 pixels, one-hot float32 [batch, outputs]): every patch once; all labels must be outputs."""
    decoded = _decoded(index, recipe).cache()
    batches = decoded.batch(recipe.fit.batch_size)
    return batches.map(lambda pixels, label: (pixels, _one_hot(label, recipe))).prefetch(tf.data.AUTOTUNE)


class TrainingData:
    """The training patches as batches (float32 pixels, labels [batch, outputs], weights [batch]), shuffled, augmented.

    Order and augmentation of a batch depend only on the recipe's seed and the number of the batch in the whole
    training: a resumed training gets the same batches as an uninterrupted one. The pictures of the first epochs may be
    smaller (fit.early_side). features: number of a teacher's features, which follow the labels of each picture.
    """

    def __init__(self, index: PatchIndex, recipe: Recipe, cache_file: Path, teaching: Teaching | None = None) -> None:
        """Prepare the batches; patches with a label that is not an output are left out.

        balance "sampling" draws every class equally often, "weights" weights every patch by the inverse of its class's
        share. Decoded pictures are cached in memory, or in cache_file if they are too large.

        Raises:
            InputError: an output of the network has no training patch.
        """
        self._index = _with_labels(index, recipe.outputs)
        check_training_classes({patch.label for patch in self._index.patches}, recipe)
        self._recipe = recipe
        self._teaching = teaching
        view = max(recipe.network.input_side, teaching.side) if teaching else recipe.network.input_side
        self._stored = round(view * (1 + recipe.augment.detail))
        self._load = _remembering_loader(self._index, self._stored, cache_file)
        self._augment = make_augmentation(recipe.augment, view)
        self._labels = np.array([recipe.outputs.index(patch.label) for patch in self._index.patches])
        self._order = functools.lru_cache(2)(self._draw_order)  # of this epoch and the next
        self.steps_per_epoch = math.ceil(len(self._labels) / recipe.fit.batch_size)
        self.features = teaching.features if teaching else 0
        self._distinct = recipe.fit.teacher_views * self.steps_per_epoch if teaching else 0

    def batches(self, first: int, last: int) -> tf.data.Dataset:
        """Return the batches of the epochs from first (inclusive, counted from 0) to last (exclusive), in order."""
        outputs = len(self._recipe.outputs)
        side = None if self._recipe.fit.early_side else self._recipe.network.input_side
        weights = tf.constant(label_weights(self._index, self._recipe), tf.float32)

        def finish(pixels: Any, target: Any) -> tuple[Any, Any, Any]:
            pixels = tf.cast(tf.ensure_shape(pixels, (None, side, side, 3)), tf.float32)
            target = tf.ensure_shape(target, (None, outputs + self.features))
            labels = target[:, :outputs]
            return pixels, target, tf.linalg.matvec(labels, weights)  # for mixed pictures the mean of both labels

        def make(number: Any) -> tuple[Any, Any, Any]:
            return finish(*tf.numpy_function(self._make_batch, [number], (tf.uint8, tf.float32)))

        numbers = tf.data.Dataset.range(first * self.steps_per_epoch, last * self.steps_per_epoch)
        return numbers.map(make, num_parallel_calls=_PARALLEL_BATCHES).prefetch(tf.data.AUTOTUNE)

    def _make_batch(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """Return pixels, uint8 [batch, side, side, 3], and labels, float32 [batch, outputs + features], of a batch.

        With fit.teacher_views, the batches come again after so many epochs.
        """
        number = int(number)
        side = self._recipe.side_in_epoch(number // self.steps_per_epoch)
        number = number % self._distinct if self._distinct else number
        positions = self._positions(number)
        target = np.eye(len(self._recipe.outputs), dtype=np.float32)[self._labels[positions]]
        pixels, target = self._augment(self._load(positions), target, make_seed(self._recipe.seed, "batch", number))
        if self._teaching is not None:
            pixels, target = self._teaching.teach(pixels, target, side, number)
        return reduce_pictures(pixels, side), target

    def plan(self, number: int) -> "BatchPlan":
        """Return what a batch is made of, for another process; see make_planned_batch. A teacher has no part in it."""
        positions = self._positions(number)
        files = tuple(str(self._index.path(self._index.patches[position])) for position in positions)
        return BatchPlan(number, files, self._labels[positions])

    def _positions(self, number: int) -> np.ndarray:
        """Return the positions of a batch's patches, int [batch]."""
        epoch, step = divmod(number, self.steps_per_epoch)
        size = self._recipe.fit.batch_size
        return self._order(epoch)[step * size : (step + 1) * size]

    def _draw_order(self, epoch: int) -> np.ndarray:
        """Return the positions of an epoch's patches, int [patches].

        With balance "sampling" an epoch has the same length but as many patches of each class, give or take one; those
        of a class are reshuffled after all of them have been drawn.
        """
        random, count = make_generator(self._recipe.seed, "order", epoch), len(self._labels)
        if self._recipe.fit.balance != "sampling":
            return random.permutation(count)
        drawn = random.permutation(count) % len(self._recipe.outputs)
        order = np.empty(count, np.int64)
        for label in range(len(self._recipe.outputs)):
            chosen, own = np.flatnonzero(drawn == label), np.flatnonzero(self._labels == label)
            rounds = [random.permutation(own) for _ in range(-(-len(chosen) // len(own)))]
            order[chosen] = np.concatenate([own[:0], *rounds])[: len(chosen)]
        return order


@dataclass(frozen=True)
class BatchPlan:
    """A batch that is not made yet: its number in the whole training, or None without augmentation; files; labels.

    labels: int [batch], numbers of outputs.
    """

    number: int | None
    files: tuple[str, ...]
    labels: np.ndarray


def make_planned_batch(plan: BatchPlan, recipe: Recipe) -> tuple[np.ndarray, np.ndarray]:
    """Return pixels, uint8 [batch, side, side, 3], and labels, float32 [batch, outputs], as TrainingData makes them."""
    side, target = recipe.network.input_side, np.eye(len(recipe.outputs), dtype=np.float32)[plan.labels]
    if plan.number is None:
        return np.stack([load_patch(Path(file), side) for file in plan.files]), target
    stored = round(side * (1 + recipe.augment.detail))
    pixels = np.stack([load_patch(Path(file), stored) for file in plan.files])
    augmented: tuple[np.ndarray, np.ndarray] = make_augmentation(recipe.augment, side)(
        pixels, target, make_seed(recipe.seed, "batch", plan.number)
    )
    return augmented


def label_weights(index: PatchIndex, recipe: Recipe) -> np.ndarray:
    """Return float [outputs]: the loss weight of each label, with mean 1 over the patches.

    Labels a, a, a, b with balance "weights": a has weight 2/3, b has weight 2.
    """
    if recipe.fit.balance != "weights":
        return np.ones(len(recipe.outputs))
    counts = Counter(patch.label for patch in index.patches)
    total, classes = len(index.patches), len(counts)
    return np.array([total / (classes * counts[label]) if counts[label] else 0.0 for label in recipe.outputs])


def load_patch(path: Path, side: int) -> np.ndarray:
    """Return uint8 [side, side, 3]: a stored patch exactly as the runner passes it to the network.

    Raises:
        InputError: names the file that can't be read.
    """
    try:
        return read_resized(path, (side, side))
    except InputError as fault:
        raise InputError(f"{printable(str(path))}: {fault}") from fault


def _decoded(index: PatchIndex, recipe: Recipe) -> tf.data.Dataset:
    """Return single examples (uint8 [side, side, 3], int32 label) in the order of the index."""
    if not index.patches:
        raise InputError("every split needs patches. Add annotated photographs, or raise the split's share.")
    side = recipe.network.input_side
    numbers = {label: number for number, label in enumerate(recipe.outputs)}
    files = [os.fsencode(index.path(patch)) for patch in index.patches]  # file names need not be UTF-8
    labels = [numbers.get(patch.label, -1) for patch in index.patches]

    def decode(file: Any, label: Any) -> tuple[Any, Any]:
        # numpy_function, because the runner's decoder defines the pixels (EXIF, alpha, resize), not tf.io.
        pixels = tf.numpy_function(lambda path: load_patch(Path(os.fsdecode(path)), side), [file], tf.uint8)
        return tf.ensure_shape(pixels, (side, side, 3)), label

    names = tf.data.Dataset.from_tensor_slices((files, np.array(labels, np.int32)))
    return names.map(decode, num_parallel_calls=tf.data.AUTOTUNE)


def _remembering_loader(index: PatchIndex, side: int, cache_file: Path) -> Callable[[np.ndarray], np.ndarray]:
    """Return a function from positions, int [n], to uint8 [n, side, side, 3], which decodes each patch once.

    tf.data's cache is not used, since a full shuffle would hold all pictures in its buffer.
    """
    shape = (len(index.patches), side, side, 3)
    pictures = allocate_pictures(shape, cache_file)
    decoded = np.zeros(len(index.patches), bool)

    def load(positions: np.ndarray) -> np.ndarray:
        for position in positions[~decoded[positions]]:
            pictures[position] = load_patch(index.path(index.patches[position]), side)
            decoded[position] = True
        return pictures[positions]

    return load


def allocate_pictures(shape: tuple[int, ...], cache_file: Path) -> np.ndarray:
    """Return an empty uint8 array in memory, or in a file if it is large."""
    if math.prod(shape) <= MEMORY_CACHE_BYTES:
        return np.empty(shape, np.uint8)
    cache_file.parent.mkdir(parents=True, exist_ok=True)
    return np.memmap(cache_file, np.uint8, "w+", shape=shape)


def _with_labels(index: PatchIndex, labels: tuple[str, ...]) -> PatchIndex:
    return PatchIndex(index.root, tuple(patch for patch in index.patches if patch.label in labels))


def _one_hot(label: Any, recipe: Recipe) -> Any:
    return tf.one_hot(label, len(recipe.outputs))
