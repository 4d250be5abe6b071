"""Classifiers as other programs write them: TensorFlow's converter, standard metadata, no card.

Their logits are known: 0.05 for each level of the channel of a colour, 4 for "background". Black is background, and
stays so only where the mean of the scaling is right.
"""

import functools
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert.schema_py_generated import BufferT, MetadataT, ModelT

from inference.foreign.metadata import Metadata
from inference.model.artefact import Artefact, pack_artefact
from inference.model.foreign import ForeignModel, describe_foreign

LABELS = ("red", "green", "blue", "background")
SIZE = (8, 12)  # height and width differ, so that a swap shows
COLOURS = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255), "background": (0, 0, 0)}
RAW = ((0.0,), (1.0,))
SIGNED = ((127.5,), (127.5,))
CHANNELS = ((100.0, 60.0, 20.0), (50.0, 100.0, 200.0))  # means and divisors that differ between R, G and B
_LOGIT_PER_LEVEL, _BACKGROUND_LOGIT = 0.05, 4.0
Scaling = tuple[tuple[float, ...], tuple[float, ...]]


def expected(colour: Sequence[int], ending: str = "softmax") -> np.ndarray:
    """Return the right answer for a picture of one colour, [label]."""
    logits = [_LOGIT_PER_LEVEL * level for level in colour] + [_BACKGROUND_LOGIT]
    if ending == "sigmoid":
        return np.array([1 / (1 + math.exp(-logit)) for logit in logits])
    return np.exp(logits) / np.exp(logits).sum()


def picture(colour: Sequence[int]) -> np.ndarray:
    """Return uint8 [height, width, 3] of one colour."""
    return np.full((*SIZE, 3), colour, np.uint8)


@functools.cache
def make_network(
    dtype: str, scaling: Scaling, ending: str = "softmax", batch: int | None = 1, background: float = 4.0
) -> bytes:
    """Return the flatbuffer of a network trained on (pixel - mean) / std.

    dtype: of input and output: "float32", "int8" or "uint8".
    ending: a key of _endings(); background: its logit.
    """
    import tensorflow as tf  # here, because tests that do not convert need no TensorFlow

    mean, std = (np.broadcast_to(np.array(values, np.float32), 3) for values in scaling)
    kernel = np.zeros((3, 4), np.float32)  # [channel, label]
    kernel[np.arange(3), np.arange(3)] = _LOGIT_PER_LEVEL * std
    bias = np.append(_LOGIT_PER_LEVEL * mean, background).astype(np.float32)

    @tf.function(input_signature=[tf.TensorSpec((batch, *SIZE, 3), tf.float32)])
    def network(inputs: Any) -> Any:
        return _endings()[ending](tf.matmul(tf.reduce_mean(inputs, (1, 2)), kernel) + bias)

    converter = tf.lite.TFLiteConverter.from_concrete_functions([network.get_concrete_function()])
    if dtype != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: _calibration(mean, std)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.as_dtype(dtype)
    return bytes(converter.convert())


def _endings() -> dict[str, Callable[[Any], Any]]:
    """Return what may follow the logits; "quotient" is a softmax that no single operator computes."""
    import tensorflow as tf

    return {
        "softmax": tf.nn.softmax,
        "convolution": lambda logits: tf.reshape(tf.nn.softmax(logits), (1, 1, 1, 4)),
        "sigmoid": tf.nn.sigmoid,
        "one sigmoid": lambda logits: tf.nn.sigmoid(logits[:, :1] - logits[:, 3:]),
        "logits": tf.identity,
        "quotient": lambda logits: tf.exp(logits) / tf.reduce_sum(tf.exp(logits)),
    }


def _calibration(mean: np.ndarray, std: np.ndarray) -> Iterator[list[np.ndarray]]:
    """Yield pictures of one colour, so that the channel means reach both ends."""
    for colour in [*COLOURS.values(), (255, 255, 255)]:
        yield [((picture(colour)[np.newaxis] - mean) / std).astype(np.float32)]


def change(flatbuffer: bytes, edit: Callable[[Any], None]) -> bytes:
    """Return a network after an edit of its tables."""
    model = ModelT.InitFromPackedBuf(flatbuffer)
    edit(model)
    builder = flatbuffers.Builder(len(flatbuffer))
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def add_metadata(flatbuffer: bytes, metadata: bytes) -> bytes:
    """Return a network with a buffer of metadata."""

    def add(model: Any) -> None:
        buffer, entry = BufferT(), MetadataT()
        buffer.data, entry.name, entry.buffer = list(metadata), b"TFLITE_METADATA", len(model.buffers)
        model.buffers.append(buffer)
        model.metadata = [entry, *(model.metadata or [])]

    return change(flatbuffer, add)


def make_metadata(metadata: Metadata, locale_file: str = "") -> bytes:
    """Return TFLite Metadata, written table by table; locale_file: a file of translated labels, named first."""
    builder = flatbuffers.Builder(0)
    files = []
    if locale_file:
        files.append(write_table(builder, {0: write_text(builder, locale_file), 3: write_text(builder, "fr")}, {2: 2}))
    if metadata.labels_file is not None:
        files.append(write_table(builder, {0: write_text(builder, metadata.labels_file)}, {2: 2}))
    units = []
    if metadata.mean is not None:
        units.append(
            write_table(builder, {1: write_table(builder, {}, {1: 2})}, {0: 2})
        )  # of another kind: a calibration
        options = {0: write_floats(builder, metadata.mean), 1: write_floats(builder, metadata.std or ())}
        units.append(write_table(builder, {1: write_table(builder, options)}, {0: 1}))
    entry = write_table(builder, {4: write_tables(builder, units)})
    result = write_table(builder, {6: write_tables(builder, files)})
    graph = write_table(builder, {2: write_tables(builder, [entry]), 3: write_tables(builder, [result])})
    texts = {0: write_text(builder, metadata.name), 1: write_text(builder, metadata.description)}
    builder.Finish(write_table(builder, {**texts, 3: write_tables(builder, [graph])}), b"M001")
    return bytes(builder.Output())


def write_table(builder: Any, references: dict[int, int], bytes_: dict[int, int] | None = None) -> int:
    """Write a table of at most ten fields, offsets and single bytes by slot; return its place."""
    builder.StartObject(10)
    for slot, offset in references.items():
        builder.PrependUOffsetTRelativeSlot(slot, offset, 0)
    for slot, value in (bytes_ or {}).items():
        builder.PrependUint8Slot(slot, value, 0)
    return int(builder.EndObject())


def write_text(builder: Any, text: str) -> int:
    return int(builder.CreateString(text))


def write_floats(builder: Any, values: Sequence[float]) -> int:
    return int(builder.CreateNumpyVector(np.array(values, np.float32)))


def write_tables(builder: Any, offsets: Sequence[int]) -> int:
    """Write a vector of tables; return its place."""
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return int(builder.EndVector())


def write_model(path: Path, flatbuffer: bytes, files: dict[str, bytes] | None = None) -> Path:
    """Write a network with packed files; return its path."""
    path.write_bytes(pack_artefact(Artefact(flatbuffer, files or {})))
    return path


def write_labels(path: Path, labels: Sequence[str] = LABELS) -> Path:
    """Write one label a line; return the path."""
    path.write_text("\n".join(labels) + "\n", encoding="utf-8")
    return path


def make_described(dtype: str = "int8") -> Artefact:
    """Return a model that needs no option: metadata with labels and scaling, the labels packed."""
    said = Metadata("colours", "Names a colour.", "names.txt", *CHANNELS)
    files = {"names.txt": "\n".join(LABELS).encode(), "noms.txt": b"rouge\nvert\nbleu\nfond"}
    return Artefact(add_metadata(make_network(dtype, CHANNELS), make_metadata(said, "noms.txt")), files)


def describe(artefact: Artefact, labels: Path | None = None, scaling: str | None = None) -> ForeignModel:
    """Describe a model called model.tflite."""
    return describe_foreign(artefact, Path("model.tflite"), labels, scaling)


def changed(edit: Callable[[Any, Any], None], dtype: str = "int8") -> Artefact:
    """Return a described model after an edit of its tables; edit takes the model and its first subgraph."""
    model = make_described(dtype)
    return Artefact(change(model.flatbuffer, lambda tables: edit(tables, tables.subgraphs[0])), model.files)
