"""Flatbuffer of a network -> the same network with TFLite Metadata for other programs.

The metadata says that the input is an RGB picture with pixels 0..255 and that the first output has one score per line
of labels.txt, which is appended to the flatbuffer. Source: metadata_schema.fbs, see inference.foreign.metadata_schema.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert.schema_py_generated import BufferT, MetadataT, ModelT

from inference.foreign import metadata_schema as schema
from inference.model.artefact import FLATBUFFER_MAGIC
from inference.model.card import LABELS_NAME

MIN_PARSER_VERSION = "1.0.0"  # no newer fields are written
_MOST_SLOTS = 8  # of any table written here


def add_metadata(flatbuffer: bytes, title: str, labels: Sequence[str], reject_labels: Sequence[str]) -> bytes:
    """Return the network with new metadata, which replaces any existing; tensors and operators are not changed.

    flatbuffer: uint8 [1, height, width, 3] -> float32 [1, labels], and optionally float32 [1, features]. reject_labels:
    labels that mean "none of the classes".
    """
    model = ModelT.InitFromPackedBuf(flatbuffer)
    packed = _make_metadata(title, _describe(labels, reject_labels), len(model.subgraphs[0].outputs))
    content = np.frombuffer(packed, np.uint8)
    known = {entry.name: entry for entry in model.metadata or []}
    entry = known.get(schema.NETWORK_ENTRY.encode())
    if entry:
        model.buffers[entry.buffer].data = content
    else:
        model.metadata = [*known.values(), MetadataT(name=schema.NETWORK_ENTRY, buffer=len(model.buffers))]
        model.buffers.append(BufferT(data=content))
    builder = flatbuffers.Builder(len(flatbuffer))
    builder.Finish(model.Pack(builder), FLATBUFFER_MAGIC)
    return bytes(builder.Output())


def _describe(labels: Sequence[str], reject_labels: Sequence[str]) -> str:
    known = [label for label in labels if label not in reject_labels]
    rest = f" {', '.join(reject_labels)}: none of them." if reject_labels else ""
    return f"One of {len(known)} classes: {', '.join(known)}.{rest}"


def _make_metadata(title: str, description: str, outputs: int) -> bytes:
    """Return the metadata of a network with one output, or with pooled features as a second output."""
    writer = _Writer()
    results = [_probabilities(writer), _features(writer)][:outputs]
    graph = writer.table(
        {schema.SUBGRAPH_INPUTS: writer.tables([_picture(writer)]), schema.SUBGRAPH_OUTPUTS: writer.tables(results)}
    )
    return writer.finish(
        {
            schema.MODEL_NAME: writer.text(title),
            schema.MODEL_DESCRIPTION: writer.text(description),
            schema.MODEL_SUBGRAPHS: writer.tables([graph]),
            schema.MODEL_MIN_PARSER_VERSION: writer.text(MIN_PARSER_VERSION),
        }
    )


def _picture(writer: "_Writer") -> int:
    """Write that the input takes unscaled pixels: real input = (pixel - 0) / 1."""
    properties = writer.table({}, {schema.IMAGE_COLOUR_SPACE: schema.RGB})
    options = {schema.NORMALIZATION_MEAN: writer.floats([0.0]), schema.NORMALIZATION_STD: writer.floats([1.0])}
    unit = writer.table({schema.UNIT_OPTIONS: writer.table(options)}, {schema.UNIT_TYPE: schema.NORMALIZATION})
    return writer.table(
        {
            schema.TENSOR_NAME: writer.text("image"),
            schema.TENSOR_DESCRIPTION: writer.text("RGB pixels, 0 to 255; the picture stretched to this size."),
            schema.TENSOR_CONTENT: _content(writer, schema.IMAGE_PROPERTIES, properties),
            schema.TENSOR_PROCESS_UNITS: writer.tables([unit]),
            schema.TENSOR_STATS: _stats(writer, 0.0, 255.0),
        }
    )


def _probabilities(writer: "_Writer") -> int:
    labels = writer.table(
        {
            schema.FILE_NAME: writer.text(LABELS_NAME),
            schema.FILE_DESCRIPTION: writer.text("One label a line, in the order of the scores."),
        },
        {schema.FILE_TYPE: schema.TENSOR_AXIS_LABELS},
    )
    return writer.table(
        {
            schema.TENSOR_NAME: writer.text("probability"),
            schema.TENSOR_DESCRIPTION: writer.text("The softmax's probability of each label."),
            schema.TENSOR_CONTENT: _content(writer, schema.FEATURE_PROPERTIES, writer.table({})),
            schema.TENSOR_STATS: _stats(writer, 0.0, 1.0),
            schema.TENSOR_FILES: writer.tables([labels]),
        }
    )


def _features(writer: "_Writer") -> int:
    return writer.table(
        {
            schema.TENSOR_NAME: writer.text("features"),
            schema.TENSOR_DESCRIPTION: writer.text("What the last layer sees of the picture; no scores."),
            schema.TENSOR_CONTENT: _content(writer, schema.FEATURE_PROPERTIES, writer.table({})),
        }
    )


def _content(writer: "_Writer", kind: int, properties: int) -> int:
    return writer.table({schema.CONTENT_PROPERTIES: properties}, {schema.CONTENT_TYPE: kind})


def _stats(writer: "_Writer", least: float, most: float) -> int:
    return writer.table({schema.STATS_MIN: writer.floats([least]), schema.STATS_MAX: writer.floats([most])})


class _Writer:
    """Writer of tables, strings and vectors of a flatbuffer, from the leaves to the root; calls return offsets."""

    def __init__(self) -> None:
        self._builder: Any = flatbuffers.Builder(1024)

    def table(self, references: Mapping[int, int], numbers: Mapping[int, int] | None = None) -> int:
        """Write a table of offsets and single bytes, both by slot."""
        self._builder.StartObject(_MOST_SLOTS)
        for slot, position in references.items():
            self._builder.PrependUOffsetTRelativeSlot(slot, position, 0)
        for slot, value in (numbers or {}).items():
            self._builder.PrependUint8Slot(slot, value, 0)
        return int(self._builder.EndObject())

    def text(self, text: str) -> int:
        return int(self._builder.CreateString(text))

    def floats(self, values: Sequence[float]) -> int:
        return int(self._builder.CreateNumpyVector(np.array(values, np.float32)))

    def tables(self, positions: Sequence[int]) -> int:
        """Write a vector of tables."""
        self._builder.StartVector(4, len(positions), 4)
        for position in reversed(positions):
            self._builder.PrependUOffsetTRelative(position)
        return int(self._builder.EndVector())

    def finish(self, references: Mapping[int, int]) -> bytes:
        """Write the root table; return the bytes."""
        self._builder.Finish(self.table(references), schema.IDENTIFIER)
        return bytes(self._builder.Output())
