"""The service -> a socket: listens until a signal comes, then finishes what is in flight."""

import contextlib
import math
import signal
import socket
import sys
from collections.abc import Iterator
from ipaddress import ip_address

import uvicorn
from starlette.applications import Starlette

from inference.errors import InputError

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
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


def serve(app: Starlette, listening: socket.socket, seconds: float) -> None:
    """Answer requests until SIGTERM or SIGINT; those in flight get `seconds` to end.

    The address is printed on stderr once requests are answered.
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
    )
    with _ignored_after_stop():
        _Server(config).run([listening])


class _Server(uvicorn.Server):
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for listening in sockets or []:
            host, port = listening.getsockname()[:2]
            name = f"[{host}]" if ":" in host else host
            print(f"listening on http://{name}:{port}", file=sys.stderr, flush=True)


@contextlib.contextmanager
def _ignored_after_stop() -> Iterator[None]:
    """Make a stop by signal a success: uvicorn raises the signal again when it has stopped, for the handler before."""
    handlers = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
