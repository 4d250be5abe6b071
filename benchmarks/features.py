"""Features of a frozen trunk for many small pictures on a Ray of this machine: rate per core, memory of a worker.

    python -m benchmarks.features [--pictures 5000 20000 40000] [--out FILE]

The pictures are 32 pixels a side; a thousand different files are there under as many names as are asked for, so that
each is read and decoded as often. A worker's memory and processor time are looked at once a second. The rate is that of
the processor time that more pictures take, so that neither the start of the workers nor other work on the machine
counts; a million pictures are projected from it.
"""

import argparse
import contextlib
import os
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
from PIL import Image

from pipeline.data.index import Patch, PatchIndex
from pipeline.recipes import RECIPES
from pipeline.settings.recipe import override_all, recipe_to_json
from pipeline.settings.run_folder import RunFolder, describe_machine, write_json
from pipeline.training.on_ray import cache_features

SIDE, DIFFERENT = 32, 1000
LABELS = ("a", "b")


def main() -> int:
    """Compute the features of each number of pictures; print and write the figures after each."""
    options = _parse()
    runs: list[dict[str, float]] = []
    for count in sorted(options.pictures):
        runs.append(one := measure(count))
        print("{pictures:,} pictures: {seconds:.0f} s, {processor_seconds:.0f} s of workers".format(**one), flush=True)
        print("a worker: {worker_mb:.0f} MB at most".format(**one), flush=True)
        figures = {"machine": describe_machine(), "runs": runs, **project(runs)}
        if options.out:
            write_json(options.out, figures)
    if len(runs) > 1:
        print("{per_core_and_second:.0f} a second and core".format(**figures))
        print("a million: {hours_of_a_core_for_a_million:.2f} hours of a core".format(**figures))
    return 0


def project(runs: list[dict[str, float]]) -> dict[str, float]:
    """Return the rate by the processor time between the fewest and the most pictures; nothing for one run."""
    more, seconds = (runs[-1][name] - runs[0][name] for name in ("pictures", "processor_seconds"))
    if not more:
        return {}
    return {"per_core_and_second": more / seconds, "hours_of_a_core_for_a_million": 1e6 * seconds / more / 3600}


def measure(pictures: int) -> dict[str, float]:
    """Return seconds, seconds of processor time of all workers, and the largest memory of a worker, in MB."""
    settings = {"labels": ",".join(LABELS), "network.input_side": "32", "network.background": "confidence"}
    settings |= {"fit.kind": "frozen", "fit.epochs": "1", "fit.batch_size": "256"}
    recipe = override_all(RECIPES["minerals"], tuple(settings.items()))
    with tempfile.TemporaryDirectory() as place:
        run = RunFolder(Path(place) / "run")
        run.path.mkdir()
        run.recipe.write_text(recipe_to_json(recipe))
        index = make_index(Path(place) / "pictures", pictures)
        workers = _Workers()
        workers.start()
        begun = time.monotonic()
        cache_features(run, index, recipe)
        workers.done = True
    figures = {"pictures": pictures, "seconds": time.monotonic() - begun}
    return {**figures, "processor_seconds": sum(workers.seconds.values()), "worker_mb": max(workers.mb.values())}


def make_index(folder: Path, count: int) -> PatchIndex:
    """Write the pictures, a tenth of them for validation."""
    folder.mkdir()
    random = np.random.default_rng(0)
    for number in range(min(count, DIFFERENT)):
        Image.fromarray(random.integers(0, 255, (SIDE, SIDE, 3), np.uint8)).save(folder / f"{number}.png")
    for number in range(DIFFERENT, count):
        os.link(folder / f"{number % DIFFERENT}.png", folder / f"{number}.png")
    patches = (
        Patch(f"{n}.png", LABELS[n % 2], f"{n}.jpg", 0, 0, SIDE, SIDE, "train" if n % 10 else "validation")
        for n in range(count)
    )
    return PatchIndex(folder, tuple(patches))


class _Workers(threading.Thread):
    """The largest memory in MB, and the processor time in seconds, of each Ray worker of this machine by its number."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.done = False
        self.mb: dict[str, float] = {}
        self.seconds: dict[str, float] = {}

    def run(self) -> None:
        """Look once a second."""
        while not self.done:
            for process in Path("/proc").glob("[0-9]*"):
                with contextlib.suppress(OSError):  # ended meanwhile
                    if (process / "cmdline").read_bytes().startswith(b"ray::"):
                        self._look(process)
            time.sleep(1)

    def _look(self, process: Path) -> None:
        number, pages = process.name, int((process / "statm").read_text().split()[1])
        self.mb[number] = max(self.mb.get(number, 0.0), pages * os.sysconf("SC_PAGE_SIZE") / 1e6)
        fields = (process / "stat").read_text().rpartition(")")[2].split()
        self.seconds[number] = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")  # user and system


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.features", description="Features on Ray: rate, memory.")
    parser.add_argument("--pictures", type=int, nargs="+", default=(5_000, 20_000, 40_000))
    parser.add_argument("--out", type=Path, help="write the figures as JSON")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
