"""A model's file and its test vectors -> what differs on this machine, and the likely reason."""

import os
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..load import load_model
from ..model.artefact import Artefact
from ..model.card import LABELS_NAME
from ..model.model import Model
from ..program import PROGRAM
from .observe import Outputs, observe, prepared_grids
from .vectors import FILES, Vectors, labels_sha256, network_sha256, read_vectors

RUNS = 10
_FEW_RUNS, _FEW_PICTURES = 2, 4  # at a start
_LEVELS = 6  # of 255 that decoders may differ
_FLAT = 0.1  # of the expected spread: scores that hardly depend on the picture
REMEDY = "Export the model again, or find out what changed"
_REASONS = {
    "turned.jpg": "EXIF's orientation is ignored",
    "transparent.png": "transparent pixels are not laid over white",
    "large.png": "another resize filter than the training's",
}


def check_file(artefact: Artefact) -> list[str] | None:
    """Return what differs from the export, each with the likely reason; None where the file has no test vectors.

    The network runs ten times on each picture, with one thread and with several.

    Raises:
        InputError: the file can't be loaded, or its vectors are damaged.
    """
    vectors = read_vectors(artefact)
    if vectors is None:
        return None
    faults: list[str] = []
    for threads in (1, max(2, os.cpu_count() or 1)):
        model = load_model(artefact, threads)
        if threads == 1:
            faults += check_parts(artefact, model, vectors) + check_files(model, vectors)
        found = check_runs(model, vectors, RUNS, artefact)
        faults += [f"{fault} ({threads} threads)" if threads > 1 else fault for fault in found]
    return list(dict.fromkeys(faults))


def require_same_answers(model: Model, artefact: Artefact) -> None:
    """Refuse a model that gives other answers here than when it was exported; a few milliseconds for a small network.

    A file without vectors passes.

    Raises:
        InputError: it does.
    """
    vectors = read_vectors(artefact)
    if vectors is None:
        return
    faults = check_parts(artefact, model, vectors) + check_files(model, vectors)
    faults += check_runs(model, vectors, _FEW_RUNS, artefact)
    if faults:
        raise InputError(
            f"{artefact.name}: gives other answers here than when it was exported: {'; '.join(faults)}. {REMEDY}: "
            f"{PROGRAM} check {Path(artefact.name).name}"
        )


def check_parts(artefact: Artefact, model: Model, vectors: Vectors) -> list[str]:
    """Tell whether network and labels are those of the vectors."""
    faults = []
    if network_sha256(artefact) != vectors.network:
        faults.append("the network is not the exported one: weights or operators were changed")
    listed = artefact.files.get(LABELS_NAME, b"").decode("utf-8", "replace").splitlines()
    if labels_sha256(model.card) != vectors.labels or listed != list(model.card.outputs):
        faults.append("the labels are not the exported ones: stale labels, or another order")
    return faults


def check_files(model: Model, vectors: Vectors) -> list[str]:
    """Tell whether encoded files become the pixels that they became at the export."""
    grids = prepared_grids(model, vectors.files).astype(int)
    expected = vectors.grids.astype(int)
    wrong = [name for name, off in zip(FILES, _off(grids, expected), strict=True) if off > _LEVELS]
    if len(wrong) > 1 and (_off(grids[..., ::-1], expected) <= _LEVELS).all():
        return ["channel order: decoded pictures are BGR instead of RGB"]
    if len(wrong) == len(FILES):
        return ["scaling: decoded pictures have other pixel values than 0 to 255"]
    return [f"{_REASONS[name]} ({name})" for name in wrong]


def check_runs(model: Model, vectors: Vectors, runs: int, artefact: Artefact) -> list[str]:
    """Tell whether the network gives the vectors' scores, and again each time.

    artefact: the file, from which the network is loaded without delegates to find the reason.
    """
    pictures = vectors.pictures
    first = observe(model, pictures)
    if not _agree(first, vectors):
        return [_explain(model, vectors, first, artefact)]
    for run in range(2, runs + 1):
        few = pictures if runs == RUNS else pictures[:_FEW_PICTURES]
        again = observe(model, few)
        part = Outputs(first.scores[: len(few)], first.features[: len(few)])
        if not _close(again, part, vectors):
            return [f"stale buffer: the network is right on the first run and wrong on run {run}"]
    return []


def _permuted(seen: np.ndarray, expected: np.ndarray, tolerance: float) -> bool:
    """Tell whether the columns of scores [pictures, labels] are the expected ones in another order."""
    gaps = np.abs(seen[:, :, np.newaxis] - expected[:, np.newaxis]).max(axis=0)  # [labels seen, labels expected]
    nearest = gaps.argmin(axis=0)
    return len(set(nearest)) == len(nearest) and bool(gaps.min(axis=0).max() <= tolerance)


def _explain(model: Model, vectors: Vectors, seen: Outputs, artefact: Artefact) -> str:
    pictures = vectors.pictures
    off = f"scores differ by up to {np.abs(seen.scores - vectors.scores).max():.3f}"
    if _agree(observe(model, pictures[..., ::-1]), vectors):
        return f"channel order: the network is given BGR instead of RGB; {off}"
    if _spread(seen.scores) < _FLAT * _spread(vectors.scores):
        return f"scaling: the scores hardly depend on the picture, as if pixels were not 0 to 255; {off}"
    if _permuted(seen.scores, vectors.scores, vectors.score_tolerance):
        return f"order of the outputs: the scores are right and belong to other labels; {off}"
    is_exported = network_sha256(artefact) == vectors.network
    if is_exported and _agree(observe(load_model(artefact, delegates=False), pictures), vectors):
        return f"delegate: LiteRT's plain kernels are right, and its fast path (XNNPACK) is not; {off}"
    return f"weights, input scaling or kernels are not those of the export; {off}"


def _spread(scores: np.ndarray) -> float:
    """Return by how much scores change from picture to picture, or inside the only one."""
    return float(scores.std(axis=0 if len(scores) > 1 else 1).max())


def _agree(seen: Outputs, vectors: Vectors) -> bool:
    return _close(seen, Outputs(vectors.scores, vectors.features), vectors)


def _close(seen: Outputs, expected: Outputs, vectors: Vectors) -> bool:
    if seen.scores.shape != expected.scores.shape or seen.features.shape != expected.features.shape:
        return False
    off = [np.abs(one - other).max(initial=0) for one, other in zip(seen, expected, strict=True)]
    return bool(off[0] <= vectors.score_tolerance and off[1] <= max(vectors.feature_tolerance, 1e-6))


def _off(grids: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """Return the largest difference of each file's pixels, [files]."""
    return np.asarray(np.abs(grids - expected).max(axis=(1, 2, 3)))
