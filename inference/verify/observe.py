"""A loaded model -> what it computes for test vectors, and the vectors of a finished file."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from ..load import load_model
from ..model.artefact import Artefact
from ..model.decide import ANOMALY
from ..model.model import Model
from .drawn import draw_files, draw_mosaics, draw_pictures
from .vectors import (
    VECTORS_NAME,
    Vectors,
    enlarge,
    grid,
    labels_sha256,
    network_sha256,
    vectors_to_file,
)

COUNT = 16
_CANDIDATES = 64
_MOSAICS = 1  # of as many drawn pictures: a tile of a surface takes a network longer than a patch
_FEATURES = 32  # that are kept of a picture
_SLACK = 4  # times what this machine's kernels differ among themselves
_LEAST = 0.01  # tolerance of a probability
_LEAST_RELATIVE = 0.02  # tolerance relative to the largest value, of features and of distances
_MOST = 0.2


class Outputs(NamedTuple):
    """float32 [pictures, scores] and [pictures, some features]."""

    scores: np.ndarray
    features: np.ndarray


def observe(model: Model, pictures: np.ndarray) -> Outputs:
    """Return what a model computes for small pictures."""
    rows = [model.numbers(enlarge(picture, model.vector_size)) for picture in pictures]
    length = len(rows[0][1])
    kept = np.unique(np.linspace(0, max(length - 1, 0), min(_FEATURES, length)).astype(int))
    return Outputs(
        np.stack([scores for scores, _ in rows]).astype(np.float32),
        np.stack([features[kept] for _, features in rows]).astype(np.float32),
    )


def prepared_grids(model: Model, files: tuple[bytes, ...]) -> np.ndarray:
    """Return uint8 [files, GRID, GRID, 3]: pixels of the files when they are ready for the network."""
    return np.stack([grid(model.prepared_pixels(file)) for file in files])


def with_vectors(artefact: Artefact) -> Artefact:
    """Return the file with test vectors of its model, in place of any it has."""
    bare = replace(artefact, files={name: data for name, data in artefact.files.items() if name != VECTORS_NAME})
    model = load_model(bare)
    pictures = draw_mosaics(_MOSAICS) if model.card.decision == ANOMALY else _least_sure(model)
    seen = observe(model, pictures)
    other = observe(load_model(bare, delegates=False), pictures)
    files = draw_files()
    least = _LEAST_RELATIVE * _largest(seen.scores) if model.card.decision == ANOMALY else _LEAST
    vectors = Vectors(
        pictures,
        seen.scores,
        seen.features,
        files,
        prepared_grids(model, files),
        _tolerance(seen.scores, other.scores, least),
        _tolerance(seen.features, other.features, _LEAST_RELATIVE * _largest(seen.features)),
        network_sha256(artefact),
        labels_sha256(model.card),
    )
    return replace(bare, files=bare.files | {VECTORS_NAME: vectors_to_file(vectors)})


def _least_sure(model: Model) -> np.ndarray:
    """Return those of the drawn pictures for which a classifier is least sure: a fault changes their scores most."""
    candidates = draw_pictures(_CANDIDATES)
    scores = observe(model, candidates).scores.astype(np.float64)
    entropy = -(scores * np.log(np.maximum(scores, 1e-12))).sum(axis=1)
    return candidates[np.sort(np.argsort(-entropy, kind="stable")[:COUNT])]


def _tolerance(values: np.ndarray, others: np.ndarray, least: float) -> float:
    difference = _SLACK * float(np.abs(values - others).max(initial=0))
    return max(least, min(difference, _MOST * _largest(values)))


def _largest(values: np.ndarray) -> float:
    return float(np.abs(values).max(initial=0))
