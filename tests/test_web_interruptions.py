"""The page in Chromium when something comes between: Clear, another model, a lost camera, a slow server, no room."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.browser import find_chromium
from benchmarks.service import running_service
from inference.model.artefact import pack_artefact
from tests.open_model import ADDED, make_open_model, write_pictures
from tests.test_web import MINERALS
from tests.tiny_detector import make_detector, make_detector_flatbuffer
from tests.web_tools import needs_browser, run_node

pytestmark = [needs_browser, pytest.mark.slow]
COUNT = 12
MOST_FRAMES = 11  # in the time that is watched, with the pause between two


def write_slow_detector(path: Path) -> Path:
    """Write a model that takes so long to look at a frame that it lets the browser paint meanwhile."""
    vectors = np.random.default_rng(0).uniform(0, 1, (20_000, 3)).astype(np.float32)
    path.write_bytes(pack_artefact(make_detector(make_detector_flatbuffer(), vectors=vectors)))
    return path


@pytest.fixture(scope="module")
def visit(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return what a person saw; see tests/web/interruptions.mjs."""
    folder = tmp_path_factory.mktemp("visit")
    model = folder / "model.tflite"
    model.write_bytes(make_open_model())
    broken = folder / "broken.jpg"
    broken.write_text("no picture", encoding="utf-8")
    settings = {
        "chromium": find_chromium(),
        "models": [str(MINERALS), str(write_slow_detector(folder / "boards.tflite"))],
        "yellow": [str(path) for path in write_pictures(folder / "yellow", ADDED["yellow"], COUNT).iterdir()],
        "broken": str(broken),
    }
    (folder / "settings.json").write_text(json.dumps(settings), encoding="utf-8")
    with running_service(model) as (_, address):
        report: dict[str, Any] = run_node("interruptions.mjs", f"{address}/", str(folder / "settings.json"))
    return report


def test_clear_ends_what_is_being_answered(visit: dict[str, Any]) -> None:
    """Faults: rows of pictures that come after "Clear", of those that waited too; "Looking" that stays for ever."""
    assert visit["clearedAtFirst"] == {"rows": 0, "status": "Ready."}
    assert visit["clearedAnew"] == {"rows": 0, "status": "Ready."}


def test_the_camera_goes_on_with_another_model(visit: dict[str, Any]) -> None:
    """Faults: a model that is deleted while it looks; a second loop after the camera was stopped and started."""
    assert visit["restarted"] <= MOST_FRAMES
    assert visit["console"] == []


def test_a_lost_camera_is_told(visit: dict[str, Any]) -> None:
    """Faults: the last frame that is answered again and again after the camera was unplugged."""
    assert visit["lost"].startswith("The camera has stopped.")


def test_an_open_question_for_the_camera_keeps_nothing_waiting(visit: dict[str, Any]) -> None:
    """Faults: pictures that are never answered; a second camera for a second click."""
    assert visit["asked"] == 1


def test_a_class_is_taught_from_the_pictures_that_can_be_read(visit: dict[str, Any]) -> None:
    """Faults: pictures behind a broken one that are dropped without a word; a broken one without its name."""
    assert visit["partly"]["taken"] == COUNT
    assert "broken.jpg" in visit["partly"]["fault"]


def test_a_class_without_room_is_not_said_to_be_kept(visit: dict[str, Any]) -> None:
    """Faults: "was added", and a reload that forgets it: the browser finds out only at the commit."""
    assert "was added" in visit["full"]
    assert "save the model before you leave the page" in visit["full"]
    assert "yellow" not in visit["reloaded"]


def test_a_slow_server_or_a_full_browser_does_not_hide_the_new_version() -> None:
    """Faults: the old model because the new one takes long to load; one that comes late and is not kept; no answer
    where there is no room."""
    found = run_node("worker.mjs", str(find_chromium()))
    assert found == {"body": "new", "silent": "old", "full": "old"}
