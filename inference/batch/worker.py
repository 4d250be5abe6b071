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
from typing import TYPE_CHECKING, Any, cast

from inference.batch.keep_memory import keep_memory
from inference.errors import InputError
from inference.pictures.limits import DEFAULT_LIMITS, Limits
from inference.pictures.listing import Picture

if TYPE_CHECKING:  # the parent imports this module and must start without numpy and LiteRT
    from inference.anomaly.answer import Photograph
    from inference.anomaly.detector import Detector
    from inference.model.answers import Prepared
    from inference.model.classifier import Classifier
    from inference.pictures.regions import Box

# Decoded pictures that wait for the network; they are of its size, or as many cutouts as a picture has boxes.
_AHEAD = 4
_MOST_TOGETHER = 16  # answers sent at once
_LONGEST_WAIT = 0.1  # seconds that an answer waits for others


@dataclass(frozen=True, slots=True)
class Request:
    """One picture to answer; boxes: regions instead of the whole picture."""

    picture: Picture
    boxes: "tuple[Box, ...] | None" = None


@dataclass(frozen=True)
class WorkerSettings:
    """What every worker is told; see inference.model.classifier.Classifier and inference.model.answers.answer_pixels.

    masks, scores, regions: for models that find anomalies alone; see inference.anomaly.answer.
    """

    model: Path
    threads: int = 1
    threshold: float | None = None
    top: int = 1
    limits: Limits = DEFAULT_LIMITS
    labels: Path | None = None
    scaling: str | None = None
    masks: Path | None = None
    scores: Path | None = None
    regions: bool = False


def work(requests: Connection, answers: Connection, settings: WorkerSettings) -> None:
    """Load the model, send None (ready) or the reason why not, then a list of answers or reasons as they come.

    Answers have the order of the requests. Ends when the parent kills it, or with the parent.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what an interruption means
    keep_memory()
    try:
        classifier = load_model(settings)
    except InputError as fault:
        answers.send(str(fault))
        return
    answers.send(None)
    waiting: queue.SimpleQueue[Request] = queue.SimpleQueue()
    prepared: queue.Queue[Any] = queue.Queue(_AHEAD)
    threading.Thread(target=_receive, args=(requests, waiting), daemon=True).start()
    threading.Thread(target=_prepare_all, args=(classifier, settings.limits, waiting, prepared), daemon=True).start()
    with contextlib.suppress(OSError):  # the parent was killed
        for group in _together(_answer_all(classifier, settings, prepared), prepared):
            answers.send(group)


def load_model(settings: WorkerSettings) -> "Classifier | Detector":
    """Return what the settings describe: a detector where the model's card says that it finds anomalies.

    Raises:
        InputError: see inference.model.classifier.Classifier and inference.anomaly.detector.Detector.
    """
    from inference.anomaly.detector import finds_anomalies, load_detector

    if finds_anomalies(settings.model):
        return load_detector(settings)
    asked = {"--masks": settings.masks, "--scores": settings.scores, "--regions": settings.regions}
    if names := ", ".join(name for name, value in asked.items() if value):
        raise InputError(f"{names}: only for models that find anomalies. Received: {settings.model}. Leave it out.")
    return load_classifier(settings)


def load_classifier(settings: WorkerSettings) -> "Classifier":
    """Return the classifier that the settings describe.

    Raises:
        InputError: see inference.model.classifier.Classifier.
    """
    import warnings

    from inference.model.classifier import Classifier

    warnings.filterwarnings("ignore", module=r"PIL\.")  # remarks on odd metadata, each with a line of Pillow's code
    return Classifier(settings.model, settings.threads, settings.threshold, settings.labels, settings.scaling)


def prepare_request(
    classifier: "Classifier | Detector", request: Request, limits: Limits
) -> "Prepared | Photograph | str":
    """Read, decode, cut and resize; return the reason where that fails."""
    from inference.anomaly.answer import prepare_photograph
    from inference.model.answers import prepare
    from inference.model.decide import ANOMALY
    from inference.pictures.image_io import decode_image

    try:
        pixels = decode_image(request.picture.read(limits), limits)
        if classifier.card.decision == ANOMALY:
            return prepare_photograph(request.picture.key, pixels, request.boxes)
        return prepare(classifier.card, pixels, request.boxes)
    except InputError as fault:
        return str(fault)


def answer_request(
    classifier: "Classifier | Detector", prepared: "Prepared | Photograph | str", settings: WorkerSettings
) -> dict[str, Any] | str:
    """Return the answer for what was prepared, or the reason why there is none."""
    from inference.anomaly.answer import Photograph, SurfaceFiles, answer_photograph
    from inference.model.answers import answer_prepared

    if isinstance(prepared, str):
        return prepared
    try:
        if isinstance(prepared, Photograph):
            files = SurfaceFiles(settings.masks, settings.scores)
            return answer_photograph(cast("Detector", classifier), prepared, files)
        return answer_prepared(cast("Classifier", classifier), prepared, settings.top)
    except InputError as fault:
        return str(fault)


def _receive(requests: Connection, waiting: "queue.SimpleQueue[Request]") -> None:
    """Empty the pipe at all times, so that the parent never blocks in writing to it."""
    try:
        while True:
            for request in requests.recv():
                waiting.put(request)
    except (EOFError, OSError):
        os._exit(1)  # the parent is gone; a decoder that hangs must not keep this process


def _prepare_all(
    classifier: "Classifier | Detector",
    limits: Limits,
    waiting: "queue.SimpleQueue[Request]",
    prepared: "queue.Queue[Any]",
) -> None:
    while True:
        try:
            prepared.put(prepare_request(classifier, waiting.get(), limits))
        except BaseException as fault:  # a fault of the program: raised again where it ends the worker
            prepared.put(fault)


def _answer_all(
    classifier: "Classifier | Detector", settings: WorkerSettings, prepared: "queue.Queue[Any]"
) -> Iterator[dict[str, Any] | str]:
    while True:
        item = prepared.get()
        if isinstance(item, BaseException):
            raise item
        yield answer_request(classifier, item, settings)


def _together(answers: Iterator[Any], prepared: "queue.Queue[Any]") -> Iterator[list[Any]]:
    """Group answers while others follow at once: a message costs both processes time."""
    group: list[Any] = []
    begun = time.monotonic()
    for answer in answers:
        group.append(answer)
        if len(group) == _MOST_TOGETHER or prepared.empty() or time.monotonic() - begun > _LONGEST_WAIT:
            yield group
            group, begun = [], time.monotonic()
