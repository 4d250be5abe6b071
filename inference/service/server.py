"""The service -> a socket: listens until a signal comes, then finishes what is in flight."""

import contextlib
import math
import signal
import socket
import ssl
import sys
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

import uvicorn
from starlette.applications import Starlette

from inference.errors import InputError

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
Certificate = tuple[Path, Path]  # files of the certificate and of its key
_BACKLOG = 2048  # connections that the system holds until they are accepted


def allowed_hosts(host: str) -> frozenset[str] | None:
    """Return the names that a Host header may carry: on loopback only names of loopback, elsewhere any (None)."""
    try:
        is_loopback = host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        is_loopback = False
    return LOOPBACK | {host} if is_loopback else None


def open_socket(host: str, port: int) -> socket.socket:
    """Return a listening socket; port 0 takes any free one.

    Raises:
        InputError: the address is taken or none of this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except (OSError, UnicodeError) as fault:
        reason = getattr(fault, "strerror", None) or fault
        raise InputError(
            f"{host} port {port}: cannot be opened: {reason}. Give another --host or --port; 0 takes a free one."
        ) from fault


def serve(
    app: Starlette,
    listening: socket.socket,
    seconds: float,
    hint: str = "",
    certificate: Certificate | None = None,
) -> None:
    """Answer requests until SIGTERM or SIGINT; those in flight get `seconds` to end.

    The address is printed on stderr once requests are answered, and the hint behind it.

    Raises:
        InputError: the certificate can't be used.
    """
    config = uvicorn.Config(
        app,
        backlog=_BACKLOG,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws="none",
        lifespan="off",
        timeout_graceful_shutdown=math.ceil(seconds),
        ssl_certfile=certificate[0] if certificate else None,
        ssl_keyfile=certificate[1] if certificate else None,
    )
    _check_certificate(config)
    with _ignored_after_stop():
        _Server(config, hint).run([listening])


def _check_certificate(config: uvicorn.Config) -> None:
    try:
        config.load()
    except (OSError, ssl.SSLError) as fault:
        raise InputError(
            f"{config.ssl_certfile} and {config.ssl_keyfile}: are no certificate and its key (PEM): {fault}. "
            "Give another --certificate and --key."
        ) from fault


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, hint: str) -> None:
        super().__init__(config)
        self._hint = hint

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for listening in sockets or []:
            host, port = listening.getsockname()[:2]
            name = f"[{host}]" if ":" in host else host
            scheme = "https" if self.config.is_ssl else "http"
            print(f"listening on {scheme}://{name}:{port}", file=sys.stderr, flush=True)
        print(self._hint, end="", file=sys.stderr, flush=True)


@contextlib.contextmanager
def _ignored_after_stop() -> Iterator[None]:
    """Make a stop by signal a success: uvicorn raises the signal again when it has stopped, for the handler before."""
    handlers = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
