"""inference.batch.ray_engine on a Ray of two workers: what is lost or doubled when workers and drivers are killed."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from inference.__main__ import main
from inference.batch.pool import answer_all
from inference.batch.ray_engine import answer_all_with_ray
from inference.batch.worker import Request, WorkerSettings
from inference.errors import InputError
from inference.pictures.listing import list_pictures
from tests.tiny_model import COLOURS

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning:ray"),  # Ray speaks to itself
]

ROOT = Path(__file__).parent.parent
PROGRESS = re.compile(r"[\d,]+ of [\d,]+ pictures, .* left")  # said by time, so not in every run
CLASSIFY = """
import json
import sys
from pathlib import Path

from inference.pictures.listing import Picture
from inference.batch.ray_engine import answer_all_with_ray
from inference.batch.worker import Request, WorkerSettings

model, pictures, shards, *keys = sys.argv[1:]
requests = [Request(Picture(key, Path(pictures, key))) for key in keys]
for request, answer in answer_all_with_ray(requests, WorkerSettings(Path(model)), Path(shards), workers=2):
    print(json.dumps([request.picture.key, answer]), flush=True)
"""


@pytest.fixture(scope="module")
def cluster(one_ray: None) -> Iterator[str]:
    """Start a Ray of two workers in this process; return its address for others."""
    import ray

    options = {"include_dashboard": False, "log_to_driver": False, "object_store_memory": 2**27}
    ray.init("local", num_cpus=2, **options)
    yield ray.get_runtime_context().gcs_address
    ray.shutdown()


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Return a folder of 200 pictures: two blocks, equal names in both, one broken picture in the second."""
    for folder in ("one", "two"):
        (tmp_path / "set" / folder).mkdir(parents=True)
        for number in range(100):
            draw(tmp_path / "set" / folder / f"{number:02d}.png", number + (folder == "two"))
    (tmp_path / "set" / "two" / "70.png").write_text("no picture")
    return tmp_path / "set"


class Gate:
    """A picture in the second block that is read to its end only after something has happened."""

    def __init__(self, picture: Path) -> None:
        self._picture = picture
        self._aside = picture.rename(picture.parent.parent.parent / "aside.png")
        os.mkfifo(picture)

    def wait(self, driver: subprocess.Popen[str]) -> int:
        """Wait until a process reads the picture; return its number. Fail if the driver ends before."""
        threading.Thread(target=self._give_up_after, args=(driver,), daemon=True).start()
        self._writer = os.open(self._picture, os.O_WRONLY)
        return next(int(process.name) for process in Path("/proc").glob("[0-9]*") if self._is_read_by(process))

    def open(self) -> None:
        """Let who reads the picture next read it to the end."""
        self._aside.replace(self._picture)
        os.close(self._writer)

    def _give_up_after(self, driver: subprocess.Popen[str]) -> None:
        driver.wait()
        os.close(os.open(self._picture, os.O_RDONLY | os.O_NONBLOCK))

    def _is_read_by(self, process: Path) -> bool:
        try:
            paths = [path.readlink() for path in (process / "fd").iterdir()]
        except OSError:  # ended meanwhile, or another user's
            return False
        return self._picture in paths and process.name != str(os.getpid())


def draw(path: Path, number: int) -> None:
    Image.new("RGB", (20, 20), list(COLOURS.values())[number % 4]).save(path)


def requests_for(folder: Path) -> list[Request]:
    return [Request(picture) for picture in list_pictures([folder])]


def answers_of_one_machine(model: Path, folder: Path) -> dict[str, dict[str, Any] | str]:
    """Return answer or reason by key, sorted."""
    answered = answer_all(requests_for(folder), WorkerSettings(model))
    return dict(sorted((request.picture.key, answer) for request, answer in answered))


def start_driver(model: Path, pictures: Path, keys: Iterable[str], **environment: str) -> subprocess.Popen[str]:
    """Start a process that classifies with Ray and prints a line of JSON for each answer: [key, answer].

    Its paths are relative to its own folder, and it finds the program where Ray's workers do not look.
    """
    return subprocess.Popen(
        [sys.executable, "-c", CLASSIFY, model, pictures.name, "shards", *keys],
        cwd=pictures.parent,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])


def test_a_killed_worker_loses_and_doubles_nothing(tiny_model: Path, pictures: Path, tmp_path: Path) -> None:
    """Catches a block that is lost with its worker, answered twice, or unlike what one machine answers.

    Also a Ray of ours that says something on the terminal or does not start.
    """
    expected = answers_of_one_machine(tiny_model, pictures)
    gate = Gate(pictures / "two" / "50.png")
    with start_driver(tiny_model, pictures, expected, RAY_ADDRESS="") as driver:
        worker = parent_of(gate.wait(driver))
        name = Path(f"/proc/{worker}/cmdline").read_text()
        os.kill(worker, signal.SIGKILL)
        gate.open()
        out, err = driver.communicate()
    assert name.startswith("ray::")
    assert (driver.returncode, err) == (0, "")
    answered = [json.loads(line) for line in out.splitlines()]
    assert sorted(key for key, _ in answered) == sorted(expected)
    assert dict(answered) == expected
    assert len(list((tmp_path / "shards").glob("*.answers.jsonl"))) == 2


def test_a_killed_driver_is_gone_on_with(
    cluster: str, tiny_model: Path, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Catches finished blocks that are done again, code or folders that only the driver has, a caller's Ray ended."""
    import ray

    monkeypatch.chdir(tmp_path)
    expected, requests = answers_of_one_machine(tiny_model, pictures), requests_for(Path(pictures.name))
    gate = Gate(pictures / "two" / "50.png")
    with start_driver(tiny_model, pictures, expected, RAY_ADDRESS=cluster) as driver:
        assert driver.stdout is not None
        done = [json.loads(driver.stdout.readline())[0] for _ in range(100)]
        gate.wait(driver)
        driver.kill()
        gate.open()
    assert sorted(done) == [key for key in expected if key.startswith("one/")]
    for key in done:
        (pictures / key).unlink()
    answered = list(answer_all_with_ray(requests, WorkerSettings(tiny_model), Path("shards")))
    assert len(answered) == len(expected)
    assert {request.picture.key: answer for request, answer in answered} == expected
    assert sorted(map(str, (request.picture for request, _ in answered))) == [str(one.picture) for one in requests]
    assert ray.is_initialized()


def test_the_command_line_writes_the_same_bytes_with_ray(
    cluster: str, tiny_model: Path, pictures: Path, tmp_path: Path
) -> None:
    """Catches JSON or messages that depend on the engine, and shards left behind."""

    def run(engine: str) -> tuple[int, str, list[str], str]:
        out = tmp_path / engine / "results.json"
        answer = subprocess.run(
            [sys.executable, "-m", "inference", tiny_model, pictures, "--out", out, "--engine", engine],
            cwd=ROOT,
            env={**os.environ, "RAY_ADDRESS": cluster},
            capture_output=True,
            text=True,
            check=False,
        )
        assert list(out.parent.iterdir()) == [out], answer.stderr
        lines = [line for line in answer.stderr.replace(str(out), "OUT").splitlines() if not PROGRESS.fullmatch(line)]
        return answer.returncode, answer.stdout, lines, out.read_text()

    local = run("local")
    assert local[0] == 1
    assert local[2][-1] == "classified 199 of 200 pictures; results: OUT"
    assert run("ray") == local


def test_a_folder_that_cannot_be_written_is_an_error(tiny_model: Path, pictures: Path) -> None:
    """Catches a traceback, or a cluster that is started in vain, where nothing can be written."""
    with pytest.raises(InputError, match=r"cannot be written: Not a directory\. Give another place"):
        list(answer_all_with_ray(requests_for(pictures), WorkerSettings(tiny_model), tiny_model / "shards"))


def test_a_model_that_cannot_be_used_is_refused_first(pictures: Path, tmp_path: Path) -> None:
    """Catches a cluster that is started in vain, and a message that names a temporary file of a worker's."""
    model = tmp_path / "none.tflite"
    with pytest.raises(InputError, match=f"{model}: cannot be read"):
        list(answer_all_with_ray(requests_for(pictures), WorkerSettings(model), tmp_path / "shards"))
    assert not (tmp_path / "shards").exists()


def test_a_cluster_that_does_not_answer_is_an_error(
    tiny_model: Path, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Catches minutes of waiting for a cluster that was stopped, and a Ray that is started in its stead."""
    import ray

    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    with socket.socket() as closed:  # bound, so that nobody else listens there
        closed.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{closed.getsockname()[1]}"
        monkeypatch.setenv("RAY_ADDRESS", address)
        with pytest.raises(InputError, match=f"Ray at '{address}' cannot be used: .*refused.* Check RAY_ADDRESS"):
            list(answer_all_with_ray(requests_for(pictures), WorkerSettings(tiny_model), tmp_path / "shards"))


def test_without_ray_the_remedy_is_named(
    tiny_model: Path,
    pictures: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Catches a traceback where Ray is not installed, and --engine ray that is taken for the other one."""
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.delitem(sys.modules, "ray.data", raising=False)
    out = tmp_path / "results.json"
    assert main([str(tiny_model), str(pictures), "--out", str(out), "--engine", "ray"]) == 2
    assert capsys.readouterr() == (
        "",
        "Error: --engine ray needs Ray. Install it: python -m pip install -r inference/requirements-ray.txt\n",
    )
    assert not out.exists()


def test_ray_without_a_file_of_results_is_refused(
    tiny_model: Path, pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Catches shards in a folder of this machine's that no other machine sees."""
    assert main([str(tiny_model), str(pictures), "--engine", "ray"]) == 2
    assert "Give an --out that all machines see." in capsys.readouterr().err
