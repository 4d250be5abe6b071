"""Measure the runner's pictures per second, compared with the floor: only decoding and the network, without the runner.

    python -m benchmarks.runner [--model MODEL] [--pictures 10000] [--out FILE]

Every figure is of the whole command as a user calls it, including start-up, journal and results.json. The gain by a
second worker is compared with the gain of two floors at once, which is the machine's limit. Repetitions are
interleaved, so that other load on the machine affects all equally.
"""

import argparse
import json
import multiprocessing
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from inference.model.classifier import Classifier
from inference.pictures.image_io import decode_image, resize_image
from pipeline.settings.run_folder import describe_machine

ROOT = Path(__file__).parent.parent
MODEL = ROOT / "models" / "released" / "minerals.tflite"
DISTINCT = 200
SIDES = (360, 480)  # height and width of the generated pictures


def main() -> None:
    """Measure and print; write JSON to --out."""
    options = _parse()
    with tempfile.TemporaryDirectory() as folder:
        make_pictures(Path(folder), options.pictures)
        figures = measure(options.model, Path(folder), options.repetitions)
    figures |= {"pictures": options.pictures, "sides": SIDES, "machine": describe_machine()}
    print(table(figures))
    if options.out:
        options.out.write_text(json.dumps(figures, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def make_pictures(folder: Path, count: int) -> None:
    """Write JPEGs with the detail of photographs: smooth noise of several sizes."""
    random = np.random.default_rng(0)
    encoded = [_draw(random, folder / "one.jpg") for _ in range(min(DISTINCT, count))]
    (folder / "one.jpg").unlink()
    for number in range(count):
        path = folder / f"{number // 1000:03d}" / f"{number:06d}.jpg"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(encoded[number % len(encoded)])


def _draw(random: np.random.Generator, path: Path) -> bytes:
    total = np.zeros((*SIDES, 3))
    for cells, strength in ((4, 60), (16, 30), (64, 15), (256, 8)):
        noise = random.integers(0, 256, (cells, cells, 3), dtype=np.uint8)
        layer = Image.fromarray(noise).resize(SIDES[::-1], Image.Resampling.BICUBIC)
        total += (np.asarray(layer, float) - 128) * strength / 64
    Image.fromarray(np.clip(total + 128, 0, 255).astype(np.uint8)).save(path, quality=90)
    return path.read_bytes()


def measure(model: Path, folder: Path, repetitions: int) -> dict[str, Any]:
    """Return pictures per second of each way, and their ratios; medians over interleaved repetitions."""
    paths = sorted(folder.rglob("*.jpg"))
    ways: dict[str, Callable[[], float]] = {
        "floor": lambda: _floors(model, paths, 1),
        "two floors at once": lambda: _floors(model, paths, 2),
        "one worker": lambda: _command(model, folder, 1),
        "two workers": lambda: _command(model, folder, 2),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(repetitions):
        for name, way in ways.items():
            seconds[name].append(way())
    rates = {name: [len(paths) / one for one in values] for name, values in seconds.items()}
    start = [_start_up(model, paths[0]) for _ in range(5)]
    return {"rates": rates, "ratios": _ratios(rates), "start_up_seconds": start}


def _ratios(rates: dict[str, list[float]]) -> dict[str, float]:
    middle = {name: statistics.median(values) for name, values in rates.items()}
    return {
        "one worker to floor": middle["one worker"] / middle["floor"],
        "two workers to one": middle["two workers"] / middle["one worker"],
        "two floors to one": middle["two floors at once"] / middle["floor"],
    }


def _floors(model: Path, paths: list[Path], processes: int) -> float:
    """Return the seconds of reading, decoding, resizing and invoking, with the pictures distributed over processes."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(processes) as pool:
        pool.map(_floor, [(model, paths[:20])] * processes)  # started and loaded
        begun = time.perf_counter()
        pool.map(_floor, [(model, paths[number::processes]) for number in range(processes)], chunksize=1)
        return time.perf_counter() - begun


def _floor(work: tuple[Path, list[Path]]) -> None:
    """Do the work on one thread, without overlap and without writing results."""
    model, paths = work
    classifier = Classifier(model)
    for path in paths:
        classifier.probabilities(resize_image(decode_image(path.read_bytes()), classifier.card.input_size))


def _command(model: Path, folder: Path, workers: int) -> float:
    with tempfile.TemporaryDirectory() as place:
        out = Path(place) / "results.json"
        return _seconds([str(model), str(folder), "--out", str(out), "--workers", str(workers), "--quiet"])


def _start_up(model: Path, path: Path) -> float:
    """Return the seconds from start to end for a single picture."""
    return _seconds([str(model), str(path), "--quiet"])


def _seconds(arguments: list[str]) -> float:
    begun = time.perf_counter()
    command = [sys.executable, "-m", "inference", *arguments]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begun


def table(figures: dict[str, Any]) -> str:
    """Return the figures as printed lines."""
    lines = [f"{figures['pictures']:,} JPEGs of {SIDES[1]} x {SIDES[0]} pixels, {figures['machine']}"]
    for name, rates in figures["rates"].items():
        spread = f"{min(rates):,.0f} to {max(rates):,.0f}"
        lines.append(f"{name:<22}{statistics.median(rates):>8,.0f} pictures per second  ({spread})")
    lines += [f"{name:<22}{ratio:>8.2f}" for name, ratio in figures["ratios"].items()]
    start = figures["start_up_seconds"]
    lines.append(f"{'one picture alone':<22}{statistics.median(start):>8.2f} seconds from start to end")
    return "\n".join(lines)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.runner", description="Measure the runner's speed.")
    parser.add_argument("--model", type=Path, default=MODEL)
    parser.add_argument("--pictures", type=int, default=10_000)
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--out", type=Path, help="write the figures as JSON")
    return parser.parse_args()


if __name__ == "__main__":
    main()
