"""runs/<recipe>/<time>-seed<n>/: the files of one run, with everything needed to repeat or resume it."""

import contextlib
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from inference.anomaly.memory_bank import BANK_NAME
from inference.anomaly.region_names import EXAMPLES_NAME, NAMES_NAME
from inference.anomaly.surface import SURFACE_NAME
from inference.atomic_file import write_atomically
from inference.errors import InputError
from inference.locked_file import open_locked
from inference.model.held_out import HELD_OUT_NAME
from inference.model.neighbours import NEIGHBOURS_NAME
from inference.version import VERSION
from pipeline.settings.recipe import Recipe, recipe_from_json, recipe_to_json
from pipeline.settings.run_json import read_json as read_json  # stages read and write a run's files from here

_PACKAGES = ("tensorflow", "keras", "numpy", "pillow", "scikit-learn", "opencv-python", "ai-edge-litert")


@dataclass(frozen=True)
class RunFolder:
    """The paths of a run's files; a stage is done when its last file exists."""

    path: Path

    lock = property(lambda self: self.path / ".lock")
    recipe = property(lambda self: self.path / "recipe.json")
    environment = property(lambda self: self.path / "environment.json")
    source = property(lambda self: self.path / "source.json")
    data = property(lambda self: self.path / "data.json")
    index = property(lambda self: self.path / "index.csv")
    history = property(lambda self: self.path / "history.csv")
    best = property(lambda self: self.path / "best.keras")
    candidate = property(lambda self: self.path / "candidate.keras")
    backup = property(lambda self: self.path / "backup")
    cache = property(lambda self: self.path / "cache")
    pretraining = property(lambda self: self.path / "pretraining")
    fit = property(lambda self: self.path / "fit.json")
    calibration = property(lambda self: self.path / "calibration.json")
    photos = property(lambda self: self.path / "photos.csv")
    trunk = property(lambda self: self.path / "trunk.tflite")
    bank = property(lambda self: self.path / BANK_NAME)
    surface = property(lambda self: self.path / SURFACE_NAME)
    prevalence = property(lambda self: self.path / "prevalence.json")
    region_names = property(lambda self: self.path / NAMES_NAME)
    region_examples = property(lambda self: self.path / EXAMPLES_NAME)
    name_report = property(lambda self: self.path / "names.json")
    held_out_scores = property(lambda self: self.path / "held_out_scores.npz")
    maps = property(lambda self: self.path / "maps")
    neighbours = property(lambda self: self.path / NEIGHBOURS_NAME)
    held_out = property(lambda self: self.path / HELD_OUT_NAME)
    model = property(lambda self: self.path / "model.tflite")
    tensorboard = property(lambda self: self.path / "tensorboard")
    float_model = property(lambda self: self.path / "model_float32.tflite")
    parity = property(lambda self: self.path / "parity.json")
    report = property(lambda self: self.path / "report.json")
    predictions = property(lambda self: self.path / "predictions.csv")
    mistakes = property(lambda self: self.path / "mistakes")
    label_errors = property(lambda self: self.path / "label_errors.csv")
    model_card = property(lambda self: self.path / "README.md")
    results = property(lambda self: self.path / "results.json")

    def read_recipe(self) -> Recipe:
        """Return the run's recipe.

        Raises:
            InputError: the folder is not a run's.
        """
        if not self.recipe.is_file():
            raise InputError(f"{self.path}: is not a run: it has no recipe.json. Give a folder made by `pipeline run`.")
        try:
            return recipe_from_json(self.recipe.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as fault:
            raise InputError(f"{self.recipe}: cannot be read: {fault}. Start a new run.") from fault
        except InputError as fault:
            raise InputError(f"{self.path}: {fault}") from fault

    @contextlib.contextmanager
    def locked(self, patience_seconds: float = 0.0) -> Iterator[None]:
        """Keep other processes from working in the folder; wait as long for one that works in it.

        Raises:
            InputError: one does.
        """
        with open_locked(self.lock, "start a new run", patience_seconds):
            try:
                yield
            finally:
                self.lock.unlink(missing_ok=True)


def create_run(runs: Path, recipe: Recipe) -> RunFolder:
    """Create the folder of a new run, named after time and seed."""
    return fill_run(new_folder(runs / recipe.name, f"seed{recipe.seed}"), recipe)


def new_folder(parent: Path, name: str) -> Path:
    """Create a folder named after the time and a name."""
    stamp = time.strftime("%Y%m%d-%H%M%S")
    folder = parent / f"{stamp}-{name}"
    while folder.exists():  # two runs within one second
        folder = folder.with_name(folder.name + "x")
    folder.mkdir(parents=True)
    return folder


def fill_run(folder: Path, recipe: Recipe) -> RunFolder:
    """Write the recipe and environment of a new run."""
    run = RunFolder(folder)
    write_atomically(run.recipe, recipe_to_json(recipe))
    write_json(run.environment, describe_environment(recipe.seed))
    return run


def describe_environment(seed: int) -> dict[str, Any]:
    """Return the versions, revision, command and machine of this process."""
    return {
        "python": platform.python_version(),
        "packages": {name: version(name) for name in _PACKAGES},
        "version": VERSION,
        "revision": _git_revision(),
        "command": sys.argv,
        "machine": describe_machine(),
        "seed": seed,
    }


def describe_machine() -> str:
    """Return the machine's cores, processor and system, as stated with measurements."""
    processor = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        names = [line.split(":", 1)[1].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        processor = names[0] if names else processor
    return f"{os.cpu_count()}-core {processor}, {platform.system()}"


def write_json(path: Path, value: Any) -> None:
    """Write a value as JSON, atomically and with sorted keys; dataclasses become objects."""
    write_atomically(path, json.dumps(value, default=asdict, indent=1, sort_keys=True, ensure_ascii=False) + "\n")


def relative_path(path: Path, folder: Path) -> str:
    """Return a path relative to a folder, or absolute if it is on another drive of Windows."""
    try:
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:
        return path.resolve().as_posix()


def _git_revision() -> str:
    """Return the program's revision, for example "b30cd30 with uncommitted changes"; "unknown" without git."""
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty= with uncommitted changes"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return answer.stdout.strip()
