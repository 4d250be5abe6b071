"""Anomalies and taught classes on the page in Chromium: the runner's answers, an overlay, a slider, undo."""

import base64
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from benchmarks.browser import find_chromium
from benchmarks.service import running_service
from inference.enrollment.enroll import add_class, compute_vectors, open_model
from inference.load import load_model
from inference.model.answers import answer_picture
from inference.pictures.listing import Listing, Picture
from tests.open_model import ADDED, TRAINED, make_open_model, make_pictures, write_pictures
from tests.test_web_enroll import check_same
from tests.tiny_detector import draw_board, write_boards, write_detector
from tests.web_tools import needs_browser, run_node

pytestmark = needs_browser
SCREENSHOTS = os.environ.get("SCREENSHOTS", "")
COUNT = 50
THRESHOLD = 0.9


@pytest.fixture(scope="module")
def anomalies(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return what a person saw who looked for anomalies; see tests/web/anomalies.mjs."""
    folder = tmp_path_factory.mktemp("anomalies")
    model, pictures = write_detector(folder / "boards.tflite"), write_boards(folder / "boards", COUNT)
    large = folder / "large.jpg"
    Image.fromarray(draw_board(1)).resize((840, 600)).save(large, quality=95)
    settings = {
        "chromium": find_chromium(),
        "pictures": [str(path) for path in pictures],
        "large": str(large),
        "threshold": THRESHOLD,
        "screenshots": SCREENSHOTS,
    }
    (folder / "settings.json").write_text(json.dumps(settings), encoding="utf-8")
    with running_service(model) as (_, address):
        report = run_node("anomalies.mjs", f"{address}/", str(folder / "settings.json"))
    return {**report, "model": model, "pictures": pictures}


def check_results(found: dict[str, Any], expected: dict[str, Any]) -> None:
    """Check that regions are the runner's but for pixels at the edge of a JPEG's."""
    assert list(found) == sorted(expected)
    for key, answer in found.items():
        assert answer["result"] == expected[key]["result"], key
        assert answer["confidence"] == pytest.approx(expected[key]["confidence"], abs=0.01), key
        areas = [[one["area"] for one in some["regions"]] for some in (answer, expected[key])]
        np.testing.assert_allclose(*areas, rtol=0.05, atol=8, err_msg=key)
        if not key.endswith("jpg"):
            boxes = [[one["box"] for one in some["regions"]] for some in (answer, expected[key])]
            names = [[one["result"] for one in some["regions"]] for some in (answer, expected[key])]
            assert (boxes[0], names[0]) == (boxes[1], names[1])


@pytest.mark.parametrize(("step", "threshold"), [("results", None), ("higher", THRESHOLD), ("own", None)])
def test_answers_are_the_runners(step: str, threshold: float | None, anomalies: dict[str, Any]) -> None:
    """Faults: another decoder or reduction, a threshold that the other pictures keep, one that stays after a reset."""
    model = load_model(anomalies["model"], threshold=threshold)
    expected = {path.name: answer_picture(model, Picture(path.name, path)) for path in anomalies["pictures"]}
    check_results(json.loads(anomalies[step]), expected)  # type: ignore[arg-type]


def test_regions_are_marked_and_the_slider_moves_them(anomalies: dict[str, Any]) -> None:
    """Faults: an overlay that is empty, in other pixels than the picture's, or that a slider does not move."""
    assert anomalies["marked"] > 500
    before, after = anomalies["moved"]
    assert 0 < after < before
    assert anomalies["hidden"]
    assert not anomalies["offersBoxes"]


def test_nothing_is_wrong_and_everyone_can_use_it(anomalies: dict[str, Any]) -> None:
    """Faults: an exception, pale text, a slider without a name, a page wider than a phone."""
    assert anomalies["console"] == []
    assert (anomalies["full"], anomalies["dark"], anomalies["widest"]) == ([], [], 360)
    print(f"a photograph: {anomalies['large']:.0f} ms from choosing to the answer; {anomalies['times']}")


@pytest.fixture(scope="module")
def lesson(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return what a person saw who taught two classes without a network; see tests/web/teach.mjs."""
    folder = tmp_path_factory.mktemp("lesson")
    model = folder / "model.tflite"
    model.write_bytes(make_open_model())
    colours = []
    for name, colour in (TRAINED | ADDED).items():
        for number, pixels in enumerate(make_pictures(colour, 10, seed=7)):
            colours.append(folder / f"{name}_{number}.png")
            Image.fromarray(pixels).save(colours[-1])
    taught = {name: write_pictures(folder / name, ADDED[name], 12) for name in ADDED}
    settings = {
        "chromium": find_chromium(),
        "colours": [str(path) for path in colours],
        **{name: [str(path) for path in sorted(place.iterdir())] for name, place in taught.items()},
        "screenshots": SCREENSHOTS,
    }
    (folder / "settings.json").write_text(json.dumps(settings), encoding="utf-8")
    with running_service(model) as (_, address):
        report = run_node("teach.mjs", f"{address}/", str(folder / "settings.json"))
    return {**report, "model": model, "colours": colours, "pictures": taught}


def test_a_taught_class_is_that_of_enroll(lesson: dict[str, Any], tmp_path: Path) -> None:
    """Faults: other pixels or features than the laptop's, a file that it can't read, figures that differ."""
    expected = open_model(lesson["model"])
    for name, step in (("yellow", "once"), ("violet", "twice")):
        vectors = compute_vectors(expected, Listing([lesson["pictures"][name]])).vectors
        expected = add_class(expected, name, vectors)
        path = tmp_path / f"{step}.tflite"
        path.write_bytes(base64.b64decode(lesson[step]))
        check_same(open_model(path), expected)


def test_the_page_answers_with_the_taught_class(lesson: dict[str, Any], tmp_path: Path) -> None:
    """Faults: pictures that keep the answers of the model before; a page that knows less than its file."""
    path = tmp_path / "once.tflite"
    path.write_bytes(base64.b64decode(lesson["once"]))
    for step, model in (("before", load_model(lesson["model"])), ("taught", load_model(path))):
        found = json.loads(lesson[step])
        for picture in lesson["colours"]:
            expected = answer_picture(model, Picture(picture.name, picture))
            assert found[picture.name]["result"] == expected["result"]  # type: ignore[index]
            assert found[picture.name]["confidence"] == pytest.approx(expected["confidence"], abs=0.002)  # type: ignore[index]
    assert "yellow" not in lesson["before"].replace("yellow_", "")
    assert sum(one["result"] == "yellow" for one in json.loads(lesson["taught"]).values()) >= 8


def test_what_was_taught_is_kept_and_can_be_undone(lesson: dict[str, Any]) -> None:
    """Faults: a class that a reload forgets; an undo that leaves a trace, or comes back after a reload."""
    assert lesson["reloaded"] == lesson["twice"]
    assert "yellow, violet" in lesson["classes"]
    assert lesson["undone"] == lesson["once"]
    assert "yellow" not in lesson["last"]
    assert "Accuracy" in lesson["outcome"]
    assert "n = " in lesson["outcome"]


def test_teaching_needs_no_network_and_sends_nothing(lesson: dict[str, Any]) -> None:
    """Faults: a picture or a class that leaves the phone, a page that waits for its server."""
    assert lesson["sent"] == []
    assert "unused name" in lesson["refused"]
    assert [one for one in lesson["console"] if "ERR_INTERNET_DISCONNECTED" not in one] == []


def test_everyone_can_teach(lesson: dict[str, Any]) -> None:
    """Faults: a field without a name, thumbnails that no keyboard reaches, pale text, a page wider than a phone."""
    assert [lesson[key] for key in ("ready", "full", "dark")] == [[], [], []]
    assert lesson["widest"] == 360
    print(f"adding a class of 12 pictures: {lesson['seconds']:.0f} ms")
