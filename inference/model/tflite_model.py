"""Flatbuffer -> a function from one picture's pixels to class probabilities, run by LiteRT."""

import contextlib
import os
from collections.abc import Iterator
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from ..errors import InputError
from ..foreign.scaling import Conversion

_PLAIN_KERNELS = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES


class TfliteModel:
    """One interpreter over one network: uint8 pixels in, float32 probabilities out. Not safe across threads.

    A network of ours may have a second output: the pooled features that its last layer saw.

    conversion: of pixels and outputs, for networks from elsewhere; None: ours, which do it inside.
    """

    def __init__(
        self,
        flatbuffer: bytes,
        name: str = "model",
        threads: int = 1,
        conversion: Conversion | None = None,
        delegates: bool = True,
    ) -> None:
        """Load the network and check its interface; more threads than the machine's cores are not started.

        delegates: whether LiteRT may use its fast path, XNNPACK.

        Raises:
            InputError: LiteRT can't load it, or it is not one picture in, one vector out: without a conversion
                uint8 [1, height, width, 3] and float32 [1, classes].
        """
        self.conversion = conversion
        self._interpreter = load_interpreter(flatbuffer, name, threads, delegates)
        self._input = _only(self._interpreter.get_input_details(), "input", name)
        outputs = self._interpreter.get_output_details()
        features = outputs.pop() if conversion is None and len(outputs) == 2 else None
        self._output, self._features = _only(outputs, "output", name), features
        self._check_input(name)
        self._check_output(self._output, name)
        if features:
            self._check_output(features, name)
        self.input_size: tuple[int, int] = tuple(int(side) for side in self._input["shape"][1:3])  # type: ignore
        self.output_count = 2 if conversion and conversion.pair else int(self._output["shape"][-1])
        self.feature_count = int(features["shape"][-1]) if features else 0

    def predict(self, pixels: np.ndarray) -> np.ndarray:
        """Return float32 [classes] for uint8 pixels [height, width, 3] of the model's input size, RGB.

        Raises:
            InputError: the network fails or overflows, so that there is no answer and no JSON number for one.
        """
        if self.conversion is None:
            return self.outputs(pixels)
        return self.conversion.leave(self.outputs(self.conversion.enter(pixels)))

    def predict_with_features(self, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """Return what predict does and the pooled features, float32 [features], None where the network gives none."""
        probabilities = self.predict(pixels)
        return probabilities, self._read(self._features) if self._features else None

    def outputs(self, numbers: np.ndarray) -> np.ndarray:
        """Return the network's outputs as they are, [classes], for an input as it takes it, [height, width, 3]."""
        run_interpreter(self._interpreter, self._input, numbers)
        return self._read(self._output)

    def _read(self, output: dict[str, Any]) -> np.ndarray:
        return read_output(self._interpreter, output).reshape(-1)

    def _check_input(self, name: str) -> None:
        levels = self.conversion.levels if self.conversion else None
        dtype = np.dtype(np.uint8) if levels is None else levels.dtype
        shape = tuple(int(side) for side in self._input["shape"])
        if len(shape) != 4 or shape[0] != 1 or shape[3] != 3 or self._input["dtype"] != dtype:
            raise InputError(
                f"{name}: the input must be {dtype.name} [1, height, width, 3]. Received: "
                f"{self._input['dtype'].__name__} {list(shape)}. Give a .tflite that `python -m export` wrote."
            )

    def _check_output(self, output: dict[str, Any], name: str) -> None:
        """Take [1, classes], and from elsewhere also the [1, 1, 1, classes] of a network that ends in a convolution."""
        shape = tuple(int(side) for side in output["shape"])
        dtype = output["dtype"]
        fine = len(shape) == 2 and dtype == np.float32 if self.conversion is None else len(shape) > 1
        if not fine or any(side != 1 for side in shape[:-1]):
            raise InputError(
                f"{name}: the output must be float32 [1, classes]. "
                f"Received: {dtype.__name__} {list(shape)}. Export the model again."
            )


def load_interpreter(flatbuffer: bytes, name: str, threads: int = 1, delegates: bool = True) -> Interpreter:
    """Return LiteRT's interpreter, ready to run.

    Raises:
        InputError: LiteRT refuses the network.
    """
    try:
        return start_interpreter(flatbuffer, threads, delegates)
    except (ValueError, RuntimeError) as fault:
        why = " ".join(str(fault).split())
        raise InputError(f"{name}: LiteRT cannot load it: {why}. Export the model again.") from fault


def run_interpreter(interpreter: Interpreter, entry: dict[str, Any], numbers: np.ndarray) -> None:
    """Run a network on one input, [height, width, 3]; entry: LiteRT's details of the input.

    Raises:
        InputError: the network fails.
    """
    interpreter.set_tensor(entry["index"], numbers[np.newaxis])  # [1, height, width, 3]
    try:
        interpreter.invoke()
    except RuntimeError as fault:
        raise InputError(f"makes the network fail: {' '.join(str(fault).split())}. Convert it again.") from fault


def read_output(interpreter: Interpreter, entry: dict[str, Any]) -> np.ndarray:
    """Return an output as it is, [1, ...]; entry: LiteRT's details of it.

    Raises:
        InputError: the network overflowed.
    """
    values: np.ndarray = interpreter.get_tensor(entry["index"])
    if not np.isfinite(values).all():
        raise InputError("makes the network overflow: its outputs are no numbers. Export the model again.")
    return values


def start_interpreter(flatbuffer: bytes, threads: int = 1, delegates: bool = True) -> Interpreter:
    """Return LiteRT's interpreter, ready to run; ValueError or RuntimeError where it refuses the network."""
    with _silent_stderr():  # LiteRT crashes on thousands of threads, so their number is limited
        interpreter = Interpreter(
            model_content=flatbuffer,
            num_threads=min(threads, os.cpu_count() or 1),
            experimental_op_resolver_type=OpResolverType.AUTO if delegates else _PLAIN_KERNELS,
        )
        interpreter.allocate_tensors()
    return interpreter


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
