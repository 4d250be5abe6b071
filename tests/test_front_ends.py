"""The same 50 pictures by command line, library, service and Ray: one answer, to the last digit. Page: test_web.py."""

import base64
import io
import json
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from benchmarks.service import running_service
from inference.load import load_model
from inference.model.answers import answer_picture
from inference.model.model import AnswerOptions
from inference.pictures.listing import list_pictures
from tests.open_model import write_enrolled_model
from tests.tiny_detector import write_boards, write_detector

ROOT = Path(__file__).parent.parent
COUNT = 50
SUFFIXES = ("png", "jpg", "webp", "gif", "tiff", "bmp")


@dataclass(frozen=True)
class World:
    """A model of one kind, 50 pictures for it, and the library's answers for them."""

    model: Path
    folder: Path
    by_library: dict[str, Any]
    options: tuple[str, ...] = ()  # of the command line, to write all of an answer


def write_noise(root: Path, count: int) -> None:
    """Write pictures of noise round a colour, in folders with equal base names; their confidences differ."""
    random = np.random.default_rng(0)
    for number in range(count):
        base = random.integers(0, 256, 3)
        pixels = np.clip(base + random.normal(0, 40, (*random.integers(10, 90, 2), 3)), 0, 255).astype(np.uint8)
        path = root / f"{number // 20}" / f"{number % 20:02d}.{SUFFIXES[number % 6]}"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)


@pytest.fixture(scope="module", params=["classifier", "enrolled", "anomaly"])
def world(request: pytest.FixtureRequest, tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("front")
    pictures, model, options = folder / "set", tiny_model, ()
    if request.param == "anomaly":
        write_boards(pictures, COUNT)
        model, options = write_detector(folder / "boards.tflite"), ("--regions",)
    else:
        write_noise(pictures, COUNT)
        model = write_enrolled_model(folder / "enrolled.tflite") if request.param == "enrolled" else tiny_model
    loaded = load_model(model)
    answers = {one.key: answer_picture(loaded, one) for one in list_pictures([pictures])}
    return World(model, pictures, answers, options)


def by_command(world: World, out: Path, *options: str) -> dict[str, Any]:
    words = [str(world.model), str(world.folder), "--out", str(out), *world.options, *options]
    command = [sys.executable, "-m", "inference", *words]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    assert [path.name for path in out.parent.iterdir()] == [out.name]  # no journal, no shards left
    return json.loads(out.read_text())


def by_service(world: World, query: str = "") -> dict[str, Any]:
    answers: dict[str, Any] = {}
    with running_service(world.model) as (_, address):
        for picture in list_pictures([world.folder]):
            name = urllib.parse.urlencode({"name": picture.key})
            request = urllib.request.Request(
                f"{address}/classify?{name}{query}", picture.path.read_bytes(), {"Content-Type": "image/png"}
            )
            with urllib.request.urlopen(request) as response:
                answers |= json.load(response)
    return answers


def test_the_pictures_tell_ways_apart(world: World) -> None:
    """Catches a comparison of pictures that all have the same answer."""
    assert len({answer["confidence"] for answer in world.by_library.values()}) > 20
    assert len({answer["result"] for answer in world.by_library.values()}) >= 2


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["1", "2"])
def test_the_command_line_gives_the_librarys_answers(workers: str, world: World, tmp_path: Path) -> None:
    """Catches workers that decode, round or key in their own way."""
    assert by_command(world, tmp_path / "results.json", "--workers", workers) == world.by_library


@pytest.mark.slow
def test_ray_gives_the_librarys_answers(one_ray: None, world: World, tmp_path: Path) -> None:
    """Catches a cluster that decodes, rounds or keys in its own way."""
    answers = by_command(world, tmp_path / "results.json", "--engine", "ray", "--workers", "2")
    assert answers == world.by_library


def test_the_service_gives_the_librarys_answers(world: World) -> None:
    """Catches a service that decodes, rounds or names pictures in its own way, or that refuses a kind of model."""
    assert by_service(world) == world.by_library


def test_the_service_gives_masks_where_asked(tmp_path: Path) -> None:
    """Catches masks of another size, or that no client can read; an answer without anomalies that counts as failed."""
    write_boards(tmp_path / "set", 4)
    world = World(write_detector(tmp_path / "boards.tflite"), tmp_path / "set", {})
    model = load_model(world.model)
    for picture in list_pictures([world.folder]):
        world.by_library[picture.key] = answer_picture(model, picture, AnswerOptions(mask=True))
    answers = by_service(world, "&mask=true")
    assert answers == world.by_library
    assert {answer["result"] for answer in answers.values()} == {"anomaly", "normal"}
    for name, answer in answers.items():
        mask = np.asarray(Image.open(io.BytesIO(base64.b64decode(answer["mask"]))))
        assert mask.shape == Image.open(world.folder / name).size[::-1]
        assert (mask > 0).sum() == sum(region["area"] for region in answer["regions"])


@pytest.mark.parametrize("query", ["top=2", "boxes=[[0,0,9,9]]", "mask=maybe"])
def test_the_service_refuses_what_a_model_for_anomalies_has_no_answer_for(query: str, tmp_path: Path) -> None:
    """Catches options that are silently without effect."""
    (path,) = write_boards(tmp_path / "set", 1)
    with running_service(write_detector(tmp_path / "boards.tflite")) as (_, address):
        request = urllib.request.Request(
            f"{address}/classify?{query}", path.read_bytes(), {"Content-Type": "image/png"}
        )
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(request)
        assert caught.value.code == 400
        assert query.partition("=")[0] in json.load(caught.value)["error"]
