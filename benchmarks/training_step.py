"""Time a training step of the project's networks with and without oneDNN and the fused batch normalisation.

    python -m benchmarks.training_step [--threads 2] [--steps 10] [--repeats 3]

A step is forward, backward and the optimizer's update of one batch of random pixels in float32, as a fit takes it,
without the input pipeline. oneDNN is chosen when TensorFlow is imported, so each measurement is a process of its own;
the four ways take turns, so that other load affects all equally. Printed: medians in milliseconds, and each way's time
as a share of the first's.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time

NETWORKS = {"patch_net": (128, 32), "patch_net_32": (32, 128)}  # side in pixels, pictures in a batch
WAYS = {
    "neither": ("0", False),
    "fused normalisation": ("0", True),
    "oneDNN": ("1", False),
    "both": ("1", True),
}
WARM_UP_STEPS = 3


def main(arguments: list[str]) -> int:
    """Print a table; return the exit code."""
    options = _make_parser().parse_args(arguments)
    if options.measure:
        network, way = options.measure
        print(json.dumps(measure(network, WAYS[way][1], options.steps, options.threads)))
        return 0
    print(f"{'network':14} {'way':20} {'ms':>8} {'share':>6}")
    for network in NETWORKS:
        times: dict[str, list[float]] = {way: [] for way in WAYS}
        for _ in range(options.repeats):
            for way in WAYS:
                times[way].append(_in_a_process(network, way, options))
        first = statistics.median(times["neither"])
        for way, measured in times.items():
            middle = statistics.median(measured)
            print(f"{network:14} {way:20} {middle:8.0f} {middle / first:6.2f}", flush=True)
    return 0


def measure(name: str, fused: bool, steps: int, threads: int) -> float:
    """Return the milliseconds of a training step of a network with random weights."""
    import keras
    import numpy as np
    import tensorflow as tf

    from models.build import build_network
    from pipeline.training.fused_normalization import use_fused_normalization

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    side, batch = NETWORKS[name]
    network = build_network(name, "normalised", side, outputs=8, dropout=0.2)
    if fused:
        use_fused_normalization(network)
    network.compile(keras.optimizers.AdamW(), keras.losses.CategoricalCrossentropy(from_logits=True))
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (batch, side, side, 3)).astype(np.float32)
    labels = np.eye(8, dtype=np.float32)[random.integers(0, 8, batch)]
    for _ in range(WARM_UP_STEPS):
        network.train_on_batch(pixels, labels)
    begun = time.perf_counter()
    for _ in range(steps):
        network.train_on_batch(pixels, labels)
    return (time.perf_counter() - begun) / steps * 1000


def _in_a_process(network: str, way: str, options: argparse.Namespace) -> float:
    command = [sys.executable, "-m", "benchmarks.training_step", "--measure", network, way]
    command += ["--steps", str(options.steps), "--threads", str(options.threads)]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "TF_ENABLE_ONEDNN_OPTS": WAYS[way][0]}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
    return float(json.loads(done.stdout))


def _make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Time training steps; see the head of benchmarks/training_step.py.")
    parser.add_argument("--threads", type=int, default=2, help="of TensorFlow's operators (default: 2)")
    parser.add_argument("--steps", type=int, default=10, help="in a measurement (default: 10)")
    parser.add_argument("--repeats", type=int, default=3, help="of all measurements (default: 3)")
    parser.add_argument("--measure", nargs=2, metavar=("NETWORK", "WAY"), help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
