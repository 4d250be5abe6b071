"""Training photographs + teacher -> random windows with the teacher's features, as batches of a tf.data pipeline."""

import functools
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from inference.atomic_file import write_atomically
from inference.errors import InputError, printable
from inference.pictures.image_io import read_image, resize_image
from pipeline.data.augment import make_augmentation, reduce_pictures
from pipeline.data.dataset import allocate_pictures
from pipeline.data.index import PatchIndex
from pipeline.data.outliers import PHOTO as DRAWN_OUTLIERS
from pipeline.data.sources import SOURCES, find_photographs
from pipeline.data.windows import random_windows
from pipeline.progress import track
from pipeline.random_generator import make_generator, make_seed
from pipeline.settings.recipe import Recipe
from pipeline.settings.run_folder import RunFolder
from pipeline.training.teaching.distillation import Teacher, standardisation

_SIDES = (0.15, 1.0)  # of the photograph's shorter side: from a grain to the whole
_HELD_OUT = 20  # of so many photographs one is held out


@dataclass(frozen=True)
class Photograph:
    """A training photograph. photo: as in the index; name: of this file, which seeds its windows."""

    photo: str
    name: str
    path: Path


class Windows:
    """The pixels and standardised teacher's features of windows, as batches.

    Of every _HELD_OUT photographs one is held out, and measures how well the features are learned.
    """

    def __init__(self, files: Sequence[Path], photos: Sequence[str], recipe: Recipe) -> None:
        """Read the files of compute_windows; photos: the photograph of each.

        Raises:
            InputError: there are fewer than two photographs.
        """
        names, numbers = np.unique(photos, return_inverse=True)
        if len(names) < 2:
            raise InputError(f"fit.teacher_epochs needs two training photographs or more. Received: {len(names)}.")
        self._recipe = replace(recipe, fit=replace(recipe.fit, epochs=recipe.fit.teacher_epochs))
        seen = [_read(file, "features") for file in files]
        counts, side = [len(one) for one in seen], recipe.network.input_side
        self._features = np.concatenate(seen)
        del seen
        self._pixels = allocate_pictures((sum(counts), side, side, 3), files[0].with_name("pixels"))
        for start, count, file in zip(np.cumsum([0, *counts]), counts, files, strict=False):
            self._pixels[start : start + count] = _read(file, "pixels")
        held_out = np.repeat(numbers % _HELD_OUT == min(_HELD_OUT, len(names)) - 1, counts)
        self._learned, self._held_out = np.flatnonzero(~held_out), np.flatnonzero(held_out)
        center, scale = standardisation(self._features[self._learned])
        self._features -= center
        self._features /= scale
        self.width = self._features.shape[1]
        self.steps_per_epoch = math.ceil(len(self._learned) / recipe.fit.batch_size)
        self._order = functools.lru_cache(2)(self._draw_order)

    def release(self) -> None:
        """Free the memory; TensorFlow keeps what its datasets were made from."""
        self._pixels = self._features = np.zeros(0)

    def batches(self, first: int, last: int) -> tf.data.Dataset:
        """Return the batches (pixels, features) of the epochs from first (inclusive, from 0) to last (exclusive).

        A batch depends only on the recipe's seed and its number. The pictures of the first epochs may be smaller, as
        in the training.
        """
        numbers = tf.data.Dataset.range(first * self.steps_per_epoch, last * self.steps_per_epoch)
        made = numbers.map(
            lambda number: tf.numpy_function(self._make_batch, [number], (tf.float32, tf.float32)),
            num_parallel_calls=1,
        )
        return made.map(self._shaped).prefetch(tf.data.AUTOTUNE)

    def validation(self) -> tf.data.Dataset:
        """Return the held-out windows as batches."""
        size = self._recipe.fit.batch_size
        starts = tf.data.Dataset.range(0, len(self._held_out), size)

        def make(start: int) -> tuple[np.ndarray, np.ndarray]:
            chosen = self._held_out[int(start) : int(start) + size]
            return self._pixels[chosen].astype(np.float32), self._features[chosen]

        made = starts.map(lambda start: tf.numpy_function(make, [start], (tf.float32, tf.float32)))
        return made.map(self._shaped).prefetch(1)

    def _shaped(self, pixels: Any, features: Any) -> tuple[Any, Any]:
        side = None if self._recipe.fit.early_side else self._recipe.network.input_side
        return tf.ensure_shape(pixels, (None, side, side, 3)), tf.ensure_shape(features, (None, self.width))

    def _make_batch(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        epoch, step = divmod(int(number), self.steps_per_epoch)
        size = self._recipe.fit.batch_size
        chosen = self._order(epoch)[step * size : (step + 1) * size]
        random = make_generator(self._recipe.seed, "window batch", int(number))
        pixels = _mirror(self._pixels[chosen], self._recipe.augment.flip, random)
        return reduce_pictures(pixels, self._recipe.side_in_epoch(epoch)).astype(np.float32), self._features[chosen]

    def _draw_order(self, epoch: int) -> np.ndarray:
        return make_generator(self._recipe.seed, "window order", epoch).permutation(self._learned)


def _mirror(pixels: np.ndarray, directions: str, random: np.random.Generator) -> np.ndarray:
    """Mirror half of the pictures in each direction of augment.flip; the features hardly depend on it."""
    for axis, direction in ((2, "horizontal"), (1, "vertical")):
        if direction in directions.split("_and_"):
            pixels = np.where(random.random((len(pixels), 1, 1, 1)) < 0.5, np.flip(pixels, axis), pixels)
    return pixels


def list_photographs(run: RunFolder, index: PatchIndex, recipe: Recipe) -> list[Photograph]:
    """Return the training photographs; where there are no boxes, the training pictures. Drawn outliers are neither.

    Raises:
        InputError: the folder of the photographs does not exist.
    """
    patches = [patch for patch in index.select("train").patches if patch.photo != DRAWN_OUTLIERS]
    folder_of = SOURCES[recipe.source.kind].photographs
    if folder_of is None:
        return [Photograph(patch.photo, patch.file, index.path(patch)) for patch in patches]
    folder = find_photographs(run, folder_of, index.root)
    return [Photograph(photo, photo, folder / photo) for photo in sorted({patch.photo for patch in patches})]


def compute_windows(cache: Path, photographs: Sequence[Photograph], teacher: Teacher, recipe: Recipe) -> list[Path]:
    """Return a file of windows for each photograph; those of an interrupted call are kept.

    Raises:
        InputError: a photograph can't be read.
    """
    cache.mkdir(exist_ok=True)
    files = [cache / f"{number}.npz" for number in range(len(photographs))]
    missing = [(one, file) for one, file in zip(photographs, files, strict=True) if not file.is_file()]
    for photograph, file in track(missing, len(missing), "photographs shown to the teacher"):
        try:
            pixels, features = _compute(photograph, teacher, recipe)
        except InputError as fault:
            raise InputError(f"{printable(str(photograph.path))}: {fault}") from fault
        buffer = io.BytesIO()
        np.savez(buffer, pixels=pixels, features=features)
        write_atomically(file, buffer.getvalue())
    return files


def _read(file: Path, name: str) -> np.ndarray:
    """Return the pixels or the features of a file of windows."""
    with np.load(file) as stored:
        array: np.ndarray = stored[name]
        return array


def _compute(one: Photograph, teacher: Teacher, recipe: Recipe) -> tuple[np.ndarray, np.ndarray]:
    """Return a photograph's windows with random colours, rotations and flips: uint8 pixels, the teacher's features.

    Shapes: [windows, side, side, 3] with network.input_side, float32 [windows, features].
    """
    photograph, view = read_image(one.path), max(teacher.side, recipe.network.input_side)
    sides = replace(recipe.patches, min_side=_SIDES[0], max_side=_SIDES[1])
    random = make_generator(recipe.seed, "windows", one.name)
    frame = (photograph.shape[1], photograph.shape[0])
    windows = np.stack(
        [
            resize_image(np.ascontiguousarray(photograph[w.y : w.y + w.height, w.x : w.x + w.width]), (view, view))
            for w in random_windows(frame, recipe.fit.teacher_windows, sides, random)
        ]
    )
    changes = replace(recipe.augment, crop=0, detail=0, shift=0, erasing=0, mixup=0, cutmix=0)
    labels = np.zeros((len(windows), 0), np.float32)
    windows, _ = make_augmentation(changes, view)(windows, labels, make_seed(recipe.seed, "window", one.name))
    return reduce_pictures(windows, recipe.network.input_side), teacher.compute_features(windows)
