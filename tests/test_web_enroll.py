"""Classes that are taught on the page against `enroll`, value by value, in Node.js without a browser."""

import base64
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from inference.enrollment.enroll import ModelFile, add_class, open_model
from inference.model.artefact import pack_artefact, read_artefact, split_artefact
from inference.model.card import CARD_NAME, LABELS_NAME
from inference.model.classifier import Classifier
from tests.open_model import ADDED, make_open_model, make_pictures
from tests.test_web_values import RELEASED, encode, jobs
from tests.web_tools import needs_node

pytestmark = needs_node


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("open") / "model.tflite"
    path.write_bytes(make_open_model())
    return path


def taught_by_runner(model: ModelFile, name: str, features: np.ndarray) -> ModelFile:
    """Return what `enroll` does with pictures of which the network gives these features."""
    vectors = np.unique(model.neighbours.project(features).astype(np.float16).astype(np.float32), axis=0)
    return add_class(model, name, vectors)


def features_of(path: Path, colour: tuple[int, int, int], count: int, seed: int = 0) -> np.ndarray:
    classifier = Classifier(path)
    return np.stack([classifier.features(pixels) for pixels in make_pictures(colour, count, seed)])


def check_same(found: ModelFile, expected: ModelFile) -> None:
    """Check every value of the card and of the added classes."""
    assert found.artefact.flatbuffer == expected.artefact.flatbuffer
    assert list(found.artefact.files) == sorted(expected.artefact.files)
    assert found.artefact.files[LABELS_NAME] == expected.artefact.files[LABELS_NAME]
    assert (found.card.labels, found.card.enrolled) == (expected.card.labels, expected.card.enrolled)
    assert found.card.threshold == pytest.approx(expected.card.threshold, abs=1e-5)
    check_close(found.card.measured, expected.card.measured)
    assert found.enrolled
    assert expected.enrolled
    for one, other in zip(found.enrolled.classes, expected.enrolled.classes, strict=True):
        np.testing.assert_allclose(one.vectors, other.vectors, atol=1e-3)  # one step of 16 bits
        assert one.count == other.count
        values = [[getattr(some, name) for name in ("middle", "width", "slope", "offset")] for some in (one, other)]
        np.testing.assert_allclose(*values, rtol=1e-3, atol=1e-4)


def check_close(found: Any, expected: Any) -> None:
    if isinstance(expected, dict):
        assert list(found) == sorted(expected)
        for key, value in expected.items():
            check_close(found[key], value)
    else:
        assert found == (pytest.approx(expected, abs=1e-9) if isinstance(expected, float) else expected)


@pytest.mark.parametrize("count", [2, 12, 50])
def test_a_class_is_added_as_enroll_adds_it(count: int, model: Path, tmp_path: Path) -> None:
    """Faults: prototypes that know the picture they judge, another covariance, another fit, pictures counted twice,
    a threshold without the trained classes, a card whose figures are another's."""
    features = features_of(model, ADDED["yellow"], count)
    features = np.concatenate([features, features[:1]])
    data = {"job": "enroll", "name": "yellow", "features": features.tolist()}
    (text,) = jobs(data | {"data": encode(model.read_bytes())})
    once = tmp_path / "once.tflite"
    once.write_bytes(base64.b64decode(text))
    expected = taught_by_runner(open_model(model), "yellow", features)
    check_same(open_model(once), expected)
    more = features_of(model, ADDED["violet"], 30, seed=4)
    (text,) = jobs({"job": "enroll", "name": "violet", "features": more.tolist(), "data": text})
    twice = tmp_path / "twice.tflite"
    twice.write_bytes(base64.b64decode(text))
    check_same(open_model(twice), taught_by_runner(expected, "violet", more))


def test_a_released_model_learns_alike(tmp_path: Path) -> None:
    """Faults: sizes that only a small model has; a card whose other fields are lost."""
    path = RELEASED[0].with_name("minerals.tflite")
    model = open_model(path)
    random = np.random.default_rng(3)
    count = len(model.neighbours.projection)
    features = np.abs(random.normal(1, 1, count) + random.normal(0, 0.4, (25, count))).astype(np.float32)
    data = {"job": "enroll", "name": "new", "features": features.tolist(), "data": encode(path.read_bytes())}
    (text,) = jobs(data)
    taught = tmp_path / "taught.tflite"
    taught.write_bytes(base64.b64decode(text))
    check_same(open_model(taught), taught_by_runner(model, "new", features))


@pytest.mark.parametrize("path", RELEASED, ids=lambda path: path.stem)
def test_files_are_packed_byte_for_byte(path: Path) -> None:
    """Faults: a zip that Python's reader finds damaged; other offsets, dates or order than the runner writes."""
    (text,) = jobs({"job": "packed", "data": encode(path.read_bytes())})
    assert base64.b64decode(text) == pack_artefact(read_artefact(path))
    assert split_artefact(base64.b64decode(text)).files.keys() >= {CARD_NAME}


def test_halves_are_rounded_as_numpy_rounds_them() -> None:
    """Faults: a half that is cut off, ties away from the even one, small numbers that become zero."""
    values = np.random.default_rng(0).normal(0, 1, 3000) * 10.0 ** np.random.default_rng(1).integers(-9, 5, 3000)
    ties = np.arange(1, 400) * 2.0**-12 + 1
    values = np.concatenate([values, ties, [0.0, 65504.0, 2.0**-24, 2.0**-25, 3 * 2.0**-25]]).astype(np.float32)
    (found,) = jobs({"job": "halves", "values": values.tolist()})
    np.testing.assert_array_equal(np.array(found, np.float32), values.astype(np.float16).astype(np.float32))


def test_what_cannot_be_taught_is_refused(model: Path, tiny_model: Path) -> None:
    """Faults: a name twice, or one that no terminal can show; one picture; a model without neighbours."""
    features = features_of(model, ADDED["yellow"], 3)
    sound = {"job": "enroll", "name": "yellow", "features": features.tolist(), "data": encode(model.read_bytes())}
    cases = [
        ({"name": "red"}, "unused name"),
        ({"name": " yellow"}, "unused name"),
        ({"name": "unknown"}, "unused name"),
        ({"name": "\x1b[2J"}, "one line of text"),
        ({"name": "a\u2028b"}, "one line of text"),
        ({"name": "Red"}, "unused name"),
        ({"features": [features[0].tolist()] * 5}, "needs at least 2 different pictures"),
        ({"data": encode(tiny_model.read_bytes())}, "neighbours"),
    ]
    found = jobs(*(sound | changes for changes, _ in cases))
    for answer, (_, words) in zip(found, cases, strict=True):
        assert words in answer["fault"]
