"""inference.batch.pool: what happens to a batch whose pictures hang or kill the process that reads them."""

import contextlib
import itertools
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from inference.batch.pool import _Pool, answer_all, default_workers
from inference.batch.worker import Request, WorkerSettings, work
from inference.errors import InputError
from inference.pictures.limits import Limits
from inference.pictures.listing import Picture
from tests.tiny_model import COLOURS

NAMES = ("red", "green", "blue")


@pytest.fixture
def requests(tmp_path: Path) -> list[Request]:
    """Return sixty pictures: more than one worker takes at once."""
    made = []
    for number in range(60):
        name = NAMES[number % 3]
        path = tmp_path / f"{number:02d}-{name}.png"
        Image.new("RGB", (20, 20), COLOURS[name]).save(path)
        made.append(Request(Picture(path.name, path)))
    return made


@pytest.fixture
def pipe(tmp_path: Path) -> Request:
    """Return a picture whose reading never ends: a named pipe that nobody writes to."""
    os.mkfifo(tmp_path / "pipe.png")
    return Request(Picture("pipe.png", tmp_path / "pipe.png"))


def check_colours(answers: dict[str, dict | str], requests: list[Request]) -> None:
    """Check that each picture of one colour has the answer that its name states."""
    assert {key: answers[key]["result"] for key in (request.picture.key for request in requests)} == {  # type: ignore
        request.picture.key: request.picture.path.stem.split("-")[1] for request in requests
    }


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_every_request_is_answered_once(tiny_model: Path, requests: list[Request], workers: int) -> None:
    """Catches requests lost or doubled when they are distributed to workers, or answers given to the wrong request."""
    answered = list(answer_all(requests, WorkerSettings(tiny_model), workers))
    assert len(answered) == len(requests)
    check_colours({request.picture.key: answer for request, answer in answered}, requests)


def test_requests_are_taken_as_they_are_needed(tiny_model: Path, requests: list[Request]) -> None:
    """Catches a list of a million requests that is made before the first answer."""
    taken = []

    def endless() -> Iterator[Request]:
        for number in range(10_000):
            taken.append(number)
            yield requests[number % len(requests)]

    answers = answer_all(endless(), WorkerSettings(tiny_model), 2)
    for _ in range(10):
        next(answers)
    answers.close()
    assert len(taken) < 200
    assert multiprocessing.active_children() == []


def test_a_picture_that_hangs_is_given_up(tiny_model: Path, requests: list[Request], pipe: Request) -> None:
    """Catches a batch that waits all night for one file."""
    settings = WorkerSettings(tiny_model, limits=Limits(seconds=2.0))
    answers = {
        request.picture.key: answer for request, answer in answer_all([*requests[:5], pipe, *requests[5:]], settings)
    }
    assert answers.pop("pipe.png") == "takes longer than 2 s. Reduce it or allow more (--time-limit)."
    assert len(answers) == 60
    check_colours(answers, requests)


@pytest.mark.slow
def test_a_picture_that_crashes_its_reader_is_named(tiny_model: Path, requests: list[Request], pipe: Request) -> None:
    """Catches a crash that ends the batch, or one that is blamed on the pictures beside it."""
    ended = threading.Event()

    def kill_who_reads_the_pipe() -> None:  # as a decoder's crash would; opening for writing waits for a reader
        for _ in range(2):
            descriptor = os.open(pipe.picture.path, os.O_WRONLY)
            for child in multiprocessing.active_children():
                os.kill(child.pid or 0, signal.SIGSEGV)
                with contextlib.suppress(ChildProcessError):  # WNOWAIT: the batch needs its exit code, given only once
                    os.waitid(os.P_PID, child.pid or 0, os.WEXITED | os.WNOWAIT)
            os.close(descriptor)
        ended.set()

    killer = threading.Thread(target=kill_who_reads_the_pipe)
    killer.start()
    asked = [*requests[:20], pipe, *requests[20:]]
    answers = {request.picture.key: answer for request, answer in answer_all(asked, WorkerSettings(tiny_model))}
    killer.join()
    reason = "crashes the program that reads it (signal 11). Leave it out or save it anew."
    assert ended.is_set()
    assert answers.pop("pipe.png") == reason
    assert len(answers) == 60
    check_colours(answers, requests)


@pytest.mark.slow
def test_a_worker_killed_once_loses_nothing(tiny_model: Path, requests: list[Request]) -> None:
    """Catches pictures blamed, lost or doubled because something else, as a lack of memory, killed a worker."""
    answers = answer_all(requests, WorkerSettings(tiny_model), 2)
    answered = [next(answers)]
    for child in multiprocessing.active_children():
        os.kill(child.pid or 0, signal.SIGKILL)
    answered += answers
    assert len(answered) == len(requests)
    check_colours({request.picture.key: answer for request, answer in answered}, requests)


def test_a_model_that_cannot_be_used_ends_the_batch(tmp_path: Path, requests: list[Request]) -> None:
    """Catches workers that die one after the other of a broken model, or processes left behind."""
    (tmp_path / "broken.tflite").write_bytes(b"nothing")
    with pytest.raises(InputError, match="is no TFLite model"):
        list(answer_all(requests, WorkerSettings(tmp_path / "broken.tflite"), 2))
    assert multiprocessing.active_children() == []


def test_a_worker_whose_parent_ended_meanwhile_ends_without_a_word(tmp_path: Path) -> None:
    """Catches a traceback about a broken pipe after a program that was stopped while it started."""
    context = multiprocessing.get_context("spawn")
    requests, _ = context.Pipe(duplex=False)
    others_end, answers = context.Pipe(duplex=False)
    others_end.close()
    worker = context.Process(target=work, args=(requests, answers, WorkerSettings(tmp_path / "gone.tflite")))
    worker.start()
    answers.close()
    worker.join(60)
    assert worker.exitcode == 0


def test_few_pictures_get_one_worker() -> None:
    """Catches processes that cost more than the pictures."""
    assert [default_workers(pictures) for pictures in (0, 19, 199)] == [1, 1, 1]
    assert default_workers(10**6) == os.cpu_count()


def test_a_pause_of_the_run_costs_no_picture(
    tiny_model: Path, requests: list[Request], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fault: after Ctrl+Z and fg, or a suspended machine, the picture that was being read is given up."""
    passed = 0.0
    monotonic = time.monotonic

    def wait_with_pauses(*arguments: Any, **more: Any) -> Any:
        nonlocal passed
        readable = wait(*arguments, **more)
        passed += 3600.0  # between two looks at the workers
        return readable

    monkeypatch.setattr("inference.batch.pool.wait", wait_with_pauses)
    monkeypatch.setattr("inference.batch.pool.time.monotonic", lambda: monotonic() + passed)
    answered = dict(answer_all(requests, WorkerSettings(tiny_model), 2))
    check_colours({request.picture.key: answer for request, answer in answered.items()}, requests)


@pytest.mark.slow
def test_workers_that_fail_to_start_now_and_then_do_not_end_the_run(
    tiny_model: Path, requests: list[Request], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fault: three failed starts in a run of a million pictures end it, and the model gets the blame."""
    start = _Pool.start

    def start_and_fail(pool: _Pool, count: int) -> None:
        start(pool, count)
        if next(numbers) % 2 == 0:  # each second start fails, four in all
            os.kill(pool.workers[-1].process.pid or 0, signal.SIGKILL)

    numbers = itertools.count()
    monkeypatch.setattr(_Pool, "start", start_and_fail)
    monkeypatch.setattr("inference.batch.pool._IN_FLIGHT", 2)  # a worker never holds all that is left
    monkeypatch.setattr("inference.batch.pool._REFILL", 1)
    answers = answer_all(requests, WorkerSettings(tiny_model))
    answered = []
    for _ in range(3):
        answered.append(next(answers))
        for child in multiprocessing.active_children():
            os.kill(child.pid or 0, signal.SIGKILL)
    answered += answers
    assert len({request.picture.key for request, _ in answered}) == len(answered) == 60
    assert next(numbers) >= 6
