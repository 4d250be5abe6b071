"""Progress of long work on standard error: nothing for a few seconds, then as inference.batch.progress shows it."""

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from inference.batch.progress import count as count  # stages take all progress from here
from inference.batch.progress import duration
from inference.batch.progress import track as track

_TICK_SECONDS = 10.0

Item = TypeVar("Item")
Result = TypeVar("Result")


def map_in_threads(function: Callable[[Item], Result], items: Sequence[Item], unit: str) -> list[Result]:
    """Apply a function to each item in threads, and show how many are done; Pillow decodes and encodes in parallel."""
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        return list(track(pool.map(function, items), len(items), unit))


@contextmanager
def ticking(what: str, descriptor: int | None = None) -> Iterator[None]:
    """Say every ten seconds that work which can't be counted still goes on: "converting, 0:20".

    descriptor: of the file to write to; None: standard error as it is.
    """
    done, begun = threading.Event(), time.monotonic()

    def tell() -> None:
        while not done.wait(_TICK_SECONDS):
            line = f"{what}, {duration(time.monotonic() - begun)}\n"
            if descriptor is None:
                print(line, end="", file=sys.stderr, flush=True)
            else:
                os.write(descriptor, line.encode())

    teller = threading.Thread(target=tell, daemon=True)
    teller.start()
    try:
        yield
    finally:
        done.set()
        teller.join()
