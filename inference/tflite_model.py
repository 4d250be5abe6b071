"""Flatbuffer -> a function from one picture's pixels to class probabilities, run by LiteRT."""

import contextlib
import os
from collections.abc import Iterator
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from inference.errors import InputError


class TfliteModel:
    """One interpreter over one network: uint8 pixels in, float32 probabilities out. Not safe across threads."""

    def __init__(self, flatbuffer: bytes, name: str = "model", threads: int = 1) -> None:
        """Load the network and check its interface; more threads than the machine's cores are not started.

        Raises:
            InputError: LiteRT can't load it, or it is not one uint8 picture in, one float32 vector out.
        """
        try:
            with _silent_stderr():  # LiteRT crashes on thousands of threads, so their number is limited
                self._interpreter = Interpreter(model_content=flatbuffer, num_threads=min(threads, os.cpu_count() or 1))
                self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as fault:
            raise InputError(f"{name}: LiteRT cannot load it: {fault}. Export the model again.") from fault
        self._input = _only(self._interpreter.get_input_details(), "input", name)
        self._output = _only(self._interpreter.get_output_details(), "output", name)
        self._check_interface(name)
        self.input_size: tuple[int, int] = tuple(int(side) for side in self._input["shape"][1:3])  # type: ignore
        self.output_count = int(self._output["shape"][1])

    def predict(self, pixels: np.ndarray) -> np.ndarray:
        """Return float32 [classes] for uint8 pixels [height, width, 3] of the model's input size, RGB.

        Raises:
            InputError: the network overflows, so that there is no answer and no JSON number for one.
        """
        self._interpreter.set_tensor(self._input["index"], pixels[np.newaxis])  # [1, height, width, 3]
        self._interpreter.invoke()
        values = self._interpreter.get_tensor(self._output["index"])[0]  # [classes]
        if not np.isfinite(values).all():
            raise InputError("makes the network overflow: its outputs are no numbers. Export the model again.")
        return values

    def _check_interface(self, name: str) -> None:
        entry, result = self._input, self._output
        shape = tuple(int(side) for side in entry["shape"])
        if len(shape) != 4 or shape[0] != 1 or shape[3] != 3 or entry["dtype"] != np.uint8:
            raise InputError(
                f"{name}: the input must be uint8 [1, height, width, 3]. "
                f"Received: {entry['dtype'].__name__} {list(shape)}. Give a .tflite that `python -m export` wrote."
            )
        if len(result["shape"]) != 2 or result["shape"][0] != 1 or result["dtype"] != np.float32:
            raise InputError(
                f"{name}: the output must be float32 [1, classes]. "
                f"Received: {result['dtype'].__name__} {list(result['shape'])}. Export the model again."
            )


def _only(details: list[dict[str, Any]], kind: str, name: str) -> dict[str, Any]:
    if len(details) != 1:
        raise InputError(f"{name}: must have one {kind}. Received: {len(details)}. Export the model again.")
    return details[0]


@contextlib.contextmanager
def _silent_stderr() -> Iterator[None]:
    """Keep LiteRT's start-up notices, which its C++ side writes past Python, off the user's terminal."""
    saved = os.dup(2)
    with open(os.devnull, "wb") as nothing:  # noqa: PTH123 - a device, no path of ours
        os.dup2(nothing.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
