"""TFLite Metadata of a network -> what it says about pixels and labels.

Slot numbers: metadata_schema.fbs of TFLite Support and MediaPipe, schema version 1.5.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from inference.errors import InputError
from inference.foreign.flatbuffer import Flatbuffer, Table

_NORMALIZATION = 1  # of the union ProcessUnitOptions
_TENSOR_AXIS_LABELS = 2  # of the enumeration AssociatedFileType


@dataclass(frozen=True)
class Metadata:
    """What a runner needs: real input = (pixel 0..255 - mean) / std, with one number or one for each of R, G, B.

    labels_file: the name of a packed file with one label a line; None where no file is named.
    mean, std: None where nothing is said.
    """

    name: str = ""
    description: str = ""
    labels_file: str | None = None
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None


def read_metadata(data: bytes, name: str = "model") -> Metadata:
    """Read the metadata of a network, as tflite_structure.Network holds them; b"" says nothing.

    Raises:
        InputError: they are damaged, or their normalisation can't be computed.
    """
    if not data:
        return Metadata()
    root = Flatbuffer(data, f"{name}: its metadata").root()
    graph = next(root.tables(3), None)
    if graph is None:
        return Metadata(root.text(0), root.text(1))
    mean, std = _read_normalization(next(graph.tables(2), None), name)
    return Metadata(root.text(0), root.text(1), _find_labels_file(next(graph.tables(3), None)), mean, std)


def _read_normalization(tensor: Table | None, name: str) -> tuple[tuple[float, ...] | None, tuple[float, ...] | None]:
    for options in _process_units(tensor, _NORMALIZATION):
        mean, std = (tuple(float(value) for value in options.numbers(slot, "<f4")[:4]) for slot in (0, 1))
        lengths = len(mean) in (1, 3) and len(std) in (1, 3)
        if not lengths or not all(map(math.isfinite, mean + std)) or min(std) <= 0:
            raise InputError(
                f"{name}: its metadata's normalisation must have 1 or 3 means and as many divisors above 0. "
                f"Received: {mean} and {std}. Give --scaling raw, unit or signed."
            )
        return mean, std
    return None, None


def _process_units(tensor: Table | None, kind: int) -> Iterator[Table]:
    for unit in tensor.tables(4) if tensor else ():
        options = unit.table(1)
        if unit.whole(0, "B") == kind and options:
            yield options


def _find_labels_file(tensor: Table | None) -> str | None:
    """Return the first file of labels; those with a locale hold names to show, which may be in any language."""
    for file in tensor.tables(6) if tensor else ():
        if file.whole(2, "b") == _TENSOR_AXIS_LABELS and not file.text(3):
            return file.text(0)
    return None
