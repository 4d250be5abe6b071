"""The files exchanged with the program that runs anomalib: a task with maps of photographs, and scores.

See benchmarks.wood_anomalib; the other program is benchmarks/anomalib_models.py.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from inference.anomaly.memory_bank import enlarge
from inference.errors import InputError
from pipeline.anomaly.memory_bank import sample_positions
from pipeline.anomaly.photos import AnomalyPhoto
from pipeline.settings.recipe import Recipe

SCRIPT = Path(__file__).parent / "anomalib_models.py"
_ENVIRONMENT = {
    "TQDM_DISABLE": "1",
    # makes glibc keep freed memory: allocating new pages at each step of the coreset made PyTorch ten times slower
    "MALLOC_MMAP_THRESHOLD_": str(2**25),
    "MALLOC_TRIM_THRESHOLD_": str(2**31 - 1),
}


@dataclass(frozen=True)
class Looked:
    """The trunk's maps of one photograph.

    size, seen: (height, width) of the photograph and of the preprocessed pixels. mask: bool [height, width], or None.
    levels: maps of the trunk's levels, float32 [rows, columns, channels]. features: the same averaged, resampled to the
    recipe's stride and concatenated, as in our networks.
    """

    photo: AnomalyPhoto
    size: tuple[int, int]
    seen: tuple[int, int]
    mask: np.ndarray | None
    levels: dict[str, np.ndarray]
    features: np.ndarray


@dataclass(frozen=True)
class Fold:
    """Numbers of the photographs of a fit, and of the photographs scored by it."""

    fit: list[int]
    score: list[int]


@dataclass(frozen=True)
class Answer:
    """The result of one method: by photograph number the score map at full size, and the score of the photograph.

    fit_seconds: per fit. score_seconds: per photograph. Both are medians of processor time on one thread, without the
    trunk. normal_only_threshold: the threshold that anomalib chooses if all scored photographs are normal.
    """

    maps: dict[int, np.ndarray]
    scores: dict[int, float]
    fit_seconds: float
    score_seconds: float
    normal_only_threshold: float | None = None


def answers_of_anomalib(
    python: Path, looked: Sequence[Looked], folds: Sequence[Fold], recipe: Recipe
) -> dict[str, Answer]:
    """Return the results of anomalib's methods by name, computed by another Python interpreter.

    Raises:
        InputError: the interpreter can't be started or fails.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_task(folder, looked, folds, recipe)
        _run(python, folder)
        return read_answers(folder, looked)


def write_task(folder: Path, looked: Sequence[Looked], folds: Sequence[Fold], recipe: Recipe) -> None:
    """Write task.json, and per photograph NUMBER.npz: the map of each level, and positions for the coreset."""
    settings = recipe.anomaly
    for number, one in enumerate(looked):
        rows, columns = next(iter(one.levels.values())).shape[:2]
        numbers = np.arange(rows * columns).reshape(rows, columns, 1)
        positions = sample_positions(numbers, settings.candidates // len(looked), recipe.seed, one.photo.name)[:, 0]
        np.savez(folder / f"{number}.npz", positions=positions, **one.levels)  # type: ignore[arg-type]
    task = {
        "levels": list(looked[0].levels),
        "folds": [vars(fold) for fold in folds],
        "bank": settings.coreset_size,
        "seed": recipe.seed,
    }
    (folder / "task.json").write_text(json.dumps(task), encoding="utf-8")


def read_answers(folder: Path, looked: Sequence[Looked]) -> dict[str, Answer]:
    """Return the results written by the other program, with score maps resized to the photographs."""
    answers = {}
    for method, values in json.loads((folder / "answer.json").read_text(encoding="utf-8")).items():
        scores = {int(number): score for number, score in values.pop("scores").items()}
        maps = {
            number: enlarge(np.load(folder / f"{method}-{number}.npy"), 1, looked[number].seen, looked[number].size)
            for number in scores
        }
        answers[method] = Answer(maps, scores, **values)
    return answers


def _run(python: Path, folder: Path) -> None:
    command = [str(python), "-W", "ignore", str(SCRIPT), str(folder)]
    try:
        done = subprocess.run(command, env={**os.environ, **_ENVIRONMENT}, stdout=sys.stderr, check=False)
    except OSError as fault:
        raise InputError(f"--python: {python}: can't be started: {fault.strerror}. Give another.") from fault
    if done.returncode:
        raise InputError(f"--python: {python}: failed, see above. Install benchmarks/requirements-anomalib.txt there.")
