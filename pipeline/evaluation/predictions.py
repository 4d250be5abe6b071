"""What the released file said of each test patch -> predictions.csv -> Scores, so that folds can be pooled."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from inference.atomic_file import write_atomically
from inference.errors import InputError
from pipeline.data.index import PatchIndex
from pipeline.metrics.classification import Scores

COLUMNS = ("file", "photo", "label", "best", "confidence", "runner_up", "result", "loss")
_WITHOUT_LOSS = COLUMNS[:-1]  # as earlier versions wrote them


def write_predictions(scores: Scores, losses: np.ndarray, index: PatchIndex, path: Path) -> None:
    """Write one line per patch, in the order of the index: the fields of metrics.classification.Scores, and the loss.

    losses: float [patches], the negative logarithm of the probability that the truth got; see evaluation.mistakes.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for place, patch in enumerate(index.patches):
        confidence, loss = (repr(float(values[place])) for values in (scores.confidences, losses))  # every digit
        answer = (scores.best[place], confidence, scores.runners_up[place], scores.results[place], loss)
        writer.writerow([patch.file, patch.photo, scores.labels[place], *answer])
    write_atomically(path, text.getvalue())


def read_predictions(path: Path, classes: tuple[str, ...]) -> Scores:
    """Read predictions.csv of a run with these classes; the column loss, which earlier versions did not write, is not.

    Raises:
        InputError: the file is missing or damaged.
    """
    if not path.is_file():
        raise InputError(f"{path}: does not exist. Measure the run: python -m pipeline evaluate {path.parent}.")
    with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
        header, *rows = list(csv.reader(file)) or [[]]
    if tuple(header) not in (COLUMNS, _WITHOUT_LOSS) or any(len(row) != len(header) for row in rows):
        raise InputError(f"{path}: line 1 must be {','.join(COLUMNS)}. Received: {header}. Evaluate the run again.")
    fields = np.array(rows, str).reshape(-1, len(header)).T
    _, photos, labels, best, confidences, runners_up, results = fields[: len(_WITHOUT_LOSS)]
    return Scores(classes, labels, photos, results, best, confidences.astype(float), runners_up)


def pool_scores(parts: Sequence[Scores]) -> Scores:
    """Return the scores of several test sets as those of one."""
    names = ("labels", "photos", "results", "best", "confidences", "runners_up")
    return Scores(parts[0].classes, *(np.concatenate([getattr(part, name) for part in parts]) for name in names))
