"""The pixel offset of a network's feature map caused by asymmetric padding, measured on photographs.

A convolution of stride 2 on an even number of pixels pads only at the end, which shifts the centre of each receptive
field down and to the right: by up to (L - 1) / 2 pixels for a total stride of L. The exact offset depends on the
weights, since a trained network compensates for part of it. It is therefore measured: spots are painted on photographs,
and the centre of the change in the map is compared with the centre of the spot. Without the correction masks are up to
three pixels off.
"""

from collections.abc import Callable, Sequence

import numpy as np

from inference.anomaly.tiles import Tiling
from pipeline.random_generator import make_generator

_SPOTS = 4  # per photograph
_SPOT_REACH = 3  # pixels around the centre of a spot
_CUTOUT_SIDE = 256  # pixels
_LEAST_CHANGE = 0.3  # share of the largest change; smaller changes are ignored
_DARK, _LIGHT = 20, 235


def measure_alignment(
    network: Callable[[np.ndarray], np.ndarray], tiling: Tiling, photographs: Sequence[np.ndarray], seed: int
) -> int:
    """Return the offset in whole pixels, 0 or more, in the form that inference.anomaly.tiles.Tiling expects.

    Args:
        network: function from a tile, uint8 [side, side, 3], to float32 [rows, columns, features].
        tiling: how photographs are cut into tiles; its alignment must be 0.
        photographs: uint8 [height, width, 3], at least 32 pixels on each side.
        seed: determines the positions of the spots.
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
    """Return the row and column, in pixels, of the centre of the change."""
    weights = np.where(change >= _LEAST_CHANGE * change.max(), change, 0)
    rows, columns = (np.arange(length) * stride + (stride - 1) / 2 for length in change.shape)
    total = max(float(weights.sum()), 1e-12)
    return float((weights.sum(axis=1) * rows).sum() / total), float((weights.sum(axis=0) * columns).sum() / total)
