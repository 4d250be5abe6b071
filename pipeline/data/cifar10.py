"""CIFAR-10, downloaded by Keras -> class folders of PNG files, which are read like a user's pictures."""

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from inference.atomic_file import write_atomically
from inference.errors import InputError
from inference.pictures.encode import png_bytes

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")  # 0 to 9
Arrays = tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]


def write_originals(work: Path, load: Callable[[], Arrays] | None = None) -> Path:
    """Return the folder with train/<class>/<number>.png and test/...; missing files are written first.

    Args:
        work: the parent folder.
        load: function that returns ((pixels, class numbers) of training, of test); by default keras.datasets.cifar10,
            which downloads 170 MB once to ~/.keras/datasets.

    Raises:
        InputError: the pictures can't be downloaded.
    """
    folder = work / "originals"
    if folder.is_dir():
        return folder
    arrays = (load or _download)()
    partial = folder.with_name(f"{folder.name}.{os.getpid()}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    for split, (pixels, numbers) in zip(("train", "test"), arrays, strict=True):
        print(f"writing {len(pixels):,} pictures of {split} ...", file=sys.stderr, flush=True)
        for number, (picture, label) in enumerate(zip(pixels, numbers.ravel(), strict=True)):
            write_atomically(
                partial / split / CLASSES[label] / f"{number:05d}.png", png_bytes(picture, compress_level=1)
            )
    partial.rename(folder)
    return folder


def _download() -> Any:
    from keras.datasets import cifar10  # TensorFlow takes seconds to import

    try:
        return cifar10.load_data()
    except Exception as fault:  # Keras wraps urllib's errors in a bare Exception
        raise InputError(
            f"CIFAR-10 can't be downloaded: {fault}. Give a folder, or zip, of class folders to --images, or put "
            "Keras' archive into ~/.keras/datasets."
        ) from fault
