"""Training by several processes, on one machine or many: Keras with the JAX backend, data-parallel.

Every process makes the same global batches and trains on its share of each, so that a step is that of one process with
the whole batch. Where the rows don't divide evenly, some are repeated with a weight of 0, and the others weigh as much
more. All processes do the same in the same order, callbacks included, since JAX compares every value that is assigned
to a variable among all of them. So each but the first works in a copy of the run's folder.

The processes are started with Keras' own variables: KERAS_BACKEND=jax, KERAS_DISTRIBUTION_JOB_ADDRESSES (host:port of
the first), KERAS_DISTRIBUTION_NUM_PROCESSES, KERAS_DISTRIBUTION_PROCESS_ID.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inference.errors import InputError
from pipeline.settings.recipe import Recipe
from pipeline.settings.run_folder import RunFolder, read_json, write_json

_BACKEND = "KERAS_BACKEND"
_NUMBER, _COUNT = "KERAS_DISTRIBUTION_PROCESS_ID", "KERAS_DISTRIBUTION_NUM_PROCESSES"


@dataclass(frozen=True)
class Processes:
    """The processes of a training. number: of this one, from 0; count: of all."""

    number: int = 0
    count: int = 1

    def share(self, batches: Any) -> Any:
        """Return this process's share of each batch (pixels, labels, weights) of a tf.data.Dataset.

        Of 5 rows with two processes the first has rows 0, 1, 2 and the second 3, 4 and, with a weight of 0, row 0.
        """
        if self.count == 1:
            return batches
        import tensorflow as tf

        def part(pixels: Any, labels: Any, weights: Any) -> tuple[Any, Any, Any]:
            rows = tf.shape(pixels)[0]
            each = -(-rows // self.count)
            positions = tf.range(self.number * each, (self.number + 1) * each)
            chosen = positions % rows
            scale = tf.cast(each * self.count, tf.float32) / tf.cast(rows, tf.float32)
            own = tf.where(positions < rows, tf.gather(weights, chosen) * scale, 0.0)
            return tf.gather(pixels, chosen), tf.gather(labels, chosen), own

        return batches.map(part)


def processes() -> Processes:
    """Return the processes that the environment names; one where it names none.

    Raises:
        InputError: the numbers are wrong.
    """
    try:
        found = Processes(int(os.environ.get(_NUMBER, 0)), int(os.environ.get(_COUNT, 1)))
    except ValueError as fault:
        raise InputError(f"{_NUMBER} and {_COUNT} must be whole numbers. Received: {fault}.") from fault
    if not 0 <= found.number < found.count:
        raise InputError(f"{_NUMBER} must be from 0 to less than {_COUNT}. Received: {found.number}, {found.count}.")
    return found


def trains_with_jax() -> bool:
    """Return whether this process only trains, perhaps with others, since the export needs TensorFlow.

    Raises:
        InputError: several processes without the JAX backend.
    """
    backend, several = os.environ.get(_BACKEND, "tensorflow"), processes().count > 1
    if several and backend != "jax":
        raise InputError(f"{_COUNT}: needs {_BACKEND}=jax. Received: {backend}. Set it, or unset {_COUNT}.")
    return backend == "jax"


@contextmanager
def joined(run: RunFolder) -> Iterator[RunFolder]:
    """Connect this process with the others; yield the folder to train in, the run's own for the first process.

    Raises:
        InputError: the recipe can't be trained in this way.
    """
    team = processes()
    if team.count == 1:
        yield run
        return
    _check(run.read_recipe())
    import keras

    with tempfile.TemporaryDirectory() as place:
        own = _copy(run, Path(place) / "run") if team.number else run
        keras.distribution.initialize()  # waits for all; until then the first process changes nothing
        keras.distribution.set_distribution(keras.distribution.DataParallel(auto_shard_dataset=False))
        yield own


def _check(recipe: Recipe) -> None:
    if recipe.fit.kind != "gradient" or recipe.fit.average or recipe.fit.teacher:
        raise InputError(
            f"{_COUNT}: needs fit.kind=gradient, fit.average=0 and no fit.teacher. Received: {recipe.fit.kind}, "
            f"{recipe.fit.average}, {recipe.fit.teacher or 'none'}. Train with one process."
        )


def _copy(run: RunFolder, folder: Path) -> RunFolder:
    """Copy what a training reads of a run's folder; its patches stay where they are."""
    shutil.copytree(run.path, folder, ignore=shutil.ignore_patterns(".*", "cache", "*.keras", "tensorboard"))
    copy, data = RunFolder(folder), read_json(run.data, "Start a new run.")
    write_json(copy.data, {**data, "patches": str((run.path / (data["patches"] or "")).absolute())})
    return copy
