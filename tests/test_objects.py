"""Pictures, lists and results in a server with the interface of S3 (moto), which this file starts."""

import argparse
import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from inference.__main__ import main
from inference.errors import InputError
from tests.tiny_model import COLOURS

ROOT = Path(__file__).parent.parent
SERVER = ROOT / ".venv-s3" / "bin" / "moto_server"
PICTURES = 120  # three parts: 50, 50, 20
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning:ray"),  # Ray speaks to itself
]


@pytest.fixture(scope="module")
def s3(one_ray: None) -> Iterator[None]:
    """Start a server, set the environment that names it, start a Ray; two buckets, the pictures in one of them."""
    import ray

    if not SERVER.is_file():
        pytest.skip("needs the server of tests/requirements-s3.txt: make test-s3")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    server = subprocess.Popen([SERVER, "-H", "127.0.0.1", "-p", str(port)], **silent)
    environment = {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        try:
            wait_for_server(port)
            for bucket in ("pictures", "results"):
                request(bucket, "PUT")
            write_pictures()
            ray.init("local", num_cpus=2, include_dashboard=False, log_to_driver=False, object_store_memory=2**27)
            patch.setenv("RAY_ADDRESS", ray.get_runtime_context().gcs_address)
            yield
        finally:
            ray.shutdown()
            server.kill()
            server.wait()


def wait_for_server(port: int) -> None:
    for _ in range(600):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError:
            time.sleep(0.1)
    raise AssertionError("the server does not start")


def request(path: str, method: str = "GET", data: bytes | None = None) -> bytes:
    """Speak to the server without the program's own code."""
    url, headers = f"{os.environ['AWS_ENDPOINT_URL']}/{path}", {"Content-Type": "application/octet-stream"}
    with urllib.request.urlopen(urllib.request.Request(url, data, headers, method=method), timeout=60) as answer:
        return bytes(answer.read())


def encoded(number: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (20, 20), list(COLOURS.values())[number % 4]).save(file, "PNG")
    return file.getvalue()


def write_pictures() -> None:
    for number in range(PICTURES):
        data = b"no picture" if number == 70 else encoded(number)
        request(f"pictures/set/{'one' if number < 60 else 'two'}/{number:03}.png", "PUT", data)


def read_results(out: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return manifest and answers by key; fail if a key is answered twice."""
    manifest = json.loads(request(f"results/{out}/manifest.json"))
    answers: dict[str, Any] = {}
    for part in manifest["parts"]:
        data = request(f"results/{out}/{part['name']}")
        assert len(data) == part["bytes"]
        entries = parquet_rows(data) if manifest["format"] == "parquet" else map(json.loads, data.splitlines())
        for entry in entries:
            key = entry.pop("file")
            assert key not in answers
            answers[key] = entry
    return manifest, answers


def parquet_rows(data: bytes) -> list[dict[str, Any]]:
    from pyarrow import BufferReader, parquet

    rows = parquet.read_table(BufferReader(data)).to_pylist()
    return [{name: value for name, value in row.items() if value is not None} for row in rows]


def answers_of_one_machine(model: Path, folder: Path) -> dict[str, Any]:
    """Return what the runner answers to the same pictures in a folder of this machine."""
    for number in range(PICTURES):
        path = folder / "set" / ("one" if number < 60 else "two") / f"{number:03}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"no picture" if number == 70 else encoded(number))
    out = folder / "results.json"
    assert main([str(model), str(folder / "set"), "--out", str(out), "--quiet"]) == 1
    return dict(json.loads(out.read_text()))


def command(model: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "inference", str(model), *words, "--engine", "ray", "--workers", "2"]


def test_a_killed_run_from_bucket_to_bucket_goes_on(s3: None, tiny_model: Path, tmp_path: Path) -> None:
    """Faults: answers lost, doubled or unlike those of one machine; parts done again; remains of the work."""
    words = command(tiny_model, "s3://pictures/set", "--out", "s3://results/killed")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    driver = subprocess.Popen(words, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, start_new_session=True)
    while b".done" not in (listing := request("results?list-type=2&prefix=killed/")) and driver.poll() is None:
        time.sleep(0.05)
    os.killpg(driver.pid, signal.SIGKILL)
    driver.communicate()
    before = {name: request(f"results/{name}") for name in keys_of(listing) if "part-" in name and "_work" not in name}
    assert b"manifest.json" not in listing
    again = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (again.returncode, "--resume" in again.stderr) == (2, True), "it is not mixed with a new run by mistake"
    resumed = subprocess.run([*words, "--resume"], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert resumed.returncode == 1, resumed.stderr
    manifest, answers = read_results("killed")
    assert (manifest["pictures"], manifest["errors"], len(manifest["parts"])) == (PICTURES, 1, 3)
    expected = answers_of_one_machine(tiny_model, tmp_path)
    assert {key: answer for key, answer in answers.items() if "error" not in answer} == expected
    assert set(answers) - set(expected) == {"two/070.png"}
    assert before
    assert all(request(f"results/{name}") == data for name, data in before.items())
    assert "_work" not in str(keys_of(request("results?list-type=2&prefix=killed/")))


def keys_of(listing: bytes) -> list[str]:
    return [part.partition("</Key>")[0] for part in listing.decode().split("<Key>")[1:]]


def test_a_parquet_list_becomes_parquet_parts(
    s3: None, tiny_model: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Faults: entries relative to the list that are not found, a missing picture that costs others, a table unread."""
    import pyarrow
    from pyarrow import parquet

    entries = ["set/one/000.png", "s3://pictures/set/two/061.png", "set/none.png"]
    sink = pyarrow.BufferOutputStream()
    parquet.write_table(pyarrow.table({"number": [1, 2, 3], "key": entries}), sink)
    request("pictures/list.parquet", "PUT", sink.getvalue().to_pybytes())
    words = command(tiny_model, "s3://pictures/list.parquet", "--out", "s3://results/list", "--format", "parquet")
    assert main(words[3:]) == 1
    assert "classified 2 of 3 pictures; results: s3://results/list/manifest.json" in capfd.readouterr().err
    _, answers = read_results("list")
    assert list(answers) == entries
    assert [answers[key].get("result") for key in entries] == [*list(COLOURS)[:2], None]
    assert answers["set/none.png"]["error"] == "cannot be read: No such file or directory."
    assert main(words[3:]) == 2
    assert "holds results already" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["s3://pictures/set"], "need --engine ray"),
        (["s3://pictures/set", "--engine", "ray"], "Give its URI, or path, to --out"),
        (
            ["s3://pictures/set", "--engine", "ray", "--out", "o", "--preview", "p"],
            "--preview: not with pictures in storage",
        ),
        (["s3://pictures/set", "--engine", "ray", "--out", "o", "--format", "csv"], "must be jsonl or parquet"),
        (["what://pictures", "--engine", "ray", "--out", "o"], "cannot be opened"),
    ],
)
def test_wrong_usage_is_said_in_one_line(
    words: list[str], message: str, tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Fault: a traceback, or a cluster started in vain."""
    assert main([str(tiny_model), *words]) == 2
    assert message in capsys.readouterr().err


def test_a_run_that_was_killed_behind_its_manifest_goes_on(tmp_path: Path) -> None:
    """Fault: --resume refuses the manifest of the killed run itself."""
    from inference.objects.command import _check_out
    from inference.objects.parts import MANIFEST, ResultFolder
    from inference.objects.storage import Folder

    results = ResultFolder(Folder(str(tmp_path)), "settings", "jsonl")
    results.out.write(MANIFEST, [b"{}"])
    resumed, anew = (argparse.Namespace(overwrite=False, resume=resume) for resume in (True, False))
    with pytest.raises(InputError, match="holds results already"):
        _check_out(results, resumed)
    results.work.write("part-000000.requests", [b""])
    _check_out(results, resumed)
    with pytest.raises(InputError, match="holds results already"):
        _check_out(results, anew)
