"""Features of a frozen trunk for many small pictures on a Ray of this machine: rate per core, memory of a worker.

    python -m benchmarks.features [--pictures 200000] [--out FILE]

The pictures are 32 pixels a side; a thousand different files are there under as many names as are asked for, so that
each is read and decoded as often. The memory of a worker is looked at ten times; the first and last are compared.
"""

import argparse
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
    """Compute the features; print and write the figures."""
    options = _parse()
    settings = {"labels": ",".join(LABELS), "network.input_side": "32", "network.background": "confidence"}
    settings |= {"patches.outliers": "0", "fit.kind": "frozen", "fit.epochs": "1", "fit.batch_size": "256"}
    recipe = override_all(RECIPES["minerals"], tuple(settings.items()))
    with tempfile.TemporaryDirectory() as place:
        run = RunFolder(Path(place) / "run")
        run.path.mkdir()
        run.recipe.write_text(recipe_to_json(recipe))
        index = make_index(Path(place) / "pictures", options.pictures)
        memory = _Memory()
        memory.start()
        begun = time.monotonic()
        cache_features(run, index, recipe)
        seconds = time.monotonic() - begun
        memory.done = True
    rate = options.pictures / seconds / (os.cpu_count() or 1)
    figures = {"pictures": options.pictures, "seconds": seconds, "per_core_and_second": rate}
    figures |= {"worker_mb": memory.peaks(), "machine": describe_machine()}
    first, last = memory.peaks()
    print(f"{options.pictures:,} pictures of {SIDE} pixels: {rate:.0f} a second and core, {describe_machine()}")
    print(f"a worker: {first:.0f} MB after a tenth, {last:.0f} MB at the end")
    print(f"a million: {1e6 / rate / 3600:.1f} hours of a core")
    if options.out:
        write_json(options.out, figures)
    return 0


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


class _Memory(threading.Thread):
    """The memory of the largest Ray worker over time, in MB."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.done = False
        self._seen: list[float] = []

    def run(self) -> None:
        """Look once a second."""
        while not self.done:
            if found := [_resident(path) for path in Path("/proc").glob("[0-9]*") if _is_worker(path)]:
                self._seen.append(max(found))
            time.sleep(1)

    def peaks(self) -> tuple[float, float]:
        """Return the peak of the first tenth of the time, and of the last."""
        tenth = max(len(self._seen) // 10, 1)
        return max(self._seen[: 2 * tenth], default=0), max(self._seen[-tenth:], default=0)


def _is_worker(process: Path) -> bool:
    try:
        return (process / "cmdline").read_bytes().startswith(b"ray::")
    except OSError:
        return False


def _resident(process: Path) -> float:
    try:
        return int((process / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
    except OSError:
        return 0.0


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.features", description="Features on Ray: rate, memory.")
    parser.add_argument("--pictures", type=int, default=200_000)
    parser.add_argument("--out", type=Path, help="write the figures as JSON")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
