"""A child process: requests from one pipe -> answers into another, decoding ahead of the network.

It runs apart from the command line so that a picture that hangs or crashes a decoder costs that picture alone.
"""

import contextlib
import os
import queue
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InputError
from ..model.model import PLAIN, AnswerOptions, Model
from ..pictures.limits import DEFAULT_LIMITS, Limits
from ..pictures.listing import Picture
from .keep_memory import keep_memory

if TYPE_CHECKING:  # the parent imports this module and must start without numpy and LiteRT
    from ..pictures.listing import Stamp
    from ..pictures.regions import Box

# Decoded pictures that wait for the network; they are of its size, or as many cutouts as a picture has boxes.
_AHEAD = 4
_MOST_TOGETHER = 16  # answers sent at once
_LONGEST_WAIT = 0.1  # seconds that an answer waits for others


@dataclass(frozen=True, slots=True)
class Request:
    """One picture to answer.

    boxes: regions instead of the whole picture.
    file_key: what files about it are named after, where that is not its key.
    stamp: size and time of the picture's file before it is read; see inference.pictures.listing.Picture.stamp.
    options: instead of those of all pictures.
    """

    picture: Picture
    boxes: "tuple[Box, ...] | None" = None
    file_key: str = ""
    stamp: "Stamp | None" = None
    options: AnswerOptions | None = None


@dataclass(frozen=True)
class WorkerSettings:
    """What every worker is told; see inference.load.load_model and inference.model.model.AnswerOptions.

    boxes: whether requests may name regions.
    """

    model: Path
    threads: int = 1
    threshold: float | None = None
    limits: Limits = DEFAULT_LIMITS
    labels: Path | None = None
    scaling: str | None = None
    options: AnswerOptions = PLAIN
    boxes: bool = False


@dataclass
class _Prepared:
    """A picture that waits for the network: what Model.prepare gave, or why it gave nothing."""

    request: Request
    content: Any = None
    fault: BaseException | None = None


def work(requests: Connection, answers: Connection, settings: WorkerSettings) -> None:
    """Load the model, send None (ready) or the reason why not, then a list of answers or reasons as they come.

    Answers have the order of the requests. Ends when the parent kills it, or with the parent.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what an interruption means
    keep_memory()
    with contextlib.suppress(BrokenPipeError):  # the parent has ended
        try:
            model = load(settings)
        except InputError as fault:
            answers.send(str(fault))
            return
        answers.send(None)
        _answer_requests(model, requests, answers, settings)


def _answer_requests(model: Model, requests: Connection, answers: Connection, settings: WorkerSettings) -> None:
    waiting: queue.SimpleQueue[Request] = queue.SimpleQueue()
    prepared: queue.Queue[_Prepared] = queue.Queue(_AHEAD)
    threading.Thread(target=_receive, args=(requests, waiting), daemon=True).start()
    threading.Thread(target=_prepare_all, args=(model, settings.limits, waiting, prepared), daemon=True).start()
    with contextlib.suppress(OSError):  # the parent was killed
        for group in _group_answers(_answer_all(model, settings.options, prepared), prepared):
            answers.send(group)


def load(settings: WorkerSettings) -> Model:
    """Return the model that the settings describe.

    Raises:
        InputError: see inference.load.load_model and Model.check, the model takes no boxes, or it gives other answers
            here than when it was exported.
    """
    import warnings

    from ..load import load_model
    from ..model.artefact import read_artefact
    from ..verify.compare import require_same_answers

    warnings.filterwarnings("ignore", module=r"PIL\.")  # remarks on odd metadata, each with a line of Pillow's code
    artefact = read_artefact(settings.model)
    model = load_model(artefact, settings.threads, settings.threshold, settings.labels, settings.scaling)
    if settings.boxes and not model.takes_boxes:
        raise InputError(f"{settings.model}: a model for anomalies finds its regions itself. Leave --boxes out.")
    require_same_answers(model, artefact)
    model.check(settings.options, str(settings.model))
    return model


def _receive(requests: Connection, waiting: "queue.SimpleQueue[Request]") -> None:
    """Empty the pipe at all times, so that the parent never blocks in writing to it."""
    try:
        while True:
            for request in requests.recv():
                waiting.put(request)
    except (EOFError, OSError):
        os._exit(1)  # the parent is gone; a decoder that hangs must not keep this process


def _prepare_all(
    model: Model, limits: Limits, waiting: "queue.SimpleQueue[Request]", prepared: "queue.Queue[_Prepared]"
) -> None:
    while True:
        request = waiting.get()
        item = _Prepared(request)
        try:
            item.content = model.prepare_encoded(request.picture.read(limits), request.boxes, limits)
        except BaseException as fault:  # raised again in _answer_all, where one of the program ends the worker
            item.fault = fault
        prepared.put(item)


def _answer_all(
    model: Model, options: AnswerOptions, prepared: "queue.Queue[_Prepared]"
) -> Iterator[dict[str, Any] | str]:
    while True:
        item = prepared.get()
        answer: dict[str, Any] | str
        try:
            if item.fault is not None:
                raise item.fault
            request = item.request
            answer = model.answer(item.content, request.options or options, request.file_key or request.picture.key)
        except InputError as fault:
            answer = str(fault)
        yield answer


def _group_answers(answers: Iterator[Any], prepared: "queue.Queue[_Prepared]") -> Iterator[list[Any]]:
    """Group answers while others follow at once: a message costs both processes time."""
    group: list[Any] = []
    begun = time.monotonic()
    for answer in answers:
        group.append(answer)
        if len(group) == _MOST_TOGETHER or prepared.empty() or time.monotonic() - begun > _LONGEST_WAIT:
            yield group
            group, begun = [], time.monotonic()
