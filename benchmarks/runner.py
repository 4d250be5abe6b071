"""Measure the runner's pictures per second, compared with the floor: only decoding and the network, without the runner.

    python -m benchmarks.runner [--model MODEL] [--pictures 10000] [--photographs 100] [--images FOLDER] [--out FILE]

Two sets of drawn JPEGs are measured, pictures of 480 x 360 pixels and photographs of 12 megapixels, and a folder of
your own where one is given. The floor decodes every picture in full. Every figure of the runner is of the whole command
as a user calls it, including start-up, journal and results.json. A worker decodes ahead of its network, so one worker
keeps more than one core busy. Two workers are therefore also compared with one worker on one core (on Linux),
and with the gain of two floors at once, which is the machine's limit. MediaPipe Tasks' classifier, where `make
test-mediapipe` has installed it, does the same files in Python; its start is left out. Repetitions are interleaved, so
that other load on the machine affects all equally. Labels of the runner are compared with those of the floor.
"""

import argparse
import hashlib
import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from inference.model.classifier import Classifier
from inference.pictures.image_io import decode_image, resize_image
from inference.pictures.listing import list_pictures
from pipeline.metrics.intervals import share_of
from pipeline.settings.run_folder import describe_machine

ROOT = Path(__file__).parent.parent
MODEL = ROOT / "models" / "released" / "minerals.tflite"
MEDIAPIPE = ROOT / ".venv-mediapipe"
DISTINCT = 200
PICTURE, PHOTOGRAPH = (360, 480), (3000, 4000)  # height and width of the drawn JPEGs
_MOST_COMPARED = 500  # pictures whose labels are compared
_RATIOS = {
    "one worker to floor": ("one worker", "floor"),
    "two workers to one": ("two workers", "one worker"),
    "two workers to one on one core": ("two workers", "one worker on one core"),
    "two floors to one": ("two floors at once", "floor"),
    "one worker to MediaPipe": ("one worker", "MediaPipe"),
    "two workers to MediaPipe": ("two workers", "MediaPipe"),
}


def main() -> None:
    """Measure and print; write JSON to --out."""
    options = _parse()
    with tempfile.TemporaryDirectory() as place:
        pictures, photographs = Path(place, "pictures"), Path(place, "photographs")
        make_pictures(pictures, options.pictures, PICTURE)
        make_pictures(photographs, options.photographs, PHOTOGRAPH)
        figures = measure(options.model, pictures, options.repetitions)
        figures |= {"sides": PICTURE, "machine": describe_machine()}
        figures["photographs"] = {"sides": PHOTOGRAPH} | measure(options.model, photographs, options.repetitions)
    if options.images:
        figures["images"] = measure(options.model, options.images, options.repetitions)
    figures["start_up_seconds"] = start_up(options.model)
    print(table(figures))
    if options.out:
        options.out.write_text(json.dumps(figures, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def make_pictures(folder: Path, count: int, sides: tuple[int, int]) -> None:
    """Write JPEGs with the detail of photographs: smooth noise of several sizes."""
    random = np.random.default_rng(0)
    folder.mkdir()
    encoded = [_draw(random, folder / "one.jpg", sides) for _ in range(min(DISTINCT, count))]
    (folder / "one.jpg").unlink(missing_ok=True)
    for number in range(count):
        path = folder / f"{number // 1000:03d}" / f"{number:06d}.jpg"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(encoded[number % len(encoded)])


def _draw(random: np.random.Generator, path: Path, sides: tuple[int, int]) -> bytes:
    total = np.zeros((*sides, 3), np.float32)
    for cells, strength in ((4, 60), (16, 30), (64, 15), (256, 8)):
        noise = random.integers(0, 256, (cells, cells, 3), dtype=np.uint8)
        layer = Image.fromarray(noise).resize(sides[::-1], Image.Resampling.BICUBIC)
        total += (np.asarray(layer, np.float32) - 128) * strength / 64
    Image.fromarray(np.clip(total + 128, 0, 255).astype(np.uint8)).save(path, quality=90)
    return path.read_bytes()


def measure(model: Path, folder: Path, repetitions: int) -> dict[str, Any]:
    """Return pictures per second of each way, their ratios (medians over interleaved repetitions), and same labels."""
    paths = [picture.path for picture in list_pictures([folder])]
    ways: dict[str, Callable[[], float]] = {
        "floor": lambda: _floors(model, paths, 1),
        "two floors at once": lambda: _floors(model, paths, 2),
        "one worker": lambda: _command(model, folder, 1),
        "two workers": lambda: _command(model, folder, 2),
    }
    if hasattr(os, "sched_setaffinity"):
        ways["one worker on one core"] = lambda: _command(model, folder, 1, core=min(os.sched_getaffinity(0)))
    if (MEDIAPIPE / "ready").exists():
        ways["MediaPipe"] = lambda: _mediapipe(model, folder)
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(repetitions):
        for name, way in ways.items():
            seconds[name].append(way())
    rates = {name: [len(paths) / one for one in values] for name, values in seconds.items()}
    same = asdict(share_of(compare_labels(model, folder)))
    return {"pictures": len(paths), "rates": rates, "ratios": _ratios(rates), "same_label": same}


def _ratios(rates: dict[str, list[float]]) -> dict[str, float]:
    """Return the median over repetitions of each ratio, which other load on the machine affects less than a rate."""
    return {
        name: statistics.median(one / other for one, other in zip(rates[above], rates[below], strict=True))
        for name, (above, below) in _RATIOS.items()
        if below in rates
    }


def compare_labels(model: Path, folder: Path) -> np.ndarray:
    """Return for the first pictures, without repeated ones, whether a full decode gives the same label, bool [n]."""
    classifier = Classifier(model)
    different = {hashlib.sha256(picture.read()).digest(): picture for picture in list_pictures([folder])}
    chosen = list(different.values())[:_MOST_COMPARED]
    runner = [classifier.classify(picture.path).result for picture in chosen]
    full = [classifier.classify(decode_image(picture.read())).result for picture in chosen]
    return np.array(runner) == np.array(full)


def _floors(model: Path, paths: list[Path], processes: int) -> float:
    """Return the seconds of reading, decoding, resizing and invoking, with the pictures distributed over processes."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(processes) as pool:
        pool.map(_floor, [(model, paths[:5])] * processes)  # started and loaded
        begun = time.perf_counter()
        pool.map(_floor, [(model, paths[number::processes]) for number in range(processes)], chunksize=1)
        return time.perf_counter() - begun


def _floor(work: tuple[Path, list[Path]]) -> None:
    """Do the work on one thread, in full size, without overlap and without writing results."""
    model, paths = work
    classifier = Classifier(model)
    for path in paths:
        classifier.probabilities(resize_image(decode_image(path.read_bytes()), classifier.card.input_size))


def _mediapipe(model: Path, folder: Path) -> float:
    command = [str(MEDIAPIPE / "bin" / "python"), str(ROOT / "benchmarks" / "mediapipe_client.py")]
    answer = subprocess.run([*command, str(model), str(folder)], check=True, capture_output=True, text=True)
    return float(answer.stdout)


def _command(model: Path, folder: Path, workers: int, core: int | None = None) -> float:
    with tempfile.TemporaryDirectory() as place:
        out = Path(place) / "results.json"
        return _seconds([str(model), str(folder), "--out", str(out), "--workers", str(workers), "--quiet"], core)


def start_up(model: Path) -> list[float]:
    """Return the seconds from start to end for a single picture, five times."""
    with tempfile.TemporaryDirectory() as place:
        make_pictures(Path(place, "pictures"), 1, PICTURE)
        return [_seconds([str(model), str(Path(place, "pictures")), "--quiet"]) for _ in range(5)]


def _seconds(arguments: list[str], core: int | None = None) -> float:
    """Return the seconds of a command of the runner; core: the only one that it may use."""
    command = [sys.executable, "-m", "inference", *arguments]
    pin = None if core is None else partial(os.sched_setaffinity, 0, {core})
    begun = time.perf_counter()
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL, preexec_fn=pin)
    return time.perf_counter() - begun


def table(figures: dict[str, Any]) -> str:
    """Return the figures as printed lines."""
    sets = {name: figures[name] for name in ("photographs", "images") if name in figures}
    lines = [f"machine: {figures['machine']}"]
    for name, one in {"pictures": figures, **sets}.items():
        sides = f" of {one['sides'][1]} x {one['sides'][0]} pixels" if "sides" in one else ""
        lines += ["", f"{one['pictures']:,} {name}{sides}", *_set_lines(one)]
    start = figures["start_up_seconds"]
    return "\n".join([*lines, "", f"{'one picture alone':<26}{statistics.median(start):>8.2f} s from start to end"])


def _set_lines(one: dict[str, Any]) -> list[str]:
    lines = []
    for name, rates in one["rates"].items():
        spread = f"{min(rates):,.1f} to {max(rates):,.1f}"
        lines.append(f"{name:<26}{statistics.median(rates):>8,.1f} a second  ({spread})")
    lines += [f"{name:<26}{ratio:>8.2f}" for name, ratio in one["ratios"].items()]
    same = one["same_label"]
    share = f"{100 * same['value']:.1f} %  [{100 * same['low']:.1f}, {100 * same['high']:.1f}]  n = {same['n']}"
    return [*lines, f"{'same label as in full':<26}{share}"]


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.runner", description="Measure the runner's speed.")
    parser.add_argument("--model", type=Path, default=MODEL)
    parser.add_argument("--pictures", type=int, default=10_000, help="drawn, of 480 x 360 pixels")
    parser.add_argument("--photographs", type=int, default=100, help="drawn, of 12 megapixels")
    parser.add_argument("--images", type=Path, help="a folder of your own photographs, measured too")
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--out", type=Path, help="write the figures as JSON")
    return parser.parse_args()


if __name__ == "__main__":
    main()
