"""The page's modules against the runner's, value by value, in Node.js without a browser."""

import base64
import dataclasses
import hashlib
import io
import json
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

from inference.model.array_file import normalise
from inference.model.artefact import Artefact, pack_artefact, read_artefact
from inference.model.card import CARD_NAME, card_files, read_card
from inference.model.decide import DECISION_NAMES, DecisionRule, decide_softmax
from inference.model.enrolled import ENROLLED_NAME, Enrolled, EnrolledClass, enrolled_to_file, read_enrolled
from inference.model.neighbours import NEIGHBOURS_NAME, Neighbours, neighbours_to_file, read_neighbours
from inference.pictures.image_io import resize_image
from inference.pictures.listing import list_pictures
from inference.pictures.regions import cut_region
from inference.run import results_to_json
from inference.verify.observe import with_vectors
from inference.verify.vectors import enlarge, read_vectors
from tests.tiny_model import make_card
from tests.web_tools import needs_node, run_node

pytestmark = needs_node
RELEASED = sorted((Path(__file__).parent.parent / "models" / "released").glob("*.tflite"))
FLATBUFFER = b"\x1c\x00\x00\x00TFL3" + bytes(range(256)) * 4
SIZES = [  # from, to: (height, width)
    ((5, 7), (5, 7)),
    ((96, 400), (96, 96)),
    ((400, 96), (96, 96)),
    ((37, 53), (96, 96)),
    ((1, 1), (32, 32)),
    ((480, 641), (96, 96)),
    ((199, 33), (32, 32)),
    ((2, 3000), (32, 32)),
    ((640, 300), (96, 96)),  # much taller than wide: Pillow shrinks it down first
    ((292, 155), (53, 10)),
    ((12, 83), (11, 90)),
]


def encode(data: bytes) -> str:
    return base64.b64encode(data).decode()


def jobs(*wanted: dict[str, Any]) -> list[Any]:
    return run_node("values.mjs", text=json.dumps(wanted))


def packed(card: dict[str, Any]) -> str:
    return encode(pack_artefact(Artefact(FLATBUFFER, {CARD_NAME: json.dumps(card).encode()})))


@pytest.mark.parametrize("channels", [3, 4])
def test_the_resize_is_the_runners_value_by_value(channels: int) -> None:
    """Faults: another filter, another rounding, swapped sides, strips that forget a row."""
    random = np.random.default_rng(0)
    pictures = [random.integers(0, 256, (*size, channels), np.uint8) for size, _ in SIZES]
    found = jobs(
        *(
            {"job": "resize", "pixels": encode(one.tobytes()), "from": size, "to": to, "channels": channels, "strip": 7}
            for one, (size, to) in zip(pictures, SIZES, strict=True)
        )
    )
    for one, (_, to), text in zip(pictures, SIZES, found, strict=True):
        pixels = np.frombuffer(base64.b64decode(text), np.uint8).reshape(*to, 3)
        np.testing.assert_array_equal(pixels, resize_image(np.ascontiguousarray(one[:, :, :3]), to))


def test_hashes_are_right() -> None:
    """Faults: a padding that is one block short, a length in bytes instead of bits."""
    texts = [bytes(length) for length in (0, 1, 55, 56, 63, 64, 65, 1000)] + [bytes(range(256)) * 300]
    found = jobs(*({"job": "sha256", "data": encode(text)} for text in texts))
    assert found == [hashlib.sha256(text).hexdigest() for text in texts]


@pytest.mark.parametrize("path", RELEASED, ids=lambda path: path.stem)
def test_a_released_file_is_taken_apart_as_by_the_runner(path: Path) -> None:
    """Faults: a flatbuffer that keeps bytes of the zip, packed files that are cut, a card that is refused."""
    data = encode(path.read_bytes())
    split, card = jobs({"job": "split", "data": data}, {"job": "card", "data": data})
    artefact = read_artefact(path)
    assert base64.b64decode(split["flatbuffer"]) == artefact.flatbuffer
    assert {name: base64.b64decode(one) for name, one in split["files"].items()} == artefact.files
    assert card == json.loads(json.dumps(dataclasses.asdict(read_card(artefact))))


def test_what_is_no_model_of_ours_is_refused() -> None:
    """Faults: labels of one network for another, a decision that the page can't make, damage that goes unseen."""
    card = json.loads(card_files(make_card(FLATBUFFER))[CARD_NAME])
    whole = pack_artefact(Artefact(FLATBUFFER, card_files(make_card(FLATBUFFER))))
    wrong = [
        (encode(b"\x89PNG" + bytes(100)), "no TFLite model"),
        (encode(FLATBUFFER), "carries no card.json"),
        (packed({**card, "flatbuffer_sha256": "0" * 64}), "belongs to another network"),
        (
            packed({**card, "decision": "enrolled"}),
            "decision must be one of softmax, neighbours, anomaly. Received: enrolled",
        ),
        (packed({**card, "format": 2}), "must have format 1. Received: 2"),
        (packed({**card, "labels": ["a", "a"]}), "labels must be unique"),
        (packed({**card, "labels": None}), "labels must be a list. Received: null"),
        (packed({**card, "reject_labels": ["other"]}), "reject_labels must be some of the labels"),
        (packed({**card, "enrolled": ["red"]}), "enrolled must be the last of the labels"),
        (packed({**card, "enrolled": card["labels"]}), "enrolled must be the last of the labels"),
        (packed({**card, "labels": ["unknown", *card["labels"]]}), "only a reject label may be called unknown"),
        (packed({**card, "threshold": None}), "threshold must lie in [0, 1]. Received: null"),
        (packed({**card, "input_size": [96.5, 96]}), "input_size must be two positive numbers"),
        (packed({**card, "resize": "crop"}), "resize must be stretch"),
        (packed({**card, "region_labels": ["a", "a"]}), "region_labels must be unique"),
        (encode(whole.replace(b'"recipe": "tiny"', b'"recipe": "tinx"')), "card.json has changed"),
    ]
    found = jobs(*({"job": "card", "data": data} for data, _ in wrong))
    for answer, (_, message) in zip(found, wrong, strict=True):
        assert message in answer["fault"]


def made_neighbours(random: np.random.Generator, order: Literal["C", "F"] = "C") -> Neighbours:
    """Return what a network of 24 features and 3 labels could have, in 8 dimensions."""
    return Neighbours(
        np.asarray(random.normal(0, 1, (24, 8)).astype(np.float32), order=order),
        normalise(random.normal(0, 1, (60, 8)).astype(np.float32)),
        random.integers(0, 3, 60),
        *(5, 0.6, 0.1, 0.8, 0.4),
    )


def weigh_job(
    files: dict[str, bytes], features: np.ndarray, probabilities: np.ndarray, added: int = 0
) -> dict[str, Any]:
    """Return a job for values.mjs; answers are all labels but the last."""
    return {
        "job": "weigh",
        "data": encode(pack_artefact(Artefact(FLATBUFFER, files))),
        "features": features.tolist(),
        "probabilities": probabilities.tolist(),
        "answers": list(range(probabilities.shape[1] - 1)),
        "added": added,
    }


@pytest.mark.parametrize("order", ["C", "F"])
def test_neighbours_weigh_as_in_the_runner(order: Literal["C", "F"]) -> None:
    """Faults: half floats read as whole ones, columns for rows, the nearest for the nth, another best label."""
    random = np.random.default_rng(1)
    data = neighbours_to_file(made_neighbours(random, order))
    read = read_neighbours(data, 4, 24)
    features = random.normal(0, 1, (30, 24)).astype(np.float32)
    probabilities = random.dirichlet(np.full(4, 0.4), 30).astype(np.float32)
    (found,) = jobs(weigh_job({NEIGHBOURS_NAME: data}, features, probabilities))
    np.testing.assert_allclose(found["standing"], read.scaled_knn_score(read.project(features)), atol=1e-4)
    expected = read.weigh(probabilities, features, np.array([0, 1, 2]))
    np.testing.assert_allclose(found["weighed"], expected, atol=1e-5)


def made_enrolled(random: np.random.Generator, neighbours: Neighbours) -> Enrolled:
    """Return two added classes around directions of their own."""
    centres = random.normal(0, 1, (2, 1, 8))
    vectors = [normalise(centre + random.normal(0, 0.3, (12, 8))).astype(np.float32) for centre in centres]
    scales = (3, 0.8, 0.1, 0.9, 1.0), (1, 0.7, 0.2, 0.5, 1.5)
    return Enrolled(neighbours, tuple(EnrolledClass(one, *scale) for one, scale in zip(vectors, scales, strict=True)))


def test_added_classes_weigh_as_in_the_runner() -> None:
    """Faults: a covariance around the wrong means, margins without the other added class, shares above 1 in sum."""
    random = np.random.default_rng(4)
    neighbours = made_neighbours(random)
    files = {
        NEIGHBOURS_NAME: neighbours_to_file(neighbours),
        ENROLLED_NAME: enrolled_to_file(made_enrolled(random, neighbours).classes),
    }
    neighbours = read_neighbours(files[NEIGHBOURS_NAME], 4, 24)
    enrolled = read_enrolled(files[ENROLLED_NAME], neighbours, 2)
    features = random.normal(0, 1, (60, 24)).astype(np.float32)
    vectors = neighbours.project(features)
    probabilities = random.dirichlet(np.full(4, 0.4), 60).astype(np.float32)
    (found,) = jobs(weigh_job(files, features, probabilities, added=2))
    np.testing.assert_allclose(found["margins"], enrolled.margins(vectors), atol=1e-4)
    expected = enrolled.weigh(probabilities, features, np.array([0, 1, 2]))
    np.testing.assert_allclose(found["weighed"], expected, atol=1e-5)
    assert enrolled.shares(vectors).sum(axis=1).max() > 1 - 1e-9, "some shares must be cut down to sum to 1"
    assert len(set(expected.argmax(axis=1))) > 4, "both added classes and the trained ones must win somewhere"


def test_neighbours_that_do_not_fit_are_refused() -> None:
    """Faults: arrays of another network, which give confidences of nothing; compressed ones read as numbers."""
    made = Neighbours(np.eye(4, dtype=np.float32), np.eye(4, dtype=np.float32), np.zeros(4), 1, 0.5, 0.1)
    compressed = io.BytesIO()
    np.savez_compressed(compressed, projection=np.eye(4, dtype=np.float16))
    wrong = [
        (neighbours_to_file(dataclasses.replace(made, count=9)), 4, "does not fit"),
        (neighbours_to_file(made), 5, "does not fit"),
        (neighbours_to_file(dataclasses.replace(made, classes=np.full(4, 7))), 4, "does not fit"),
        (neighbours_to_file(dataclasses.replace(made, middle=np.nan)), 4, "does not fit"),
        (b"zip", 4, "is no .npz"),
        (compressed.getvalue(), 4, "is compressed"),
    ]
    found = jobs(
        *(
            weigh_job({NEIGHBOURS_NAME: data}, np.zeros((1, features)), np.array([[0.6, 0.4]]))
            for data, features, _ in wrong
        )
    )
    for answer, (*_, message) in zip(found, wrong, strict=True):
        assert message in answer["fault"]
        assert "again" in answer["fault"]


def test_added_classes_that_do_not_fit_are_refused() -> None:
    """Faults: vectors of another model's dimensions, a class without pictures, classes without any file."""
    neighbours = made_neighbours(np.random.default_rng(5))
    base = {NEIGHBOURS_NAME: neighbours_to_file(neighbours)}
    cases = [
        (base | {ENROLLED_NAME: enrolled_to_file((EnrolledClass(np.eye(9, dtype=np.float32)),))}, 1),
        (base | {ENROLLED_NAME: enrolled_to_file((EnrolledClass(np.eye(8, dtype=np.float32)),))}, 2),
        (base | {ENROLLED_NAME: enrolled_to_file((EnrolledClass(np.eye(8, dtype=np.float32), count=9),))}, 1),
        (base, 1),
    ]
    features, probabilities = np.zeros((1, 24)), np.array([[0.3, 0.4, 0.2, 0.1]])
    found = jobs(*(weigh_job(files, features, probabilities, added) for files, added in cases))
    found += jobs({"job": "enrolledAlone", "data": encode(pack_artefact(Artefact(FLATBUFFER, base)))})
    assert all("again" in answer["fault"] and "enrolled.npz" in answer["fault"] for answer in found), found


def test_the_page_knows_the_decisions_of_the_runner() -> None:
    """Faults: a decision that the runner learned and the page did not."""
    card = json.loads(card_files(make_card(FLATBUFFER))[CARD_NAME])
    found = jobs(*({"job": "card", "data": packed({**card, "decision": decision})} for decision in DECISION_NAMES))
    assert [one.get("decision", one) for one in found] == list(DECISION_NAMES)


def test_decisions_are_the_runners() -> None:
    """Faults: a reject label as an answer, a threshold that counts the wrong way."""
    card = json.loads(card_files(make_card(FLATBUFFER))[CARD_NAME])
    rows = np.random.default_rng(2).dirichlet(np.full(4, 0.5), 40)
    found = jobs(*({"job": "decide", "probabilities": list(row), "card": card} for row in rows))
    rule = DecisionRule(tuple(card["labels"]), tuple(card["reject_labels"]), card["threshold"])
    for row, answer in zip(rows, found, strict=True):
        expected = decide_softmax(row, rule)
        assert (answer["result"], answer["confidence"]) == (
            expected.result,
            pytest.approx(expected.confidence, abs=1e-6),
        )
    assert len({answer["result"] for answer in found}) == 4


def test_boxes_cut_the_pixels_that_the_runner_cuts() -> None:
    """Faults: a half rounded away from the even number, a margin that is cut off on the wrong side."""
    pixels = np.arange(60 * 80 * 3, dtype=np.uint32).reshape(60, 80, 3)
    boxes = [(10, 20, 30, 10), (0.5, 1.5, 20.5, 30.5), (70, 50, 40, 40), (-5, -5, 25, 25), (12, 13, 5, 5)]
    for margin in (0.0, 0.1, 0.5):
        found = jobs(*({"job": "widen", "box": box, "margin": margin, "width": 80, "height": 60} for box in boxes))
        for box, (left, top, width, height) in zip(boxes, found, strict=True):
            expected = cut_region(pixels, box, margin)
            np.testing.assert_array_equal(pixels[top : top + height, left : left + width], expected)
    (outside,) = jobs({"job": "widen", "box": [90, 0, 10, 10], "margin": 2.0, "width": 80, "height": 60})
    assert "must overlap" in outside["fault"]


def test_results_are_written_as_the_runner_writes_them() -> None:
    """Faults: another order of keys, another indent, boxes left out."""
    one, other = {"confidence": 0.93, "result": "pyrite"}, {"confidence": 0.2, "result": "unknown"}
    (text, empty) = jobs(
        {
            "job": "results",
            "results": [["b/ü.jpg", {"answer": one}], ["a.jpg", {"answer": other, "box": [1, 2, 3, 4]}]],
        },
        {"job": "results", "results": []},
    )
    assert text == results_to_json({"a.jpg": {"regions": [{"box": [1, 2, 3, 4], **other}]}, "b/ü.jpg": one})
    assert empty == results_to_json({})


def test_keys_are_relative_to_the_folder_and_never_taken_twice() -> None:
    """Faults: photographs of a phone, all called image.jpg, of which only the last has a result."""
    files = [{"name": "a.jpg", "webkitRelativePath": "photos/day/a.jpg"}, {"name": "b.jpg", "webkitRelativePath": ""}]
    keys, free, bare = jobs(
        {"job": "keys", "files": files},
        {"job": "free", "key": "image.jpg", "taken": ["image.jpg", "image-2.jpg"]},
        {"job": "free", "key": ".hidden", "taken": [".hidden"]},
    )
    assert (keys, free, bare) == (["day/a.jpg", "b.jpg"], "image-3.jpg", ".hidden-2")


def test_a_folder_is_listed_as_the_runner_lists_it(tmp_path: Path) -> None:
    """Faults: Thumbs.db as a picture that can't be read; a file that can't be opened, which takes all others along."""
    names = ["a.jpg", "notes.txt", ".hidden.jpg", "._a.jpg", "day/.DS_Store", "day/b.jpg", "day/@eaDir/b.jpg"]
    names += ["Thumbs.db", "ehthumbs.db", "Desktop.ini", "__MACOSX/a.jpg", "$RECYCLE.BIN/a.jpg", "#recycle/a.jpg"]
    names += ["System Volume Information/a.jpg", "lost+found/a.jpg", ".git/a.jpg"]
    for path in (tmp_path / name for name in names):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    files = [{"name": Path(name).name, "webkitRelativePath": f"photos/{name}"} for name in names]
    content = [["day", [["c.jpg", "c"], [".DS_Store", "d"]]], ["b.jpg", None], ["a.jpg", "a"], [".git", [["e", "e"]]]]
    keys, alone, dropped = jobs(
        {"job": "keys", "files": files},
        {"job": "keys", "files": [{"name": ".hidden.jpg", "webkitRelativePath": ""}]},  # that was chosen itself
        {"job": "dropped", "entry": ["photos", content]},
    )
    assert sorted(keys) == [picture.key for picture in list_pictures([tmp_path])]
    assert alone == [".hidden.jpg"]
    assert dropped == [["a.jpg", "a"], ["b.jpg", ""], ["day/c.jpg", "c"]]


def test_test_vectors_are_read_and_compared(tiny_model: Path) -> None:
    """Faults: pictures that are enlarged otherwise, and a network that is right on the first run only."""
    artefact = with_vectors(read_artefact(tiny_model))
    vectors, size = read_vectors(artefact), (16, 20)
    assert vectors
    data = encode(pack_artefact(artefact))
    faults = ["", "always", "second run"]
    large, *found = jobs(
        {"job": "enlarge", "data": data, "size": size},
        *({"job": "agrees", "data": data, "size": size, "fault": fault} for fault in faults),
    )
    assert [base64.b64decode(one) for one in large] == [enlarge(one, size).tobytes() for one in vectors.pictures]
    assert found == [True, False, False]
