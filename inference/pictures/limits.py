"""How much one picture may cost before it is refused, so that no file can stop a batch or a server."""

import argparse
from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Most pixels after decoding, most bytes of the encoded file, most seconds from reading to answer."""

    pixels: int = 120_000_000  # the largest phone cameras make 108 million; a decompression bomb far more
    bytes: int = 512 * 2**20  # an uncompressed 16-bit picture of that many pixels is larger still, photographs are not
    seconds: float = 30.0


DEFAULT_LIMITS = Limits()
NO_MEMORY = "needs more memory than there is. Reduce it, or free some memory."


def limits_of(options: argparse.Namespace) -> Limits:
    """Return what the options of a command allow one picture to cost, in units of 10^6 pixels and 2^20 bytes."""
    seconds = getattr(options, "time_limit", DEFAULT_LIMITS.seconds)
    return Limits(round(options.max_megapixels * 1e6), round(options.max_megabytes * 2**20), seconds)
