"""One block of a shard folder -> its answers, on the machine that gets the block."""

import dataclasses
import hashlib
import json
import socket
import tempfile
from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError
from .pool import answer_all
from .shards import ShardFolder
from .worker import Request, WorkerSettings


@dataclass(frozen=True)
class Job:
    """What every Ray worker is told; Ray sends it to each machine once.

    files: contents of the model, and of the labels where given, by field of the settings: other machines may not
        have them.
    folder: the driver's folder, to which the paths of the pictures are relative.
    """

    shards: ShardFolder
    settings: WorkerSettings
    files: dict[str, bytes]
    folder: Path


def make_job(settings: WorkerSettings, shards: Path) -> Job:
    """Return the job of answering into a folder, with the contents of the files that the settings name.

    Raises:
        InputError: a file can't be read.
    """
    files = read_files(settings)
    return Job(ShardFolder(shards, settings_digest(settings, files)), settings, files, Path.cwd())


def read_files(settings: WorkerSettings) -> dict[str, bytes]:
    """Return the contents of the files that the settings name, by field.

    Raises:
        InputError: a file can't be read.
    """
    named = {"model": settings.model, "labels": settings.labels}
    return {field: _read(path) for field, path in named.items() if path is not None}


def settings_digest(settings: WorkerSettings, files: dict[str, bytes]) -> str:
    """Return a digest of all that answers depend on but for the pictures."""
    depends_on = {field: hashlib.sha256(data).hexdigest() for field, data in sorted(files.items())}
    rest = [settings.threshold, settings.options.top, settings.scaling]
    return hashlib.sha256(json.dumps([depends_on, rest]).encode()).hexdigest()[:16]


def answer_block(row: dict[str, str], job: Job) -> dict[str, str]:
    """Answer one block in a Ray worker and write its shard: {"block": name} -> {"block": name, "fault": reason or ""}.

    Reasons go back as a value, because Ray wraps an exception in its own, with its own traceback.
    """
    try:
        requests = [_locate(request, job.folder) for request in job.shards.read_requests(row["block"])]
        with tempfile.TemporaryDirectory(prefix="touchstone-") as folder:
            answered = list(answer_all(requests, unpack(job.settings, job.files, Path(folder))))
        job.shards.write_answers(row["block"], answered)
    except InputError as fault:
        return {"block": row["block"], "fault": f"{socket.gethostname()}: {fault}"}
    return {"block": row["block"], "fault": ""}


def unpack(settings: WorkerSettings, files: dict[str, bytes], folder: Path) -> WorkerSettings:
    """Write the files of a job into a folder; return settings that name them."""
    for field, content in files.items():
        (folder / field).write_bytes(content)
    labels = folder / "labels" if "labels" in files else None
    return dataclasses.replace(settings, model=folder / "model", labels=labels)


def _locate(request: Request, folder: Path) -> Request:
    """Return the request with its path as seen from any folder."""
    return dataclasses.replace(
        request, picture=dataclasses.replace(request.picture, path=folder / request.picture.path)
    )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as fault:
        raise InputError(f"{path}: cannot be read: {fault.strerror or fault}. Check the path.") from fault
