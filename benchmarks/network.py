"""Compare the cost of networks: patch_net, variants of its block table, and MobileNetV3.

    python -m benchmarks.network [--side 96] [--threads 2] [--steps 10] [--repeats 5] [--only NAME ...] [--json OUT]

All have random weights, the same input, the same outputs and the recipe's classifier head: the trunks of
keras.applications are used as in a recipe, without the 1280-channel layer of their published ImageNet head. Training is
a full step on one batch (forward, backward, AdamW, float32) with the same threads for all; latency is measured on one
thread with the runner's TfliteModel. The networks are interleaved in every repeat, so that other load on the machine
affects all equally; figures are medians. Accuracies: docs/experiments.csv.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.quiet import captured_output, load_tensorflow

BATCH = 32
OUTPUTS = 8  # seven minerals and background
DROPOUT = 0.2
REFERENCE = "mobilenet_v3_large"
PEERS = ("mobilenet_v3_small", REFERENCE, "mobilenet_v3_large_minimalistic")
MODES = ("float32", "int8")
CALIBRATION_PICTURES = 16
WARM_UP_STEPS = 3
PICTURES_A_TURN = 30  # single pictures per .tflite and repeat
WARM_UP_PICTURES = 5

Trunk = Callable[[Any], Any]
Measured = dict[str, Any]


@dataclass(frozen=True)
class Settings:
    """The size of the measurement: side in pixels, training steps per repeat, repeats of both measurements."""

    side: int
    steps: int
    repeats: int


def main(arguments: list[str]) -> int:
    """Print one line per network; return the exit code."""
    options = _make_parser().parse_args(arguments)
    _start_tensorflow(options.threads)
    trunks = candidate_trunks()
    unknown = sorted(set(options.only) - set(trunks))
    if unknown:
        print(f"Error: unknown networks: {', '.join(unknown)}. Known: {', '.join(trunks)}.", file=sys.stderr)
        return 2
    chosen = {name: trunk for name, trunk in trunks.items() if name in options.only or not options.only}
    settings = Settings(options.side, options.steps, options.repeats)
    report = _describe(options.threads, settings) | {"networks": add_ratios(compare(chosen, settings))}
    print("\n".join(table(report)))
    if options.json:
        from pipeline.settings.run_folder import write_json

        write_json(options.json, report)
    return 0


def candidate_trunks() -> dict[str, Trunk]:
    """Return every network by name: a function from pixels to the feature map."""
    from models.backbones import BACKBONES
    from models.patch_net import patch_net

    ours = {name: lambda pixels, rows=rows: patch_net(pixels, rows=rows) for name, rows in block_tables().items()}
    return ours | {name: BACKBONES[name] for name in PEERS}


def block_tables() -> dict[str, tuple[Any, ...]]:
    """Return patch_net's block table and variants with one change each; stem and last layer are the same."""
    from models.patch_net import PATCH_NET_ROWS as ROWS

    def each(change: Callable[[Any], Any]) -> tuple[Any, ...]:
        return tuple(change(row) for row in ROWS)

    last_stride = max(place for place, row in enumerate(ROWS) if row.stride == 2)
    first_small = next(place for place, row in enumerate(ROWS) if row.kind == "inverted" and row.kernel == 3)
    return {
        "patch_net": ROWS,
        "all depthwise": each(lambda row: replace(row, kind="inverted")),
        "expansion - 1": each(lambda row: replace(row, expansion=max(row.expansion - 1, 1))),
        "expansion + 1": each(lambda row: replace(row, expansion=row.expansion + 1)),
        "width x 0.5": each(lambda row: replace(row, filters=scaled_filters(row.filters, 0.5))),
        "width x 1.5": each(lambda row: replace(row, filters=scaled_filters(row.filters, 1.5))),
        "all 3x3": each(lambda row: replace(row, kernel=3)),
        "one more 5x5": tuple(replace(row, kernel=5) if n == first_small else row for n, row in enumerate(ROWS)),
        "one stage less": ROWS[:last_stride],
    }


def scaled_filters(filters: int, width: float) -> int:
    """Scale a number of channels to a multiple of 8, as MobileNet does: 112 x 0.5 = 56, 112 x 0.7 = 80."""
    return max(8, int(filters * width / 8 + 0.5) * 8)


def compare(trunks: dict[str, Trunk], settings: Settings) -> dict[str, Measured]:
    """Return the figures of each network."""
    from models.build import count_macs

    networks = {name: _build(trunk, settings.side) for name, trunk in trunks.items()}
    flatbuffers = {name: _convert(name, network) for name, network in networks.items()}
    speeds = _measure_training(networks, settings)
    latencies = _measure_latencies(flatbuffers, settings)
    return {
        name: {
            "parameters": network.count_params(),
            "macs": count_macs(network),
            "training_images_per_second": speeds[name],
            "latency_ms": latencies[name],
            "bytes": {mode: len(flatbuffers[name][mode]) for mode in MODES},
        }
        for name, network in networks.items()
    }


def add_ratios(networks: dict[str, Measured]) -> dict[str, Measured]:
    """Return the figures with the speed relative to REFERENCE in training and in int8 added; None without it."""
    reference = networks.get(REFERENCE)
    for figures in networks.values():
        ratios = dict.fromkeys(("training", "int8"))
        if reference:
            training, latency = (
                [one[key] for one in (figures, reference)] for key in ("training_images_per_second", "latency_ms")
            )
            ratios["training"] = training[0]["median"] / training[1]["median"]
            ratios["int8"] = latency[1]["int8"]["median"] / latency[0]["int8"]["median"]
        figures["times_as_fast"] = ratios
    return networks


def table(report: dict[str, Any]) -> list[str]:
    """Return the report for a terminal."""
    heading = ("parameters", "MMACs", "train img/s", "float32 ms", "int8 ms", "int8 kB", "x train", "x int8")
    lines = [
        f"{report['machine']}; {report['threads_training']} threads in training, one in latency; "
        f"input {report['side']} x {report['side']}; x: times as fast as {REFERENCE}",
        f"{'':33}" + "".join(f"{title:>12}" for title in heading),
    ]
    for name, figures in report["networks"].items():
        latency, ratios = figures["latency_ms"], figures["times_as_fast"]
        cells = (
            f"{figures['parameters']:,}",
            f"{figures['macs'] / 1e6:.1f}",
            f"{figures['training_images_per_second']['median']:.1f}",
            *(f"{latency[mode]['median']:.2f}" for mode in MODES),
            f"{figures['bytes']['int8'] / 1e3:,.0f}",
            *("?" if ratio is None else f"{ratio:.2f}" for ratio in ratios.values()),
        )
        lines.append(f"{name:33}" + "".join(f"{cell:>12}" for cell in cells))
    return lines


def _build(trunk: Trunk, side: int) -> Any:
    import keras

    from models.heads import HEADS
    from pipeline.settings.fit import FitSettings
    from pipeline.training.epochs import compile_for_fit

    pixels = keras.Input((side, side, 3), name="pixels")
    network = keras.Model(pixels, HEADS["classifier"](trunk(pixels), OUTPUTS, DROPOUT))
    settings = FitSettings(optimizer="adamw")
    compile_for_fit(network, settings, settings.learning_rate)
    return network


def _convert(name: str, network: Any) -> dict[str, bytes]:
    """Return a network's .tflite by mode; random pictures set the int8 ranges, which do not affect the speed."""
    from export.convert import convert
    from models.build import with_probabilities

    print(f"converting {name} ...", file=sys.stderr, flush=True)
    pictures = _random_pictures(CALIBRATION_PICTURES, network.input_shape[1])
    return {mode: convert(with_probabilities(network, 1.0), mode, pictures) for mode in MODES}


def _measure_training(networks: dict[str, Any], settings: Settings) -> dict[str, Measured]:
    """Return images per second of each network's training."""
    pixels = _random_pictures(BATCH, settings.side).astype(np.float32)
    targets = np.eye(OUTPUTS, dtype=np.float32)[np.arange(BATCH) % OUTPUTS]  # [batch, outputs]

    def train(network: Any, steps: int) -> float:
        start = time.perf_counter()
        for _ in range(steps):
            network.train_on_batch(pixels, targets)  # returns the loss, so every step has ended
        return time.perf_counter() - start

    for name, network in networks.items():
        print(f"warming up {name} ...", file=sys.stderr, flush=True)
        train(network, WARM_UP_STEPS)  # the first compiles
    speeds: dict[str, list[float]] = {name: [] for name in networks}
    for repeat in range(settings.repeats):
        print(f"training, repeat {repeat + 1} of {settings.repeats} ...", file=sys.stderr, flush=True)
        for name, network in networks.items():
            speeds[name].append(BATCH * settings.steps / train(network, settings.steps))
    return {name: _summary(values) for name, values in speeds.items()}


def _measure_latencies(flatbuffers: dict[str, dict[str, bytes]], settings: Settings) -> dict[str, dict[str, Measured]]:
    """Return the milliseconds per picture on one thread, by network and mode."""
    from inference.model.tflite_model import TfliteModel

    pixels = _random_pictures(1, settings.side)[0]
    models = {
        (name, mode): TfliteModel(flatbuffer, name, threads=1)
        for name, modes in flatbuffers.items()
        for mode, flatbuffer in modes.items()
    }
    times: dict[tuple[str, str], list[float]] = {key: [] for key in models}
    for _ in range(settings.repeats):
        for key, model in models.items():
            times[key] += _time_turn(model, pixels)
    return {name: {mode: _summary(times[name, mode]) for mode in MODES} for name in flatbuffers}


def _time_turn(model: Any, pixels: np.ndarray) -> list[float]:
    """Return milliseconds of PICTURES_A_TURN pictures, after some that warm up the caches."""
    times = []
    for _ in range(WARM_UP_PICTURES + PICTURES_A_TURN):
        start = time.perf_counter()
        model.predict(pixels)
        times.append((time.perf_counter() - start) * 1000)
    return times[WARM_UP_PICTURES:]


def _summary(values: list[float]) -> Measured:
    """Return the median, the quartiles and n."""
    low, median, high = (float(value) for value in np.percentile(values, [25, 50, 75]))
    return {"median": median, "quartiles": [low, high], "n": len(values)}


def _random_pictures(count: int, side: int) -> np.ndarray:
    """Return uint8 [count, side, side, 3]."""
    return np.random.default_rng(0).integers(0, 256, (count, side, side, 3), np.uint8)


def _describe(threads: int, settings: Settings) -> dict[str, Any]:
    from pipeline.settings.run_folder import describe_environment

    environment = describe_environment(seed=0)
    return {
        "machine": environment["machine"],
        "packages": environment["packages"],
        "revision": environment["revision"],
        "load_average": list(os.getloadavg()),
        "threads_training": threads,
        "threads_latency": 1,
        "side": settings.side,
        "batch": BATCH,
        "outputs": OUTPUTS,
        "steps_a_repeat": settings.steps,
        "repeats": settings.repeats,
    }


def _start_tensorflow(threads: int) -> None:
    """Limit TensorFlow's threads, which is only possible before it starts."""
    with captured_output("converting"):
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)
    load_tensorflow()


def _make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.network")
    parser.add_argument("--side", type=int, default=96, help="side of the square input in pixels (default: 96)")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1, help="in training (default: all cores)")
    parser.add_argument("--steps", type=int, default=10, help="training steps per repeat (default: 10)")
    parser.add_argument("--repeats", type=int, default=5, help="number of repeats (default: 5)")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="measure these networks only")
    parser.add_argument("--json", type=Path, metavar="OUT", help="write the figures here too")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
