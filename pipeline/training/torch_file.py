"""A PyTorch file of tensors (the format before 1.6) -> numpy arrays, without PyTorch.

Such a file is five pickles and then the raw data. A pickle can call any function, so this reader admits only what
describes tensors, and no function of PyTorch is called. Format: torch/serialization.py, _legacy_save.
"""

import pickle
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

_MAGIC = 0x1950A86A20F9469CFC6C
_TYPES = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}


@dataclass(frozen=True)
class _Tensor:
    """A view of the storage with a key; offset and strides in elements."""

    key: str
    type: np.dtype
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def view(self, storage: bytes) -> np.ndarray:
        data = np.frombuffer(storage, self.type)
        last = self.offset + sum((side - 1) * stride for side, stride in zip(self.shape, self.strides, strict=True))
        if not (0 <= self.offset <= last < len(data) and min((1, *self.shape)) > 0 and min((0, *self.strides)) >= 0):
            raise ValueError("a tensor reaches beyond its data")
        strides = [stride * self.type.itemsize for stride in self.strides]
        return np.lib.stride_tricks.as_strided(data[self.offset :], self.shape, strides, writeable=False)


class _Unpickler(pickle.Unpickler):
    """Admits dicts of tensors alone."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _tensor
        if module == "torch" and name in _TYPES:
            return _TYPES[name]
        raise ValueError(f"{module}.{name} is not allowed")

    def persistent_load(self, pid: Any) -> tuple[str, np.dtype]:
        """Return key and type of a storage."""
        kind, storage_type, key, _device, _size, view = pid
        if kind != "storage" or view is not None or not isinstance(storage_type, np.dtype):
            raise ValueError(f"a storage of another form: {pid!r}")
        return key, storage_type


def read_tensors(path: Path) -> dict[str, np.ndarray]:
    """Return the tensors of a file by name, in their order.

    Raises:
        ValueError: it is damaged, of another format, or holds anything but tensors.
    """
    with path.open("rb") as file:
        try:
            magic, _version, _system, tensors, keys = (_Unpickler(file).load() for _ in range(5))
            if magic != _MAGIC:
                raise ValueError("no file of PyTorch before 1.6")
            sizes = {tensor.key: tensor.type.itemsize for tensor in tensors.values()}
            storages = {key: _read_storage(file, sizes[key]) for key in keys}
            return {name: tensor.view(storages[tensor.key]) for name, tensor in tensors.items()}
        except (pickle.UnpicklingError, EOFError, KeyError, TypeError, AttributeError) as fault:
            raise ValueError(f"not a file of tensors: {fault}") from fault


def _tensor(storage: tuple[str, np.dtype], offset: int, shape: Any, strides: Any, *_rest: Any) -> _Tensor:
    return _Tensor(*storage, offset, tuple(shape), tuple(strides))


def _read_storage(file: BinaryIO, itemsize: int) -> bytes:
    """Return the bytes of the next storage, which its number of elements precedes."""
    size = int.from_bytes(file.read(8), "little") * itemsize
    data = file.read(size)
    if len(data) != size:
        raise ValueError("the file ends too early")
    return data
