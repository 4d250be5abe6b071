"""Shared by the writers of drawn pictures: folders of one seed, and drawing in processes."""

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
from pipeline.progress import track

Item = TypeVar("Item")
Result = TypeVar("Result")


def claim_folder(note: Path, kind: str, seed: int, edition: int) -> None:
    """Write which pictures a folder holds into its note, or refuse a folder with other pictures.

    Raises:
        InputError: the note has another seed or edition.
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
    """Return write(item) for every item, in order.

    Args:
        workers: number of processes; by default one per core, but fewer for few items.
        items_per_process: number of items that take as long as starting a process.
    """
    workers = workers or min(os.cpu_count() or 1, len(items) // items_per_process)
    if workers < 2:
        return [write(item) for item in track(items, len(items), "pictures drawn")]
    # Two threads are slower than one: drawing consists of many short calls that hold the interpreter lock.
    # Spawned, because a fork of a process that has loaded TensorFlow may hang.
    with ProcessPoolExecutor(workers, get_context("spawn"), cv2.setNumThreads, (1,)) as pool:
        return list(track(pool.map(write, items, chunksize=8), len(items), "pictures drawn"))
