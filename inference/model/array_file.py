"""Arrays packed behind a network (.npz) <-> numpy: nothing in them can run code or unpack to more than is stated."""

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..errors import InputError

_MOST_BYTES = 2**26  # of all arrays: a hostile file must not fill the memory
_UNIT = 127  # a component of 1 in 8 bits
_TINY = 1e-12


@dataclass(frozen=True)
class Column:
    """What an array of a file must be: its type and its number of dimensions."""

    dtype: type[np.generic]
    dimensions: int


def arrays_to_file(arrays: Mapping[str, np.ndarray]) -> bytes:
    """Return the bytes of a .npz; the same arrays give the same bytes."""
    buffer = io.BytesIO()
    np.savez(buffer, **dict(arrays))  # type: ignore[arg-type]
    return buffer.getvalue()


def read_arrays(data: bytes, columns: Mapping[str, Column], file: str, model: str) -> dict[str, np.ndarray]:
    """Return the arrays of a .npz by name; floats are finite.

    Args:
        data: the file's bytes.
        columns: what the arrays must be.
        file, model: names for messages.

    Raises:
        InputError: the file is damaged or too large, or an array is missing or of another form.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
        if size > _MOST_BYTES:
            raise InputError(f"{model}: {file} is too large. Export the model again.")
        with np.load(io.BytesIO(data), allow_pickle=False) as loaded:
            arrays = {name: loaded[name] for name in columns}
    except InputError:
        raise
    except Exception as fault:  # zipfile and numpy raise BadZipFile, KeyError, ValueError, EOFError, zlib.error ...
        raise InputError(f"{model}: {file} is damaged: {fault}. Export the model again.") from fault
    if not all(_suits(arrays[name], column) for name, column in columns.items()):
        raise misfit(file, model)
    return arrays


def misfit(file: str, model: str) -> InputError:
    """Return the error for arrays that don't belong to the network they are packed behind."""
    return InputError(f"{model}: {file} does not fit the network. Export the model again.")


def pack_unit_vectors(vectors: np.ndarray) -> np.ndarray:
    """Return int8 [vectors, dimensions] for vectors of length 1."""
    return np.round(vectors * _UNIT).astype(np.int8)


def unpack_unit_vectors(packed: np.ndarray) -> np.ndarray:
    """Return float32 [vectors, dimensions] of length 1 again."""
    return normalise(packed.astype(np.float32))


def normalise(vectors: np.ndarray) -> np.ndarray:
    """Return the vectors [vectors, dimensions] with length 1; those of length 0 stay."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), _TINY)


def _suits(array: np.ndarray, column: Column) -> bool:
    fits = array.dtype == column.dtype and array.ndim == column.dimensions
    return fits and (array.dtype.kind != "f" or bool(np.isfinite(array).all()))
