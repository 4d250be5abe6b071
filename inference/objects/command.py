"""One call of the runner on pictures in storage: listing -> parts on the machines of a Ray cluster -> manifest."""

import argparse
import functools
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..batch.batch import worker_settings
from ..batch.pool import answer_all
from ..batch.progress import BatchProgress
from ..batch.ray_cluster import joined_cluster, require_ray
from ..batch.ray_engine import do_blocks
from ..batch.shard_job import read_files, settings_digest
from ..errors import InputError
from ..program import requirements
from ..version import VERSION
from .job import StoredJob, answer_part
from .parts import FORMATS, MANIFEST, ResultFolder, write_all_requests
from .pictures import list_stored
from .storage import Folder, is_uri

_REFUSED = ("boxes", "errors", "preview", "masks", "scores", "show")


def classify_stored(options: argparse.Namespace) -> int:
    """Classify pictures in storage into a folder of parts; return the exit code.

    Raises:
        InputError: wrong usage, or the storage or Ray can't be used.
    """
    _check(options)
    require_ray("--engine ray", requirements("ray"))
    settings = worker_settings(options)
    list(answer_all([], settings))  # a model that can't be used is refused before anything is started
    files = read_files(settings)
    digest = settings_digest(settings, files)
    out = Folder(options.out.rstrip("/") if is_uri(options.out) else str(Path(options.out).absolute()))
    results = ResultFolder(out, digest, options.format or "jsonl")
    _check_out(results, options)
    counts = write_all_requests(results, list_stored(options.images))
    with BatchProgress(sum(counts.values()), options.quiet) as progress:
        _answer(counts, StoredJob(results, settings, files), options.workers, progress)
        return _finish(results, list(counts), digest, progress)


def _answer(counts: dict[str, int], job: StoredJob, workers: int | None, progress: BatchProgress) -> None:
    """Answer the parts that are not whole."""
    whole = job.results.done()
    progress.advance(sum(count for name, count in counts.items() if name in whole))
    if missing := [name for name in counts if name not in whole]:
        with joined_cluster(workers=workers):
            for name in do_blocks(functools.partial(answer_part, job=job), missing, workers):
                progress.advance(counts[name])


def _finish(results: ResultFolder, names: list[str], digest: str, progress: BatchProgress) -> int:
    parts = [results.read_part(name) for name in names]
    pictures, errors = sum(part.pictures for part in parts), sum(part.errors for part in parts)
    manifest: dict[str, Any] = {
        "format": results.format,
        "version": VERSION,
        "settings": digest,
        "pictures": pictures,
        "errors": errors,
        "parts": [asdict(part) for part in parts],
    }
    results.finish(manifest)
    where = f"{results.out.uri}/{MANIFEST}"
    progress.say(f"classified {pictures - errors} of {pictures} pictures; results: {where}")
    return 1 if errors else 0


def _check(options: argparse.Namespace) -> None:
    """Refuse options that have no meaning with storage."""
    if options.engine != "ray":
        raise InputError("URIs and --format parquet need --engine ray. Copy the pictures here, or add it.")
    if options.out is None:
        raise InputError("--engine ray writes a folder of results here. Give its URI, or path, to --out.")
    if given := [f"--{name}" for name in _REFUSED if getattr(options, name, None)]:
        raise InputError(f"{', '.join(given)}: not with pictures in storage. Leave it out, or copy them here.")
    if options.format not in (None, *FORMATS):
        raise InputError(f"--format must be jsonl or parquet with storage. Received: {options.format}.")


def _check_out(results: ResultFolder, options: argparse.Namespace) -> None:
    """Refuse to replace results, or to mix those of two runs."""
    left = bool(results.work.names())
    if left and options.resume:
        return  # even where there is a manifest: the run may have been killed behind it
    if options.overwrite:
        results.work.remove_all()
    elif MANIFEST in results.out.names():
        raise InputError(
            f"{results.out.uri}: holds results already. Give another --out, or --overwrite to replace them."
        )
    elif left:
        raise InputError(f"{results.work.uri}: was left by a run that did not end. Go on with it by --resume.")
