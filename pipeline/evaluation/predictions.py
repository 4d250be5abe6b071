"""Answers of the released file for each test patch <-> predictions.csv, so that folds can be pooled."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from inference.errors import InputError
from pipeline.data.csv_files import read_csv, write_csv
from pipeline.data.index import PatchIndex
from pipeline.metrics.classification import Scores


@dataclass(frozen=True)
class Prediction:
    """One line of predictions.csv: the fields of metrics.classification.Scores, and the loss; see evaluation.mistakes.

    loss: the negative logarithm of the probability of the true label; earlier versions did not write it.
    """

    file: str
    photo: str
    label: str
    best: str
    confidence: float
    runner_up: str
    result: str
    loss: float = math.nan


def write_predictions(scores: Scores, losses: np.ndarray, index: PatchIndex, path: Path) -> None:
    """Write one line per patch, in the order of the index; losses: float [patches]."""
    rows = [
        Prediction(
            patch.file,
            patch.photo,
            str(scores.labels[row]),
            str(scores.best[row]),
            float(scores.confidences[row]),
            str(scores.runners_up[row]),
            str(scores.results[row]),
            float(losses[row]),
        )
        for row, patch in enumerate(index.patches)
    ]
    write_csv(path, Prediction, rows)


def read_predictions(path: Path, classes: tuple[str, ...]) -> Scores:
    """Read predictions.csv of a run with these classes, without the losses.

    Raises:
        InputError: the file is missing or damaged.
    """
    if not path.is_file():
        raise InputError(f"{path}: does not exist. Measure the run: python -m pipeline evaluate {path.parent}.")
    rows = read_csv(path, Prediction, "Evaluate the run again.")
    columns = {"label": str, "photo": str, "result": str, "best": str, "confidence": float, "runner_up": str}
    return Scores(classes, *(np.array([getattr(row, name) for row in rows], kind) for name, kind in columns.items()))


def pool_scores(parts: Sequence[Scores]) -> Scores:
    """Return the concatenated scores of several test sets."""
    names = ("labels", "photos", "results", "best", "confidences", "runners_up")
    return Scores(parts[0].classes, *(np.concatenate([getattr(part, name) for part in parts]) for name in names))
