"""The first run of a network without a card, in a process of its own, so that a crash becomes an error message.

The tables of a flatbuffer can be in order and its operators still make LiteRT divide by zero, read outside its memory
or take all of it; a library can't catch that in its own process. `python -m inference.model.probe` is the child.
"""

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from .tflite_model import start_interpreter

SECONDS = 60.0
MEMORY_BYTES = 8 * 2**30  # address space, where the system can limit it
REFUSED = 3  # the child's exit code when LiteRT refuses in good order; its last line says why
_COMMAND = (sys.executable, "-P", "-m", f"{__package__}.probe")  # -P: modules in the working folder stay out


def probe_network(flatbuffer: bytes, name: str = "model", seconds: float = SECONDS) -> None:
    """Load a network in a child process and run it on two pictures.

    Raises:
        InputError: LiteRT refuses it, crashes, or takes longer than that.
    """
    path = [*(entry or str(Path.cwd()) for entry in sys.path), str(Path(__file__).parents[2])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path), "OPENBLAS_NUM_THREADS": "1"}
    try:
        child = subprocess.run(
            _COMMAND, input=flatbuffer, env=environment, capture_output=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired:
        raise InputError(
            f"{name}: LiteRT must load it and run it on two pictures in {seconds:g} seconds, and did not. "
            "Give a smaller network."
        ) from None
    if child.returncode == REFUSED:
        raise InputError(f"{name}: {_last_line(child.stdout)}")
    if child.returncode != 0:
        how = _describe_end(child.returncode, child.stderr)
        raise InputError(f"{name}: crashes LiteRT ({how}). Convert the network again or give another.")


def main() -> int:
    """Read a flatbuffer from standard input and run it; return the exit code."""
    _limit_resources()
    try:
        run_twice(sys.stdin.buffer.read())
    except InputError as fault:
        print(f"\n{fault}".encode("ascii", "backslashreplace").decode())
        return REFUSED
    return 0


def run_twice(flatbuffer: bytes) -> None:
    """Load a network in this process and run it on zeros and on noise.

    Raises:
        InputError: LiteRT refuses it.
    """
    try:
        interpreter = start_interpreter(flatbuffer)
        for seed in (None, 0):
            for entry in interpreter.get_input_details():
                interpreter.set_tensor(entry["index"], _fill(entry, seed))
            interpreter.invoke()
    except (ValueError, RuntimeError, MemoryError) as fault:
        raise InputError(f"LiteRT cannot run it: {' '.join(str(fault).split())}. Convert the network again.") from fault


def _fill(entry: dict[str, Any], seed: int | None) -> np.ndarray:
    if seed is None:
        return np.zeros(entry["shape"], entry["dtype"])
    return np.random.default_rng(seed).integers(0, 256, entry["shape"], np.uint8).astype(entry["dtype"])


def _limit_resources() -> None:
    """Leave no core file, and let a network that wants all memory fail instead of the machine."""
    with contextlib.suppress(ImportError, ValueError, OSError):  # Windows has no such limits, macOS not all
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        _, most = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, most))


def _describe_end(code: int, stderr: bytes) -> str:
    if code < 0:
        with contextlib.suppress(ValueError):
            return f"signal {-code}, {signal.Signals(-code).name}"
        return f"signal {-code}"
    if code > 255:  # how Windows states a crash
        return f"exit code {code:#x}"
    return f"exit code {code}: {_last_line(stderr)}"


def _last_line(output: bytes) -> str:
    lines = output.decode("utf-8", "replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


if __name__ == "__main__":
    sys.exit(main())
