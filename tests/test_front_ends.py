"""The same 200 pictures by command line, library, service and Ray: one answer, to the last digit."""

import json
import subprocess
import sys
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from benchmarks.service import running_service
from inference import Classifier
from inference.model.answers import answer_picture
from inference.pictures.listing import list_pictures

ROOT = Path(__file__).parent.parent
SUFFIXES = ("png", "jpg", "webp", "gif", "tiff", "bmp")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return 200 pictures of noise round a colour, in folders with equal base names; their confidences differ."""
    random = np.random.default_rng(0)
    root = tmp_path_factory.mktemp("front") / "set"
    for number in range(200):
        base = random.integers(0, 256, 3)
        pixels = np.clip(base + random.normal(0, 40, (*random.integers(10, 90, 2), 3)), 0, 255).astype(np.uint8)
        path = root / f"{number // 20}" / f"{number % 20:02d}.{SUFFIXES[number % 6]}"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
    return root


@pytest.fixture(scope="module")
def by_library(tiny_model: Path, folder: Path) -> dict[str, Any]:
    classifier = Classifier(tiny_model)
    return {picture.key: answer_picture(classifier, picture) for picture in list_pictures([folder])}


def by_command(model: Path, folder: Path, out: Path, *options: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "inference", str(model), str(folder), "--out", str(out), *options]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    assert [path.name for path in out.parent.iterdir()] == [out.name]  # no journal, no shards left
    return json.loads(out.read_text())


def test_the_pictures_tell_ways_apart(by_library: dict[str, Any]) -> None:
    """Catches a comparison of pictures that all have the same answer."""
    assert len({answer["confidence"] for answer in by_library.values()}) > 50
    assert {answer["result"] for answer in by_library.values()} == {"red", "green", "blue", "unknown"}


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["1", "2"])
def test_the_command_line_gives_the_librarys_answers(
    workers: str, tiny_model: Path, folder: Path, by_library: dict[str, Any], tmp_path: Path
) -> None:
    """Catches workers that decode, round or key in their own way."""
    assert by_command(tiny_model, folder, tmp_path / "results.json", "--workers", workers) == by_library


@pytest.mark.slow
def test_ray_gives_the_librarys_answers(
    one_ray: None, tiny_model: Path, folder: Path, by_library: dict[str, Any], tmp_path: Path
) -> None:
    """Catches a cluster that decodes, rounds or keys in its own way."""
    options = ("--engine", "ray", "--workers", "2")
    assert by_command(tiny_model, folder, tmp_path / "results.json", *options) == by_library


def test_the_service_gives_the_librarys_answers(tiny_model: Path, folder: Path, by_library: dict[str, Any]) -> None:
    """Catches a service that decodes, rounds or names pictures in its own way."""
    answers: dict[str, Any] = {}
    with running_service(tiny_model) as (_, address):
        for picture in list_pictures([folder]):
            query = urllib.parse.urlencode({"name": picture.key})
            request = urllib.request.Request(
                f"{address}/classify?{query}", picture.path.read_bytes(), {"Content-Type": "image/png"}
            )
            with urllib.request.urlopen(request) as response:
                answers |= json.load(response)
    assert answers == by_library
