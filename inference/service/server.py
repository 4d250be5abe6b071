"""The service -> a socket: listens until a signal comes, then finishes what is in flight and quickly done."""

import asyncio
import contextlib
import signal
import socket
import ssl
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

import uvicorn
from starlette.applications import Starlette

from ..errors import InputError
from .connection import HEADER_SECONDS, LimitedConnection
from .log import logging_to_stderr

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
Certificate = tuple[Path, Path]  # files of the certificate and of its key
_BACKLOG = 2048  # connections that the system holds until they are accepted
_AT_ONCE = 16  # that are accepted before their limit is looked at
_LAST_ANSWERS_SECONDS = 0.8  # from a stop's signal until pictures at work are given up
_LAST_BYTES_SECONDS = 1  # until requests that are still being sent are


@dataclass(frozen=True)
class Server:
    """How a server listens and stops.

    connection: class of its connections; see inference.service.connection.limited_connection.
    give_up: called when a stop has waited long enough; pictures at work must then fail at once.
    hint: printed behind the address.
    """

    connection: type[LimitedConnection]
    give_up: Callable[[], None]
    hint: str = ""
    certificate: Certificate | None = None


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
    both = host == "::" and socket.has_dualstack_ipv6()  # the address that a phone is told is one of IPv4
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG, dualstack_ipv6=both)
    except (OSError, UnicodeError) as fault:
        reason = getattr(fault, "strerror", None) or fault
        raise InputError(
            f"{host} port {port}: cannot be opened: {reason}. Give another --host or --port; 0 takes a free one."
        ) from fault


def serve(app: Starlette, listening: socket.socket, server: Server) -> None:
    """Answer requests until SIGTERM or SIGINT, and end within two seconds of it.

    The address is printed on stderr once requests are answered.

    Raises:
        InputError: the certificate can't be used.
    """
    certificate = server.certificate
    config = uvicorn.Config(
        app,
        http=server.connection,
        loop="asyncio",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws="none",
        lifespan="off",
        timeout_graceful_shutdown=_LAST_BYTES_SECONDS,
        ssl_certfile=certificate[0] if certificate else None,
        ssl_keyfile=certificate[1] if certificate else None,
    )
    _check_certificate(config)
    running = _Server(config, server)
    with _stopping_by_signal(running), logging_to_stderr():
        running.run([listening])


def _check_certificate(config: uvicorn.Config) -> None:
    try:
        config.load()
    except (OSError, ssl.SSLError) as fault:
        raise InputError(
            f"{config.ssl_certfile} and {config.ssl_keyfile}: are no certificate and its key (PEM): {fault}. "
            "Give another --certificate and --key."
        ) from fault


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, server: Server) -> None:
        super().__init__(config)
        self._server = server

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen as uvicorn does, but with a limit for TLS handshakes, and accept few connections at once."""
        config, loop = self.config, asyncio.get_running_loop()

        def connect() -> LimitedConnection:
            return self._server.connection(config, self.server_state, self.lifespan.state)

        self.servers: list[asyncio.Server] = []
        for listening in sockets or []:
            self.servers += [
                await loop.create_server(
                    connect,
                    sock=listening,
                    ssl=config.ssl,
                    backlog=_AT_ONCE,
                    ssl_handshake_timeout=HEADER_SECONDS if config.ssl else None,
                )
            ]
            listening.listen(_BACKLOG)
        self.started = True
        self._say_where(sockets or [])

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        asyncio.get_running_loop().call_later(_LAST_ANSWERS_SECONDS, self._server.give_up)
        await super().shutdown(sockets)

    def _say_where(self, sockets: list[socket.socket]) -> None:
        for listening in sockets:
            host, port = listening.getsockname()[:2]
            name = f"[{host}]" if ":" in host else host
            scheme = "https" if self.config.is_ssl else "http"
            print(f"listening on {scheme}://{name}:{port}", file=sys.stderr, flush=True)
        print(self._server.hint, end="", file=sys.stderr, flush=True)


@contextlib.contextmanager
def _stopping_by_signal(server: uvicorn.Server) -> Iterator[None]:
    """Let a signal stop a server that has no handlers yet, and make a stop by signal a success.

    uvicorn has its own handlers while it runs, and raises the signal again afterwards, for the handlers before.
    """
    handlers = {number: signal.signal(number, server.handle_exit) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
