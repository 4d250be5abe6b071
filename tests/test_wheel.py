"""The runner as a wheel: built, installed where there is no TensorFlow, and run by its command `touchstone`."""

import http.client
import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from PIL import Image

from benchmarks.service import running_service
from inference.service.page import BUILT, is_built
from inference.version import VERSION
from tests.drawn_pictures import drawn_pictures
from tests.foreign_model import COLOURS, LABELS, SIGNED, make_network, picture

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "inference"
MODEL = ROOT / "models" / "released" / "minerals.tflite"
PROJECT = tomllib.loads((FOLDER / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
VERBS = ("classify", "serve", "check", "enroll", "classes")
HERE = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


def run(command: Sequence[str | Path], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder from which the clone can't be imported."""
    return subprocess.run(command, cwd=folder, env=HERE, capture_output=True, text=True, check=False)


def pip(python: Path | str, *words: str | Path) -> None:
    """Run pip; skip the test where PyPI can't be reached."""
    answer = run([python, "-m", "pip", "--quiet", "--retries", "1", *words], ROOT)
    if answer.returncode != 0 and "Retrying (" in answer.stderr:
        pytest.skip("PyPI can't be reached")
    assert answer.returncode == 0, answer.stderr


def find_python(version: str) -> str:
    """Return the interpreter of a version; skip the test where there is none."""
    find = [f"python{version}", "-c", "import sys; print(sys.executable)"]
    try:  # pyenv's python3.12 runs only if the variable asks for it
        answer = subprocess.run(
            find, env={**HERE, "PYENV_VERSION": version}, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        pytest.skip(f"Python {version} is not installed")
    if answer.returncode != 0:
        pytest.skip(f"Python {version} is not installed")
    return answer.stdout.strip()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the runner's wheel as `make wheel` does."""
    folder = tmp_path_factory.mktemp("wheel")
    pip(sys.executable, "wheel", "--no-deps", "--wheel-dir", folder, FOLDER)
    return next(folder.iterdir())


@pytest.fixture(scope="module", params=PYTHONS)
def installed(request: pytest.FixtureRequest, wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install it into a fresh environment; return the folder of its commands."""
    place = tmp_path_factory.mktemp("fresh")
    subprocess.run([find_python(request.param), "-m", "venv", place], check=True)
    pip(place / "bin" / "python", "install", wheel)
    return place / "bin"


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Return a folder of drawn pictures."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number, pixels in enumerate(drawn_pictures(6)):
        Image.fromarray(pixels).save(folder / f"{number}.png")
    return folder


@pytest.mark.slow
def test_the_command_answers_as_the_clone_does(installed: Path, pictures: Path, tmp_path: Path) -> None:
    """Faults: an import of the folder's name or of TensorFlow, a module that the wheel lacks."""
    assert run([installed / "python", "-c", "import tensorflow"], tmp_path).returncode == 1
    assert run([installed / "python", "-c", "import inference"], tmp_path).returncode == 1
    assert run([installed / "touchstone", "--version"], tmp_path).stdout == f"{VERSION}\n"
    check = run([installed / "touchstone", "check", MODEL], tmp_path)
    assert check.returncode == 0, check.stdout + check.stderr
    answer = run([installed / "touchstone", "classify", MODEL, pictures, "--out", "results.json"], tmp_path)
    assert answer.returncode == 0, answer.stderr
    expected = json.loads(run([sys.executable, "-m", "inference", MODEL, pictures], ROOT).stdout)
    results = json.loads((tmp_path / "results.json").read_text())
    assert {name: one["result"] for name, one in results.items()} == {
        name: one["result"] for name, one in expected.items()
    }
    assert [one["confidence"] for one in results.values()] == pytest.approx(
        [one["confidence"] for one in expected.values()], abs=0.02
    )


@pytest.mark.slow
def test_a_model_of_another_program_is_tried_in_a_child_process(installed: Path, tmp_path: Path) -> None:
    """Fault: a child process that looks for the module by the folder's name."""
    (tmp_path / "other.tflite").write_bytes(make_network("float32", SIGNED))
    (tmp_path / "labels.txt").write_text("\n".join(LABELS))
    Image.fromarray(picture(COLOURS["red"])).save(tmp_path / "red.png")
    options = ["--labels", "labels.txt", "--scaling", "signed"]
    answer = run([installed / "touchstone", "other.tflite", "red.png", *options], tmp_path)
    assert '"result": "red"' in answer.stdout, answer.stderr


@pytest.mark.slow
def test_help_and_remedies_speak_of_the_installed_command(installed: Path, tmp_path: Path) -> None:
    """Fault: advice to run or to install what only a clone has."""
    for verb in VERBS:
        text = run([installed / "touchstone", verb, "--help"], tmp_path).stdout
        assert text.startswith("usage: touchstone"), verb
        assert "python -m inference" not in text
    lacking = {"video": [MODEL, "--video", "belt.mp4"], "ray": [MODEL, "s3://a/b", "--out", "s3://a/c"]}
    for extra, words in {"serve": ["serve", MODEL], **lacking}.items():
        answer = run([installed / "touchstone", *words], tmp_path)
        assert answer.returncode == 2
        assert f'pip install "touchstone-runner[{extra}]"' in answer.stderr


@pytest.mark.slow
def test_the_service_of_the_wheel_answers_and_has_the_page(installed: Path, wheel: Path, pictures: Path) -> None:
    """Faults: an extra that lacks a package, a wheel without the page that was built."""
    pip(installed / "python", "install", f"{wheel}[serve]")
    with running_service(MODEL, program=(str(installed / "touchstone"), "serve")) as (_, address):
        connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=60)
        connection.request("GET", "/")
        page = connection.getresponse()
        content = page.read()
        assert page.status == (200 if is_built(BUILT) else 404)
        assert not is_built(BUILT) or content == (BUILT / "index.html").read_bytes()
        data = (pictures / "0.png").read_bytes()
        connection.request("POST", "/classify?name=0.png", data, {"Content-Type": "image/png"})
        assert "result" in json.loads(connection.getresponse().read())["0.png"]


@pytest.mark.parametrize("extra", ["", *PROJECT["optional-dependencies"]])
def test_the_wheel_allows_what_is_tested(extra: str) -> None:
    """Fault: a version or a package that requirements.txt changed and the wheel's metadata did not."""
    file = FOLDER / (f"requirements-{extra}.txt" if extra else "requirements.txt")
    lines = re.findall(r"^([\w.-]+)(?:\[\w+\])?==(\S+)$", file.read_text(encoding="utf-8"), re.MULTILINE)
    tested = {canonicalize_name(name): version for name, version in lines}
    needed = [
        Requirement(text) for text in (PROJECT["optional-dependencies"][extra] if extra else PROJECT["dependencies"])
    ]
    for one in needed:
        assert one.specifier.contains(tested[canonicalize_name(one.name)]), one
    assert extra or len(needed) == len(tested)


def test_the_pages_name_the_wheel_that_is_built() -> None:
    """Fault: a command with the version before."""
    for page in ("README.txt", "docs/runner.md"):
        names = re.findall(r"touchstone_runner-(\S+?)-py3", (ROOT / page).read_text(encoding="utf-8"))
        assert set(names) == {VERSION}


def test_the_wheel_carries_the_licence() -> None:
    """Fault: a licence of the wheel that is not the repository's."""
    assert (FOLDER / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()
