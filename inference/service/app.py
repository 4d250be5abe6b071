"""POST /classify -> {filename: {confidence, result}}: the web service around the runner's own answers.

A request's pictures are answered one after the other, so that a large request delays others by one picture at most.
"""

import asyncio
import contextlib
import errno
from collections.abc import AsyncIterator, Mapping, Sequence

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ..batch.worker import Request as Work
from ..model.answers import faults_of
from ..model.decide import ANOMALY
from ..model.model import Answer, AnswerOptions
from .metrics import CONTENT_TYPE, Metrics
from .middleware import ExtraHeaders, HostCheck, Metering
from .options import RETRY, Options, RefusalError, Settings, read_options
from .pool import ModelPool, PoolBusyError
from .request import Budget, Take, Upload, read_pictures
from .response import error_response, json_response

ROUTES = {"/classify": "POST", "/health": "GET", "/metrics": "GET"}
HEADERS = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store"}
_REQUESTS_IN_FULL = 8  # as large as one may be, whose bytes are held at a time
_NO_ROOM = (errno.EMFILE, errno.ENFILE, errno.ENOSPC, errno.EDQUOT, errno.ENOMEM)  # of what holds a large request


def make_app(
    pool: ModelPool,
    settings: Settings,
    routes: Sequence[BaseRoute] = (),
    headers: Mapping[str, str] | None = None,
) -> Starlette:
    """Return the service.

    routes: more of them, behind ours.
    headers: more for every answer that does not set them itself.
    """
    metrics = Metrics()
    service = _Service(pool, settings, metrics)
    ours = [
        Route("/classify", service.classify, methods=["POST"]),
        Route("/health", service.health),
        Route("/metrics", service.metrics),
    ]
    app = Starlette(
        routes=[*ours, *routes],
        middleware=[
            Middleware(Metering, metrics=metrics, routes=ROUTES),
            Middleware(ExtraHeaders, headers=HEADERS | dict(headers or {})),
            Middleware(HostCheck, hosts=settings.hosts),
        ],
        exception_handlers={RefusalError: _refuse, HTTPException: _refuse_route, Exception: _report_fault},
    )
    app.router.redirect_slashes = False  # a redirect would repeat whatever Host the client named
    return app


class _Service:
    """The three routes."""

    def __init__(self, pool: ModelPool, settings: Settings, metrics: Metrics) -> None:
        self._pool, self._settings, self._metrics = pool, settings, metrics
        self._requests = 0
        self._budget = Budget(_REQUESTS_IN_FULL * settings.limits.bytes)

    async def classify(self, request: Request) -> Response:
        """Answer pictures: 200 where at least one has a result, 422 where none has."""
        finds_anomalies = self._pool.card.decision == ANOMALY
        options = read_options(request.query_params.multi_items(), self._settings, finds_anomalies)
        async with self._admit() as take:
            files = await read_pictures(request, options, self._settings, take)
            try:
                results = {name: await self._answer(name, await file.read(), options) for name, file in files.items()}
            finally:
                for file in files.values():
                    await file.close()
        for answer in results.values():
            self._metrics.count_picture(_has_result(answer))
        return json_response(results, 200 if any(map(_has_result, results.values())) else 422)

    async def health(self, request: Request) -> Response:
        """Say which model answers."""
        card = self._pool.card
        title = card.training.get("title") or card.recipe
        facts = {"model": card.recipe, "title": title, "labels": list(card.labels)}
        return json_response({"status": "ok", **facts, "flatbuffer_sha256": card.flatbuffer_sha256})

    async def metrics(self, request: Request) -> Response:
        """Show the counters."""
        return Response(self._metrics.text(), headers={"Content-Type": CONTENT_TYPE})

    @contextlib.asynccontextmanager
    async def _admit(self) -> AsyncIterator[Take]:
        """Bound the requests at work before their bodies are read; tell those that can't be finished."""
        if self._requests >= self._settings.most_requests:
            raise RefusalError(503, f"{self._requests} requests are at work already. Send it again later.", RETRY)
        self._requests += 1
        try:
            with self._budget.open() as take:
                yield take
        except asyncio.CancelledError as fault:  # uvicorn's, when a stop has waited long enough
            raise RefusalError(503, "the server is stopping. Send it again later.", RETRY) from fault
        except OSError as fault:
            if fault.errno not in _NO_ROOM:
                raise
            raise RefusalError(503, f"no room for the request: {fault.strerror}. Send it later.", RETRY) from fault
        finally:
            self._requests -= 1

    async def _answer(self, name: str, data: bytes, options: Options) -> Answer:
        """Answer one picture; one that is too slow has failed like a damaged one: a second try would fare alike."""
        work = Work(Upload(name, data=data), options.boxes, options=AnswerOptions(options.top, mask=options.mask))
        try:
            answer = await self._pool.answer(work)
        except PoolBusyError as fault:
            raise RefusalError(503, "all workers are busy for too long. Send it again later.", RETRY) from fault
        return {"error": answer} if isinstance(answer, str) else answer


def _has_result(answer: Answer) -> bool:
    return "result" in answer or len(faults_of(answer)) < len(answer.get("regions", ()))


async def _refuse(request: Request, fault: Exception) -> Response:
    assert isinstance(fault, RefusalError)
    return error_response(fault.status, str(fault), fault.headers)


async def _refuse_route(request: Request, fault: Exception) -> Response:
    assert isinstance(fault, HTTPException)
    known = ", ".join(f"{method} {path}" for path, method in ROUTES.items())
    received = f"{request.method} {request.scope['path']}"[:200]
    return error_response(fault.status_code, f"{fault.detail}: known are {known}. Received: {received}.", fault.headers)


async def _report_fault(request: Request, fault: Exception) -> Response:
    """Answer what is our fault; its traceback goes to the server's stderr."""
    return error_response(500, "the server has a fault; its log tells more. Report it with the picture.", HEADERS)
