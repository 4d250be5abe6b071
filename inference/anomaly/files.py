"""A photograph's mask and scores -> files, or text in an answer: --masks and --scores."""

import base64
import io
from pathlib import Path

import numpy as np

from ..atomic_file import write_atomically
from ..errors import InputError
from ..pictures.encode import png_bytes
from ..safe_path import without_suffix


def write_mask(folder: Path, key: str, mask: np.ndarray) -> None:
    """Write uint8 [height, width], 0 or 255, as PNG of the photograph's size: "a/b.jpg" gives a/b.png.

    Raises:
        InputError: the file can't be written.
    """
    _write(without_suffix(folder, key, ".png"), png_bytes(mask), "--masks")


def mask_text(mask: np.ndarray) -> str:
    """Return uint8 [height, width], 0 or 255, as PNG in base64."""
    return base64.b64encode(png_bytes(mask)).decode()


def write_scores(folder: Path, key: str, scores: np.ndarray) -> None:
    """Write raw scores, float32 [height, width], as .npy: "a/b.jpg" gives a/b.npy.

    Raises:
        InputError: the file can't be written.
    """
    data = io.BytesIO()
    np.save(data, scores.astype(np.float32))
    _write(without_suffix(folder, key, ".npy"), data.getvalue(), "--scores")


def _write(path: Path, data: bytes, option: str) -> None:
    try:
        write_atomically(path, data)
    except OSError as fault:
        raise InputError(f"{path}: cannot be written: {fault.strerror or fault}. Give another {option}.") from fault
