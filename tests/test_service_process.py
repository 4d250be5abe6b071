"""python -m inference serve as a process: many requests at once, its address, its end."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from benchmarks.service import running_service
from inference.model.classifier import Classifier
from inference.pictures.listing import Picture
from inference.run import results_to_json
from inference.service.serve import main
from tests.service_client import (
    FEW_SECONDS,
    IMAGE,
    ROOT,
    connect,
    draw_noise,
    encode,
    expected,
    is_listening,
    read_metrics,
    wait_until,
)
from tests.tiny_model import COLOURS


@pytest.mark.slow
def test_200_files_get_the_library_s_answers_and_a_stop_waits_for_the_last(tiny_model: Path, tmp_path: Path) -> None:
    """Catches workers that share a classifier, an exit code other than 0, and a request that a stop cuts off."""
    pictures = draw_noise(tmp_path / "set", 200)
    wanted = expected(Classifier(tiny_model), pictures)
    with running_service(tiny_model, "--workers", "3") as (process, address):
        got: dict[str, Any] = {}

        def send(mine: list[Picture]) -> None:
            connection = connect(address)
            for picture in mine:
                connection.request("POST", f"/classify?name={picture.key}", picture.read(), IMAGE)
                got.update(json.loads(connection.getresponse().read()))

        threads = [threading.Thread(target=send, args=(pictures[start::8],)) for start in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(FEW_SECONDS)
        assert results_to_json(got) == results_to_json(wanted)
        check_stop_answers_what_is_in_flight(process, address)


def check_stop_answers_what_is_in_flight(process: subprocess.Popen[str], address: str) -> None:
    """Send half of a picture, the signal, then the rest."""
    data = encode(COLOURS["green"])
    waiting, other = connect(address), connect(address)
    waiting.putrequest("POST", "/classify")
    waiting.putheader("Content-Type", "image/png")
    waiting.putheader("Content-Length", str(len(data)))
    waiting.endheaders(data[:50])
    wait_until(lambda: 'in_flight{route="/classify"} 1' in read_metrics(other))
    process.send_signal(signal.SIGTERM)
    wait_until(lambda: not is_listening(address))
    time.sleep(0.5)  # a server that cuts requests off does it now
    waiting.send(data[50:])
    answer = waiting.getresponse()
    assert answer.status == 200
    assert json.loads(answer.read())["image"]["result"] == "green"
    assert process.wait(FEW_SECONDS) == 0


@pytest.mark.slow
def test_the_address_is_a_loopback_one_unless_told_otherwise(tiny_model: Path) -> None:
    """Catches a server that the whole network reaches by default, and Ctrl+C that ends in a traceback."""
    with running_service(tiny_model) as (process, address):
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+", address)
        process.send_signal(signal.SIGINT)
        assert process.wait(FEW_SECONDS) == 0
        assert process.stderr
        assert process.stderr.read() == "stopped\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--port", "{taken}"], ["port {taken}: cannot be opened", "--port"]),
        (["--host", "192.0.2.1"], ["192.0.2.1 port", "--host"]),
        (["--host", "no such host"], ["no such host port", "--host"]),
    ],
)
def test_an_address_that_cannot_be_had_is_refused(
    arguments: list[str], words: list[str], tiny_model: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Catches a traceback, or a server that takes another port than it was told."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = str(other.getsockname()[1])
        assert main([str(tiny_model), *(word.format(taken=taken) for word in arguments)]) == 2
    message = capfd.readouterr().err
    assert message.startswith("Error: ")
    assert message.count("\n") == 1
    assert all(word.format(taken=taken) in message for word in words), message


def test_a_model_that_is_none_is_refused(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Catches a server that starts and then answers every request with a fault."""
    (tmp_path / "text.tflite").write_text("no model at all")
    assert main([str(tmp_path / "text.tflite"), "--port", "0"]) == 2
    assert "is no TFLite model" in capfd.readouterr().err


def test_missing_packages_are_named_with_their_remedy(tmp_path: Path) -> None:
    """Catches a traceback where the optional packages are not installed; --help must work without them."""
    blocked = "import sys; sys.modules.update(dict.fromkeys(['starlette', 'uvicorn'])); "
    code = blocked + "from inference.service.serve import main; sys.exit(main(sys.argv[1:]))"
    answers = [
        subprocess.run([sys.executable, "-c", code, word], cwd=ROOT, env=os.environ, capture_output=True, text=True)
        for word in ("--help", "model.tflite")
    ]
    assert [answer.returncode for answer in answers] == [0, 2]
    assert answers[1].stderr.startswith("Error: ")
    assert "starlette, uvicorn" in answers[1].stderr
    assert "pip install -r inference/requirements-serve.txt" in answers[1].stderr
