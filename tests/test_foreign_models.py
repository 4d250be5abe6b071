"""Classifiers that other programs wrote: the right answer from each kind."""

import dataclasses
import json
import math
from pathlib import Path

import numpy as np
import pytest

import inference.model.foreign
from inference.foreign.metadata import Metadata, read_metadata
from inference.foreign.scaling import Conversion
from inference.model.classifier import Classifier
from inference.model.decide import Decision
from tests import tiny_model as ours
from tests.foreign_model import (
    COLOURS,
    LABELS,
    RAW,
    SIGNED,
    SIZE,
    Scaling,
    add_metadata,
    expected,
    make_described,
    make_metadata,
    make_network,
    picture,
    write_labels,
    write_model,
)

UNIT: Scaling = ((0.0,), (255.0,))
TOLERANCE = {"float32": 1e-5, "int8": 0.03, "uint8": 0.03}  # of a probability; 8 bits of a logit's range are 0.05


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    return write_labels(tmp_path / "labels.txt")


@pytest.fixture
def unprobed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Save the child process where the model is known to be harmless."""
    monkeypatch.setattr(inference.model.foreign, "probe_network", lambda *_: None)


def check_colours(classifier: Classifier, dtype: str, ending: str = "softmax") -> None:
    """Check the names and the probabilities of four colours against the logits computed by hand."""
    for label, colour in COLOURS.items():
        found = classifier.probabilities(picture(colour))
        assert found == pytest.approx(expected(colour, ending), abs=TOLERANCE[dtype]), label
        assert classifier.classify(picture(colour)).result == label


@pytest.mark.parametrize("dtype", ["float32", "int8", "uint8"])
def test_metadata_say_labels_and_scaling(dtype: str, tmp_path: Path) -> None:
    """Catches channels scaled alike or in another order, means left out, and translated labels taken for labels."""
    model = make_described(dtype)
    classifier = Classifier(write_model(tmp_path / "model.tflite", model.flatbuffer, model.files))
    check_colours(classifier, dtype)
    card = classifier.card
    assert (card.recipe, card.labels, card.input_size, card.quantization) == ("colours", LABELS, SIZE, dtype)
    assert (card.reject_labels, card.threshold) == ((), 0.0)


@pytest.mark.parametrize(
    ("dtype", "trained", "scaling"),
    [
        ("float32", RAW, "raw"),
        ("float32", UNIT, "unit"),
        ("float32", SIGNED, "signed"),
        ("int8", RAW, None),
        ("int8", SIGNED, None),
        ("int8", SIGNED, "signed"),
        ("uint8", RAW, None),
        ("uint8", RAW, "raw"),
        ("uint8", UNIT, None),
        ("uint8", SIGNED, "signed"),
    ],
    ids=str,
)
@pytest.mark.usefixtures("unprobed")
def test_without_metadata_the_rule_is_the_dtype_or_the_option(
    dtype: str, trained: Scaling, scaling: str | None, tmp_path: Path, labels: Path
) -> None:
    """Catches int8 fed with pixels that wrap round, a quantized input scaled twice, and an option without effect."""
    path = write_model(tmp_path / "colours.tflite", make_network(dtype, trained))
    classifier = Classifier(path, labels=labels, scaling=scaling)
    check_colours(classifier, dtype)
    assert classifier.card.recipe == "colours"


@pytest.mark.parametrize("ending", ["softmax", "convolution", "sigmoid", "logits", "quotient"])
@pytest.mark.usefixtures("unprobed")
def test_outputs_become_probabilities_by_the_networks_end(ending: str, tmp_path: Path, labels: Path) -> None:
    """Catches a softmax of probabilities, logits shown as confidences, and independent scores made to sum to 1."""
    path = write_model(tmp_path / "model.tflite", make_network("float32", SIGNED, ending))
    check_colours(Classifier(path, labels=labels, scaling="signed"), "float32", ending)


@pytest.mark.parametrize("ending", ["logits", "sigmoid", "convolution"])
@pytest.mark.usefixtures("unprobed")
def test_quantized_outputs_are_dequantized(ending: str, tmp_path: Path, labels: Path) -> None:
    """Catches a softmax over the numbers of the output instead of the values that they stand for."""
    path = write_model(tmp_path / "model.tflite", make_network("uint8", SIGNED, ending))
    check_colours(Classifier(path, labels=labels), "uint8", ending)


@pytest.mark.usefixtures("unprobed")
def test_whether_outputs_are_logits_does_not_depend_on_the_picture(tmp_path: Path, labels: Path) -> None:
    """Catches a rule that takes the logits (1, 0, 0, 0) of one picture for probabilities."""

    flatbuffer = make_network("float32", RAW, "logits", background=0.0)
    path = write_model(tmp_path / "model.tflite", flatbuffer)
    found = Classifier(path, labels=labels, scaling="raw").probabilities(picture((20, 0, 0)))
    assert found == pytest.approx(np.exp([1, 0, 0, 0]) / (np.e + 3), abs=1e-5)


@pytest.mark.parametrize("dtype", ["float32", "int8"])
@pytest.mark.usefixtures("unprobed")
def test_one_sigmoid_decides_between_two_labels(dtype: str, tmp_path: Path) -> None:
    """Faults: two labels refused, or exchanged; a single label that is the answer to every picture."""
    path = write_model(tmp_path / "model.tflite", make_network(dtype, RAW, "one sigmoid"))
    two = Classifier(path, labels=write_labels(tmp_path / "two.txt", ["other", "red"]), scaling="raw")
    one = Classifier(path, labels=write_labels(tmp_path / "one.txt", ["red"]), scaling="raw")
    for colour, p in (((255, 0, 0), 1 / (1 + math.exp(-8.75))), ((0, 0, 255), 1 / (1 + math.exp(4)))):
        assert two.probabilities(picture(colour)) == pytest.approx([1 - p, p], abs=TOLERANCE[dtype])
        assert two.classify(picture(colour)).result == ("red" if p > 0.5 else "other")
        assert one.classify(picture(colour)).result == ("red" if p > 0.5 else "unknown")


@pytest.mark.usefixtures("unprobed")
def test_an_open_batch_is_one_picture(tmp_path: Path, labels: Path) -> None:
    """Catches the refusal of what most converters write, -1 for the batch."""
    path = write_model(tmp_path / "model.tflite", make_network("float32", SIGNED, "softmax", None))
    check_colours(Classifier(path, labels=labels, scaling="signed"), "float32")


@pytest.mark.usefixtures("unprobed")
def test_what_the_user_states_wins_over_metadata(tmp_path: Path) -> None:
    """Catches options that are ignored where the metadata are wrong."""
    wrong = make_metadata(Metadata("", "", "names.txt", *UNIT))
    files = {"names.txt": b"a\nb\nc\nd"}
    path = write_model(tmp_path / "m.tflite", add_metadata(make_network("float32", SIGNED), wrong), files)
    check_colours(Classifier(path, labels=write_labels(tmp_path / "labels.txt"), scaling="signed"), "float32")
    assert Classifier(path).card.labels == ("a", "b", "c", "d")


@pytest.mark.usefixtures("unprobed")
def test_labels_of_nothing_are_answered_as_the_network_gives_them(tmp_path: Path) -> None:
    """Catches "background" left out of the answers although the model says so, and "unknown" refused as a label."""
    path = write_model(tmp_path / "model.tflite", make_network("float32", SIGNED))
    names = write_labels(tmp_path / "labels.txt", ["red", "green", "background", "unknown"])
    classifier = Classifier(path, labels=names, scaling="signed")
    assert classifier.classify(picture(COLOURS["blue"])).result == "background"
    assert classifier.classify(picture((0, 0, 0))).result == "unknown"
    assert Classifier(path, 1, 1.0, names, "signed").classify(picture((90, 90, 90))).result == "unknown"


def test_metadata_come_back_as_written() -> None:
    """Catches a slot number that is off by one."""
    said = Metadata("name", "what it is", "labels.txt", (1.0, 2.0, 3.0), (4.0, 5.0, 6.0))
    assert read_metadata(make_metadata(said, "translated.txt")) == said
    assert read_metadata(make_metadata(Metadata())) == read_metadata(b"") == Metadata()


def test_our_networks_keep_their_fast_path(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Catches a conversion of pixels or outputs added to every picture of our own models."""
    for step in ("enter", "leave", "dequantize"):
        monkeypatch.setattr(Conversion, step, lambda *_: pytest.fail("converted"))
    assert Classifier(tiny_model).classify(np.full((*ours.INPUT_SIZE, 3), (255, 0, 0), np.uint8)).result == "red"


def test_a_decision_is_written_as_json_numbers(tmp_path: Path) -> None:
    """Catches numpy's numbers, which no JSON holds, in the answer of a quantized model."""
    model = make_described()
    path = write_model(tmp_path / "model.tflite", model.flatbuffer, model.files)
    decision = Classifier(path).classify(picture(COLOURS["red"]))
    assert isinstance(decision, Decision)
    assert json.loads(json.dumps(dataclasses.asdict(decision)))["result"] == "red"
