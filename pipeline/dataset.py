"""PatchIndex -> tf.data batches: decode by the runner's own code, cache, shuffle, augment, prefetch."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from inference.errors import InputError
from inference.image_io import read_image, resize_image
from pipeline.augment import make_augmentation
from pipeline.index import PatchIndex
from pipeline.recipe import Recipe

MEMORY_CACHE_BYTES = 2 * 2**30  # decoded pictures beyond this are cached in a file
_PARALLEL_BATCHES = 2


def evaluation_dataset(index: PatchIndex, recipe: Recipe) -> tf.data.Dataset:
    """Return batches (uint8 [batch, height, width, 3], int32 [batch]): every patch once, in the index' order.

    A patch whose label is no output of the network (background where it is judged by confidence) has label -1.
    """
    decoded = _decoded(index, recipe)
    return decoded.batch(recipe.fit.batch_size).prefetch(tf.data.AUTOTUNE)


def validation_dataset(index: PatchIndex, recipe: Recipe) -> tf.data.Dataset:
    """Return batches (uint8 pixels, one-hot float32 [batch, outputs]): every patch once; all labels are outputs."""
    decoded = _decoded(index, recipe).cache()
    batches = decoded.batch(recipe.fit.batch_size)
    return batches.map(lambda pixels, label: (pixels, _one_hot(label, recipe))).prefetch(tf.data.AUTOTUNE)


def training_dataset(index: PatchIndex, recipe: Recipe, cache_file: Path) -> tf.data.Dataset:
    """Return one epoch's batches (float32 pixels, one-hot labels, weights [batch]), shuffled and augmented.

    balance "sampling" draws every class equally often, "weights" weighs every patch by the inverse of its
    class's share. The decoded pictures are cached in memory, or in cache_file where they are too many.

    Raises:
        InputError: an output of the network has no patch.
    """
    _check_classes(index, recipe)
    examples = _cached(_decoded(index, recipe), index, recipe, cache_file)
    batches = _shuffled(examples, index, recipe).batch(recipe.fit.batch_size)
    weights = tf.constant(label_weights(index, recipe), tf.float32)
    augment = make_augmentation(recipe.augment, recipe.seed)

    def prepare(pixels: Any, label: Any) -> tuple[Any, Any, Any]:
        weight = tf.gather(weights, label)
        pixels, target = augment(tf.cast(pixels, tf.float32), _one_hot(label, recipe))
        return pixels, target, weight

    return batches.map(prepare, num_parallel_calls=_PARALLEL_BATCHES).prefetch(tf.data.AUTOTUNE)


def label_weights(index: PatchIndex, recipe: Recipe) -> np.ndarray:
    """Return float [outputs]: the loss weight of each label, 1 on average over the patches.

    Labels a, a, a, b with balance "weights": a weighs 2/3, b weighs 2.
    """
    if recipe.fit.balance != "weights":
        return np.ones(len(recipe.outputs))
    counts = Counter(patch.label for patch in index.patches)
    total, classes = len(index.patches), len(counts)
    return np.array([total / (classes * counts[label]) if counts[label] else 0.0 for label in recipe.outputs])


def load_patch(path: Path, side: int) -> np.ndarray:
    """Return uint8 [side, side, 3]: a stored patch exactly as the runner would feed it to the network."""
    return resize_image(read_image(path), (side, side))


def _decoded(index: PatchIndex, recipe: Recipe) -> tf.data.Dataset:
    """Return single examples (uint8 [side, side, 3], int32 label) in the index' order."""
    side = recipe.network.input_side
    numbers = {label: number for number, label in enumerate(recipe.outputs)}
    files = [str(index.path(patch)) for patch in index.patches]
    labels = [numbers.get(patch.label, -1) for patch in index.patches]

    def decode(file: Any, label: Any) -> tuple[Any, Any]:
        # numpy_function, because the runner's decoder defines the pixels (EXIF, alpha, resize), not tf.io's.
        pixels = tf.numpy_function(lambda path: load_patch(Path(path.decode()), side), [file], tf.uint8)
        return tf.ensure_shape(pixels, (side, side, 3)), label

    names = tf.data.Dataset.from_tensor_slices((files, np.array(labels, np.int32)))
    return names.map(decode, num_parallel_calls=tf.data.AUTOTUNE)


def _cached(examples: tf.data.Dataset, index: PatchIndex, recipe: Recipe, cache_file: Path) -> tf.data.Dataset:
    size = len(index.patches) * recipe.network.input_side**2 * 3
    return examples.cache() if size <= MEMORY_CACHE_BYTES else examples.cache(str(cache_file))


def _shuffled(examples: tf.data.Dataset, index: PatchIndex, recipe: Recipe) -> tf.data.Dataset:
    """Shuffle anew each epoch; with balance "sampling" an epoch of the same length draws from all classes alike."""
    count = len(index.patches)
    if recipe.fit.balance != "sampling":
        return examples.shuffle(count, seed=recipe.seed)
    present = sorted({recipe.outputs.index(patch.label) for patch in index.patches})
    by_class = [
        examples.filter(lambda _, label, number=number: tf.equal(label, number)).shuffle(count, recipe.seed).repeat()
        for number in present
    ]
    return tf.data.Dataset.sample_from_datasets(by_class, seed=recipe.seed).take(count)


def _one_hot(label: Any, recipe: Recipe) -> Any:
    return tf.one_hot(label, len(recipe.outputs))


def _check_classes(index: PatchIndex, recipe: Recipe) -> None:
    missing = sorted(set(recipe.outputs) - {patch.label for patch in index.patches})
    if missing:
        raise InputError(
            f"every class needs patches for training. Without any: {', '.join(missing)}. "
            "Add annotated photographs of it, or take it out of the labels."
        )
