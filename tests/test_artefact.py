"""One file, a network and its card: what is packed comes back, and what does not fit together is refused."""

import dataclasses
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from inference.errors import InputError
from inference.model.artefact import Artefact, flatbuffer_sha256, pack_artefact, read_artefact, split_artefact
from inference.model.card import CARD_NAME, LABELS_NAME, Card, card_files, card_to_json, read_card
from tests.tiny_model import make_card

FLATBUFFER = b"\x1c\x00\x00\x00TFL3" + bytes(range(256)) * 4  # enough for what does not run it
CARD = make_card(FLATBUFFER)
PACKED = pack_artefact(Artefact(FLATBUFFER, card_files(CARD)))


def packed(**changes: Any) -> Artefact:
    """Return an artefact whose card.json differs in some fields from the true one; None leaves a field out."""
    values = {**json.loads(card_to_json(CARD)), **changes}
    text = json.dumps({key: value for key, value in values.items() if value is not None})
    return Artefact(FLATBUFFER, {CARD_NAME: text.encode()})


@pytest.mark.parametrize("files", [{}, {"b.txt": b"2", "a.txt": b""}, card_files(CARD)], ids=["none", "two", "card"])
def test_what_is_packed_comes_back(files: dict[str, bytes]) -> None:
    """Catches a flatbuffer that grows by the zip's end, or loses bytes to it."""
    assert split_artefact(pack_artefact(Artefact(FLATBUFFER, files))) == Artefact(FLATBUFFER, files)


def test_the_flatbuffer_stands_unchanged_at_the_front() -> None:
    """Catches a container that other TFLite runners could not open."""
    data = pack_artefact(Artefact(FLATBUFFER, card_files(CARD)))
    assert data.startswith(FLATBUFFER)
    assert zipfile.ZipFile(io.BytesIO(data)).namelist() == [CARD_NAME, LABELS_NAME]


def test_the_same_content_gives_the_same_bytes() -> None:
    """Catches the time of packing, or the order of a dict, in the file."""
    forwards, backwards = {"a": b"1", "b": b"2"}, {"b": b"2", "a": b"1"}
    assert pack_artefact(Artefact(FLATBUFFER, forwards)) == pack_artefact(Artefact(FLATBUFFER, backwards))
    with zipfile.ZipFile(io.BytesIO(pack_artefact(Artefact(FLATBUFFER, forwards)))) as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_another_packed_file_leaves_the_flatbuffer_and_its_hash_alone() -> None:
    """Catches a class that can't be added without making a new network."""
    more = Artefact(FLATBUFFER, {**card_files(CARD), "bank.npz": b"rows"})
    assert flatbuffer_sha256(split_artefact(pack_artefact(more)).flatbuffer) == CARD.flatbuffer_sha256


def test_what_is_no_model_is_refused_with_what_was_found(tmp_path: Path) -> None:
    """Catches a picture, an empty file or a missing path handed to LiteRT."""
    with pytest.raises(InputError, match=r"no TFLite model.*Received: b''"):
        split_artefact(b"")
    with pytest.raises(InputError, match=r"no TFLite model.*Received: b'\\r\\n"):
        split_artefact(b"\x89PNG\r\n\x1a\n" + bytes(100))
    with pytest.raises(InputError, match=r"missing\.tflite: cannot be read: No such file"):
        read_artefact(tmp_path / "missing.tflite")
    with pytest.raises(InputError, match="cannot be read: Is a directory"):
        read_artefact(tmp_path)


def test_a_damaged_packed_file_is_named_as_such() -> None:
    """Catches a flipped bit reported as a model without a card."""
    data = pack_artefact(Artefact(FLATBUFFER, {CARD_NAME: b"recipe: tiny"}))
    with pytest.raises(InputError, match="packed files are damaged"):
        split_artefact(data.replace(b"recipe: tiny", b"recipe: tinx"))


def check_right_or_refused(data: bytes) -> None:
    try:
        artefact = split_artefact(data)
        card = read_card(artefact)
    except InputError:
        return
    assert (artefact.flatbuffer, card) == (FLATBUFFER, CARD)


@pytest.mark.parametrize("value", [0x00, 0x01, 0x40, 0xFF])
def test_a_changed_byte_anywhere_is_harmless_or_refused(value: int) -> None:
    """Catches an exception of zipfile's, and a damaged network that passes for the one that its card names."""
    for place in range(len(PACKED)):
        check_right_or_refused(PACKED[:place] + bytes([value]) + PACKED[place + 1 :])


def test_a_file_cut_anywhere_is_refused() -> None:
    """Catches half a download that is run."""
    for length in range(len(PACKED)):
        with pytest.raises(InputError):
            read_card(split_artefact(PACKED[:length]))


def test_a_card_comes_back_from_its_json() -> None:
    """Catches a field that is written but not read, and text that is no UTF-8."""
    card = dataclasses.replace(
        CARD, labels=("Grünspan", "b", "background"), training={"seed": 1}, measured={"accuracy": 0.5}
    )
    assert read_card(Artefact(FLATBUFFER, card_files(card))) == card
    assert card_files(card)[LABELS_NAME].decode() == "Grünspan\nb\nbackground\n"


def test_a_model_without_a_card_is_refused() -> None:
    """Catches answers with made-up labels."""
    with pytest.raises(InputError, match=rf"model\.tflite: carries no {CARD_NAME}\."):
        read_card(Artefact(FLATBUFFER, {}), "model.tflite")


def test_the_card_of_another_network_is_refused() -> None:
    """Catches labels of one network shown for the outputs of another."""
    with pytest.raises(InputError, match="its card belongs to another network"):
        read_card(Artefact(FLATBUFFER + b"\x00", card_files(CARD)))


@pytest.mark.parametrize("received", [2, 0, "1", None])
def test_a_card_of_another_format_is_refused_before_its_fields(received: Any) -> None:
    """Catches a newer card misread by an older runner, and a newer field reported as an error of its own."""
    with pytest.raises(InputError, match=f"must have format 1. Received: {received}. Update the runner"):
        read_card(packed(format=received, labels={"new": "layout"}))


@pytest.mark.parametrize(
    "text", [b"", b"{", b"\xff", b"[]", b"null", b"3", b"[" * 100_000], ids=lambda text: str(text[:9])
)
def test_a_card_that_is_no_json_object_is_refused(text: bytes) -> None:
    """Catches a traceback for a damaged card."""
    with pytest.raises(InputError, match=r"card\.json (is no JSON|must have format)"):
        read_card(Artefact(FLATBUFFER, {CARD_NAME: text}))


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"labels": []}, "labels must be unique texts"),
        ({"labels": ["a", "a", "background"]}, "labels must be unique texts"),
        ({"labels": ["a", 1, "background"]}, "labels must be unique texts"),
        ({"labels": [["a"], "background"]}, "labels must be unique texts"),
        ({"labels": "abc"}, "labels must be a list"),
        ({"labels": 3}, "labels must be a list"),
        ({"labels": None}, "labels must be a list"),
        ({"labels": ["a", "unknown", "background"]}, "only a reject label may be called unknown"),
        ({"reject_labels": ["other"]}, "reject_labels must be some of the labels"),
        ({"reject_labels": ["red", "green", "blue", "background"]}, "reject_labels must be some of the labels"),
        ({"reject_labels": [["red"]]}, "reject_labels must be some of the labels"),
        ({"input_size": [16]}, "input_size must be two positive numbers"),
        ({"input_size": [16, 0]}, "input_size must be two positive numbers"),
        ({"input_size": [16, "16"]}, "input_size must be two positive numbers"),
        ({"input_size": 16}, "input_size must be a list"),
        ({"resize": "crop"}, "resize must be one of"),
        ({"decision": "guess"}, "decision must be one of"),
        ({"decision": ["softmax"]}, "decision must be one of"),
        ({"threshold": 1.5}, "threshold must lie in"),
        ({"threshold": float("nan")}, "threshold must lie in"),
        ({"threshold": "0.5"}, "threshold must lie in"),
        ({"labels": ["a", "\ud800", "background"]}, "labels must be unique texts"),
        ({"region_labels": ["\udfff"]}, "region_labels must be unique texts"),
        ({"region_margin": 1e308}, r"region_margin must lie in \[0, 100\]"),
        ({"region_margin": float("nan")}, r"region_margin must lie in \[0, 100\]"),
        ({"flatbuffer_sha256": 5}, "flatbuffer_sha256 must be a text"),
        ({"decision": None}, "has wrong fields: .*'decision'"),
        ({"colour": "red"}, "has wrong fields: .*'colour'"),
    ],
    ids=str,
)
def test_a_card_with_wrong_values_is_refused_by_rule(changes: dict[str, Any], rule: str) -> None:
    """Catches a traceback, or a wrong answer much later, for a card that was edited by hand."""
    with pytest.raises(InputError, match=rf"{rule}.*Export the model again\."):
        read_card(packed(**changes))


def test_a_reject_label_may_be_called_unknown() -> None:
    """Catches the rule about the name applied to the label that means just this."""
    labels = ["red", "green", "blue", "unknown"]
    assert isinstance(read_card(packed(labels=labels, reject_labels=["unknown"])), Card)


def test_a_model_that_unpacks_to_gigabytes_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Catches a zip bomb behind a network, and a file that fills the memory."""
    monkeypatch.setattr("inference.model.artefact.MOST_BYTES", 1000)
    monkeypatch.setattr("inference.model.artefact.MOST_PACKED_BYTES", 1000)
    path = tmp_path / "bomb.tflite"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("labels.txt", b"\0" * 1001)
    packed = path.read_bytes()
    with pytest.raises(InputError, match=r"its packed files are too large: 1,001 bytes\. At most 1,000"):
        split_artefact(b"\0\0\0\0TFL3" + packed, "bomb")
    path.write_bytes(b"\0\0\0\0TFL3" + b"\0" * 1000)
    with pytest.raises(InputError, match="is too large: more than 1,000 bytes"):
        read_artefact(path)
