"""Pictures -> their answers, from a fixed number of worker processes, so that a server's memory is bounded.

The processes are those of a batch (inference.batch.worker): a decoder that hangs or crashes is ended with its process,
which is then replaced.
"""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from ..batch.pool import LOADING_SECONDS, LONGEST_POLL, POLLS_PER_LIMIT, Clock, Worker
from ..batch.worker import Request, WorkerSettings
from ..errors import InputError
from ..model.card import Card

_AGAIN_SECONDS = 1.0  # between two tries to start a worker
_TRIES = 2  # of a picture: a process may also have been ended by something else, as a lack of memory
_log = logging.getLogger("touchstone.service")


class PoolBusyError(Exception):
    """No worker became free in time, or the pool is closed."""


class ModelPool:
    """Worker processes, each of which answers one picture at a time. For one event loop."""

    def __init__(self, settings: WorkerSettings, workers: int, card: Card) -> None:
        """Start the processes and wait until all have loaded the model.

        settings: the time limit in them is that of a picture, and for how long one may wait for a worker.
        card: of the model.

        Raises:
            InputError: the model can't be used.
        """
        self.card = card
        self._seconds = settings.limits.seconds
        self._closed = False
        self._idle: asyncio.Queue[_Seat] = asyncio.Queue()
        self._seats = [_Seat(settings) for _ in range(workers)]
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="worker")  # they wait for the processes
        try:
            for _ in self._threads.map(_Seat.load, self._seats):
                pass
        except BaseException:
            self.close()
            raise
        for seat in self._seats:
            self._idle.put_nowait(seat)

    async def answer(self, request: Request) -> dict[str, Any] | str:
        """Return the answer for a picture, or the reason why there is none. First come, first served.

        Raises:
            PoolBusyError: no worker became free in time.
        """
        seat = await self._wait_for_seat()
        future = self._submit(seat.answer, request)
        future.add_done_callback(lambda _: self._free(seat))
        try:
            return await asyncio.shield(future)
        except (EOFError, OSError) as fault:  # its process was ended by close
            raise PoolBusyError from fault

    def close(self) -> None:
        """End the processes at once, whatever they do."""
        self._closed = True
        for seat in self._seats:
            seat.close()
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _wait_for_seat(self) -> "_Seat":
        try:
            async with asyncio.timeout(self._seconds):
                seat = await self._idle.get()
        except TimeoutError as fault:
            raise PoolBusyError from fault
        if self._closed:
            self._idle.put_nowait(seat)  # for the next that waits
            raise PoolBusyError
        return seat

    def _submit(self, work: Callable[..., Any], *arguments: Any) -> "asyncio.Future[Any]":
        return asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)

    def _free(self, seat: "_Seat") -> None:
        """Let a worker take the next picture, after a new start where its process was ended."""
        if seat.is_loaded or self._closed:
            self._idle.put_nowait(seat)
        else:
            self._submit(seat.load).add_done_callback(lambda done: self._loaded(seat, done))

    def _loaded(self, seat: "_Seat", done: "asyncio.Future[Any] | Future[Any]") -> None:
        if done.cancelled() or self._closed:
            return
        if (fault := done.exception()) is None:
            self._free(seat)
            return
        _log.warning("a worker process can't be started: %s. It is tried again.", fault or type(fault).__name__)
        asyncio.get_running_loop().call_later(_AGAIN_SECONDS, self._free, seat)


class _Seat:
    """A worker process, or the place of one that was ended. Not safe across threads, but for `close`."""

    def __init__(self, settings: WorkerSettings) -> None:
        self.is_loaded = False
        self._settings = settings
        self._closed = False
        self._worker: Worker | None = None

    def load(self) -> None:
        """Start a process and wait until it has loaded the model.

        Raises:
            InputError: the model can't be used, or takes too long.
            EOFError: the process has ended by itself.
        """
        self._worker = Worker(self._settings, 0.0)
        if self._closed:
            self.close()
        try:
            fault = self._receive(LOADING_SECONDS)
        except BaseException as error:
            self.kill()
            self._end()
            if not isinstance(error, TimeoutError):
                raise
            raise InputError(f"{self._settings.model}: takes longer than {LOADING_SECONDS:g} s to load.") from error
        if fault is not None:
            self._end()
            raise InputError(fault)
        self.is_loaded = True

    def answer(self, request: Request) -> dict[str, Any] | str:
        """Return the answer or the reason; a process that takes too long or has died is ended.

        Raises:
            EOFError: the seat was closed.
            RuntimeError: the program has a fault.
        """
        how = ""
        for _ in range(_TRIES):
            if not self.is_loaded:
                self.load()
            try:
                return self._ask(request)
            except TimeoutError:
                self.kill()
                self._end()
                limit = self._settings.limits.seconds
                return f"takes longer than {limit:g} s. Reduce it or allow more (--time-limit)."
            except (EOFError, OSError):
                how = self._end()
                if self._closed:
                    raise
        if how.startswith("exit code"):  # not a decoder's crash: an error that nobody has caught
            raise RuntimeError(f"a worker process has ended by itself ({how})")
        return f"crashes the program that reads it ({how}). Leave it out or save it anew."

    def close(self) -> None:
        """End the process for good; a thread that waits for it gets an EOFError."""
        self._closed = True
        self.kill()

    def kill(self) -> None:
        """Let the process end at once."""
        if (worker := self._worker) is not None:
            worker.process.kill()

    def _ask(self, request: Request) -> dict[str, Any] | str:
        assert self._worker
        self._worker.send([request], 0.0)
        answer: dict[str, Any] | str = self._receive(self._settings.limits.seconds)[0]
        self._worker.held.clear()
        return answer

    def _receive(self, seconds: float) -> Any:
        """Return the next message; TimeoutError where there is none, in which a pause of this process counts little."""
        assert self._worker
        poll = min(LONGEST_POLL, seconds / POLLS_PER_LIMIT)
        clock = Clock(poll)
        while not self._worker.answers.poll(poll):
            clock.tick()
            if clock.now > seconds:
                raise TimeoutError
        return self._worker.answers.recv()

    def _end(self) -> str:
        """End the process; return how it ended."""
        assert self._worker
        worker, self._worker, self.is_loaded = self._worker, None, False
        return worker.end()
