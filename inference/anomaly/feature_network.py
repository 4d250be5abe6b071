"""Flatbuffer -> a function from one tile's pixels to its feature map, run by LiteRT."""

from typing import Any

import numpy as np

from ..errors import InputError
from ..model.tflite_model import load_interpreter, read_output, run_interpreter


class FeatureNetwork:
    """One interpreter: uint8 [1, side, side, 3] in, float32 [1, rows, columns, features] out.

    Not safe across threads.
    """

    def __init__(self, flatbuffer: bytes, name: str = "model", threads: int = 1, delegates: bool = True) -> None:
        """Load the network and check its interface.

        Raises:
            InputError: LiteRT can't load it, or it is no network from a square picture to one map.
        """
        self._interpreter = load_interpreter(flatbuffer, name, threads, delegates)
        inputs, outputs = self._interpreter.get_input_details(), self._interpreter.get_output_details()
        if len(inputs) != 1 or len(outputs) != 1 or not _is_tile(inputs[0]) or not _is_map(outputs[0], inputs[0]):
            received = [(list(one["shape"]), np.dtype(one["dtype"]).name) for one in (*inputs, *outputs)]
            raise InputError(
                f"{name}: must take uint8 [1, side, side, 3] and give one float32 map [1, rows, columns, features]. "
                f"Received: {received}. Export the model again."
            )
        self._input, self._output = inputs[0], outputs[0]
        self.side = int(inputs[0]["shape"][1])
        self.stride = self.side // int(outputs[0]["shape"][1])
        self.features = int(outputs[0]["shape"][3])

    def __call__(self, tile: np.ndarray) -> np.ndarray:
        """Return float32 [rows, columns, features] of uint8 pixels [side, side, 3].

        Raises:
            InputError: the network fails or overflows.
        """
        run_interpreter(self._interpreter, self._input, tile)
        features: np.ndarray = read_output(self._interpreter, self._output)[0]
        return features


def _is_tile(details: dict[str, Any]) -> bool:
    shape = [int(side) for side in details["shape"]]
    return details["dtype"] == np.uint8 and len(shape) == 4 and shape[0] == 1 and shape[3] == 3 and shape[1] == shape[2]


def _is_map(details: dict[str, Any], tile: dict[str, Any]) -> bool:
    shape, side = [int(length) for length in details["shape"]], int(tile["shape"][1])
    square = len(shape) == 4 and shape[0] == 1 and 0 < shape[1] == shape[2] <= side
    return details["dtype"] == np.float32 and square and side % shape[1] == 0
