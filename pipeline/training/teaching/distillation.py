"""Exported classifiers as teachers: soft labels, and features, for every augmented training picture (distillation).

Teachers and student get the same augmented pictures, including mixed ones ("consistent" teaching: Beyer et al. 2021,
arXiv:2106.05237; distillation: Hinton et al. 2015, arXiv:1503.02531). The answers of several teachers are averaged.

Features say more about a picture than answers do (Romero et al., FitNets, arXiv:1412.6550). To learn them, the student
has a further output during the training, which is not saved.
"""

import io
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from inference.atomic_file import write_atomically
from inference.errors import InputError
from inference.model.classifier import Classifier
from pipeline.data.augment import reduce_pictures
from pipeline.data.dataset import load_patch
from pipeline.data.index import PatchIndex, refuse_leak
from pipeline.settings.labels import BACKGROUND
from pipeline.settings.paths import teacher_files
from pipeline.settings.recipe import Recipe

_STANDARDISING = 200  # training patches, about, whose features give the mean and the scale of each
_LEAST_DEVIATION = 1e-3  # of a feature, so that one that never changes does not blow up


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
        self._center = self._scale = np.zeros(0, np.float32)  # [features]

    @property
    def features(self) -> int:
        """Return the number of features that follow the labels in what it teaches."""
        return len(self._center)

    def compute_features(self, pictures: np.ndarray) -> np.ndarray:
        """Return the features of all teachers, float32 [n, features], of pictures uint8 [n, side, side, 3]."""
        return self._ask(pictures, True)[:, len(self._background) :]

    def teach_features(self, pictures: np.ndarray) -> None:
        """Teach the features of all teachers too, standardised by those of some pictures, uint8 [n, side, side, 3]."""
        self._center, self._scale = standardisation(self.compute_features(pictures))

    def teach(self, pixels: np.ndarray, labels: np.ndarray, side: int, batch: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the pixels at the student's side, and labels mixed with the teachers' by fit.teacher_share.

        The share of a label that is background is kept, since the teachers can only be wrong about it. After the labels
        come the teachers' standardised features, if they are taught: float32 [batch, outputs + features].

        Args: pixels uint8 [batch, self.side, self.side, 3], labels float32 [batch, outputs], number of the batch.
        """
        soft, features = np.split(self._answers(pixels, batch), [labels.shape[1]], axis=1)
        share = self._share * (1 - labels @ self._background)[:, np.newaxis]
        target = [(1 - share) * labels + share * soft, (features - self._center) / self._scale]
        return reduce_pictures(pixels, side), np.concatenate(target, axis=1)

    def _answers(self, pixels: np.ndarray, batch: int) -> np.ndarray:
        """Return what _ask does; it is kept by the number of the batch."""
        file = self._cache / f"{batch}.npy" if self._cache else None
        if file and file.is_file():
            answers: np.ndarray = np.load(file)
            return answers
        answers = self._ask(pixels, self.features > 0)
        if file:
            buffer = io.BytesIO()
            np.save(buffer, answers)
            write_atomically(file, buffer.getvalue())
        return answers

    def _ask(self, pixels: np.ndarray, features: bool) -> np.ndarray:
        """Return the mean of the teachers' probabilities, then perhaps the features of each, float32 [batch, ...]."""
        with self._lock:
            answers = [
                [classifier.predict(one) for one in reduce_pictures(pixels, _side(classifier))]
                for classifier in self._classifiers
            ]
        probabilities = np.mean([[row for row, _ in rows] for rows in answers], axis=0, dtype=np.float32)
        seen = [np.array([row for _, row in rows], np.float32) for rows in answers] if features else []
        return np.concatenate([probabilities, *seen], axis=1)


def standardisation(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean and the scale, float [features], of features [n, features]."""
    return features.mean(axis=0), features.std(axis=0) + _LEAST_DEVIATION


def find_teacher(recipe: Recipe, index: PatchIndex, cache: Path | None = None) -> Teacher | None:
    """Return the recipe's teacher, if it has one; "{fold}" in its paths is the fold of a cross-validation.

    cache: folder for its answers, used if fit.teacher_views is set.

    Raises:
        InputError: it does not suit the recipe, or it was trained on test photographs of this run.
    """
    paths = teacher_files(recipe)
    if not paths:
        return None
    for path in paths:
        if not path.is_file():
            raise InputError(f"{path}: does not exist. Give the .tflite of a finished run to fit.teacher.")
        refuse_leak(index, path, "fit.teacher")
    teacher = Teacher(paths, recipe, cache if recipe.fit.teacher_views else None)
    patches = index.select("train", recipe.outputs)
    if recipe.fit.teacher_features and patches.patches:  # none where the teacher is only checked, before any work
        some = patches.patches[:: max(1, len(patches.patches) // _STANDARDISING)]
        teacher.teach_features(np.stack([load_patch(patches.path(patch), teacher.side) for patch in some]))
    return teacher


def _load(path: Path, recipe: Recipe) -> Classifier:
    """Return the classifier of a file after checking its outputs and input."""
    classifier = Classifier(path)
    card = classifier.card
    if card.labels != recipe.outputs or card.input_size[0] != card.input_size[1]:
        raise InputError(
            f"{path}: fit.teacher must have the outputs {', '.join(recipe.outputs)} and a square input. Received: "
            f"{', '.join(card.labels)}, {card.input_size}. Train the teacher with the same labels."
        )
    needing = [name for name in ("teacher_features", "teacher_epochs") if getattr(recipe.fit, name)]
    if needing and classifier.predict(np.zeros((1, 1, 3), np.uint8))[1] is None:
        raise InputError(
            f"{path}: fit.{needing[0]} needs a file with features. Received: one without. Export it with "
            "--set export.features=true."
        )
    return classifier


def _side(classifier: Classifier) -> int:
    return int(classifier.card.input_size[0])


class FeatureLoss(keras.losses.Loss):
    """Cross-entropy of the labels, plus the weighted mean squared error of the features that follow them, if any."""

    def __init__(self, outputs: int, weight: float, label_smoothing: float) -> None:
        super().__init__(name="feature_loss")
        self._outputs, self._weight, self._label_smoothing = outputs, weight, label_smoothing

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each picture [batch]; validation has labels alone."""
        labels, features = y_true[:, : self._outputs], y_true[:, self._outputs :]
        loss = keras.losses.categorical_crossentropy(
            labels, y_pred[:, : self._outputs], from_logits=True, label_smoothing=self._label_smoothing
        )
        if features.shape[1]:
            loss += self._weight * keras.ops.mean(keras.ops.square(features - y_pred[:, self._outputs :]), axis=1)
        return loss


class LabelAccuracy(keras.metrics.CategoricalAccuracy):
    """The accuracy of the labels, whatever follows them."""

    def __init__(self, outputs: int) -> None:
        super().__init__(name="accuracy")
        self._outputs = outputs

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Count a batch."""
        return super().update_state(y_true[:, : self._outputs], y_pred[:, : self._outputs], sample_weight)
