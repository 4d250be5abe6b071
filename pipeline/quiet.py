"""TensorFlow's start: its environment, and its messages and its converter's hidden, but shown on failure."""

import contextlib
import os
import platform
import sys
import tempfile
from collections.abc import Iterator

from pipeline.progress import ticking

_TAIL_BYTES = 4000
_X86 = ("x86_64", "AMD64")


@contextlib.contextmanager
def captured_output(what: str = "working") -> Iterator[None]:
    """Capture standard output and error of Python and C++; print the end of it if the block raises.

    what: the work in the block, which is named on the real standard error every ten seconds.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    saved = os.dup(1), os.dup(2)
    with tempfile.TemporaryFile() as sink:
        os.dup2(sink.fileno(), 1)
        os.dup2(sink.fileno(), 2)
        try:
            with ticking(what, saved[1]):
                yield
        except BaseException:
            _restore(saved)
            sink.seek(max(sink.seek(0, os.SEEK_END) - _TAIL_BYTES, 0))
            sys.stderr.write(sink.read().decode(errors="replace"))
            raise
        else:
            _restore(saved)


def set_environment() -> None:
    """Set the variables that TensorFlow reads when it is imported, unless the user has set them.

    Its oneDNN operators are off by default on x86 processors without AVX-512, although a training step takes about a
    quarter less time with them there (benchmarks/training_step.py).
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # hides TensorFlow's start-up messages
    if platform.machine() in _X86:
        os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")


def load_tensorflow() -> None:
    """Import TensorFlow and initialise its devices without messages about processors, drivers and retracing."""
    set_environment()
    with captured_output("loading TensorFlow"):
        import tensorflow as tf

        tf.config.list_logical_devices()
    tf.get_logger().setLevel("ERROR")


def _restore(saved: tuple[int, int]) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    for target, copy in zip((1, 2), saved, strict=True):
        os.dup2(copy, target)
        os.close(copy)
