"""Long tasks of the pipeline on the machines of a Ray cluster, which see the same folders under the same paths."""

import io
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from inference.batch.ray_cluster import joined_cluster, require_ray
from inference.errors import InputError

REQUIREMENTS = "-r requirements-ray.txt"
_ROOT = Path(__file__).parents[1]
_CODE = tuple(_ROOT / name for name in ("export", "inference", "models", "pipeline"))
_LOST_WORKERS = 10  # of one task; each time it goes on where it was

Item = TypeVar("Item")


@contextmanager
def pipeline_cluster(module: str = "ray") -> Iterator[None]:
    """Join the cluster that RAY_ADDRESS names, or start Ray on this machine.

    module: the part of Ray that is needed.

    Raises:
        InputError: Ray is not installed, or the cluster can't be used.
    """
    check_engine("ray", module)
    with joined_cluster(code=_CODE, environment=_threads()):
        yield


def check_engine(engine: str, module: str = "ray") -> None:
    """Raise InputError if the engine is "ray" and a part of Ray is not installed; before any work."""
    if engine == "ray":
        require_ray("--engine ray", REQUIREMENTS, module)


def do_on_cluster(task: Callable[[Item], None], items: Sequence[Item]) -> Iterator[Item]:
    """Do a task for each item, each on a CPU of the joined cluster; yield the items as they are done.

    A task whose worker or machine is lost is begun again elsewhere: it must go on with what its files hold.

    Raises:
        InputError: as the task, or Ray gave up.
    """
    import ray

    do: Any = ray.remote(num_cpus=1, max_retries=_LOST_WORKERS)(_do)
    waiting = {do.remote(task, item, str(Path.cwd())): item for item in items}
    try:
        while waiting:
            (done,), _ = ray.wait(list(waiting), num_returns=1)
            if fault := ray.get(done):
                raise InputError(fault)
            yield waiting.pop(done)
    except ray.exceptions.RayTaskError:
        raise  # a fault of the program: with its traceback
    except ray.exceptions.RayError as fault:
        reason = str(fault).partition("\n")[0]
        raise InputError(f"Ray gave up: {reason} Go on with: python -m pipeline resume.") from fault


def pack_arrays(arrays: dict[str, np.ndarray]) -> bytes:
    """Return arrays as the bytes of a file."""
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()


def unpack_arrays(data: bytes) -> dict[str, np.ndarray]:
    """Return the arrays of pack_arrays."""
    with np.load(io.BytesIO(data)) as stored:
        return {name: stored[name] for name in stored.files}


def _do(task: Callable[[Item], None], item: Item, folder: str) -> str:
    """Do a task in the driver's folder; return the reason why it can't be done, as Ray would hide it in a traceback."""
    os.chdir(folder)
    try:
        task(item)
    except InputError as fault:
        return str(fault)
    return ""


def _threads() -> dict[str, str]:
    """Return this process's threads and operators: others give other last digits, and Ray would set one thread."""
    names = ("OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "TF_ENABLE_ONEDNN_OPTS")
    given = {name: os.environ[name] for name in names if name in os.environ}
    return {"OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", str(os.cpu_count() or 1)), **given}
