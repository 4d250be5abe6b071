"""What this program and the one that has anomalib hand each other: a task with maps of photographs, and scores.

See benchmarks.wood_anomalib; the other side is benchmarks/anomalib_models.py.
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
from pipeline.anomaly.memory_bank import draw_places
from pipeline.anomaly.photos import SurfacePhoto
from pipeline.settings.recipe import Recipe

SCRIPT = Path(__file__).parent / "anomalib_models.py"
_ENVIRONMENT = {
    "TQDM_DISABLE": "1",
    # glibc is to keep freed memory: new pages at each step of the coreset took PyTorch ten times as long
    "MALLOC_MMAP_THRESHOLD_": str(2**25),
    "MALLOC_TRIM_THRESHOLD_": str(2**31 - 1),
}


@dataclass(frozen=True)
class Looked:
    """One photograph as the trunk sees it.

    size, seen: (height, width) of the photograph and of what was looked at. mask: bool [height, width], or None.
    levels: the maps of the trunk's levels, float32 [rows, columns, channels], as they are. features: the same averaged,
    brought to the recipe's stride and joined, as our networks do it.
    """

    photo: SurfacePhoto
    size: tuple[int, int]
    seen: tuple[int, int]
    mask: np.ndarray | None
    levels: dict[str, np.ndarray]
    features: np.ndarray


@dataclass(frozen=True)
class Fold:
    """Numbers of the photographs of a fit, and of those that it then scores."""

    fit: list[int]
    score: list[int]


@dataclass(frozen=True)
class Answer:
    """What one method says: by photograph's number its map of scores at its own size, and the score of its whole.

    fit_seconds: of one fit. score_seconds: of one photograph. Medians of the processor's time on one thread; neither
    counts the trunk. normal_only_threshold: what anomalib would choose if all that it scored were normal.
    """

    maps: dict[int, np.ndarray]
    scores: dict[int, float]
    fit_seconds: float
    score_seconds: float
    normal_only_threshold: float | None = None


def answers_of_anomalib(
    python: Path, looked: Sequence[Looked], folds: Sequence[Fold], recipe: Recipe
) -> dict[str, Answer]:
    """Return the scores of anomalib's methods by name, run by another Python.

    Raises:
        InputError: it can't be started or fails.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_task(folder, looked, folds, recipe)
        _run(python, folder)
        return read_answers(folder, looked)


def write_task(folder: Path, looked: Sequence[Looked], folds: Sequence[Fold], recipe: Recipe) -> None:
    """Write task.json, and NUMBER.npz a photograph: the map of each level, and the places that may enter a coreset."""
    settings = recipe.anomaly
    for number, one in enumerate(looked):
        rows, columns = next(iter(one.levels.values())).shape[:2]
        numbers = np.arange(rows * columns).reshape(rows, columns, 1)
        places = draw_places(numbers, settings.candidates // len(looked), recipe.seed, one.photo.name)[:, 0]
        np.savez(folder / f"{number}.npz", places=places, **one.levels)  # type: ignore[arg-type]
    task = {
        "levels": list(looked[0].levels),
        "folds": [vars(fold) for fold in folds],
        "bank": settings.coreset_size,
        "seed": recipe.seed,
    }
    (folder / "task.json").write_text(json.dumps(task), encoding="utf-8")


def read_answers(folder: Path, looked: Sequence[Looked]) -> dict[str, Answer]:
    """Read what the other program wrote; its maps, at the size that was looked at, are brought to the photograph's."""
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
