"""vectors.npz behind a network <-> its test vectors: small pictures and what the exporting machine computed for them.

They hold nothing of a user's: the pictures are drawn or noise. Two kinds: raw pictures, which enter the network as they
are and test the network and what runs it, and encoded files, which test what happens to a picture before.
"""

import hashlib
from dataclasses import dataclass

import numpy as np

from ..model.array_file import Column, arrays_to_file, misfit, read_arrays
from ..model.artefact import Artefact, flatbuffer_sha256
from ..model.card import Card

VECTORS_NAME = "vectors.npz"
GRID = 8  # pixels across and down that are kept of a picture that is ready for the network
FILES = ("turned.jpg", "transparent.png", "large.png")  # the encoded files, in their order
_COLUMNS = {
    "pictures": Column(np.uint8, 4),
    "scores": Column(np.float32, 2),
    "features": Column(np.float32, 2),
    "files": Column(np.uint8, 1),
    "lengths": Column(np.int64, 1),
    "grids": Column(np.uint8, 4),
    "tolerances": Column(np.float64, 1),
    "digests": Column(np.uint8, 2),
}


@dataclass(frozen=True)
class Vectors:
    """The test vectors of one network.

    pictures: uint8 [pictures, side, side, 3]; see `enlarge`.
    scores: float32 [pictures, scores], the model's for them, on the machine that exported it: probabilities of the
        network, or scores of positions where it finds anomalies; see Model.numbers.
    features: float32 [pictures, some], some of its pooled features; none where it gives none.
    files: encoded pictures, named by FILES.
    grids: uint8 [files, GRID, GRID, 3], pixels of those when they are ready for the network; see `grid`.
    score_tolerance, feature_tolerance: how far another machine's kernels may be off.
    network, labels: SHA-256 of the flatbuffer and of the outputs' labels.
    """

    pictures: np.ndarray
    scores: np.ndarray
    features: np.ndarray
    files: tuple[bytes, ...]
    grids: np.ndarray
    score_tolerance: float
    feature_tolerance: float
    network: str
    labels: str


def enlarge(picture: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Return uint8 [height, width, 3] of a small square picture by its nearest pixels: no filter, no rounding."""
    rows, columns = (np.arange(side) * len(picture) // side for side in size)
    return np.ascontiguousarray(picture[rows[:, np.newaxis], columns])


def grid(pixels: np.ndarray) -> np.ndarray:
    """Return uint8 [GRID, GRID, 3], the pixels in the middles of as many fields of [height, width, 3]."""
    rows, columns = ((2 * np.arange(GRID) + 1) * side // (2 * GRID) for side in pixels.shape[:2])
    return pixels[rows[:, np.newaxis], columns]


def labels_sha256(card: Card) -> str:
    """Return a hash of the labels of a network's outputs; classes that are added later play no part."""
    return hashlib.sha256("\n".join((*card.outputs, "", *card.reject_labels)).encode()).hexdigest()


def vectors_to_file(vectors: Vectors) -> bytes:
    """Return the bytes of vectors.npz."""
    return arrays_to_file(
        {
            "pictures": vectors.pictures,
            "scores": vectors.scores,
            "features": vectors.features,
            "files": np.frombuffer(b"".join(vectors.files), np.uint8),
            "lengths": np.array([len(file) for file in vectors.files], np.int64),
            "grids": vectors.grids,
            "tolerances": np.array([vectors.score_tolerance, vectors.feature_tolerance]),
            "digests": np.stack(
                [np.frombuffer(bytes.fromhex(one), np.uint8) for one in (vectors.network, vectors.labels)]
            ),
        }
    )


def read_vectors(artefact: Artefact) -> Vectors | None:
    """Return a file's test vectors; None for one without, as earlier versions wrote them.

    Raises:
        InputError: they are damaged.
    """
    if VECTORS_NAME not in artefact.files:
        return None
    arrays = read_arrays(artefact.files[VECTORS_NAME], _COLUMNS, VECTORS_NAME, artefact.name)
    pictures, scores, features, files, lengths, grids, tolerances, digests = arrays.values()
    fits = len(pictures) == len(scores) == len(features) > 0 and pictures.shape[1] == pictures.shape[2] > 0
    fits = fits and pictures.shape[3] == 3 and len(lengths) == len(grids) == len(FILES) and len(tolerances) == 2
    fits = fits and grids.shape[1:] == (GRID, GRID, 3) and digests.shape == (2, 32)
    fits = fits and bool((lengths >= 0).all()) and int(lengths.sum()) == len(files)
    if not fits:
        raise misfit(VECTORS_NAME, artefact.name)
    ends = np.cumsum(lengths)
    return Vectors(
        pictures,
        scores,
        features,
        tuple(files[end - length : end].tobytes() for end, length in zip(ends, lengths, strict=True)),
        grids,
        float(tolerances[0]),
        float(tolerances[1]),
        *(digest.tobytes().hex() for digest in digests),
    )


def network_sha256(artefact: Artefact) -> str:
    """Return the hash by which vectors name their network."""
    return flatbuffer_sha256(artefact.flatbuffer)
