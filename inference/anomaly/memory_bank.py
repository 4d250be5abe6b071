"""Feature vectors of normal photographs, and the threshold on distances to them: bank.npz behind the network.

PatchCore (Roth et al. 2022, arXiv:2106.08265): the score of a position is the distance of its feature vector to the
nearest one of normal photographs. PaDiM (Defard et al. 2021, arXiv:2011.08785), for photographs that are not aligned
with each other: the Mahalanobis distance to the mean of all normal vectors. The network then ends with the whitening,
and the memory bank holds one vector.
"""

from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from ..model.array_file import Column, arrays_to_file, misfit, read_arrays

BANK_NAME = "bank.npz"
_COLUMNS = {"vectors": Column(np.float16, 2), "scale": Column(np.float64, 1)}
_SCALE = (  # the numbers of the file, in this order
    "threshold",
    "width",
    "smoothing",
    "margin",
    "longest_side",
    "smallest_area",
    "halo",
    "border",
    "normalize_by_median",
    "centred",
    "local_contrast",
    "score_share",
    "alignment",
)
_WHOLE = ("margin", "longest_side", "smallest_area", "halo", "border", "local_contrast", "alignment")
_FLAGS = ("normalize_by_median", "centred")
_TINY = 1e-6
_CHUNK = 4096  # positions compared at once: memory stays bounded


@dataclass(frozen=True)
class MemoryBank:
    """Normal feature vectors, and the rule that turns distances to them into a decision.

    Pixels are those of the photograph as the network sees it, after longest_side.

    vectors: float32 [normal vectors, features].
    threshold: the score from which a position is an anomaly; a raw distance.
    width: the score by which the logit of "anomaly" changes by 1.
    smoothing: standard deviation of the Gaussian filter over the map of scores, in positions.
    margin: of a tile, in pixels; see inference.anomaly.tiles.
    longest_side: pixels to which larger photographs are reduced first; 0: never.
    smallest_area: pixels of the smallest region that counts.
    halo: pixels up to which a position's score bleeds into its surroundings, because a feature's receptive field is
        larger than its position: a position counts only where its score reaches half of the highest score within that
        distance, both measured from the photograph's median. 0: the threshold alone decides.
    border: pixels along the photograph's edge whose scores are replaced by the photograph's median score.
    normalize_by_median: scores are multiples of the photograph's median distance, so that a photograph of a material
        that is rare in the memory bank is no anomaly as a whole.
    centred: the photograph's mean vector is subtracted first, so that its light and tone do not count.
    local_contrast: side in pixels of the window of local contrast normalisation, before the network; see
        inference.anomaly.local_contrast; 0: none.
    score_share: the photograph's score is the mean over this share of its positions, the highest; 0: the highest alone.
        A photograph below the threshold then has no regions, whatever single positions score.
    alignment: pixel offset of the network's feature map; see inference.anomaly.tiles.
    """

    vectors: np.ndarray
    threshold: float = 0.0
    width: float = 1.0
    smoothing: float = 0.5
    margin: int = 64
    longest_side: int = 0
    smallest_area: int = 1
    halo: int = 0
    border: int = 0
    normalize_by_median: bool = False
    centred: bool = False
    local_contrast: int = 0
    score_share: float = 0.0
    alignment: int = 0

    def scores(self, features: np.ndarray, stride: int) -> np.ndarray:
        """Return the score of each position, float32 [rows, columns], of a map [rows, columns, features].

        stride: of the map, in pixels.
        """
        return self.finish(self.distances(features), stride)

    def distances(self, features: np.ndarray) -> np.ndarray:
        """Return the distance of each position of a map to the nearest vector, float32 [rows, columns]."""
        rows, columns = features.shape[:2]
        positions = self.prepare(features).reshape(rows * columns, -1)
        return nearest_distance(positions, self.vectors).reshape(rows, columns)

    def finish(self, distances: np.ndarray, stride: int) -> np.ndarray:
        """Return the scores of distances [rows, columns]: without the border, relative, smoothed."""
        rows, columns = distances.shape
        median = float(np.median(distances))
        edge = -(-self.border // stride)
        if edge and 2 * edge < min(rows, columns):
            inner = distances[edge:-edge, edge:-edge]
            distances = np.pad(inner, edge, constant_values=median)
        if self.normalize_by_median:
            distances = distances / max(median, _TINY)
        return smooth(distances, self.smoothing)

    def prepare(self, features: np.ndarray) -> np.ndarray:
        """Return a map [rows, columns, features] as it is compared with the memory bank."""
        return features - features.mean(axis=(0, 1)) if self.centred else features

    def decide_by(self, threshold: float, width: float) -> "MemoryBank":
        """Return the memory bank with another threshold and width."""
        return replace(self, threshold=threshold, width=width)


def nearest_distance(positions: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Return the Euclidean distance of each position to the nearest vector, float32 [positions].

    positions: float32 [positions, dimensions]. vectors: float32 [vectors, dimensions].
    """
    halves = (vectors**2).sum(axis=1) / 2
    turned = np.ascontiguousarray(vectors.T)
    found = np.empty(len(positions), np.float32)
    for start in range(0, len(positions), _CHUNK):
        some = positions[start : start + _CHUNK]
        closest = (some @ turned - halves).max(axis=1)  # |a - b|^2 = |a|^2 - 2 (ab - |b|^2 / 2)
        found[start : start + _CHUNK] = np.sqrt(np.maximum((some**2).sum(axis=1) - 2 * closest, 0))
    return found


def smooth(scores: np.ndarray, deviation: float) -> np.ndarray:
    """Blur a map [rows, columns] with a Gaussian, mirrored at the edges; 0 leaves it."""
    if deviation <= 0:
        return scores
    reach = max(1, int(np.ceil(3 * deviation)))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / deviation) ** 2)
    kernel = (kernel / kernel.sum()).astype(np.float32)
    for axis in (0, 1):
        padded = np.pad(scores, [(reach, reach) if one == axis else (0, 0) for one in (0, 1)], mode="symmetric")
        length = scores.shape[axis]
        scores = np.asarray(
            sum(weight * padded.take(range(shift, shift + length), axis) for shift, weight in enumerate(kernel))
        )
    return scores


def half_heights(scores: np.ndarray, reach: int) -> np.ndarray:
    """Return half the way from the median to the highest score within reach positions, float32 [rows, columns].

    The half maximum of a blurred edge lies where the edge is.
    """
    highest = scores
    for axis in (0, 1):
        padded = np.pad(highest, [(reach, reach) if one == axis else (0, 0) for one in (0, 1)], mode="edge")
        length = scores.shape[axis]
        highest = np.max([padded.take(range(shift, shift + length), axis) for shift in range(2 * reach + 1)], axis=0)
    median = np.float32(np.median(scores))
    return np.asarray(median + (highest - median) / 2, np.float32)


def top_mean(scores: np.ndarray, share: float) -> float:
    """Return the mean over the share of the scores that is highest, at least one of them."""
    count = max(1, round(share * scores.size))
    return float(np.partition(scores, scores.size - count, axis=None)[-count:].mean())


def enlarge(
    scores: np.ndarray, stride: int, seen: tuple[int, int], size: tuple[int, ...], rows: slice = slice(None)
) -> np.ndarray:
    """Return the map [rows, columns] at a photograph's size (height, width), bilinear, or some rows of that.

    Args:
        scores: a position is stride pixels wide; the positions may cover a little more than what was seen.
        stride: in pixels as seen.
        seen: (height, width) that the network saw.
        size: (height, width) of the photograph.
        rows: of the photograph.
    """
    image = Image.fromarray(np.ascontiguousarray(scores, np.float32))
    top, bottom, _ = rows.indices(size[0])
    bottom_position, right_position = (
        min(side / stride, length) for side, length in zip(seen, scores.shape, strict=True)
    )
    scale = bottom_position / size[0]
    box = (0, top * scale, right_position, bottom * scale)
    return np.asarray(image.resize((size[1], bottom - top), Image.Resampling.BILINEAR, box=box))


def memory_bank_to_file(bank: MemoryBank) -> bytes:
    """Return the bytes of bank.npz: vectors in 16 bits."""
    return arrays_to_file(
        {
            "vectors": bank.vectors.astype(np.float16),
            "scale": np.array([getattr(bank, name) for name in _SCALE], np.float64),
        }
    )


def read_memory_bank(data: bytes, features: int, name: str = "model") -> MemoryBank:
    """Read bank.npz of a network whose map has this number of features.

    Raises:
        InputError: it is damaged or does not fit the network.
    """
    vectors, scale = read_arrays(data, _COLUMNS, BANK_NAME, name).values()
    fits = len(scale) == len(_SCALE) and len(vectors) > 0 and vectors.shape[1] == features
    fits = fits and scale[1] > 0 and bool((scale[2:] >= 0).all()) and scale[2] < 100
    if not fits:
        raise misfit(BANK_NAME, name)
    values = dict(zip(_SCALE, (float(value) for value in scale), strict=True))
    whole = {key: int(values.pop(key)) for key in _WHOLE}
    flags = {key: bool(values.pop(key)) for key in _FLAGS}
    return MemoryBank(vectors.astype(np.float32), **values, **whole, **flags)  # type: ignore[arg-type]
