"""One photograph -> the answer that is written for it, and its mask and scores as files where they are asked for."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from inference.anomaly.components import trace_contour
from inference.anomaly.detector import Detector, Region
from inference.atomic_file import write_atomically
from inference.errors import InputError
from inference.pictures.regions import Box
from inference.safe_path import safe_path

_DIGITS = 6


@dataclass(frozen=True)
class Photograph:
    """A decoded photograph, uint8 [height, width, 3], and the key of its result."""

    key: str
    pixels: np.ndarray


@dataclass(frozen=True)
class SurfaceFiles:
    """Folders in which a file for each photograph is written; None: none are.

    masks: PNG, 0 or 255, of the photograph's size: "a/b.jpg" gives a/b.png.
    scores: float32 [height, width] as .npy, raw: a/b.npy.
    """

    masks: Path | None = None
    scores: Path | None = None


NO_FILES = SurfaceFiles()


def answer_photograph(detector: Detector, photograph: Photograph, files: SurfaceFiles = NO_FILES) -> dict[str, Any]:
    """Return {"confidence", "result", "score", "regions"}; write mask and scores.

    score: raw, see Detector.image_score, to be compared with the threshold of the model's bank. Each region has box
    (left, top, width, height), area in pixels, contour, score, result (its name) and confidence.

    Raises:
        InputError: the network overflows, or a file can't be written.
    """
    surface = detector.look(photograph.pixels)
    components = detector.find(surface)
    decision = detector.decide(surface, components)
    assert decision.mask is not None
    if files.masks is not None:
        write_mask(file_path(files.masks, photograph.key, ".png"), decision.mask)
    if files.scores is not None:
        _write(file_path(files.scores, photograph.key, ".npy"), _array_bytes(surface.scores), "--scores")
    return {
        "confidence": round(decision.confidence, _DIGITS),
        "result": decision.result,
        "score": round(detector.image_score(surface, components), _DIGITS),
        "regions": [_region(region) for region in detector.name(surface, components)],
    }


def prepare_photograph(key: str, pixels: np.ndarray, boxes: Sequence[Box] | None) -> Photograph:
    """Return what the network is to see.

    Raises:
        InputError: there are boxes.
    """
    if boxes is not None:
        raise InputError("a model for anomalies finds its regions itself. Leave --boxes out.")
    return Photograph(key, pixels)


def file_path(folder: Path, key: str, suffix: str) -> Path:
    """Return folder/key with another suffix, inside the folder for any key; see inference.safe_path."""
    start, slash, name = key.rpartition("/")
    stem = name.rpartition(".")[0] or name
    return safe_path(folder, f"{start}{slash}{stem}", suffix)


def write_mask(path: Path, mask: np.ndarray) -> None:
    """Write uint8 [height, width] as PNG.

    Raises:
        InputError: the file can't be written.
    """
    data = io.BytesIO()
    Image.fromarray(mask).save(data, "PNG")
    _write(path, data.getvalue(), "--masks")


def _array_bytes(array: np.ndarray) -> bytes:
    data = io.BytesIO()
    np.save(data, array.astype(np.float32))
    return data.getvalue()


def _write(path: Path, data: bytes, option: str) -> None:
    try:
        write_atomically(path, data)
    except OSError as fault:
        raise InputError(f"{path}: cannot be written: {fault.strerror or fault}. Give another {option}.") from fault


def _region(region: Region) -> dict[str, Any]:
    return {
        "box": list(region.component.box),
        "area": region.component.area,
        "score": round(region.score, _DIGITS),
        "result": region.result,
        "confidence": round(region.confidence, _DIGITS),
        "contour": [list(point) for point in trace_contour(region.component)],
    }
