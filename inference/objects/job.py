"""One part -> its answers, on the machine that gets it: pictures are fetched ahead of the network, then deleted."""

import socket
import tempfile
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..batch.pool import Answered, answer_all
from ..batch.shard_job import unpack
from ..batch.worker import Request, WorkerSettings
from ..errors import InputError
from ..pictures.limits import Limits
from ..pictures.listing import Picture
from .parts import ResultFolder
from .pictures import StoredPicture
from .storage import Folder

_CONNECTIONS = 8
_AHEAD = 48  # pictures on the disk at a time


@dataclass(frozen=True)
class StoredJob:
    """What every worker is told. files: contents of model and labels by field of the settings."""

    results: ResultFolder
    settings: WorkerSettings
    files: dict[str, bytes]


def answer_part(row: dict[str, Any], job: StoredJob) -> dict[str, Any]:
    """Answer a part in a Ray worker: {"block": name} -> {"block": name, "fault": reason or ""}."""
    try:
        with tempfile.TemporaryDirectory(prefix="touchstone-") as name:
            folder = Path(name)
            requests = job.results.read_requests(row["block"])
            answered = list(_answer(requests, unpack(job.settings, job.files, folder), folder))
        job.results.write_part(row["block"], answered)
    except InputError as fault:
        return {"block": row["block"], "fault": f"{socket.gethostname()}: {fault}"}
    return {"block": row["block"], "fault": ""}


def _answer(pictures: list[StoredPicture], settings: WorkerSettings, folder: Path) -> Iterator[Answered]:
    """Yield every picture with its answer, or with the reason why it has none."""
    missing: list[Answered] = []
    with ThreadPoolExecutor(_CONNECTIONS) as pool:
        fetched = _fetch_all(pictures, settings.limits, folder, pool)
        for request, answer in answer_all(_readable(fetched, missing), settings):
            request.picture.path.unlink(missing_ok=True)
            yield request, answer
    yield from missing


def _readable(fetched: Iterator[Answered], missing: list[Answered]) -> Iterator[Request]:
    """Yield the requests whose pictures were fetched; note the others, each with its reason."""
    for request, reason in fetched:
        if reason:
            missing.append((request, reason))
        else:
            yield request


def _fetch_all(
    pictures: list[StoredPicture], limits: Limits, folder: Path, pool: ThreadPoolExecutor
) -> Iterator[tuple[Request, str]]:
    """Yield requests in their order, some of them fetched ahead."""
    waiting: deque[tuple[Request, Future[str]]] = deque()
    for number, stored in enumerate(pictures):
        path = folder / f"{number}"
        waiting.append((Request(Picture(stored.key, path)), pool.submit(_fetch, stored, limits, path)))
        if len(waiting) >= _AHEAD:
            request, reason = waiting.popleft()
            yield request, reason.result()
    for request, reason in waiting:
        yield request, reason.result()


def _fetch(stored: StoredPicture, limits: Limits, path: Path) -> str:
    """Copy a picture to this machine; return the reason why it can't be read, which costs itself alone."""
    folder = Folder(stored.folder)
    try:
        found = folder.find(stored.name)
        if found is None:
            return "cannot be read: No such file or directory."
        if found.size > limits.bytes:
            return f"is too large: more than {limits.bytes:,} bytes. Reduce it or allow more (--max-megabytes)."
        path.write_bytes(folder.read(stored.name))
    except FileNotFoundError:
        return "cannot be read: No such file or directory."
    except InputError as fault:
        if "ACCESS_DENIED" not in str(fault):
            raise  # the storage, not the picture: the part is done again
        return "cannot be read: Permission denied."
    return ""
