"""Requests -> answers by several worker processes; a picture that hangs or crashes one costs that picture alone."""

import contextlib
import itertools
import multiprocessing
import os
import time
from collections import deque
from collections.abc import Iterable, Iterator
from multiprocessing.connection import wait
from typing import Any

from ..errors import InputError
from .worker import Request, WorkerSettings, work

_CONTEXT = multiprocessing.get_context("spawn")  # the same everywhere, and safe beside threads
_IN_FLIGHT = 32  # requests that a worker holds at most: memory is bounded by this, not by the folder
_REFILL = 16
LOADING_SECONDS = 60.0
LONGEST_POLL = 1.0  # seconds between two looks at the workers
POLLS_PER_LIMIT = 4  # at least: a pause of this process, as by Ctrl+Z, uses up at most that share of a time limit
_LOADS = 3

Answered = tuple[Request, dict[str, Any] | str]


def answer_all(requests: Iterable[Request], settings: WorkerSettings, workers: int = 1) -> Iterator[Answered]:
    """Yield each request with its answer, or with the reason why there is none, in the order in which they end.

    Raises:
        InputError: the model can't be used.
    """
    pool = _Pool(iter(requests), settings)
    try:
        pool.start(workers)
        while pool.workers:
            yield from pool.step()
    finally:
        pool.stop()


class Clock:
    """The seconds for which this process has been running; a pause of it, or of the machine, is left out."""

    def __init__(self, longest_poll: float) -> None:
        """longest_poll: seconds; what passes beyond that between two calls of `tick` was a pause."""
        self.now = 0.0
        self._longest_poll = longest_poll
        self._last = time.monotonic()

    def tick(self) -> None:
        """Count the time since the last call."""
        now = time.monotonic()
        self.now += min(now - self._last, self._longest_poll)
        self._last = now


class Worker:
    """One child process and the requests that it holds, in their order."""

    def __init__(self, settings: WorkerSettings, now: float) -> None:
        child_requests, self._requests = _CONTEXT.Pipe(duplex=False)
        self.answers, child_answers = _CONTEXT.Pipe(duplex=False)
        self.process = _CONTEXT.Process(target=work, args=(child_requests, child_answers, settings), daemon=True)
        self.process.start()
        child_requests.close()
        child_answers.close()  # so that the child's end is the pipe's end
        self.held: deque[Request] = deque()
        self.ready = False
        self.since = now  # of the last message

    def send(self, requests: list[Request], now: float) -> None:
        """Hand over requests; a worker that has just died is noticed when its answers end."""
        if not self.held:
            self.since = now
        self.held.extend(requests)
        with contextlib.suppress(OSError):
            self._requests.send(requests)

    def end(self) -> str:
        """Stop the process at once; return how it ended."""
        self.process.join(0.5)  # one that has died by itself keeps its exit code
        if self.process.is_alive():
            self.process.kill()
        self.process.join()
        self._requests.close()
        self.answers.close()
        code = self.process.exitcode or 0
        return f"signal {-code}" if code < 0 else f"exit code {code}"


class _Pool:
    """The workers, the requests not yet handed out, and those to be tried again one by one."""

    def __init__(self, requests: Iterator[Request], settings: WorkerSettings) -> None:
        self.workers: list[Worker] = []
        self._requests = requests
        self._again: deque[Request] = deque()
        self._failed_loads = 0  # since the last worker that was ready
        self._suspects: set[str] = set()  # keys of what a worker held when it died
        self._settings = settings
        self._poll_seconds = min(LONGEST_POLL, settings.limits.seconds / POLLS_PER_LIMIT)
        self._clock = Clock(self._poll_seconds)

    def start(self, count: int) -> None:
        self.workers += [Worker(self._settings, self._clock.now) for _ in range(count)]

    def stop(self) -> None:
        for worker in self.workers:
            worker.process.kill()
            worker.end()

    def step(self) -> list[Answered]:
        """Wait for the next answers; replace workers that died or hang, end those that have nothing left to do."""
        readable = wait([worker.answers for worker in self.workers], timeout=self._poll_seconds)
        self._clock.tick()
        done: list[Answered] = []
        for worker in list(self.workers):
            if worker.answers in readable:
                done += self._read(worker)
            elif self._hangs(worker):
                done += self._give_up(worker)
        return done

    def _read(self, worker: Worker) -> list[Answered]:
        try:
            message = worker.answers.recv()
        except (EOFError, OSError):
            return self._handle_dead_worker(worker)
        worker.since = self._clock.now
        done: list[Answered] = []
        if worker.ready:
            done = [(worker.held.popleft(), answer) for answer in message]
        elif message is not None:
            raise InputError(message)
        worker.ready = True
        self._failed_loads = 0
        self._refill(worker)
        return done

    def _refill(self, worker: Worker) -> None:
        group: list[Request] = []
        if self._again and not worker.held:
            group = [self._again.popleft()]
        elif not self._again and len(worker.held) <= _IN_FLIGHT - _REFILL:
            group = list(itertools.islice(self._requests, _IN_FLIGHT - len(worker.held)))
        if group:
            worker.send(group, self._clock.now)
        elif not worker.held:
            self._retire(worker)

    def _retire(self, worker: Worker) -> None:
        self.workers.remove(worker)
        worker.process.kill()
        worker.end()

    def _handle_dead_worker(self, worker: Worker) -> list[Answered]:
        """Try again alone what a worker held when it died; a request that then kills another worker is the cause."""
        self.workers.remove(worker)
        how = worker.end()
        if not worker.ready:
            return self._load_again(worker, how)
        keys = [request.picture.key for request in worker.held]
        if len(keys) == 1 and keys[0] in self._suspects:
            reason = f"crashes the program that reads it ({how}). Leave it out or save it anew."
            return self._fail_first(worker, reason)
        self._suspects.update(keys)
        return self._replace(worker)

    def _load_again(self, worker: Worker, how: str) -> list[Answered]:
        """Replace a worker that died before it was ready: once may be a lack of memory, thrice is the model."""
        self._failed_loads += 1
        if self._failed_loads == _LOADS:
            raise InputError(f"{self._settings.model}: crashes LiteRT ({how}). Export the model again.")
        return self._replace(worker)

    def _give_up(self, worker: Worker) -> list[Answered]:
        """End a worker whose first picture takes too long."""
        self.workers.remove(worker)
        worker.process.kill()
        worker.end()
        limit = self._settings.limits.seconds
        return self._fail_first(worker, f"takes longer than {limit:g} s. Reduce it or allow more (--time-limit).")

    def _fail_first(self, worker: Worker, reason: str) -> list[Answered]:
        first = worker.held.popleft()
        self._replace(worker)
        return [(first, reason)]

    def _replace(self, worker: Worker) -> list[Answered]:
        self._again.extendleft(reversed(worker.held))
        self.start(1)
        return []

    def _hangs(self, worker: Worker) -> bool:
        passed = self._clock.now - worker.since
        if not worker.ready:
            if passed > LOADING_SECONDS:
                raise InputError(f"{self._settings.model}: takes longer than {LOADING_SECONDS:g} s to load.")
            return False
        return bool(worker.held) and passed > self._settings.limits.seconds


def default_workers(pictures: int) -> int:
    """Return one worker per core, but at most one per hundred pictures: starting one costs about as much."""
    return max(1, min(os.cpu_count() or 1, pictures // 100))
