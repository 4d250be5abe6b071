"""How a process that decodes picture after picture keeps the memory between them."""

import contextlib
import ctypes

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # mallopt(3)
_LARGEST_KEPT_BLOCK = 32 * 2**20  # the most that glibc allows
_MOST_KEPT = 128 * 2**20


def keep_memory() -> None:
    """Tell glibc not to give a picture's memory back to the system; does nothing with another C library.

    Else each picture's pages are given back and faulted in anew, which took a quarter of the time of decoding
    (docs/experiments.csv). For worker processes, not for programs of others: up to 128 MiB stay with each thread.
    """
    with contextlib.suppress(AttributeError, OSError, TypeError):  # musl and macOS lack mallopt, Windows such a library
        library = ctypes.CDLL(None)
        library.mallopt(_M_MMAP_THRESHOLD, _LARGEST_KEPT_BLOCK)
        library.mallopt(_M_TRIM_THRESHOLD, _MOST_KEPT)
