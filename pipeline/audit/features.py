"""Photographs -> the numbers that the audit compares, kept on disk, so that a killed audit goes on where it was.

Each array is one file of fixed size per photograph or box, read and written in place: memory does not grow with the
photographs. A photograph counts as done after its numbers are written.
"""

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from string import hexdigits

import cv2
import numpy as np

from inference.errors import InputError, printable
from inference.pictures.image_io import read_image, resize_image
from inference.pictures.regions import cut_region
from pipeline.audit.edges import MAP_SIDE, edge_map
from pipeline.audit.keypoints import LENGTH, Detail, Keypoints, detail_for, find_keypoints
from pipeline.audit.photos import DataSet, Photo
from pipeline.progress import count

VERSION = 4  # of the numbers; another version computes them anew
_BATCH = 32  # photographs in memory at a time
_FOLDER, _DIGITS = "features-", 12
_DONE = "done"  # the array that is made last
_COLOUR_BINS = (8, 4, 4)  # hue, saturation, value
_COLOURS = 128


@dataclass(frozen=True)
class FrozenNetwork:
    """A network that is not trained further. name: of trunk and weights; side: of its input in pixels.

    features: from uint8 [boxes, side, side, 3] to float32 [boxes, length].
    """

    name: str
    side: int
    length: int
    features: Callable[[np.ndarray], np.ndarray]
    margin: float = 0.0


@dataclass(frozen=True)
class Numbers:
    """The numbers of photographs, in their order.

    counts: int [photos], keypoints; points: float32 [photos, detail.most, 2]; descriptors: uint8 [photos,
    detail.most, LENGTH]; edges: uint8 [photos, MAP_SIDE, MAP_SIDE]; sizes: int [photos, 2], width and height;
    vectors: float32 [boxes, length], of the boxes of all photographs in their order; a colour histogram comes last.
    """

    counts: np.ndarray
    points: np.ndarray
    descriptors: np.ndarray
    edges: np.ndarray
    sizes: np.ndarray
    vectors: np.ndarray


@dataclass(frozen=True)
class Features(Numbers):
    """The numbers of all photographs, and the photographs that can't be read, by position."""

    photos: tuple[Photo, ...]
    detail: Detail
    faults: dict[int, str]

    def keypoints(self, position: int) -> Keypoints:
        """Return the keypoints of a photograph with its boxes in the same frame."""
        count = int(self.counts[position])
        boxes = scaled_boxes(self.photos[position], self.sizes[position], self.detail)
        return Keypoints(self.points[position, :count], self.descriptors[position, :count], boxes)


def scaled_boxes(photo: Photo, size: np.ndarray, detail: Detail) -> np.ndarray:
    """Return the boxes of a photograph scaled as the detail says, float32 [boxes, 4]; without boxes the whole frame."""
    boxes = [(box.x, box.y, box.width, box.height) for box in photo.boxes] or [(0, 0, *size)]
    return np.array(boxes, np.float32) * detail.scale(*map(int, size))


@dataclass(frozen=True)
class Block(Numbers):
    """The numbers of some photographs. positions: int [photos], of these among all; faults: by these positions."""

    positions: np.ndarray
    faults: dict[int, str]


@dataclass(frozen=True)
class Work:
    """Photographs that have no numbers yet. data: with these alone; positions: of these among all.

    store: folder of the numbers, where unfinished work may be kept.
    """

    data: DataSet
    detail: Detail
    positions: tuple[int, ...]
    store: Path

    def keep(self, places: Sequence[int]) -> "Work":
        """Return the work on some of its photographs alone."""
        data = replace(self.data, photos=tuple(self.data.photos[place] for place in places))
        return replace(self, data=data, positions=tuple(self.positions[place] for place in places))

    def parts(self, size: int) -> Iterator["Work"]:
        """Yield the work in parts of so many photographs."""
        for start in range(0, len(self.positions), size):
            yield self.keep(range(start, min(start + size, len(self.positions))))


Examine = Callable[[Work], Iterator[Block]]


def compute_features(data: DataSet, network: FrozenNetwork, folder: Path, examine: Examine | None = None) -> Features:
    """Return the numbers of all photographs; those that are in the folder already are not computed again.

    examine: computes what is missing, in any order; default: this process.
    """
    detail = detail_for(len(data.photos))
    store = folder / f"{_FOLDER}{_fingerprint(data, network)}"
    for old in folder.glob(f"{_FOLDER}*"):
        if old != store and _is_store(old):
            shutil.rmtree(old)
    store.mkdir(parents=True, exist_ok=True)
    shapes = _shapes(data, detail, network)
    found = Features(
        **{name: _open(store, name, *shapes[name]) for name in shapes}, photos=data.photos, detail=detail, faults={}
    )
    done = _open(store, _DONE, (len(data.photos),), np.bool_)
    work = Work(data, detail, tuple(range(len(data.photos))), store).keep(np.flatnonzero(~done).tolist())
    starts = _starts(data)
    with count(len(work.positions), "photographs examined") as progress:
        for block in examine(work) if examine else examine_here(work, network, os.cpu_count() or 1):
            _write_block(block, found, starts)
            done[block.positions] = [position not in block.faults for position in block.positions]
            progress.advance(len(block.positions))
    return found


def examine_here(work: Work, network: FrozenNetwork, threads: int) -> Iterator[Block]:
    """Yield the numbers of the photographs in this process, some photographs at a time."""
    with ThreadPoolExecutor(threads) as pool:
        for part in work.parts(_BATCH):
            yield _examine_batch(part, network, pool)


def _examine_batch(work: Work, network: FrozenNetwork, pool: ThreadPoolExecutor) -> Block:
    """Return the numbers of some photographs; the network sees all their boxes at once."""
    shapes = _shapes(work.data, work.detail, network)
    arrays: dict[str, np.ndarray] = {name: np.zeros(*shapes[name]) for name in shapes}
    found = Features(**arrays, photos=work.data.photos, detail=work.detail, faults={})
    starts = _starts(work.data)
    places = range(len(work.positions))
    answers = list(pool.map(lambda place: _examine(place, work.data, network, found, int(starts[place])), places))
    patches = [patch for answer in answers if not isinstance(answer, str) for patch in answer]
    rows = [
        int(starts[place]) + number
        for place, answer in enumerate(answers)
        for number in range(0 if isinstance(answer, str) else len(answer))
    ]
    if patches:
        found.vectors[rows, : network.length] = network.features(np.stack(patches))
    faults = {
        position: f"{printable(photo.file)}: {answer}"
        for position, photo, answer in zip(work.positions, work.data.photos, answers, strict=True)
        if isinstance(answer, str)
    }
    return Block(**arrays, positions=np.array(work.positions), faults=faults)


def _write_block(block: Block, found: Features, starts: np.ndarray) -> None:
    """Write the numbers of a block to their places among all."""
    for name in ("counts", "points", "descriptors", "edges", "sizes"):
        getattr(found, name)[block.positions] = getattr(block, name)
    rows = [row for position in block.positions for row in range(starts[position], starts[position + 1])]
    found.vectors[rows] = block.vectors
    found.faults.update(block.faults)


def _examine(
    position: int, data: DataSet, network: FrozenNetwork, found: Features, start: int
) -> list[np.ndarray] | str:
    """Write what needs no network; return the patches of the boxes, or why the photograph can't be read."""
    photo = data.photos[position]
    try:
        pixels = read_image(data.root / photo.file)
        patches = [_patch(pixels, box, network) for box in _places(photo)]
    except InputError as fault:
        return str(fault)
    height, width = pixels.shape[:2]
    found.sizes[position] = width, height
    scale = found.detail.scale(width, height)
    kind = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    small = cv2.resize(pixels, (max(round(width * scale), 1), max(round(height * scale), 1)), interpolation=kind)
    grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
    points, descriptors = find_keypoints(
        grey, scaled_boxes(photo, found.sizes[position], found.detail), found.detail.most
    )
    found.points[position, : len(points)], found.descriptors[position, : len(points)] = points, descriptors
    found.counts[position], found.edges[position] = len(points), edge_map(pixels)
    for number, patch in enumerate(patches):
        found.vectors[start + number, network.length :] = _colours(patch)
    return patches


def _places(photo: Photo) -> Iterator[tuple[float, float, float, float]]:
    return ((box.x, box.y, box.width, box.height) for box in photo.boxes)


def _patch(pixels: np.ndarray, box: tuple[float, float, float, float], network: FrozenNetwork) -> np.ndarray:
    return resize_image(cut_region(pixels, box, network.margin), (network.side, network.side))


def _colours(patch: np.ndarray) -> np.ndarray:
    """Return the square roots of a histogram of hue, saturation and value, float32 [_COLOURS]."""
    hsv = cv2.cvtColor(patch, cv2.COLOR_RGB2HSV)
    counts = cv2.calcHist([hsv], [0, 1, 2], None, list(_COLOUR_BINS), [0, 180, 0, 256, 0, 256]).ravel()
    return np.asarray(np.sqrt(counts / counts.sum()))


def _starts(data: DataSet) -> np.ndarray:
    """Return the number of boxes before each photograph, and of all, int [photos + 1]."""
    return np.cumsum([0, *(len(photo.boxes) for photo in data.photos)])


def _shapes(data: DataSet, detail: Detail, network: FrozenNetwork) -> dict[str, tuple[tuple[int, ...], type]]:
    """Return shape and type of each array of Features."""
    total, boxes = len(data.photos), int(_starts(data)[-1])
    return {
        "counts": ((total,), np.int32),
        "points": ((total, detail.most, 2), np.float32),
        "descriptors": ((total, detail.most, LENGTH), np.uint8),
        "edges": ((total, MAP_SIDE, MAP_SIDE), np.uint8),
        "sizes": ((total, 2), np.int32),
        "vectors": ((boxes, network.length + _COLOURS), np.float32),
    }


def _open(store: Path, name: str, shape: tuple[int, ...], kind: type) -> np.ndarray:
    """Return an array of a file, made with zeros where it does not exist or was cut off."""
    path = store / f"{name}.npy"
    if 0 in shape:  # an empty file can't be mapped
        return np.zeros(shape, kind)
    try:
        found = np.load(path, mmap_mode="r+")
        if found.shape == shape and found.dtype == kind:
            return np.asarray(found)
    except (OSError, ValueError):
        pass
    return np.asarray(np.lib.format.open_memmap(path, mode="w+", dtype=kind, shape=shape))


def _fingerprint(data: DataSet, network: FrozenNetwork) -> str:
    """Return a hash of all that the numbers depend on: the files' size and time, the boxes, the network."""
    digest = hashlib.sha256(f"{VERSION} {network.name} {network.side} {network.margin}\n".encode())
    for photo in data.photos:
        status = (data.root / photo.file).stat()
        line = f"{photo.file} {status.st_size} {status.st_mtime_ns} {photo.boxes}\n"
        digest.update(line.encode("utf-8", "surrogateescape"))
    return digest.hexdigest()[:_DIGITS]


def _is_store(folder: Path) -> bool:
    """Return whether an audit made a folder; others may have named theirs alike."""
    digest = folder.name.removeprefix(_FOLDER)
    return len(digest) == _DIGITS and set(digest) <= set(hexdigits) and (folder / f"{_DONE}.npy").is_file()
