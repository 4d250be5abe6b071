"""A client's connection: how long it may take to send headers or to read, and what happens when there are too many.

uvicorn ends a connection that is idle behind an answer (timeout_keep_alive), but waits for ever for the rest of a
request's headers and for a client that does not read its answer, and takes connections until the process has no file
descriptor left.
"""

import asyncio
import contextlib
import json
import sys
from typing import Any, ClassVar, cast

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from .options import RETRY
from .response import error_response

HEADER_SECONDS = 10.0
_STALL_SECONDS = 30.0  # in which the slowest honest client takes some of what is to be sent
_MOST_CONNECTIONS = 1024
_FEWEST_CONNECTIONS = 16
_OWN_DESCRIPTORS = 32  # of the program, the socket that listens, the event loop
_PER_WORKER = 4  # its pipes
_YOUNG_SECONDS = 1.0  # in which an honest client has sent its headers


class LimitedConnection(H11Protocol):
    """A connection that must send each request's headers in time, and take some of its answer in each stall_seconds.

    Beyond `most` connections a new one takes the place of the one that has waited longest without a request. Where all
    are young or at work, it is told to come again; beyond `most_open` one is closed in any case.
    """

    header_seconds: ClassVar[float] = HEADER_SECONDS
    stall_seconds: ClassVar[float] = _STALL_SECONDS
    most: ClassVar[int] = _MOST_CONNECTIONS
    most_open: ClassVar[int] = 2 * _MOST_CONNECTIONS

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._timer: asyncio.TimerHandle | None = None  # runs while no request is at work
        self._since = 0.0
        self._stall: asyncio.TimerHandle | None = None  # runs while the client has to read before more is sent

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._watch()
        if len(self.connections) > self.most_open:
            self._close_longest_waiting(0.0)
        elif len(self.connections) > self.most and not self._close_longest_waiting(_YOUNG_SECONDS):
            self.app = error_response(503, "too many connections. Send it again later.", RETRY)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        self.app = self.config.loaded_app
        super().on_response_complete()
        self._watch()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch_reader()

    def resume_writing(self) -> None:
        self._stop_stall()
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        self._stop_stall()
        super().connection_lost(exc)

    def _watch(self) -> None:
        """Let the time run from the first moment without a request to its complete headers, whatever comes between."""
        if self.transport.is_closing() or (self.cycle and not self.cycle.response_complete):
            self._stop_timer()
            if self.transport.is_closing():
                self._watch_reader()  # a connection is closed when all is sent
        elif self._timer is None:
            self._since = self.loop.time()
            self._timer = self.loop.call_later(self.header_seconds, self._give_up)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _give_up(self) -> None:
        """Close the connection; tell a client that has sent half of its headers why."""
        with contextlib.suppress(h11.LocalProtocolError):  # it has sent no more than the rest of a body
            if self.conn.trailing_data[0] and self.conn.our_state is h11.IDLE:
                headers = [("content-type", "application/json"), ("connection", "close")]
                rule = f"headers must arrive within {self.header_seconds:g} seconds"
                self._send(h11.Response(status_code=408, headers=headers, reason=b"Request Timeout"))
                self._send(h11.Data(data=json.dumps({"error": f"{rule}. Send them at once."}).encode()))
                self._send(h11.EndOfMessage())
        self.transport.close()
        self._watch_reader()

    def _watch_reader(self) -> None:
        """Let the time run in which the client must take some of what waits for it."""
        if self._stall is None:
            self._stall = self.loop.call_later(self.stall_seconds, self._look_at_reader, self._unsent())

    def _look_at_reader(self, unsent: int) -> None:
        self._stall = None
        if self._unsent() < unsent:
            self._watch_reader()
        else:
            self.transport.abort()

    def _unsent(self) -> int:
        return self.transport.get_write_buffer_size()

    def _stop_stall(self) -> None:
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None

    def _send(self, event: Any) -> None:
        self.transport.write(self.conn.send(event) or b"")

    def _close_longest_waiting(self, seconds: float) -> bool:
        """Close the connection that has waited longest, where that is at least some seconds; return whether."""
        others = (one for one in self.connections if isinstance(one, LimitedConnection) and one._timer)
        longest = min(others, key=lambda one: one._since, default=self)
        if self.loop.time() - longest._since < seconds:
            return False
        self.logger.warning("%d connections at a time are too many: those that wait longest are closed.", self.most)
        longest.transport.abort()
        self.connections.discard(longest)
        return True


def limited_connection(workers: int, requests: int) -> type[LimitedConnection]:
    """Return the class of a server's connections: as many as the process has file descriptors for.

    requests: most at work at a time, each of which may hold a picture in a temporary file.
    """
    most_open = max(_FEWEST_CONNECTIONS, _raise_descriptor_limit() - _OWN_DESCRIPTORS - _PER_WORKER * workers)
    most = min(_MOST_CONNECTIONS, max(_FEWEST_CONNECTIONS, most_open - requests))
    limits = {"most": most, "most_open": min(most_open, 2 * most)}
    return cast(type[LimitedConnection], type("LimitedConnection", (LimitedConnection,), limits))


def _raise_descriptor_limit() -> int:
    """Let this process open as many files as it may; return the number."""
    if sys.platform == "win32":  # where sockets are no descriptors
        return 4 * _MOST_CONNECTIONS
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 4 * _MOST_CONNECTIONS
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(hard, wanted)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return wanted if soft == resource.RLIM_INFINITY else soft
