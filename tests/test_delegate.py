"""Which operators LiteRT's fast path (the XNNPACK delegate) takes over: all but the conversion of the pixels."""

from pathlib import Path
from typing import Any

import pytest
from ai_edge_litert.interpreter import Interpreter

from inference.model.artefact import read_artefact
from inference.model.classifier import Classifier
from tests.tiny_model import make_flatbuffer

RELEASED = sorted((Path(__file__).parent.parent / "models" / "released").glob("*.tflite"))
# the mirrored view of export.flips, and what the delegate does not do in 8-bit weights with float activations
SLOW_IN: dict[str, set[str]] = {"int8": {"REVERSE_V2"}, "dynamic": {"DEPTHWISE_CONV_2D", "REVERSE_V2"}}
CONVERSIONS = {"QUANTIZE", "DEQUANTIZE", "CAST"}  # of pixels and outputs, a few microseconds


def outside_the_delegate(flatbuffer: bytes) -> list[str]:
    """Return the names of the operators that the delegate leaves to LiteRT's own kernels.

    The interpreter lists the operators that the delegate has replaced as well as the nodes that replace them. What
    such a node computes is all that lies between its outputs and its inputs.
    """
    interpreter = Interpreter(model_content=flatbuffer)
    interpreter.allocate_tensors()
    listed = interpreter._get_ops_details()
    operators = [one for one in listed if one["op_name"] != "DELEGATE"]
    producers = {int(tensor): one for one in operators for tensor in one["outputs"]}
    inside: set[int] = set()
    for node in (one for one in listed if one["op_name"] == "DELEGATE"):
        inside |= _between(node, producers)
    return [one["op_name"] for one in operators if one["index"] not in inside]


def _between(node: dict[str, Any], producers: dict[int, dict[str, Any]]) -> set[int]:
    found: set[int] = set()
    entries, waiting = {int(tensor) for tensor in node["inputs"]}, [int(tensor) for tensor in node["outputs"]]
    while waiting:
        tensor = waiting.pop()
        if tensor in entries or tensor not in producers or producers[tensor]["index"] in found:
            continue
        found.add(producers[tensor]["index"])
        waiting += [int(tensor) for tensor in producers[tensor]["inputs"]]
    return found


@pytest.mark.parametrize("path", RELEASED, ids=lambda path: path.stem)
def test_only_the_conversion_of_pixels_stays_outside(path: Path) -> None:
    """Faults: a layer that the delegate does not know: every picture then waits for LiteRT's slow kernels."""
    artefact = read_artefact(path)
    outside = [
        name
        for name in outside_the_delegate(artefact.flatbuffer)
        if name not in SLOW_IN[Classifier(path).card.quantization]
    ]
    assert len(outside) <= 2
    assert set(outside) <= CONVERSIONS


def test_the_listing_sees_what_stays_outside() -> None:
    """Faults: a listing that counts everything as delegated; the first operator turns uint8 into float32."""
    assert outside_the_delegate(make_flatbuffer()) == ["CAST"]
