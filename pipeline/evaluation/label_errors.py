"""Probabilities of patches that were not trained on -> labels that may be wrong.

By confident learning (Northcutt et al. 2021, arXiv:1911.00068) with the library cleanlab: a label is suspect if the
network gives another class at least the mean probability of that class over the patches labelled as it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from inference.errors import printable
from pipeline.data.csv_files import write_csv
from pipeline.data.index import Patch, PatchIndex
from pipeline.report.sections import DoubtfulLabel, LabelErrors
from pipeline.settings.recipe import Recipe
from pipeline.settings.run_folder import RunFolder, relative_path

SHOWN = 24
HELD_OUT = ("validation", "test")
_TINY = 1e-9


@dataclass(frozen=True)
class Suspect:
    """One line of label_errors.csv; the window identifies the box to correct.

    quality: probability of the patch's label.
    """

    file: str
    photo: str
    x: int
    y: int
    width: int
    height: int
    split: str
    label: str
    suggested: str
    quality: float


def check_labels(
    probabilities: Mapping[str, np.ndarray], index: PatchIndex, recipe: Recipe, run: RunFolder
) -> LabelErrors:
    """Return the report's label errors; write all suspect labels to label_errors.csv, lowest quality first.

    The annotated patches of validation and test are checked: no weights were trained on them, although the epoch and
    the temperature were chosen on validation. quality is the probability of a patch's label.

    Args:
        probabilities: by split in HELD_OUT, float [patches, outputs], of all patches in the order of the index.
        index: patches of all splits.
        recipe: the run's recipe.
        run: the run's folder, for label_errors.csv.
    """
    patches, rows = _annotated(probabilities, index, recipe)
    labels = np.array([recipe.labels.index(patch.label) for patch in patches], int)
    entries = [
        (patches[position], recipe.labels[rows[position].argmax()], float(rows[position, labels[position]]))
        for position in find_suspects(rows, labels)
    ]
    write_csv(run.label_errors, Suspect, (_suspect(*entry) for entry in entries))
    shown = tuple(
        DoubtfulLabel(
            file=relative_path(index.path(patch), run.path),
            photo=printable(patch.photo),
            label=patch.label,
            suggested=suggested,
            quality=quality,
            split=patch.split,
        )
        for patch, suggested, quality in entries[:SHOWN]
    )
    return LabelErrors(len(patches), len(entries), shown)


def find_suspects(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the positions of suspect labels, int [suspects], lowest probability of the label first.

    Args:
        probabilities: float [patches, classes], rows that sum to 1, of patches that were not trained on.
        labels: int [patches], numbers of the classes.
    """
    if not len(labels):
        return np.zeros(0, int)
    from cleanlab.filter import find_label_issues  # takes seconds to import

    return np.asarray(
        find_label_issues(
            labels,
            probabilities,
            filter_by="confident_learning",
            return_indices_ranked_by="self_confidence",
            n_jobs=1,  # a process forked with TensorFlow's threads running can hang
        ),
        int,
    )


def _annotated(
    probabilities: Mapping[str, np.ndarray], index: PatchIndex, recipe: Recipe
) -> tuple[list[Patch], np.ndarray]:
    """Return the patches of the classes and their probabilities over the classes, float [patches, classes]."""
    patches, rows = [], []
    for split in HELD_OUT:
        for patch, row in zip(index.select(split).patches, probabilities[split], strict=True):
            if patch.label in recipe.labels:
                patches.append(patch)
                rows.append(row[: len(recipe.labels)])
    found = np.array(rows, float).reshape(-1, len(recipe.labels)) + _TINY  # background may have probability 1
    return patches, found / found.sum(axis=1, keepdims=True)


def _suspect(patch: Patch, suggested: str, quality: float) -> Suspect:
    window = (patch.x, patch.y, patch.width, patch.height)
    return Suspect(patch.file, patch.photo, *window, patch.split, patch.label, suggested, quality)
