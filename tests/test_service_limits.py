"""The service against clients that hold connections, and against a stop at a bad moment."""

import asyncio
import contextlib
import http.client
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import uvicorn
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.server import ServerState

from benchmarks.hostile import children_of
from benchmarks.service import running_service
from inference.service.connection import LimitedConnection
from inference.service.log import OncePerMinute
from inference.service.response import json_response
from tests.service_client import FEW_SECONDS, IMAGE, ROOT, connect, encode, read_metrics, wait_until
from tests.tiny_model import COLOURS

HALF = b"POST /classify HTTP/1.1\r\nHost: localhost\r\nX-Half: "
STOP_SECONDS = 2.0
LENGTH = 48_000_000  # bytes, more than the system's buffers hold


async def answer_at_once(scope: Scope, receive: Receive, send: Send) -> None:
    await json_response({"status": "ok"})(scope, receive, send)


async def answer_at_length(scope: Scope, receive: Receive, send: Send) -> None:
    await Response(bytes(LENGTH))(scope, receive, send)


def converse(
    talk: Callable[[asyncio.StreamReader, asyncio.StreamWriter], object],
    app: ASGIApp = answer_at_once,
    **limits: object,
) -> object:
    """Serve with limits on connections; return what `talk` does with one."""

    async def run() -> object:
        config, state = uvicorn.Config(app, log_config=None, lifespan="off"), ServerState()
        config.load()
        connection = type("Short", (LimitedConnection,), limits)
        server = await asyncio.get_running_loop().create_server(lambda: connection(config, state, {}), "127.0.0.1")
        async with server:
            async with asyncio.timeout(FEW_SECONDS):
                return await talk(*await asyncio.open_connection(*server.sockets[0].getsockname()))  # type: ignore

    return asyncio.run(run())


def test_headers_must_arrive_in_time_however_slowly_they_drip() -> None:
    """Catches a client that holds a connection for ever by a byte now and then."""

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(HALF)
        with contextlib.suppress(OSError):
            while not reader.at_eof() and not reader._buffer:  # type: ignore[attr-defined]
                writer.write(b"x")
                await asyncio.sleep(0.05)
        return await reader.read()

    answer = converse(drip, header_seconds=0.3)
    assert isinstance(answer, bytes)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"headers must arrive within 0.3 seconds" in answer


def test_a_connection_that_says_nothing_is_closed() -> None:
    """Catches idle connections that pile up, before a first request and behind an answer."""

    async def wait(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        return await reader.read()

    async def ask_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        return await reader.read()

    assert converse(wait, header_seconds=0.3) == b""
    answer = converse(ask_once, header_seconds=0.3)
    assert isinstance(answer, bytes)
    assert answer.count(b"HTTP/1.1") == answer.count(b"200 OK") == 1


def test_a_slow_body_is_no_slow_header() -> None:
    """Catches a time limit for headers that cuts off an upload."""

    async def upload(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> list[bytes]:
        writer.write(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\n")
        lines = [await reader.readline()]
        for _ in range(4):
            await asyncio.sleep(0.02)
            writer.write(b"x")
        writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        return lines + (await reader.read()).splitlines()

    lines = converse(upload, header_seconds=0.5)
    assert isinstance(lines, list)
    assert sum(line.startswith(b"HTTP/1.1 200") for line in lines) == 2


def endless_buffer(self: LimitedConnection, transport: asyncio.Transport) -> None:
    """Take all that is to be sent at once, so that the end of an answer is what waits for its reader."""
    LimitedConnection.connection_made(self, transport)
    transport.set_write_buffer_limits(2**30)


@pytest.mark.parametrize("more", [{}, {"connection_made": endless_buffer}], ids=["paused", "complete"])
@pytest.mark.parametrize("header", [b"", b"Connection: close\r\n"], ids=["kept", "closed"])
def test_a_client_that_does_not_read_is_left(header: bytes, more: dict[str, Any]) -> None:
    """Fault: clients that never read their answers hold all connections for ever; /health answers 503."""

    async def sleep(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> int:
        writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n" + header + b"\r\n")
        await asyncio.sleep(1.5)
        with contextlib.suppress(ConnectionError):
            return len(await reader.read())
        return 0

    received = converse(sleep, answer_at_length, stall_seconds=0.3, header_seconds=0.3, **more)
    assert isinstance(received, int)
    assert received < LENGTH


def test_a_client_that_reads_slowly_gets_all() -> None:
    """Fault: a slow phone never gets a model whose transfer takes longer than a client may do nothing."""

    async def sip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> int:
        writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        received = 0
        for _ in range(12):
            await asyncio.sleep(0.25)
            received += len(await reader.readexactly(LENGTH // 12))
        return received

    assert converse(sip, answer_at_length, stall_seconds=1.0) == LENGTH


def test_a_kind_of_message_is_written_once_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    """Catches a client that fills the disk with log lines, and messages that are lost without a word."""
    now = 1000.0
    monkeypatch.setattr("inference.service.log.time.monotonic", lambda: now)
    once = OncePerMinute()

    def passes(message: str, line: int = 1, value: int = 0) -> logging.LogRecord | None:
        record = logging.LogRecord("uvicorn.error", logging.WARNING, "file", line, message, (value,), None)
        return record if once.filter(record) else None

    assert [bool(passes("bad %d", value=value)) for value in range(4)] == [True, False, False, False]
    assert passes("bad %d", line=2)
    assert passes("another")
    now += 61
    record = passes("bad %d")
    assert record
    assert record.left_out == " (3 more like it since the last)"  # type: ignore[attr-defined]


def open_half(address: str, count: int) -> list[socket.socket]:
    place = urlsplit(address)
    held = []
    for _ in range(count):
        with contextlib.suppress(OSError):  # closed by the server meanwhile
            held.append(socket.create_connection((place.hostname, place.port), timeout=FEW_SECONDS))
            held[-1].sendall(HALF)
    return held


@pytest.mark.slow
def test_more_half_sent_headers_than_descriptors_cost_nobody_else_an_answer(tiny_model: Path) -> None:
    """Catches a server that is silent until they leave, and one that writes megabytes of log meanwhile."""
    command = ["bash", "-c", 'ulimit -n 256; exec "$0" "$@"']
    with running_service(tiny_model, "--workers", "1", prefix=command) as (process, address):
        held = open_half(address, 400)
        start = time.monotonic()
        statuses = []
        while 200 not in statuses and len(statuses) < 10:
            connection = connect(address)
            with contextlib.suppress(OSError, http.client.HTTPException):
                connection.request("POST", "/classify", encode(COLOURS["green"]), IMAGE)
                answer = connection.getresponse()
                statuses.append(answer.status)
                assert answer.status == 200 or answer.headers["retry-after"] == "1"
            connection.close()
            time.sleep(0.3)
        assert statuses[-1] == 200
        assert time.monotonic() - start < 5
        check_stop(process)
        for one in held:
            one.close()
        assert process.stderr
        assert len(process.stderr.read().splitlines()) < 6


def check_stop(process: "subprocess.Popen[str]") -> None:
    start = time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert process.wait(FEW_SECONDS) == 0
    assert time.monotonic() - start < STOP_SECONDS


def workers_of(process: "subprocess.Popen[str]") -> list[int]:
    return [pid for pid in children_of(process.pid) if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]


@pytest.mark.slow
def test_a_stop_does_not_wait_for_a_decoder_that_hangs(tiny_model: Path) -> None:
    """Catches a service that SIGTERM never ends, workers that are left behind, and a client that is told nothing."""
    with running_service(tiny_model, "--workers", "1") as (process, address):
        workers = workers_of(process)
        assert len(workers) == 1
        for pid in workers:  # a stopped process is like a decoder that hangs
            os.kill(pid, signal.SIGSTOP)
        waiting, slow = connect(address), connect(address)
        waiting.request("POST", "/classify", encode(), IMAGE)
        slow.putrequest("POST", "/classify")
        slow.putheader("Content-Type", "image/png")
        slow.putheader("Content-Length", "1000")
        slow.endheaders(encode()[:50])
        wait_until(lambda: 'in_flight{route="/classify"} 2' in read_metrics(connect(address)))
        check_stop(process)
        for connection in (waiting, slow):
            answer = connection.getresponse()
            assert (answer.status, answer.headers["retry-after"]) == (503, "1")
        wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers))


@pytest.mark.parametrize("seconds", [0.2, 0.6, 1.0])
def test_a_stop_during_the_start_ends_it(tiny_model: Path, seconds: float) -> None:
    """Catches a server that can't be ended before it listens."""
    command = [sys.executable, "-m", "inference", "serve", str(tiny_model), "--port", "0"]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        time.sleep(seconds)
        start = time.monotonic()
        process.send_signal(signal.SIGTERM)
        errors = process.communicate(timeout=FEW_SECONDS)[1]
        assert time.monotonic() - start < STOP_SECONDS
        assert process.returncode in (0, -signal.SIGTERM), errors
        assert "Traceback" not in errors
