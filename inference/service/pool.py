"""Work for a model -> its result, from a fixed number of worker threads, so that a server's memory is bounded."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from inference.model.model import Model

Result = TypeVar("Result")


class PoolBusyError(Exception):
    """No model became free in time."""


class TooSlowError(Exception):
    """The work took longer than its limit."""


class ModelPool:
    """Models, each of which works for one thread at a time. For one event loop."""

    def __init__(self, models: Sequence[Model], seconds: float) -> None:
        """Take the models; seconds: how long work may take, and how long it may wait for a model."""
        self.card = models[0].card
        self._seconds = seconds
        self._idle: asyncio.Queue[Model] = asyncio.Queue()
        for model in models:
            self._idle.put_nowait(model)
        self._threads = ThreadPoolExecutor(len(models), thread_name_prefix="model")

    async def run(self, work: Callable[[Model], Result]) -> Result:
        """Return what work gives in a thread of its own. First come, first served.

        A thread can't be killed: work that is too slow is given up here but keeps its model until it ends, so
        that never more than the pool's threads are busy.

        Raises:
            PoolBusyError: no model became free in time.
            TooSlowError: the work took longer than its limit, counted without the waiting.
        """
        model = await self._wait_for_model()
        future = asyncio.get_running_loop().run_in_executor(self._threads, work, model)
        future.add_done_callback(lambda _: self._idle.put_nowait(model))
        done, _ = await asyncio.wait([future], timeout=self._seconds)
        if not done:
            raise TooSlowError
        return future.result()

    async def _wait_for_model(self) -> Model:
        try:
            async with asyncio.timeout(self._seconds):
                return await self._idle.get()
        except TimeoutError as fault:
            raise PoolBusyError from fault

    def close(self) -> None:
        """Let the threads end; work that runs is not waited for."""
        self._threads.shutdown(wait=False, cancel_futures=True)
