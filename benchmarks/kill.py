"""Kill a batch and a training at random moments, resume them, and compare the results with those of runs left alone.

    python -m benchmarks.kill [--kills 20] [--pictures 1000] [--kinds batch training] [--out FILE]

Each kill is a SIGKILL of the command's process, in a run of its own, at a moment drawn from the whole time that the
command takes. Then it is resumed once. Of a batch the bytes of results.json are compared; of a small training on drawn
photographs the history (but for the seconds of its epochs), the network's bytes and the table of predictions.
"""

import argparse
import csv
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.runner import MODEL, PICTURE, ROOT, make_pictures
from inference.model.artefact import read_artefact
from pipeline.drawn.scenes.dataset import write_scenes
from pipeline.metrics.intervals import share_of
from pipeline.settings.run_folder import RunFolder, describe_machine

SEED = 17
_PHOTOGRAPHS, _EPOCHS = 60, 6  # of a training
Command = list[str]


def main() -> None:
    """Kill, resume, compare and print; write JSON to --out."""
    options = _parse()
    figures: dict[str, Any] = {"machine": describe_machine()}
    kinds = {"batch": kill_batches, "training": kill_trainings}
    for kind in options.kinds:
        with tempfile.TemporaryDirectory() as place:
            figures[kind] = kinds[kind](Path(place), options)
        print(describe(kind, figures[kind]), flush=True)
    if options.out:
        options.out.write_text(json.dumps(figures, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def kill_batches(place: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Return the figures of batches."""
    make_pictures(place / "pictures", options.pictures, PICTURE)

    def start(out: Path) -> Command:
        return ["inference", str(MODEL), str(place / "pictures"), "--out", str(out), "--workers", "2", "--quiet"]

    def finish(folder: Path) -> bytes:
        out = folder / "results.json"
        if not out.exists():
            _run([*start(out), "--resume"])
        return out.read_bytes()

    return _trials(place, options.kills, lambda folder: start(folder / "results.json"), finish)


def kill_trainings(place: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Return the figures of trainings."""
    annotations = write_scenes(place / "drawn", _PHOTOGRAPHS, SEED)
    data = ["--images", str(annotations.parent / "photos"), "--annotations", str(annotations)]

    def start(folder: Path) -> Command:
        return ["pipeline", "run", "minerals", "--smoke", "--epochs", str(_EPOCHS), *data, "--runs", str(folder)]

    def finish(folder: Path) -> bytes:
        runs = list(folder.rglob("recipe.json"))  # none where the kill came first
        _run(["pipeline", "resume", str(runs[0].parent)] if runs else start(folder))
        return _trained(RunFolder(next(folder.rglob("recipe.json")).parent))

    return _trials(place, options.kills, start, finish)


def _trained(run: RunFolder) -> bytes:
    """Return what a training must give again: history without seconds, network, predictions."""
    with run.history.open(encoding="utf-8", newline="") as file:
        rows = [{name: value for name, value in row.items() if name != "seconds"} for row in csv.DictReader(file)]
    return json.dumps(rows).encode() + read_artefact(run.model).flatbuffer + run.predictions.read_bytes()


def _trials(
    place: Path, kills: int, start: Callable[[Path], Command], finish: Callable[[Path], bytes]
) -> dict[str, Any]:
    """Run once without a kill, then kill and resume; return moments, shares of equal results and times.

    start: folder -> command. finish: folder -> the results, after resuming what is not done.
    """
    begun = time.perf_counter()
    _run(start(_make(place / "whole")))
    seconds = time.perf_counter() - begun
    expected = finish(place / "whole")
    random, moments, same, last = np.random.default_rng(SEED), list[float](), list[bool](), seconds
    while len(moments) < kills:
        folder = _make(place / f"run-{len(moments)}")
        moment = float(random.uniform(0, last))
        if _kill(start(folder), moment):
            moments.append(moment)
            same.append(finish(folder) == expected)
        else:
            last = moment  # it ended sooner than the first did, on a machine with less to do
    return {"seconds": seconds, "killed_at": moments, "same": asdict(share_of(np.array(same)))}


def _make(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)  # of a command that ended before it was killed
    folder.mkdir()
    return folder


def _kill(command: Command, seconds: float) -> bool:
    """Start a command and kill it after some seconds; return whether it was still running."""
    silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen([sys.executable, "-m", *command], cwd=ROOT, **silent)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return True
    return False


def _run(command: Command) -> None:
    answer = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, check=False, capture_output=True, text=True)
    if answer.returncode == 2:
        raise SystemExit(f"{' '.join(command)}: {answer.stderr}")


def describe(kind: str, one: dict[str, Any]) -> str:
    """Return the figures of a kind as a printed line."""
    same, moments = one["same"], one["killed_at"]
    share = f"[{100 * same['low']:.0f}, {100 * same['high']:.0f}] %"
    return (
        f"{kind}: the same results after {round(same['value'] * same['n'])} of {same['n']} kills {share}, "
        f"{min(moments):.1f} to {max(moments):.1f} s after the start; {one['seconds']:.1f} s without a kill"
    )


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.kill", description="Kill, resume and compare.")
    parser.add_argument("--kills", type=int, default=20, help="of each kind")
    parser.add_argument("--pictures", type=int, default=1000, help="of a batch")
    parser.add_argument("--kinds", nargs="+", choices=("batch", "training"), default=("batch", "training"))
    parser.add_argument("--out", type=Path, help="write the figures as JSON")
    return parser.parse_args()


if __name__ == "__main__":
    main()
