"""Files that are no picture classifier of known labels and scaling: each is refused with its fault and a remedy."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from inference.errors import InputError
from inference.foreign.metadata import Metadata
from inference.foreign.structure import LOGISTIC
from inference.model.artefact import Artefact
from inference.model.card import card_files
from inference.model.classifier import Classifier
from tests import tiny_model as ours
from tests.foreign_model import (
    LABELS,
    RAW,
    SIGNED,
    Scaling,
    add_metadata,
    change,
    changed,
    describe,
    make_described,
    make_metadata,
    make_network,
    write_labels,
    write_model,
)


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    return write_labels(tmp_path / "labels.txt")


def check_refused(model: Artefact, *parts: str, scaling: str | None = None, names: Path | None = None) -> None:
    """Check that a model is refused, before anything runs it, with the fault and a remedy."""
    with pytest.raises(InputError) as refusal:
        describe(model, names, scaling)
    message = str(refusal.value)
    assert all(part in message for part in parts), message
    assert message.startswith("model.tflite: ")
    assert "\n" not in message


def tensor_of(graph: Any, kind: str) -> Any:
    return graph.tensors[(graph.inputs if kind == "input" else graph.outputs)[0]]


def set_tensor(kind: str, **values: Any) -> Callable[[Any, Any], None]:
    """Return an edit of the input or the output."""

    def edit(_: Any, graph: Any) -> None:
        for name, value in values.items():
            setattr(tensor_of(graph, kind), name, value)

    return edit


RGB = "the input must be one RGB picture, uint8, int8 or float32 [1, height, width, 3]. Received: "
SCORES = "the output must be one vector of scores, uint8, int8 or float32 [1, classes]. Received: "


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (set_tensor("input", shape=[1, 8, 12, 1]), RGB + "int8 [1, 8, 12, 1]."),
        (set_tensor("input", shape=[1, 3, 8, 12]), RGB + "int8 [1, 3, 8, 12]."),
        (set_tensor("input", shape=[2, 8, 12, 3]), RGB + "int8 [2, 8, 12, 3]."),
        (set_tensor("input", shape=[1, 288]), RGB + "int8 [1, 288]."),
        (set_tensor("input", type=1), RGB + "float16 [1, 8, 12, 3]."),
        (set_tensor("input", type=99), RGB + "type 99 [1, 8, 12, 3]."),
        (set_tensor("input", shape=[1, 8, 0, 3]), "height and width must be fixed, from 1 to 4096 pixels."),
        (set_tensor("input", shape=[1, 5000, 8, 3]), "height and width must be fixed, from 1 to 4096 pixels."),
        (set_tensor("input", shapeSignature=[1, -1, -1, 3]), "height and width must be fixed"),
        (set_tensor("output", type=2), SCORES + "int32 [1, 4]."),
        (set_tensor("output", shape=[4]), SCORES + "int8 [4]."),
        (set_tensor("output", shape=[1, 2, 2]), SCORES + "int8 [1, 2, 2]."),
        (set_tensor("output", quantization=None), "an output in 8 bits must have a scale. Received: int8 [1, 4]."),
        (lambda _, graph: setattr(graph, "inputs", [0, 0]), "must have one input. Received: 2."),
        (lambda _, graph: setattr(graph, "outputs", [0, 0, 0]), "must have one output. Received: 3."),
        (lambda model, _: setattr(model, "version", 2), "must have TFLite's schema version 3. Received: 2."),
        (lambda model, _: setattr(model, "subgraphs", []), "must hold one network. Received: 0."),
        (lambda _, graph: setattr(graph, "inputs", [77]), "is damaged: a tensor is missing."),
        (lambda _, graph: setattr(graph, "inputs", [-1]), "is damaged: a tensor is missing."),
        (lambda _, graph: setattr(graph.operators[0], "inputs", [0, 77]), "is damaged: a tensor is missing."),
        (lambda _, graph: setattr(graph.operators[0], "outputs", [-1]), "is damaged: a tensor is missing."),
        (lambda _, graph: setattr(graph.operators[0], "opcodeIndex", 77), "is damaged: an operator's code is missing."),
        (lambda _, graph: setattr(graph.tensors[1], "buffer", 77), "is damaged: a tensor's buffer is missing."),
        (lambda _, graph: setattr(graph.tensors[1], "shape", [-5]), "is damaged: a shape is impossible."),
        (lambda _, graph: setattr(graph.tensors[1], "shape", [2**30] * 4), "is damaged: a shape is impossible."),
        (lambda model, _: setattr(model.buffers[0], "offset", 2**40), "is damaged: a buffer lies outside the file."),
    ],
)
def test_a_network_that_is_no_picture_classifier_is_refused(edit: Callable[[Any, Any], None], message: str) -> None:
    """Catches a traceback, a crash or nonsense for a detector, a grey or channels-first network, or wild indices."""
    check_refused(changed(edit), message)


@pytest.mark.parametrize("scale", [[0.0], [-1.0], [float("nan")], [float("inf")], [0.1, 0.2]], ids=str)
def test_an_impossible_scale_is_refused(scale: list[float]) -> None:
    """Catches a division by zero, or NaN for every pixel."""
    check_refused(
        changed(lambda _, graph: setattr(tensor_of(graph, "input").quantization, "scale", scale)),
        "the input must have one scale above 0 and a zero point of 8 bits",
    )


def test_a_ring_of_operators_ends() -> None:
    """Catches a search for the last operator that follows a RESHAPE of its own output for ever."""

    def close(model: Any, graph: Any) -> None:
        last = graph.operators[-1]
        last.inputs = last.outputs
        code = model.operatorCodes[last.opcodeIndex]
        code.builtinCode = code.deprecatedBuiltinCode = 22

    assert describe(changed(close)).network.last_operator == -1


def test_float_pixels_of_unknown_scaling_are_refused(labels: Path) -> None:
    """Catches a guess between 0..255, 0..1 and -1..1, which would give wrong answers in silence."""
    model = Artefact(make_network("float32", SIGNED), {})
    check_refused(model, "do not say which numbers its float32 input takes", "Give --scaling raw", names=labels)
    with pytest.raises(InputError, match=r"the scaling must be one of raw, unit, signed\. Received: 255\."):
        describe(model, labels, "255")


def test_a_scaling_that_does_not_fit_the_quantization_is_refused(labels: Path) -> None:
    """Catches a network that sees two levels of 256, because its input stands for 0..255 and was given 0..1."""
    model = Artefact(make_network("int8", RAW), {})
    check_refused(model, "leave 64 of 256 levels apart. Received: 2 levels.", names=labels, scaling="unit")


def test_pixels_beyond_the_quantized_range_saturate() -> None:
    """Catches the brightest pixels that come out as the darkest, because 8 bits wrap round."""

    def halve(_: Any, graph: Any) -> None:
        tensor_of(graph, "input").quantization.scale = [0.01]

    levels = describe(changed(halve)).conversion.levels
    assert levels is not None
    assert (np.diff(levels.astype(int), axis=0) >= 0).all()
    assert levels[[0, 255], 0].tolist() == [-128, 127]


@pytest.mark.parametrize(
    "scaling",
    [((0.0,), (0.0,)), ((0.0,), (-1.0,)), ((float("nan"),), (1.0,)), ((0.0, 0.0), (1.0, 1.0)), ((), ()), ((0.0,), ())],
    ids=str,
)
def test_a_normalisation_that_cannot_be_computed_is_refused(scaling: Scaling) -> None:
    """Catches NaN for every pixel, and a traceback for two means."""
    said = make_metadata(Metadata("", "", "names.txt", *scaling))
    model = Artefact(add_metadata(make_network("int8", RAW), said), {"names.txt": "\n".join(LABELS).encode()})
    check_refused(model, "normalisation must have 1 or 3 means", "Give --scaling raw, unit or signed.")


def test_damaged_metadata_are_named_as_such(labels: Path) -> None:
    """Catches a traceback, and labels and scaling lost in silence."""
    model = Artefact(add_metadata(make_network("int8", RAW), b"\xff" * 40), {})
    check_refused(model, "its metadata: is damaged", "Copy or export the model again.", names=labels)


def test_a_single_logit_is_refused(tmp_path: Path) -> None:
    """Catches a confidence of 1 for every picture."""

    def keep_one(_: Any, graph: Any) -> None:
        tensor_of(graph, "output").shape = [1, 1]
        tensor_of(graph, "output").shapeSignature = None

    one = write_labels(tmp_path / "one.txt", ["red"])
    flatbuffer = make_network("float32", RAW, "logits")
    model = Artefact(change(flatbuffer, lambda tables: keep_one(tables, tables.subgraphs[0])), {})
    check_refused(model, "a single output must be a probability, from a LOGISTIC", names=one, scaling="raw")
    flatbuffer = make_network("float32", RAW, "sigmoid")
    model = Artefact(change(flatbuffer, lambda tables: keep_one(tables, tables.subgraphs[0])), {})
    assert describe(model, one, "raw").network.last_operator == LOGISTIC


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a\nb\nc\n", "and no more. Received: 3 labels, 4 outputs. Give --labels FILE"),
        (b"a\nb\na\na (1)\n", "names.txt: labels must differ. Received: 'a (1)' twice."),
        (b"a\n\nc\nd\n", "names.txt, line 2: must hold a label and is empty."),
        (b"a\nb\nc\n\xff\n", "names.txt: must be UTF-8 text"),
        (b"", "names.txt, line 1: must hold a label and is empty."),
        (b"a" * (4 * 2**20 + 1), "names.txt: must be a list of labels of at most 4,194,304 bytes."),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_labels_that_do_not_name_each_output_are_refused(content: bytes, message: str) -> None:
    """Catches answers that are shifted by a missing line, or that can't be told apart."""
    model = make_described()
    check_refused(Artefact(model.flatbuffer, {**model.files, "names.txt": content}), message)


def test_labels_from_any_editor_are_read(tmp_path: Path) -> None:
    """Catches a byte order mark or a carriage return in an answer, and a label cut at a space."""
    names = tmp_path / "labels.txt"
    names.write_bytes(b"\xef\xbb\xbfred brick\r\nGr\xc3\xbcnspan\r\nc\r\nd\r\n\r\n")
    assert describe(make_described(), names).card.labels == ("red brick", "Grünspan", "c", "d")


def test_the_file_whose_labels_do_not_fit_is_named(tmp_path: Path) -> None:
    """Fault: the model gets the blame for a list of labels, and a user looks into the wrong file."""
    names = write_labels(tmp_path / "three.txt", ["a", "b", "c"])
    with pytest.raises(InputError, match=r"^\S*three\.txt: must have a label for each output of \S+ and no more"):
        describe(make_described(), names)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("crane\nowl\ncrane\nauk\n", ("crane (1)", "owl", "crane (2)", "auk")),
        ("0 oak\n1 red ash\n2:elm\n3\tfir\n", ("oak", "red ash", "elm", "fir")),
        ("1 euro\n2 euro\n5 euro\n10 euro\n", ("1 euro", "2 euro", "5 euro", "10 euro")),
        ("0\n1\n2\n3\n", ("0", "1", "2", "3")),
    ],
)
def test_public_lists_of_labels_are_read(text: str, expected: tuple[str, ...], tmp_path: Path) -> None:
    """Faults: ImageNet's list is refused for its two cranes; numbers of lines, or of coins, in or out of an answer."""
    (tmp_path / "labels.txt").write_text(text)
    assert describe(make_described(), tmp_path / "labels.txt").card.labels == expected


def test_missing_labels_are_refused(tmp_path: Path) -> None:
    """Catches made-up labels, and a traceback for a mistyped file."""
    network = make_network("int8", RAW)
    check_refused(Artefact(network, {}), "carries no card.json.", "give --labels FILE, one label a line.")
    check_refused(Artefact(make_described().flatbuffer, {}), "name 'names.txt' as the file of labels, which is not in")
    with pytest.raises(InputError, match=r"missing\.txt: cannot be read: No such file.*Give --labels FILE"):
        describe(Artefact(network, {}), tmp_path / "missing.txt")


def test_a_model_with_a_card_takes_no_options(tiny_model: Path, labels: Path) -> None:
    """Catches labels that replace those of the card, or an option that is silently ignored."""
    with pytest.raises(InputError, match=r"has a card with its own labels.*Received: --labels .* Leave --labels out"):
        Classifier(tiny_model, labels=labels)
    with pytest.raises(InputError, match=r"Received: --scaling raw\. Leave --scaling out"):
        Classifier(tiny_model, scaling="raw")


def test_a_network_under_the_card_of_another_is_refused(tmp_path: Path) -> None:
    """Catches a card trusted for a network that it was not written for."""
    card = ours.make_card(b"another network")
    path = write_model(tmp_path / "model.tflite", make_network("int8", RAW), card_files(card))
    with pytest.raises(InputError, match="its card belongs to another network"):
        Classifier(path)


@pytest.mark.parametrize("length", [8, 40, 400, 1200])
def test_a_truncated_network_is_refused_before_it_runs(length: int, labels: Path) -> None:
    """Catches half a download that reaches LiteRT."""
    check_refused(Artefact(make_network("int8", RAW)[:length], {}), "is damaged", names=labels)
