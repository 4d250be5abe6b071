"""Clients of the web service in tests: requests in pieces, forms by hand, expected answers."""

import asyncio
import http.client
import io
import json
import multiprocessing
import os
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from PIL import Image
from starlette.types import Message

from inference.model.answers import answer_picture
from inference.model.classifier import Classifier
from inference.model.model import AnswerOptions
from inference.pictures.listing import Picture
from inference.service.app import make_app
from inference.service.options import Settings
from inference.service.pool import ModelPool
from tests.tiny_model import COLOURS

ROOT = Path(__file__).parent.parent

ADDRESS = "http://127.0.0.1:8000"
IMAGE = {"Content-Type": "image/png"}
BOUNDARY = {"Content-Type": "multipart/form-data; boundary=line"}
FEW_SECONDS = 60  # until a broken server fails a test


def encode(colour: tuple[int, int, int] = COLOURS["red"], size: tuple[int, int] = (40, 30)) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, colour).save(file, "PNG")
    return file.getvalue()


def parts(*names: str, data: bytes = encode()) -> list[tuple[str, tuple[str, bytes]]]:
    return [("picture", (name, data)) for name in names]


def part(disposition: str, content: bytes = encode()) -> bytes:
    """Return one part of a body with the boundary "line"."""
    return f"--line\r\nContent-Disposition: form-data; {disposition}\r\n\r\n".encode() + content + b"\r\n"


def check_refused(answer: Any, status: int, *words: str) -> None:
    """Check the status, and that the one thing in the answer is a message with these words."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert list(answer.json()) == ["error"]
    assert all(word in answer.json()["error"] for word in words), answer.text


def draw_noise(folder: Path, count: int) -> list[Picture]:
    """Write JPEG and PNG files of many sizes, one in ten damaged."""
    random_numbers = np.random.default_rng(7)
    folder.mkdir()
    for number in range(count):
        height, width = random_numbers.integers(8, 90, 2)
        pixels = random_numbers.integers(0, 256, (height, width, 3), np.uint8) // (1, 1, 1 + number % 4)
        path = folder / f"{number:03}.{('jpg', 'png')[number % 2]}"
        Image.fromarray(pixels.astype(np.uint8)).save(path)
        if number % 10 == 3:
            path.write_bytes(path.read_bytes()[: height * 4])
    return [Picture(path.name, path) for path in sorted(folder.iterdir())]


def signal_workers(number: signal.Signals) -> None:
    """Send a signal to the worker processes; a stopped one is like a decoder that hangs."""
    for child in multiprocessing.active_children():
        os.kill(child.pid or 0, number)


def ask_in_pieces(
    pool: ModelPool, settings: Settings, headers: dict[str, str], pieces: list[bytes]
) -> tuple[int, str, int]:
    """Send pieces of a body that never ends; return the status, the error, and how many pieces were left unread."""
    unread, sent = pieces[::-1], []

    async def receive() -> Message:
        more = unread.pop() if unread else await asyncio.Future()
        return {"type": "http.request", "body": more, "more_body": True}

    async def send(message: Message) -> None:
        sent.append(message)

    async def run() -> None:
        app = make_app(pool, settings)
        raw = [(name.lower().encode(), value.encode()) for name, value in (headers | {"Host": "localhost"}).items()]
        scope = {"type": "http", "method": "POST", "path": "/classify", "query_string": b"", "headers": raw}
        await asyncio.wait_for(app(scope, receive, send), FEW_SECONDS)

    asyncio.run(run())
    return sent[0]["status"], json.loads(sent[1]["body"])["error"], len(unread)


def wait_until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + FEW_SECONDS
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


def expected(classifier: Classifier, pictures: list[Picture], top: int = 1) -> dict[str, Any]:
    """Return what the library says, a reason as the service words it."""
    answers = {picture.key: answer_picture(classifier, picture, AnswerOptions(top)) for picture in pictures}
    return {key: {"error": answer} if isinstance(answer, str) else answer for key, answer in answers.items()}


# As a process


def connect(address: str) -> http.client.HTTPConnection:
    place = urlsplit(address)
    assert place.hostname
    return http.client.HTTPConnection(place.hostname, place.port, timeout=FEW_SECONDS)


def read_metrics(connection: http.client.HTTPConnection) -> str:
    connection.request("GET", "/metrics")
    return connection.getresponse().read().decode()


def is_listening(address: str) -> bool:
    place = urlsplit(address)
    with socket.socket() as attempt:
        return attempt.connect_ex((place.hostname, place.port)) == 0
