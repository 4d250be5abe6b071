"""A photograph of any size -> one feature map, by a network that takes tiles of a fixed size.

Neighbouring tiles overlap by twice the margin, and of each tile's map the margin is cut away: what a network's border
padding has touched. Beyond its edges the photograph is mirrored.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


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

    def look(self, network: Callable[[np.ndarray], np.ndarray], pixels: np.ndarray) -> np.ndarray:
        """Return the map, float32 [rows, columns, features], of uint8 pixels [height, width, 3].

        network: from uint8 [side, side, 3] to float32 [side / stride, side / stride, features].
        """
        height, width = pixels.shape[:2]
        down, across = -(-height // self.step), -(-width // self.step)  # tiles
        padded = self._pad(pixels, down, across)
        rows = [
            np.concatenate([self._inner(network(self._cut(padded, row, column))) for column in range(across)], axis=1)
            for row in range(down)
        ]
        map_rows, map_columns = self.map_size(height, width)
        return np.concatenate(rows)[:map_rows, :map_columns]

    def _pad(self, pixels: np.ndarray, down: int, across: int) -> np.ndarray:
        """Mirror the photograph at its edges, to a whole number of tiles and their margins."""
        behind = (down * self.step - pixels.shape[0], across * self.step - pixels.shape[1])
        before, margin = self.margin + self.alignment, self.margin
        return np.pad(pixels, ((before, margin + behind[0]), (before, margin + behind[1]), (0, 0)), mode="symmetric")

    def _cut(self, padded: np.ndarray, row: int, column: int) -> np.ndarray:
        top, left = row * self.step, column * self.step
        return np.ascontiguousarray(padded[top : top + self.side, left : left + self.side])

    def _inner(self, features: np.ndarray) -> np.ndarray:
        edge = self.margin // self.stride
        return features[edge : features.shape[0] - edge, edge : features.shape[1] - edge]
