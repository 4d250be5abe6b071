"""A loaded classifier -> what it computes for test vectors, and the vectors of a finished file."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from inference.load import load_model
from inference.model.artefact import Artefact
from inference.model.classifier import Classifier
from inference.model.tflite_model import TfliteModel
from inference.verify.drawn import draw_files, draw_pictures
from inference.verify.vectors import (
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
_FEATURES = 32  # that are kept of a picture
_SLACK = 4  # times what this machine's kernels differ among themselves
_LEAST_SCORE, _LEAST_FEATURE = 0.01, 0.02  # tolerances: of a probability, and relative to the largest feature
_MOST = 0.2


class Outputs(NamedTuple):
    """float32 [pictures, outputs] and [pictures, some features]."""

    scores: np.ndarray
    features: np.ndarray


def observe(model: Classifier | TfliteModel, pictures: np.ndarray, size: tuple[int, int]) -> Outputs:
    """Return what a network computes for small pictures."""
    predict = model.predict if isinstance(model, Classifier) else model.predict_with_features
    rows = [predict(enlarge(picture, size)) for picture in pictures]
    features = [np.zeros(0, np.float32) if row[1] is None else row[1] for row in rows]
    kept = np.unique(np.linspace(0, max(len(features[0]) - 1, 0), min(_FEATURES, len(features[0]))).astype(int))
    return Outputs(
        np.stack([row[0] for row in rows]).astype(np.float32),
        np.stack([feature[kept] for feature in features]).astype(np.float32),
    )


def prepared_grids(model: Classifier, files: tuple[bytes, ...]) -> np.ndarray:
    """Return uint8 [files, GRID, GRID, 3]: pixels of the files when they are ready for the network."""
    return np.stack([grid(np.asarray(model.prepare_encoded(file).pixels[0])) for file in files])


def with_vectors(artefact: Artefact) -> Artefact:
    """Return the file with test vectors of its network, in place of any it has; other kinds than classifiers as it is.

    Among the drawn pictures those are taken for which the network is least sure: a fault changes their scores most.
    """
    bare = replace(artefact, files={name: data for name, data in artefact.files.items() if name != VECTORS_NAME})
    model = load_model(bare)
    if not isinstance(model, Classifier):
        return bare
    candidates, size = draw_pictures(_CANDIDATES), model.card.input_size
    scores = observe(model, candidates, size).scores.astype(np.float64)
    entropy = -(scores * np.log(np.maximum(scores, 1e-12))).sum(axis=1)
    pictures = candidates[np.sort(np.argsort(-entropy, kind="stable")[:COUNT])]
    seen = observe(model, pictures, size)
    other = observe(TfliteModel(artefact.flatbuffer, artefact.name, delegates=False), pictures, size)
    files = draw_files()
    vectors = Vectors(
        pictures,
        seen.scores,
        seen.features,
        files,
        prepared_grids(model, files),
        _tolerance(seen.scores, other.scores, _LEAST_SCORE),
        _tolerance(seen.features, other.features, _LEAST_FEATURE * float(np.abs(seen.features).max(initial=0))),
        network_sha256(artefact),
        labels_sha256(model.card),
    )
    return replace(bare, files=bare.files | {VECTORS_NAME: vectors_to_file(vectors)})


def _tolerance(values: np.ndarray, others: np.ndarray, least: float) -> float:
    difference = _SLACK * float(np.abs(values - others).max(initial=0))
    return max(least, min(difference, _MOST * float(np.abs(values).max(initial=0))))
