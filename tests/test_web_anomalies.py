"""Anomalies on the page against the runner, value by value, in Node.js: maps, regions, names, confidences."""

from typing import Any

import numpy as np
import pytest

from inference.anomaly.detector import Detector
from inference.anomaly.region_names import RegionNames
from inference.anomaly.surface import Surface
from inference.model.answers import answer_pixels
from inference.model.artefact import pack_artefact
from tests.test_web_values import encode, jobs
from tests.tiny_detector import BOARD, NAMES, SIDE, STRIDE, SURFACE, draw_board, make_detector, make_detector_flatbuffer
from tests.web_tools import needs_node

pytestmark = needs_node
MANY = np.array(BOARD) / 255 * np.random.default_rng(0).uniform(0.7, 1.1, (300, 3))
CASES: dict[str, dict[str, Any]] = {
    "many vectors": {"vectors": MANY.astype(np.float32), "threshold": 0.1},
    "one vector": {"smallest_area": 1, "halo": 0},
    "relative": {"normalize_by_median": True, "threshold": 8.0, "width": 1.5, "border": 20, "smoothing": 1.4},
    "centred": {"centred": True, "vectors": np.zeros((1, 3), np.float32), "smoothing": 0.0},
    "even light": {"local_contrast": 21, "alignment": 3, "threshold": 0.3},
    "colour": {"surface": SURFACE, "threshold": 2.0, "width": 0.4, "names": NAMES},
    "names": {"names": NAMES, "smallest_area": 30},
    "reduced": {"longest_side": 120, "names": NAMES, "threshold": 0.15},
    "share": {"score_share": 0.02, "longest_side": 133, "threshold": 0.1},
}


@pytest.fixture(scope="module")
def flatbuffer() -> bytes:
    return make_detector_flatbuffer()


def job(detector: Detector, data: str, pixels: np.ndarray, vector: np.ndarray | None = None) -> dict[str, Any]:
    return {
        "job": "anomalies",
        "data": data,
        "pixels": encode(pixels.tobytes()),
        "size": pixels.shape[:2],
        "side": SIDE,
        "stride": STRIDE,
        "threshold": detector.threshold,
        "vector": None if vector is None else encode(vector.tobytes()),
    }


def check_answer(found: dict[str, Any], expected: dict[str, Any]) -> None:
    """Check that an answer is the runner's: regions pixel by pixel, numbers to four digits."""
    assert found["result"] == expected["result"]
    for name in ("confidence", "score"):
        assert found[name] == pytest.approx(expected[name], abs=2e-4, rel=2e-4), name
    assert [one["box"] for one in found["regions"]] == [one["box"] for one in expected["regions"]]
    for one, other in zip(found["regions"], expected["regions"], strict=True):
        assert (one["area"], one["result"], one["contour"]) == (other["area"], other["result"], other["contour"])
        assert [one["score"], one["confidence"]] == pytest.approx(
            [other["score"], other["confidence"]], abs=5e-4, rel=5e-4
        )


@pytest.mark.parametrize("case", CASES)
def test_photographs_are_answered_as_by_the_runner(case: str, flatbuffer: bytes) -> None:
    """Faults: tiles that begin elsewhere, another nearest vector, edges that are not mirrored, another half height,
    regions whose corners do not connect, contours the other way round, another median, names in another order."""
    artefact = make_detector(flatbuffer, **CASES[case])
    detector, data = Detector(artefact), encode(pack_artefact(artefact))
    boards = [draw_board(number, size, 3) for number, size in enumerate([(150, 210), (97, 131), (40, 33)])]
    vector = np.random.default_rng(1).integers(0, 256, (*detector.vector_size, 3), np.uint8)
    results = jobs(*(job(detector, data, pixels, vector) for pixels in boards))
    assert any(answer_pixels(detector, pixels)["regions"] for pixels in boards)
    for pixels, found in zip(boards, results, strict=True):
        expected = detector.anomaly_map(pixels).position_scores
        values = np.array(found["map"]["values"]).reshape(expected.shape)
        np.testing.assert_allclose(values, expected, atol=2e-4, rtol=2e-4)
        check_answer(found["answer"], answer_pixels(detector, pixels))
        np.testing.assert_allclose(found["numbers"], detector.numbers(vector)[0], atol=2e-4, rtol=2e-4)


@pytest.mark.parametrize(
    ("vectors", "positions", "features"), [(1, 3, 96), (8, 1024, 5), (13, 1025, 48), (70, 2100, 3)]
)
def test_the_nearest_vector_is_found_among_all(vectors: int, positions: int, features: int) -> None:
    """Faults: a last block that is not full, lost or of zeros; a position of the part before; a feature left out."""
    random = np.random.default_rng(vectors)
    known, some = (random.normal(0, 3, (count, features)).astype(np.float32) for count in (vectors, positions))
    settings = {"vectors": encode(known.tobytes()), "positions": encode(some.tobytes()), "features": features}
    (found,) = jobs({"job": "distances", **settings})
    expected = np.sqrt(((some[:, None].astype(float) - known) ** 2).sum(axis=2)).min(axis=1)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_every_threshold_gives_the_runners_answer(flatbuffer: bytes) -> None:
    """Faults: a slider on another scale than --threshold; a confidence that does not grow with it; 0 and 1."""
    artefact = make_detector(flatbuffer, names=NAMES)
    data, pixels = encode(pack_artefact(artefact)), draw_board(1)
    detectors = [Detector(artefact, threshold=threshold) for threshold in (0, 0.01, 0.2, 0.5, 0.9, 0.999, 1)]
    results = jobs(*(job(detector, data, pixels) for detector in detectors))
    for detector, found in zip(detectors, results, strict=True):
        check_answer(found["answer"], answer_pixels(detector, pixels))
    normal = [one["answer"]["confidence"] * (1 if one["answer"]["result"] == "normal" else -1) for one in results]
    assert normal == sorted(normal)


def test_damaged_files_are_refused(flatbuffer: bytes) -> None:
    """Faults: a bank of another network, which gives scores of nothing."""
    wide = make_detector(flatbuffer, vectors=np.zeros((1, 4), np.float32))
    wide_names = make_detector(
        flatbuffer, names=RegionNames(("a", "b"), NAMES.centre, NAMES.spread, NAMES.weights, NAMES.biases)
    )
    flat = Surface(SURFACE.mean[:3], SURFACE.whitening)
    pixels = draw_board(0)
    detector = Detector(make_detector(flatbuffer))
    for artefact in (wide, wide_names, make_detector(flatbuffer, surface=flat)):
        (found,) = jobs(job(detector, encode(pack_artefact(artefact)), pixels))
        assert "does not fit the network" in found["fault"]
