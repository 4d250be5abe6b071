"""A Ray cluster: joined where one is named, otherwise started on this machine; imported only with --engine ray."""

import contextlib
import importlib
import logging
import os
import socket
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import InputError

_OBJECT_STORE_BYTES = 2**28  # of a Ray that is started here: it carries the model and names of blocks
_CONNECT_SECONDS = 5.0
_CODE = Path(__file__).parents[1]  # the package `inference`


def require_ray(option: str, requirements: str, module: str = "ray.data") -> None:
    """Import a part of Ray.

    Raises:
        InputError: it is not installed; names the option that needs it, and the command that installs it.
    """
    os.environ.setdefault("RAY_DEDUP_LOGS_SKIP_REGEX", ".")  # read at import: no word of lost workers on stdout
    try:
        importlib.import_module(module)
    except ImportError as fault:
        raise InputError(f"{option} needs Ray. Install it: python -m pip install {requirements}") from fault


@contextlib.contextmanager
def joined_cluster(
    address: str | None = None,
    workers: int | None = None,
    code: Sequence[Path] = (_CODE,),
    environment: Mapping[str, str] | None = None,
) -> Iterator[None]:
    """Join a cluster or start one; end what was started here, and nothing else.

    address: as ray.init takes it; default: RAY_ADDRESS, else a Ray is started on this machine. One that is initialised
        already is used.
    workers: CPUs of a Ray that is started here; default: all.
    code: the packages that are sent to all machines.
    environment: variables of all workers.

    Raises:
        InputError: the cluster can't be reached or used.
    """
    import ray

    if ray.is_initialized():
        yield
        return
    address = address or os.environ.get("RAY_ADDRESS") or "local"
    options = {"log_to_driver": False, "logging_level": logging.ERROR, **_start_options(address, workers)}
    runtime = {"py_modules": [str(package) for package in code], "env_vars": dict(environment or {})}
    try:
        _check_reachable(address)
        ray.init(address, runtime_env=runtime, **options)
    except (OSError, RuntimeError, ValueError) as fault:  # RuntimeError: other versions of Python or Ray
        raise InputError(f"Ray at {address!r} cannot be used: {fault}. Check RAY_ADDRESS and that Ray runs.") from fault
    try:
        yield
    finally:
        ray.shutdown()


def _check_reachable(address: str) -> None:
    """Raise an OSError where nothing listens at "host:port": Ray itself would try for minutes."""
    host, colon, port = address.rpartition(":")
    if colon and port.isdecimal():
        socket.create_connection((host.removeprefix("ray://"), int(port)), _CONNECT_SECONDS).close()


def _start_options(address: str, workers: int | None) -> dict[str, Any]:
    """Return how large a Ray to start here."""
    if address != "local":
        return {}
    cpus = workers or os.cpu_count() or 1
    return {"num_cpus": cpus, "include_dashboard": False, "object_store_memory": _OBJECT_STORE_BYTES}


@contextlib.contextmanager
def quiet_data() -> Iterator[None]:
    """Keep Ray Data's messages from the terminal; they stay in Ray's log files."""
    from ray.data import DataContext

    for handler in logging.getLogger("ray.data").handlers:
        if isinstance(handler, logging.StreamHandler):
            handler.setLevel(logging.CRITICAL)
    context = DataContext.get_current()
    before = context.enable_progress_bars
    context.enable_progress_bars = False
    yield
    context.enable_progress_bars = before
