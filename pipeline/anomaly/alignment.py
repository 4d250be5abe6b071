"""Pixel offset of a network's feature map that asymmetric padding causes, measured on photographs.

A convolution of stride 2 on an even number of pixels pads at the end alone, so that the receptive field of a position
is centred below and to the right of it: by up to (L - 1) / 2 pixels over strides of L in all. The exact offset depends
on the weights, since a trained network compensates for a part of it. So it is measured: spots are painted on
photographs, and the centre of what they change in the map is compared with theirs. Without the correction masks are
up to three pixels off.
"""

from collections.abc import Callable, Sequence

import numpy as np

from inference.anomaly.tiles import Tiling
from pipeline.random_generator import make_generator

_SPOTS = 4  # on each photograph
_SPOT_REACH = 3  # pixels around its centre
_CUTOUT_SIDE = 256  # pixels
_LEAST_CHANGE = 0.3  # of the largest: what counts of a response
_DARK, _LIGHT = 20, 235


def measure_alignment(
    network: Callable[[np.ndarray], np.ndarray], tiling: Tiling, photographs: Sequence[np.ndarray], seed: int
) -> int:
    """Return the offset in whole pixels, 0 or more, as inference.anomaly.tiles.Tiling takes it.

    Args:
        network: from a tile, uint8 [side, side, 3], to float32 [rows, columns, features].
        tiling: how photographs are cut; its own alignment must be 0.
        photographs: uint8 [height, width, 3], at least 32 pixels on each side.
        seed: decides where the spots are.
    """
    random = make_generator(seed, "lag")
    offsets = []
    for photograph in photographs:
        cutout = photograph[:_CUTOUT_SIDE, :_CUTOUT_SIDE]
        plain = tiling.look(network, cutout)
        for _ in range(_SPOTS):
            row, column = (int(random.integers(side // 4, side - side // 4)) for side in cutout.shape[:2])
            change = np.sqrt(((tiling.look(network, _with_spot(cutout, row, column)) - plain) ** 2).sum(axis=2))
            middle = _middle(change, tiling.stride)
            offsets.append((row - middle[0] + column - middle[1]) / 2)
    return max(0, round(float(np.median(offsets))))


def _with_spot(pixels: np.ndarray, row: int, column: int) -> np.ndarray:
    spotted = pixels.copy()
    spot = np.s_[row - _SPOT_REACH : row + _SPOT_REACH + 1, column - _SPOT_REACH : column + _SPOT_REACH + 1]
    spotted[spot] = _DARK if spotted[spot].mean() > (_DARK + _LIGHT) / 2 else _LIGHT
    return spotted


def _middle(change: np.ndarray, stride: int) -> tuple[float, float]:
    """Return row and column, in pixels, of the centre of what changed."""
    weights = np.where(change >= _LEAST_CHANGE * change.max(), change, 0)
    rows, columns = (np.arange(length) * stride + (stride - 1) / 2 for length in change.shape)
    total = max(float(weights.sum()), 1e-12)
    return float((weights.sum(axis=1) * rows).sum() / total), float((weights.sum(axis=0) * columns).sum() / total)
