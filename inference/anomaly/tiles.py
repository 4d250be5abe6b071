"""A photograph of any size -> one feature map, by a network that takes tiles of a fixed size.

Neighbouring tiles overlap by twice the margin, and of each tile's map the margin is cut away: what a network's border
padding has touched. Beyond its edges the photograph is mirrored.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

# from a tile, uint8 [side, side, 3], to float32 [side / stride, side / stride, features]
Network = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Tiling:
    """Tiles of side pixels, of which margin pixels on each side only give context; one position of the map a stride.

    side and margin are multiples of the stride of the network's coarsest layer, so that every tile sees the
    photograph in the same phase and the map has no seams. alignment: pixels by which the centre of a position's
    receptive field lies below and to the right of the position, because strided convolutions pad at the end alone;
    tiles begin that much earlier.
    """

    side: int
    margin: int
    stride: int
    alignment: int = 0

    @property
    def step(self) -> int:
        """Return the pixels from one tile to the next."""
        return self.side - 2 * self.margin

    def map_size(self, height: int, width: int) -> tuple[int, int]:
        """Return (rows, columns) of the map of a photograph: 100 pixels at stride 8 give 13 positions."""
        return -(-height // self.stride), -(-width // self.stride)

    def look(self, network: Network, pixels: np.ndarray) -> np.ndarray:
        """Return the map, float32 [rows, columns, features], of uint8 pixels [height, width, 3]."""
        return np.concatenate(list(self.strips(network, pixels)))

    def strips(self, network: Network, pixels: np.ndarray) -> Iterator[np.ndarray]:
        """Yield the map's rows from the top, float32 [rows, columns, features], those of one row of tiles at a time."""
        height, width = pixels.shape[:2]
        rows, columns = self.map_size(height, width)
        across, each = -(-width // self.step), self.step // self.stride
        for row in range(-(-height // self.step)):
            strip = self._strip(pixels, row * self.step, across)
            tiles = [np.ascontiguousarray(strip[:, left : left + self.side]) for left in self.step * np.arange(across)]
            looked = np.concatenate([self._inner(network(tile)) for tile in tiles], axis=1)
            yield looked[: rows - row * each, :columns]

    def _strip(self, pixels: np.ndarray, top: int, across: int) -> np.ndarray:
        """Return the pixels of a row of tiles, [side, across * step + 2 * margin, 3]; beyond its edges mirrored.

        top: of what the tiles judge, in the photograph.
        """
        before = self.margin + self.alignment
        beyond = across * self.step - pixels.shape[1] + self.margin - self.alignment
        rows = mirrored(np.arange(top - before, top - before + self.side), pixels.shape[0])
        columns = mirrored(np.arange(-before, pixels.shape[1] + beyond), pixels.shape[1])
        return pixels[rows].take(columns, axis=1)

    def _inner(self, features: np.ndarray) -> np.ndarray:
        edge = self.margin // self.stride
        return features[edge : features.shape[0] - edge, edge : features.shape[1] - edge]


def mirrored(positions: np.ndarray, length: int) -> np.ndarray:
    """Return positions mirrored into [0, length), again and again: -1 is 0, and length is length - 1."""
    wrapped = positions % (2 * length)
    return np.minimum(wrapped, 2 * length - 1 - wrapped)
