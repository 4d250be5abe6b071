"""Requests -> answers by the machines of a Ray cluster; the same answers as inference.batch.pool gives on one machine.

The requests are written in blocks into a folder that all machines see; Ray Data distributes the names of the blocks,
each task writes the answers of its block beside it, and the driver merges block by block. So neither the driver nor Ray
ever holds a million requests or answers, a machine that can't see the folder is noticed at once, and what is finished
survives a kill of the whole cluster.

A task answers its block by inference.batch.pool, in a child process: a picture that hangs or crashes its decoder costs
itself alone, as on one machine. Inside Ray's own process it would take the worker with it, and Ray would try the block
again for ever. The child starts and loads the model once a block, which costs 0.7 s of a CPU in up to 2000 pictures.
So nothing is kept from block to block, and tasks do where actors would have to be counted beforehand: tasks spread to
machines that join later.
"""

import functools
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..program import requirements
from .pool import Answered, answer_all
from .ray_cluster import joined_cluster, quiet_data, require_ray
from .shard_job import answer_block, make_job
from .shards import BlockWriter, Finished, ShardFolder
from .worker import Request, WorkerSettings


def answer_all_with_ray(
    requests: Iterable[Request],
    settings: WorkerSettings,
    shards: Path,
    address: str | None = None,
    workers: int | None = None,
) -> Iterator[Answered]:
    """Yield each request with its answer, or with the reason why there is none, in the order in which they end.

    The pictures must have one path on all machines, and so must the folder `shards`. What it holds of an earlier run
    with the same model and settings is used and not done again; see inference.batch.shards.remove_shards.

    address: of a running cluster, as ray.init takes it, "auto" for the one of this machine; default: RAY_ADDRESS,
        else a Ray is started on this machine and ended with the last answer. One that is initialised already is used.
    workers: the most tasks at a time, each on one CPU of Ray's; default: as many as there are CPUs.

    Raises:
        InputError: Ray is not installed or not reached, the model can't be used, the folder is not seen by all
            machines, or pictures have got no answer.
    """
    require_ray("--engine ray", requirements("ray"))
    list(answer_all([], settings))  # a model that can't be used is refused before anything is started
    job = make_job(settings, shards.absolute())
    finished, blocks = Finished(job.shards), BlockWriter(job.shards)
    for request in requests:
        if (answer := finished.answer_to(request)) is None:
            blocks.add(request)
        else:
            yield request, answer
    if names := blocks.end():
        with joined_cluster(address, workers):
            yield from merge(job.shards, names, do_blocks(functools.partial(answer_block, job=job), names, workers))


def merge(shards: ShardFolder, names: list[str], done: Iterable[str]) -> Iterator[Answered]:
    """Yield the requests of the named blocks with their answers, a block at a time as it is done, each once.

    Raises:
        InputError: requests have no answer, because a block was never done or lost lines.
    """
    waiting = dict.fromkeys(names)
    missing = 0
    for name in done:
        if name in waiting:
            del waiting[name]
            merged = list(shards.merge(name))
            missing += len(shards.read_requests(name)) - len(merged)
            yield from merged
    missing += sum(len(shards.read_requests(name)) for name in waiting)
    if missing:
        raise InputError(
            f"{missing} pictures have no answer: their shards in {shards.path} are missing or damaged. Is this folder "
            "one and the same on all machines? The same command with --resume does what is missing."
        )


def do_blocks(
    answer: Callable[[dict[str, Any]], dict[str, Any]],
    names: list[str],
    workers: int | None = None,
    remedy: str = "The same command with --resume goes on.",
) -> Iterator[str]:
    """Distribute the blocks over the machines of a joined cluster; yield the name of each that is done.

    answer: does one block, {"block": name} -> {"block": name, "fault": reason or ""}.
    workers: the most tasks at a time; default: as many as there are CPUs.
    remedy: what to do where Ray gave up.

    Raises:
        InputError: a block has a fault, or Ray gave up.
    """
    import ray

    rows = [{"block": name} for name in names]
    with quiet_data():  # one row a Ray block, so that a lost worker costs one block of ours
        blocks = ray.data.from_items(rows, override_num_blocks=len(rows))
        tasks = blocks.map(answer, compute=ray.data.TaskPoolStrategy(size=workers), num_cpus=1)
    try:
        for batch in tasks.iter_batches(batch_size=None, prefetch_batches=0):
            for name, fault in zip(batch["block"], batch["fault"], strict=True):
                if fault:
                    raise InputError(str(fault))
                yield str(name)
    except ray.exceptions.RayTaskError:
        raise  # a fault of the program: with its traceback
    except ray.exceptions.RayError as fault:
        reason = str(fault).partition("\n")[0]
        raise InputError(f"Ray gave up: {reason} {remedy}") from fault
