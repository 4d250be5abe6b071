"""Clients that mean harm, and the memory of the server under them, for benchmarks/service.py."""

import contextlib
import io
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from PIL import Image

_TIMEOUT = 60.0
_HEAD = "POST /classify HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/jpeg\r\n"
_SIDE, _SCANS = 3000, 20_000
_LOOK_SECONDS = 0.2


@dataclass
class Memory:
    """The largest resident memory of a process and its children together."""

    peak_bytes: int = 0


@contextlib.contextmanager
def attacking(address: str, clients: int) -> Iterator[None]:
    """Let so many hostile clients send requests meanwhile, each of one of three kinds."""
    end, bomb = threading.Event(), scan_bomb() if clients else b""
    kinds = (
        (_HEAD + "X-Half: ").encode(),
        f"{_HEAD}Content-Length: {len(bomb)}\r\n\r\n".encode() + bomb,
        f"{_HEAD}Content-Length: 100000\r\n\r\n".encode() + bomb[:1000],
    )
    place = urlsplit(address)
    for number in range(clients):
        arguments = (str(place.hostname), place.port or 80, kinds[number % len(kinds)], end)
        threading.Thread(target=_attack, args=arguments, daemon=True).start()
    try:
        yield
    finally:
        end.set()


def scan_bomb() -> bytes:
    """Return a progressive JPEG of nine megapixels and some hundred kB whose last scan is repeated 20,000 times."""
    file = io.BytesIO()
    Image.new("L", (_SIDE, _SIDE), 128).save(file, "JPEG", progressive=True)
    data = file.getvalue()
    scan = data[data.rindex(b"\xff\xda") : -2]
    return data[:-2] + scan * _SCANS + data[-2:]


def _attack(host: str, port: int, request: bytes, end: threading.Event) -> None:
    while not end.is_set():
        with contextlib.suppress(OSError), socket.create_connection((host, port), _TIMEOUT) as connection:
            connection.sendall(request)
            connection.recv(1000)  # until it is answered or closed
        end.wait(0.1)


@contextlib.contextmanager
def measured_memory(process: int) -> Iterator[Memory]:
    """Give the largest memory of a process and its children so far (Linux; elsewhere 0)."""
    memory, end = Memory(), threading.Event()

    def look() -> None:
        while not end.is_set():
            memory.peak_bytes = max(memory.peak_bytes, sum(map(_resident, [process, *children_of(process)])))
            time.sleep(_LOOK_SECONDS)

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield memory
    finally:
        end.set()
        thread.join()


def children_of(process: int) -> list[int]:
    """Return the children of all threads of a process."""
    found = []
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{process}/task").iterdir():
            found += [int(word) for word in (task / "children").read_text().split()]
    return found


def _resident(process: int) -> int:
    with contextlib.suppress(OSError, StopIteration):
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
        return 1024 * int(next(line for line in lines if line.startswith("VmRSS:")).split()[1])
    return 0
