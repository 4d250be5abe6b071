"""A real .tflite that finds anomalies, made by hand in a second: what its network sees of a cell is its mean colour."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from inference.anomaly.memory_bank import BANK_NAME, MemoryBank, memory_bank_to_file
from inference.anomaly.region_names import NAMES_NAME, RegionNames, names_to_file
from inference.anomaly.surface import COLOUR_NUMBERS, SURFACE_NAME, Surface, surface_to_file
from inference.model.artefact import Artefact, flatbuffer_sha256, pack_artefact
from inference.model.card import Card, card_files

SIDE, STRIDE = 64, 8  # of a tile and of a cell, in pixels
BOARD = (200, 160, 120)
BANK = MemoryBank(np.array([BOARD], np.float32) / 255, threshold=0.2, width=0.05, margin=16, smallest_area=12, halo=16)
SURFACE = Surface(
    mean=np.zeros(COLOUR_NUMBERS, np.float32),
    whitening=np.diag(np.full(COLOUR_NUMBERS, 0.05, np.float32)),
    grain_axis=1,
    feature_median=0.05,
    feature_power=0.7,
    colour_median=1.0,
    colour_power=0.5,
    masks_background=True,
)
NAMES = RegionNames(
    ("clean", "knot", "long"),
    np.array([1.0, 2.5, 2.0, 0.5], np.float32),
    np.array([1.0, 0.8, 0.7, 0.3], np.float32),
    np.array([[-1, 1, 0], [-1, 0, 2], [-1, 1, -2], [-1, 1, 0]], np.float32),
    np.array([-1, 0.5, 0], np.float32),
)


def make_detector_flatbuffer() -> bytes:
    """Return a network: uint8 [1, SIDE, SIDE, 3] -> the mean colour of each cell, float32 [1, 8, 8, 3], 0 to 1."""
    import keras  # here, because most tests need no TensorFlow

    from export.convert import convert

    pixels = keras.Input((SIDE, SIDE, 3))
    cells = keras.layers.AveragePooling2D(STRIDE)(keras.layers.Rescaling(1 / 255)(pixels))
    return convert(keras.Model(pixels, cells), "float32", np.zeros((1, SIDE, SIDE, 3), np.uint8))


def make_detector(
    flatbuffer: bytes,
    surface: Surface | None = None,
    names: RegionNames | None = None,
    **changes: Any,
) -> Artefact:
    """Return the file's parts; changes: of the memory bank."""
    files = {BANK_NAME: memory_bank_to_file(replace(BANK, **changes))}
    files |= {SURFACE_NAME: surface_to_file(surface)} if surface else {}
    files |= {NAMES_NAME: names_to_file(names)} if names else {}
    card = Card(
        recipe="boards",
        labels=("anomaly", "normal"),
        reject_labels=(),
        input_size=(SIDE, SIDE),
        decision="anomaly",
        threshold=0.5,
        temperature=1.0,
        quantization="float32",
        flatbuffer_sha256=flatbuffer_sha256(flatbuffer),
        region_labels=names.labels if names else (),
    )
    return Artefact(flatbuffer, card_files(card) | files)


def write_detector(path: Path) -> Path:
    """Write a file whose regions have names, with test vectors as export writes them."""
    from inference.verify.observe import with_vectors

    path.write_bytes(pack_artefact(with_vectors(make_detector(make_detector_flatbuffer(), names=NAMES))))
    return path


def draw_board(seed: int, size: tuple[int, int] = (150, 210), spots: int | None = None) -> np.ndarray:
    """Return uint8 [height, width, 3]: a board with stripes of grain and dark spots, none where the seed is even."""
    random = np.random.default_rng(seed)
    height, width = size
    pixels = np.full((height, width, 3), BOARD, float) + random.normal(0, 4, (height, width, 3))
    pixels *= (1 + 0.03 * np.sin(np.arange(height) / 5))[:, np.newaxis, np.newaxis]
    down, across = np.mgrid[:height, :width]
    for _ in range(3 * (seed % 2) if spots is None else spots):
        row, column, breadth, length = *random.integers(10, (height - 10, width - 10)), *random.integers(5, 22, 2)
        inside = ((down - row) / breadth) ** 2 + ((across - column) / length) ** 2 < 1
        pixels[inside] = np.array(BOARD) * random.uniform(0.2, 0.6) + random.normal(0, 3, (int(inside.sum()), 3))
    return np.clip(pixels, 0, 255).astype(np.uint8)


def write_boards(folder: Path, count: int) -> list[Path]:
    """Write boards of many sizes, PNG and JPEG in turn."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number in range(count):
        size = tuple(int(side) for side in np.random.default_rng(number).integers(90, 260, 2))
        paths.append(folder / f"{number:02}.{'jpg' if number % 3 == 2 else 'png'}")
        Image.fromarray(draw_board(number, (size[0], size[1]))).save(paths[-1], quality=95)
    return paths
