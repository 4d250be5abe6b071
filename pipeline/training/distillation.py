"""An exported classifier as teacher: soft labels for every augmented training picture (distillation).

Teacher and student get the same augmented pictures, including mixed ones ("consistent" teaching: Beyer et al. 2021,
arXiv:2106.05237; distillation: Hinton et al. 2015, arXiv:1503.02531).
"""

import threading
from pathlib import Path

import cv2
import numpy as np

from inference.errors import InputError
from inference.model.classifier import Classifier
from pipeline.data.index import PatchIndex, read_index
from pipeline.settings.labels import BACKGROUND
from pipeline.settings.recipe import Recipe


class Teacher:
    """A .tflite with the same outputs as the recipe's network; the input side may differ."""

    def __init__(self, path: Path, recipe: Recipe) -> None:
        """Load the file.

        Raises:
            InputError: it is not a classifier of the recipe's outputs with a square input.
        """
        self._classifier = Classifier(path)
        card = self._classifier.card
        if card.labels != recipe.outputs or card.input_size[0] != card.input_size[1]:
            raise InputError(
                f"{path}: fit.teacher must have the outputs {', '.join(recipe.outputs)} and a square input. Received: "
                f"{', '.join(card.labels)}, {card.input_size}. Train the teacher with the same labels."
            )
        self.side = card.input_size[0]
        self._share = recipe.fit.teacher_share
        self._background = np.array([label == BACKGROUND for label in recipe.outputs], np.float32)
        self._lock = threading.Lock()  # an interpreter can be used by one thread at a time

    def teach(self, pixels: np.ndarray, labels: np.ndarray, side: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the pixels at the student's side, and labels mixed with the teacher's by fit.teacher_share.

        The share of a label that is background is kept, since the teacher can only be wrong about it.

        Args: pixels uint8 [batch, self.side, self.side, 3], labels float32 [batch, outputs].
        """
        with self._lock:
            soft = np.stack([self._classifier.softmax(one) for one in pixels])
        small = np.stack([cv2.resize(one, (side, side), interpolation=cv2.INTER_AREA) for one in pixels])
        share = self._share * (1 - labels @ self._background)[:, np.newaxis]
        return small, (1 - share) * labels + share * soft.astype(np.float32)


def find_teacher(recipe: Recipe, index: PatchIndex) -> Teacher | None:
    """Return the recipe's teacher, if it has one; "{fold}" in its path is the fold of a cross-validation.

    Raises:
        InputError: it does not suit the recipe, or it was trained on test photographs of this run.
    """
    if not recipe.fit.teacher:
        return None
    path = Path(recipe.fit.teacher.replace("{fold}", str(recipe.split.fold)))
    if not path.is_file():
        raise InputError(f"{path}: does not exist. Give the .tflite of a finished run to fit.teacher.")
    _check_photos(path, index)
    return Teacher(path, recipe)


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
