"""A seed and names -> an independent random generator, so that no draw depends on earlier draws."""

import hashlib

import numpy as np


def make_seed(seed: int, *names: object) -> int:
    """Return a number below 2**128 that depends only on its arguments, the same on every machine."""
    digest = hashlib.sha256(":".join(map(str, (seed, *names))).encode("utf-8", "surrogateescape")).digest()
    return int.from_bytes(digest[:16], "big")


def make_generator(seed: int, *names: object) -> np.random.Generator:
    """Return a random generator that depends only on its arguments, the same on every machine."""
    return np.random.default_rng(make_seed(seed, *names))
