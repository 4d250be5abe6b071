"""TFLite Metadata of a network -> what it says about pixels and labels."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from ..errors import InputError
from . import metadata_schema as schema
from .flatbuffer import Flatbuffer, Table


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
    title, description = root.text(schema.MODEL_NAME), root.text(schema.MODEL_DESCRIPTION)
    graph = next(root.tables(schema.MODEL_SUBGRAPHS), None)
    if graph is None:
        return Metadata(title, description)
    mean, std = _read_normalization(next(graph.tables(schema.SUBGRAPH_INPUTS), None), name)
    labels_file = _find_labels_file(next(graph.tables(schema.SUBGRAPH_OUTPUTS), None))
    return Metadata(title, description, labels_file, mean, std)


def _read_normalization(tensor: Table | None, name: str) -> tuple[tuple[float, ...] | None, tuple[float, ...] | None]:
    slots = schema.NORMALIZATION_MEAN, schema.NORMALIZATION_STD
    for options in _process_units(tensor, schema.NORMALIZATION):
        mean, std = (tuple(float(value) for value in options.numbers(slot, "<f4")[:4]) for slot in slots)
        lengths = len(mean) in (1, 3) and len(std) in (1, 3)
        if not lengths or not all(map(math.isfinite, mean + std)) or min(std) <= 0:
            raise InputError(
                f"{name}: its metadata's normalisation must have 1 or 3 means and as many divisors above 0. "
                f"Received: {mean} and {std}. Give --scaling raw, unit or signed."
            )
        return mean, std
    return None, None


def _process_units(tensor: Table | None, kind: int) -> Iterator[Table]:
    for unit in tensor.tables(schema.TENSOR_PROCESS_UNITS) if tensor else ():
        options = unit.table(schema.UNIT_OPTIONS)
        if unit.whole(schema.UNIT_TYPE, "B") == kind and options:
            yield options


def _find_labels_file(tensor: Table | None) -> str | None:
    """Return the first file of labels; those with a locale hold names to show, which may be in any language."""
    for file in tensor.tables(schema.TENSOR_FILES) if tensor else ():
        if file.whole(schema.FILE_TYPE, "b") == schema.TENSOR_AXIS_LABELS and not file.text(schema.FILE_LOCALE):
            return file.text(schema.FILE_NAME)
    return None
