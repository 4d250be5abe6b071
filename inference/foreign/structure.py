"""Flatbuffer of a network -> what enters and leaves it, read and checked before any interpreter sees it.

Slot numbers: schema.fbs of TensorFlow Lite, version 3.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from .flatbuffer import Flatbuffer, Table
from .metadata_schema import NETWORK_ENTRY

SCHEMA_VERSION = 3
DTYPES = {0: "float32", 1: "float16", 2: "int32", 3: "uint8", 4: "int64", 5: "string", 6: "bool", 7: "int16", 9: "int8"}
INTERFACE_DTYPES = ("uint8", "int8", "float32")
SOFTMAX, LOGISTIC = 25, 14
PASSES_VALUES_ON = {6, 22, 43, 53, 114}  # DEQUANTIZE, RESHAPE, SQUEEZE, CAST, QUANTIZE
LARGEST_SIDE = 4096  # pixels; one float32 picture of that size is 200 MB
_MOST_ELEMENTS = 2**31
_MOST_DIMENSIONS = 16  # LiteRT's operators take 8 at most


@dataclass(frozen=True)
class TensorInfo:
    """An input or output: scale is 0 where it is not quantized, else value = scale * (number - zero_point)."""

    dtype: str
    shape: tuple[int, ...]
    resizable: bool  # height or width is left open
    scale: float
    zero_point: int

    def __str__(self) -> str:
        return f"{self.dtype} {list(self.shape)}"


@dataclass(frozen=True)
class Network:
    """last_operator: the builtin code of the operator that computes the output; metadata: b"" if there are none."""

    input: TensorInfo
    output: TensorInfo
    last_operator: int
    metadata: bytes

    @property
    def input_size(self) -> tuple[int, int]:
        """Return (height, width) in pixels."""
        return self.input.shape[1], self.input.shape[2]

    @property
    def output_count(self) -> int:
        """Return the number of classes."""
        return self.output.shape[-1]


def read_network(flatbuffer: bytes, name: str = "model") -> Network:
    """Read a network's interface; follow every index and offset of its parts once.

    Raises:
        InputError: the flatbuffer is damaged, or it is no network from one RGB picture to one vector of scores.
    """
    model = Flatbuffer(flatbuffer, name).root()
    version = model.whole(0, "I")
    _require(version == SCHEMA_VERSION, f"{name}: must have TFLite's schema version {SCHEMA_VERSION}", version)
    codes = [max(code.whole(0, "b"), code.whole(3, "i")) for code in model.tables(1)]
    buffers = list(_checked_buffers(model, len(flatbuffer), name))
    graphs = [_Graph(table, len(codes), len(buffers), name) for table in model.tables(2)]
    _require(bool(graphs), f"{name}: must hold one network", 0)
    entry, result = graphs[0].interface()
    _check_input(entry, name)
    _check_output(result, name)
    return Network(entry, result, graphs[0].last_operator(codes), _find_metadata(model, buffers))


def _checked_buffers(model: Table, size: int, name: str) -> Iterator[Table]:
    """Yield the buffers; one with an offset has its bytes behind the tables instead of in a vector."""
    for buffer in model.tables(4):
        buffer.size(0)
        offset, length = buffer.whole(1, "Q"), buffer.whole(2, "Q")
        if offset > 1 and offset + length > size:
            raise _damaged(name, "a buffer lies outside the file")
        yield buffer


def _find_metadata(model: Table, buffers: list[Table]) -> bytes:
    for entry in model.tables(6):
        index = entry.whole(1, "I")
        if entry.text(0) == NETWORK_ENTRY and index < len(buffers):
            return buffers[index].content(0)
    return b""


class _Graph:
    """One subgraph whose tensors and operators have been checked."""

    def __init__(self, table: Table, code_count: int, buffer_count: int, name: str) -> None:
        self._table = table
        self._name = name
        self._tensors = list(table.tables(0))
        for tensor in self._tensors:
            self._check(tensor.whole(2, "I") < buffer_count, "a tensor's buffer is missing")
            shape = [int(side) for side in tensor.numbers(0, "<i4")[:_MOST_DIMENSIONS]]
            self._check(
                all(side >= 0 for side in shape) and math.prod(shape) <= _MOST_ELEMENTS, "a shape is impossible"
            )
        self._producers: dict[int, tuple[int, int]] = {}  # output -> operator code's index, first input
        for operator in table.tables(3):
            self._add_operator(operator, code_count)

    def interface(self) -> tuple[TensorInfo, TensorInfo]:
        """Return the only input and the only output."""
        found = []
        for slot, kind in ((1, "input"), (2, "output")):
            indices = self._table.numbers(slot, "<i4")
            _require(len(indices) == 1, f"{self._name}: must have one {kind}", len(indices))
            self._check_indices(indices, 0)
            found.append(_describe(self._tensors[indices[0]], f"{self._name}: the {kind}"))
        return found[0], found[1]

    def last_operator(self, codes: list[int]) -> int:
        """Return the code of the operator that computes the output's values, -1 where none does."""
        tensor = int(self._table.numbers(2, "<i4")[0])
        for _ in range(len(self._producers)):  # a hostile graph may be a ring
            if tensor not in self._producers:
                break
            code_index, source = self._producers[tensor]
            if codes[code_index] not in PASSES_VALUES_ON:
                return codes[code_index]
            tensor = source
        return -1

    def _add_operator(self, operator: Table, code_count: int) -> None:
        code_index = operator.whole(0, "I")
        self._check(code_index < code_count, "an operator's code is missing")
        inputs, outputs = operator.numbers(1, "<i4"), operator.numbers(2, "<i4")
        self._check_indices(inputs, -1)  # -1: an input that is left out
        self._check_indices(outputs, 0)
        if len(outputs):
            self._producers[int(outputs[0])] = code_index, int(inputs[0]) if len(inputs) else -1

    def _check_indices(self, indices: np.ndarray, least: int) -> None:
        fine = not len(indices) or (indices.min() >= least and indices.max() < len(self._tensors))
        self._check(bool(fine), "a tensor is missing")

    def _check(self, holds: bool, fault: str) -> None:
        if not holds:
            raise _damaged(self._name, fault)


def _describe(tensor: Table, what: str) -> TensorInfo:
    code = tensor.whole(1, "b")
    dtype = DTYPES.get(code, f"type {code}")
    shape = tuple(int(side) for side in tensor.numbers(0, "<i4")[:_MOST_DIMENSIONS])
    signature = tensor.numbers(7, "<i4")[1:3]  # -1 where a side may be any
    scale, zero_point = _quantization(tensor.table(4), what) if dtype in ("uint8", "int8") else (0.0, 0)
    return TensorInfo(dtype, shape, bool((signature < 0).any()), scale, zero_point)


def _quantization(table: Table | None, what: str) -> tuple[float, int]:
    """Return scale and zero point, (0.0, 0) where there are none."""
    scales = table.numbers(2, "<f4") if table else np.zeros(0)
    points = table.numbers(3, "<i8") if table else np.zeros(0)
    if not len(scales):
        return 0.0, 0
    scale, zero_point = float(scales[0]), int(points[0]) if len(points) else 0
    fine = len(scales) == 1 and math.isfinite(scale) and scale > 0 and -128 <= zero_point <= 255
    _require(fine, f"{what} must have one scale above 0 and a zero point of 8 bits", f"{scale:g} and {zero_point}")
    return scale, zero_point


def _check_input(entry: TensorInfo, name: str) -> None:
    rule = f"{name}: the input must be one RGB picture, uint8, int8 or float32 [1, height, width, 3]"
    fine = len(entry.shape) == 4 and entry.shape[0] == 1 and entry.shape[3] == 3 and entry.dtype in INTERFACE_DTYPES
    _require(fine, rule, entry)
    sides = f"{name}: the input's height and width must be fixed, from 1 to {LARGEST_SIDE} pixels"
    _require(all(1 <= side <= LARGEST_SIDE for side in entry.shape[1:3]) and not entry.resizable, sides, entry)


def _check_output(result: TensorInfo, name: str) -> None:
    rule = f"{name}: the output must be one vector of scores, uint8, int8 or float32 [1, classes]"
    fine = len(result.shape) >= 2 and math.prod(result.shape) == result.shape[-1] >= 1
    _require(fine and result.dtype in INTERFACE_DTYPES, rule, result)
    _require(result.dtype == "float32" or result.scale > 0, f"{name}: an output in 8 bits must have a scale", result)


def _require(holds: bool, rule: str, received: object) -> None:
    if not holds:
        raise InputError(f"{rule}. Received: {received}. Give a .tflite that classifies pictures.")


def _damaged(name: str, fault: str) -> InputError:
    return InputError(f"{name}: is damaged: {fault}. Copy or export the model again.")
