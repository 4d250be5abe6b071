"""python -m pipeline.evaluation.keras_latency FILE: milliseconds per picture of a Keras model on one thread.

It runs in a separate process, because TensorFlow's number of threads can't be changed after the start.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np

from pipeline.progress import ticking
from pipeline.quiet import captured_output
from pipeline.random_generator import make_generator
from pipeline.report.sections import Latency

_WARM_UP = 20
_REPEATS = 300


def measure_keras_latency(path: Path) -> Latency:
    """Return median and 95th percentile of the milliseconds per picture, compiled to a graph, and n.

    Raises:
        RuntimeError: the process ended with an error.
    """
    command = [sys.executable, "-m", "pipeline.evaluation.keras_latency", str(path.resolve())]
    root = Path(__file__).parents[2]
    with ticking("timing the Keras network"):
        answer = subprocess.run(command, capture_output=True, text=True, cwd=root, check=False)
    if answer.returncode:
        raise RuntimeError(f"{path}: can't be timed: {answer.stderr.strip()[-500:]}")
    return Latency(**json.loads(answer.stdout.splitlines()[-1]))


def time_calls(call: Callable[[], object]) -> Latency:
    """Return median and 95th percentile of the call's milliseconds, after warm-up calls."""
    times = []
    for _ in range(_WARM_UP + _REPEATS):
        start = time.perf_counter()
        call()
        times.append((time.perf_counter() - start) * 1000)
    median, p95 = np.percentile(times[_WARM_UP:], [50, 95])
    return Latency(float(median), float(p95), _REPEATS)


def _measure_here(path: Path) -> Latency:
    with captured_output("timing Keras"):
        import keras
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(1)
        tf.config.set_visible_devices([], "GPU")
        tf.config.list_logical_devices()
    network = keras.models.load_model(path, compile=False)
    side = network.input_shape[1:]
    pixels = tf.constant(make_generator(0, "latency").integers(0, 256, (1, *side)), tf.float32)
    graph = tf.function(lambda x: network(x, training=False), input_signature=[tf.TensorSpec(pixels.shape)])
    return time_calls(lambda: graph(pixels).numpy())


if __name__ == "__main__":
    print(json.dumps(asdict(_measure_here(Path(sys.argv[1])))))
