"""What the writers of drawn pictures share: a folder that belongs to one seed, and drawing in processes."""

import json
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

import cv2

from inference.atomic_file import write_atomically
from inference.errors import InputError

Item = TypeVar("Item")
Result = TypeVar("Result")


def claim_folder(note: Path, kind: str, seed: int, edition: int) -> None:
    """Write into the folder's note which pictures it holds, or refuse a folder that holds others.

    Raises:
        InputError: the note says another seed or edition; the data set would mix pictures of two.
    """
    wanted = {"seed": seed, "edition": edition}
    if not note.exists():
        write_atomically(note, json.dumps(wanted) + "\n")
        return
    found = json.loads(note.read_text())
    if found != wanted:
        raise InputError(
            f"{note.parent} holds {kind} of {found}. Received: {wanted}. Name another folder or remove this one."
        )


def map_in_processes(
    write: Callable[[Item], Result], items: Sequence[Item], workers: int | None, items_per_process: int
) -> list[Result]:
    """Return write(item) of every item, in order.

    Args:
        workers: processes; by default one per core, but no more than the number of items is worth.
        items_per_process: how many items take as long as starting a process.
    """
    workers = workers or min(os.cpu_count() or 1, len(items) // items_per_process)
    if workers < 2:
        return [write(item) for item in items]
    # Two threads are slower than one: drawing is many short calls that keep the interpreter's lock.
    # Spawned, because a fork of a process that has loaded TensorFlow may hang.
    with ProcessPoolExecutor(workers, get_context("spawn"), cv2.setNumThreads, (1,)) as pool:
        return list(pool.map(write, items, chunksize=8))
