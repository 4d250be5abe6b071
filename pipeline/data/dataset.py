"""PatchIndex -> tf.data batches: decode with the runner's code, cache, shuffle, augment, prefetch."""

import math
import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import tensorflow as tf

from inference.errors import InputError
from inference.pictures.image_io import read_image, resize_image
from pipeline.data.augment import make_augmentation
from pipeline.data.index import PatchIndex
from pipeline.settings.labels import BACKGROUND
from pipeline.settings.recipe import Recipe

MEMORY_CACHE_BYTES = 2 * 2**30  # above this size decoded pictures are cached in a file
_PARALLEL_BATCHES = 2


class Teaching(Protocol):
    """A source of soft labels for training pictures, such as pipeline.training.distillation.Teacher."""

    @property
    def side(self) -> int:
        """Return the side, in pixels, of the pictures that it needs."""

    def teach(self, pixels: np.ndarray, labels: np.ndarray, side: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the pixels at the network's side, and the soft labels.

        Args: pixels uint8 [batch, self.side, self.side, 3], labels float32 [batch, outputs].
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


def training_dataset(
    index: PatchIndex, recipe: Recipe, cache_file: Path, teaching: Teaching | None = None
) -> tf.data.Dataset:
    """Return one epoch's batches (float32 pixels, one-hot labels, weights [batch]), shuffled and augmented.

    Patches with a label that is not an output are left out. balance "sampling" draws every class equally often,
    "weights" weights every patch by the inverse of its class's share. Decoded pictures are cached in memory, or in
    cache_file if they are too large.

    Raises:
        InputError: an output of the network has no training patch.
    """
    index = _with_labels(index, recipe.outputs)
    _check_classes(index, recipe)
    side = recipe.network.input_side
    view = max(side, teaching.side) if teaching else side
    stored = round(view * (1 + recipe.augment.detail))
    load = _remembering_loader(index, stored, cache_file)
    labels = tf.constant([recipe.outputs.index(patch.label) for patch in index.patches])
    weights = tf.constant(label_weights(index, recipe), tf.float32)
    augment = make_augmentation(recipe.augment, view)

    def fetch(positions: Any) -> tuple[Any, Any]:
        pixels = tf.ensure_shape(tf.numpy_function(load, [positions], tf.uint8), (None, stored, stored, 3))
        return pixels, _one_hot(tf.gather(labels, positions), recipe)

    def change_batch(pixels: np.ndarray, target: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
        pixels, target = augment(pixels, target, seed)
        return teaching.teach(pixels, target, side) if teaching else (pixels, target)

    def change(batch: tuple[Any, Any], seed: Any) -> tuple[Any, Any, Any]:
        pixels, target = tf.numpy_function(change_batch, [*batch, seed], (tf.uint8, tf.float32))
        pixels = tf.cast(tf.ensure_shape(pixels, (None, side, side, 3)), tf.float32)
        target = tf.ensure_shape(target, (None, len(recipe.outputs)))
        return pixels, target, tf.linalg.matvec(target, weights)  # for mixed pictures the weighted mean of both labels

    batches = _shuffled(index, recipe).batch(recipe.fit.batch_size).map(fetch, num_parallel_calls=_PARALLEL_BATCHES)
    seeds = tf.data.Dataset.random(seed=recipe.seed, rerandomize_each_iteration=True)
    changed = tf.data.Dataset.zip(batches, seeds).map(change, num_parallel_calls=_PARALLEL_BATCHES)
    return changed.prefetch(tf.data.AUTOTUNE)


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
    """Return uint8 [side, side, 3]: a stored patch exactly as the runner passes it to the network."""
    return resize_image(read_image(path), (side, side))


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


def _shuffled(index: PatchIndex, recipe: Recipe) -> tf.data.Dataset:
    """Return the positions of one epoch's patches, int64, reshuffled each epoch.

    With balance "sampling" an epoch has the same length but draws equally from all classes.
    """
    count = len(index.patches)
    if recipe.fit.balance != "sampling":
        return tf.data.Dataset.range(count).shuffle(count, seed=recipe.seed)
    labels = np.array([patch.label for patch in index.patches])
    by_class = [np.flatnonzero(labels == label) for label in recipe.outputs]
    draws = [
        tf.data.Dataset.from_tensor_slices(positions).shuffle(len(positions), seed=recipe.seed).repeat()
        for positions in by_class
    ]
    return tf.data.Dataset.sample_from_datasets(draws, seed=recipe.seed, rerandomize_each_iteration=True).take(count)


def _remembering_loader(index: PatchIndex, side: int, cache_file: Path) -> Callable[[np.ndarray], np.ndarray]:
    """Return a function from positions, int [n], to uint8 [n, side, side, 3], which decodes each patch once.

    tf.data's cache is not used, since a full shuffle would hold all pictures in its buffer.
    """
    shape = (len(index.patches), side, side, 3)
    pictures = _allocate(shape, cache_file)
    decoded = np.zeros(len(index.patches), bool)

    def load(positions: np.ndarray) -> np.ndarray:
        for position in positions[~decoded[positions]]:
            pictures[position] = load_patch(index.path(index.patches[position]), side)
            decoded[position] = True
        return pictures[positions]

    return load


def _allocate(shape: tuple[int, ...], cache_file: Path) -> np.ndarray:
    """Return an empty uint8 array in memory, or in a file if it is large."""
    if math.prod(shape) <= MEMORY_CACHE_BYTES:
        return np.empty(shape, np.uint8)
    cache_file.parent.mkdir(parents=True, exist_ok=True)
    return np.memmap(cache_file, np.uint8, "w+", shape=shape)


def _with_labels(index: PatchIndex, labels: tuple[str, ...]) -> PatchIndex:
    return PatchIndex(index.root, tuple(patch for patch in index.patches if patch.label in labels))


def _one_hot(label: Any, recipe: Recipe) -> Any:
    return tf.one_hot(label, len(recipe.outputs))


def _check_classes(index: PatchIndex, recipe: Recipe) -> None:
    missing = sorted(set(recipe.outputs) - {patch.label for patch in index.patches})
    if missing == [BACKGROUND]:
        raise InputError(
            "the network needs background windows for training. Received: none. The boxes leave no room for them: "
            "annotate photographs without a specimen too, or use --set network.background=confidence."
        )
    if missing:
        raise InputError(
            f"every class needs patches for training. Missing: {', '.join(missing)}. "
            "Add annotated photographs, or remove the class from the labels."
        )
