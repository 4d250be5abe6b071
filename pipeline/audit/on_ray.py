"""The audit's numbers by the machines of a Ray cluster: photographs in blocks, by Ray Data.

A block is a file of photographs and a file of their numbers in the audit's folder, which all machines see. A worker
holds one block and the network, whatever the size of the data set.
"""

import functools
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from inference.atomic_file import write_atomically
from inference.errors import InputError
from pipeline.audit.features import Block, Examine, FrozenNetwork, Work, examine_here
from pipeline.audit.network import frozen_network
from pipeline.audit.photos import Box, Photo
from pipeline.cluster import pack_arrays, pipeline_cluster, unpack_arrays
from pipeline.quiet import load_tensorflow
from pipeline.settings.recipe import Overrides

_PHOTOGRAPHS = 128  # of a block; whole batches of examine_here, so that the network sees the batches of one process
_REQUEST, _NUMBERS = ".photos", ".numbers"


@dataclass(frozen=True)
class _Job:
    """What every worker is told. work: without photographs; folder: of the blocks; home: paths are relative to it."""

    work: Work
    overrides: Overrides
    folder: Path
    home: str


def examine_on_ray(overrides: Overrides) -> Examine:
    """Return what computes the audit's numbers on a cluster, with the network of these settings."""

    def examine(work: Work) -> Iterator[Block]:
        folder = work.store.absolute() / "blocks"
        done: set[int] = set()
        for path in sorted(folder.glob(f"*{_NUMBERS}")):  # of a killed audit
            block = _read_numbers(path)
            done.update(block.positions.tolist())
            yield block
        shutil.rmtree(folder, ignore_errors=True)
        rest = work.keep([place for place, position in enumerate(work.positions) if position not in done])
        if rest.positions:
            yield from _compute(rest, overrides, folder)
        shutil.rmtree(folder, ignore_errors=True)

    return examine


def _compute(work: Work, overrides: Overrides, folder: Path) -> Iterator[Block]:
    """Yield the numbers of all photographs of the work, by blocks as they are done."""
    from inference.batch.ray_engine import do_blocks

    names = _write_requests(work, folder)
    bare = replace(work.data, refused=(), outside=(), notes=())
    job = _Job(replace(work, data=bare).keep([]), overrides, folder, str(Path.cwd()))
    with pipeline_cluster("ray.data"):
        for name in do_blocks(functools.partial(_examine_block, job=job), names, remedy="The same command goes on."):
            path = folder / f"{name}{_NUMBERS}"
            yield _read_numbers(path)
            path.unlink()


def _write_requests(work: Work, folder: Path) -> list[str]:
    """Write the photographs of each block; return the names of the blocks."""
    names = []
    for part in work.parts(_PHOTOGRAPHS):
        names.append(f"{part.positions[0]:07}")
        request = [part.positions, [asdict(photo) for photo in part.data.photos]]
        write_atomically(folder / f"{names[-1]}{_REQUEST}", json.dumps(request))
    return names


def _read_request(path: Path, work: Work) -> Work:
    """Return the work with the photographs of a block."""
    positions, rows = json.loads(path.read_text())
    photos = tuple(Photo(**{**row, "boxes": tuple(Box(**box) for box in row["boxes"])}) for row in rows)
    return replace(work, data=replace(work.data, photos=photos), positions=tuple(positions))


def _examine_block(row: dict[str, Any], job: _Job) -> dict[str, Any]:
    """Write the numbers of a block, in a worker of Ray's; return its name and the reason why it failed, or ""."""
    os.chdir(job.home)
    work = _read_request(job.folder / f"{row['block']}{_REQUEST}", job.work)
    try:
        batches = list(examine_here(work, _network(job.overrides), threads=1))
    except InputError as fault:
        return {"block": row["block"], "fault": str(fault)}
    write_atomically(job.folder / f"{row['block']}{_NUMBERS}", pack_arrays(_joined(batches)))
    return {"block": row["block"], "fault": ""}


def _joined(batches: list[Block]) -> dict[str, np.ndarray]:
    """Return the numbers of batches as arrays by name; faults as the bytes of JSON."""
    names = [one.name for one in fields(Block) if one.name != "faults"]
    faults = {position: reason for batch in batches for position, reason in batch.faults.items()}
    arrays = {name: np.concatenate([getattr(batch, name) for batch in batches]) for name in names}
    return {**arrays, "faults": np.frombuffer(json.dumps(faults).encode(), np.uint8)}


def _read_numbers(path: Path) -> Block:
    arrays = unpack_arrays(path.read_bytes())
    faults = json.loads(arrays.pop("faults").tobytes())
    return Block(**arrays, faults={int(position): reason for position, reason in faults.items()})


@functools.lru_cache(maxsize=1)
def _network(overrides: Overrides) -> FrozenNetwork:
    load_tensorflow()
    return frozen_network(overrides)
