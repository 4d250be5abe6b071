"""What happens to every request before and behind its route: counting, extra headers, the check of the Host."""

import time
from collections.abc import Collection, Mapping

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .metrics import Metrics
from .response import error_response


class Metering:
    """Count and time every request; paths that we do not know count as one, or a client could fill the memory."""

    def __init__(self, app: ASGIApp, metrics: Metrics, routes: Collection[str]) -> None:
        self._app, self._metrics, self._routes = app, metrics, routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        route = scope["path"] if scope["path"] in self._routes else "other"
        status, start = 500, time.perf_counter()

        async def watch(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        self._metrics.begin(route)
        try:
            await self._app(scope, receive, watch)
        finally:
            self._metrics.end(route, status, time.perf_counter() - start)


class ExtraHeaders:
    """Add headers to every answer that does not set them itself."""

    def __init__(self, app: ASGIApp, headers: Mapping[str, str]) -> None:
        self._app, self._headers = app, headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def add(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, add)


class HostCheck:
    """Refuse foreign host names (DNS rebinding): through one, a web page could read our answers.

    Starlette checks the Host; the answer is ours, because Starlette's does not say what to do.
    """

    def __init__(self, app: ASGIApp, hosts: frozenset[str] | None) -> None:
        self._app, self._hosts = app, ["*"] if hosts is None else sorted(hosts)
        self._names = [f"[{host}]" if ":" in host else host for host in self._hosts]  # as a Host header has them

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_trusted = False

        async def trust(*_: object) -> None:
            nonlocal is_trusted
            is_trusted = True

        async def discard(message: Message) -> None:
            """Leave out Starlette's own refusal."""

        await TrustedHostMiddleware(trust, self._names, www_redirect=False)(scope, receive, discard)
        app = self._app if is_trusted else self._refusal(Headers(scope=scope).get("host", ""))
        await app(scope, receive, send)

    def _refusal(self, host: str) -> ASGIApp:
        rule = f"the Host must be one of {', '.join(self._hosts)}"
        return error_response(400, f"{rule}. Received: {host[:80]}. Use the address that the server printed.")
