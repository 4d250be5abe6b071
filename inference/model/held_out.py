"""Vectors of validation pictures of the trained classes: `python -m pipeline enroll` sets thresholds with them.

The runner does not need them. They are in the file because the training's pictures may be gone by then.
"""

from dataclasses import dataclass

import numpy as np

from .array_file import (
    Column,
    arrays_to_file,
    misfit,
    pack_unit_vectors,
    read_arrays,
    unpack_unit_vectors,
)

HELD_OUT_NAME = "held_out.npz"
_COLUMNS = {
    "vectors": Column(np.int8, 2),
    "classes": Column(np.uint16, 1),
    "probabilities": Column(np.float16, 2),
    "rule": Column(np.float64, 1),
}


@dataclass(frozen=True)
class HeldOut:
    """What enrolling needs of the validation pictures.

    vectors: float32 [pictures, dimensions], as Neighbours.project gives them.
    classes: int [pictures], numbers of their labels.
    probabilities: float [pictures, labels] of the network.
    accepted: the share of them that the model's threshold accepts.
    threshold: that of the model as it was trained.
    """

    vectors: np.ndarray
    classes: np.ndarray
    probabilities: np.ndarray
    accepted: float
    threshold: float


def held_out_to_file(held_out: HeldOut) -> bytes:
    """Return the bytes of held_out.npz."""
    return arrays_to_file(
        {
            "vectors": pack_unit_vectors(held_out.vectors),
            "classes": held_out.classes.astype(np.uint16),
            "probabilities": held_out.probabilities.astype(np.float16),
            "rule": np.array([held_out.accepted, held_out.threshold]),
        }
    )


def read_held_out(data: bytes, labels: int, dimensions: int, name: str = "model") -> HeldOut:
    """Read held_out.npz of a model with these numbers of labels and dimensions of its neighbours.

    Raises:
        InputError: it is damaged or does not fit the model.
    """
    arrays = read_arrays(data, _COLUMNS, HELD_OUT_NAME, name)
    vectors, classes, probabilities, rule = arrays.values()
    fits = len(vectors) == len(classes) == len(probabilities) > 0
    fits = fits and vectors.shape[1] == dimensions and probabilities.shape[1] == labels
    fits = fits and bool((classes < labels).all()) and len(rule) == 2 and bool(((rule >= 0) & (rule <= 1)).all())
    if not fits:
        raise misfit(HELD_OUT_NAME, name)
    return HeldOut(
        unpack_unit_vectors(vectors),
        classes.astype(np.int64),
        probabilities.astype(np.float64),
        float(rule[0]),
        float(rule[1]),
    )
