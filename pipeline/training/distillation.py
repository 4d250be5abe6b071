"""Exported classifiers as teachers: soft labels for every augmented training picture (distillation).

Teachers and student get the same augmented pictures, including mixed ones ("consistent" teaching: Beyer et al. 2021,
arXiv:2106.05237; distillation: Hinton et al. 2015, arXiv:1503.02531). The answers of several teachers are averaged.
"""

import io
import threading
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from inference.atomic_file import write_atomically
from inference.errors import InputError
from inference.model.classifier import Classifier
from pipeline.data.index import PatchIndex, read_index
from pipeline.settings.labels import BACKGROUND
from pipeline.settings.recipe import Recipe


class Teacher:
    """One or more .tflite with the same outputs as the recipe's network; the input sides may differ."""

    def __init__(self, paths: Sequence[Path], recipe: Recipe, cache: Path | None = None) -> None:
        """Load the files.

        cache: folder that keeps the answers to each batch, for batches that come again or a resumed training.

        Raises:
            InputError: one is not a classifier of the recipe's outputs with a square input.
        """
        self._classifiers = [_load(path, recipe) for path in paths]
        self.side = max(_side(classifier) for classifier in self._classifiers)
        self._share = recipe.fit.teacher_share
        self._background = np.array([label == BACKGROUND for label in recipe.outputs], np.float32)
        self._cache = cache
        self._lock = threading.Lock()  # an interpreter can be used by one thread at a time

    def teach(self, pixels: np.ndarray, labels: np.ndarray, side: int, batch: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the pixels at the student's side, and labels mixed with the teachers' by fit.teacher_share.

        The share of a label that is background is kept, since the teachers can only be wrong about it.

        Args: pixels uint8 [batch, self.side, self.side, 3], labels float32 [batch, outputs], number of the batch.
        """
        soft = self._answers(pixels, batch)
        share = self._share * (1 - labels @ self._background)[:, np.newaxis]
        return _resized(pixels, side), (1 - share) * labels + share * soft

    def _answers(self, pixels: np.ndarray, batch: int) -> np.ndarray:
        """Return the mean of the teachers' probabilities, float32 [batch, outputs]; they are kept by number."""
        if self._cache is None:
            return self._ask(pixels)
        file = self._cache / f"{batch}.npy"
        if not file.is_file():
            buffer = io.BytesIO()
            np.save(buffer, self._ask(pixels))
            write_atomically(file, buffer.getvalue())
        answers: np.ndarray = np.load(file)
        return answers

    def _ask(self, pixels: np.ndarray) -> np.ndarray:
        with self._lock:
            answers = [
                [classifier.softmax(one) for one in _resized(pixels, _side(classifier))]
                for classifier in self._classifiers
            ]
        return np.asarray(answers, np.float32).mean(axis=0)


def find_teacher(recipe: Recipe, index: PatchIndex, cache: Path | None = None) -> Teacher | None:
    """Return the recipe's teacher, if it has one; "{fold}" in its paths is the fold of a cross-validation.

    cache: folder for its answers, used if fit.teacher_views is set.

    Raises:
        InputError: it does not suit the recipe, or it was trained on test photographs of this run.
    """
    if not recipe.fit.teacher:
        return None
    paths = teacher_paths(recipe.fit.teacher.replace("{fold}", str(recipe.split.fold)))
    for path in paths:
        if not path.is_file():
            raise InputError(f"{path}: does not exist. Give the .tflite of a finished run to fit.teacher.")
        _check_photos(path, index)
    return Teacher(paths, recipe, cache if recipe.fit.teacher_views else None)


def teacher_paths(text: str) -> list[Path]:
    """Return the paths of fit.teacher; a comma may also be part of the name of a single file."""
    return [Path(text)] if Path(text).is_file() else [Path(part.strip()) for part in text.split(",")]


def _load(path: Path, recipe: Recipe) -> Classifier:
    """Return the classifier of a file after checking its outputs and input."""
    classifier = Classifier(path)
    card = classifier.card
    if card.labels != recipe.outputs or card.input_size[0] != card.input_size[1]:
        raise InputError(
            f"{path}: fit.teacher must have the outputs {', '.join(recipe.outputs)} and a square input. Received: "
            f"{', '.join(card.labels)}, {card.input_size}. Train the teacher with the same labels."
        )
    return classifier


def _side(classifier: Classifier) -> int:
    return int(classifier.card.input_size[0])


def _resized(pixels: np.ndarray, side: int) -> np.ndarray:
    """Return pictures of one size, uint8 [batch, h, h, 3], reduced to a side; INTER_AREA averages the pixels."""
    if pixels.shape[1] == side:
        return pixels
    return np.stack([cv2.resize(one, (side, side), interpolation=cv2.INTER_AREA) for one in pixels])


def _check_photos(path: Path, index: PatchIndex) -> None:
    """Refuse a teacher that was trained on test photographs, which would leak into the training."""
    own = path.parent / "index.csv"
    if not own.is_file():
        return
    seen = {patch.photo for patch in read_index(own).patches if patch.split != "test"}
    leaked = sorted({patch.photo for patch in index.patches if patch.split == "test"} & seen)
    if leaked:
        raise InputError(
            f"{path}: the teacher must not be trained on this run's test photographs. Received: one trained on "
            f"{len(leaked)} of them, for example {leaked[0]}. Train it on the same split."
        )
