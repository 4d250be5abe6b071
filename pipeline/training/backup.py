"""The state of a training after each epoch <-> files, so that an interrupted run can be resumed.

Keras' BackupAndRestore overwrites weights and metadata one after the other: an interruption in between, or a full disk,
leaves a backup with the wrong epoch, or one that can't be read. Here a backup is one file, written under a temporary
name first, with the number of epochs and a digest of its bytes in its name.
"""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np

from inference.errors import InputError
from pipeline.training.average import WeightAverage

_AVERAGE = "moving_average"  # group of the averaged weights, by their number
_KEPT = 2  # the newest, and the previous one in case it is damaged
_NAME = re.compile(r"epoch-(\d+)-([0-9a-f]{16})\.weights\.h5")


class Backup:
    """A folder of backups by epochs done: weights, and the states of optimizer and random generators of a network.

    A moving average of the weights is stored in the same file.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def newest(self) -> tuple[int, Path | None]:
        """Return the number of epochs done, 0 without a backup, and the newest undamaged file."""
        for epochs, file, digest in self._files():
            if _digest(file) == digest:
                return epochs, file
        return 0, None

    def save(self, network: keras.Model, epochs: int, average: WeightAverage | None = None) -> None:
        """Write the state after the given number of epochs; only the previous backup is kept.

        Raises:
            InputError: the disk is full or not writable; earlier backups are kept.
        """
        partial = self._folder / "partial.weights.h5"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            network.save_weights(partial, overwrite=True)
            if average is not None:
                _add_average(partial, average)
            partial.replace(self._name(epochs, partial))
        except OSError as fault:
            partial.unlink(missing_ok=True)
            raise InputError(
                f"{self._folder}: the backup of epoch {epochs} cannot be written: {fault.strerror or fault}. Make room "
                "and resume the run; it continues after the previous epoch."
            ) from fault
        for _, file, _ in self._files()[_KEPT:]:
            file.unlink()

    def restore(self, network: keras.Model, average: WeightAverage | None = None) -> int:
        """Load the newest undamaged state into a compiled network; return the epochs done, 0 without a backup."""
        epochs, file = self.newest()
        if file is not None:
            network.optimizer.build(network.trainable_variables)
            network.load_weights(file)
            if average is not None:
                average.restore(_read_average(file))
        return epochs

    def keep_up_to(self, epochs: int) -> None:
        """Delete backups of later epochs."""
        for count, file, _ in self._files():
            if count > epochs:
                file.unlink()

    def adopt_earlier(self) -> None:
        """Convert a backup that earlier versions wrote with Keras' BackupAndRestore, if it can be read."""
        weights, metadata = self._folder / "latest.weights.h5", self._folder / "training_metadata.json"
        try:
            epochs = int(json.loads(metadata.read_text(encoding="utf-8"))["epoch"])
            h5py.File(weights).close()  # refuses a truncated file
        except (OSError, ValueError, KeyError, TypeError):
            return
        weights.replace(self._name(epochs, weights))
        metadata.unlink()

    def _name(self, epochs: int, file: Path) -> Path:
        return self._folder / f"epoch-{epochs}-{_digest(file)}.weights.h5"

    def _files(self) -> list[tuple[int, Path, str]]:
        """Return the backups, latest first: epochs, file, digest."""
        named = [(file, _NAME.fullmatch(file.name)) for file in self._folder.glob("epoch-*.weights.h5")]
        return sorted(((int(name[1]), file, name[2]) for file, name in named if name), reverse=True)


class SaveBackup(keras.callbacks.Callback):
    """Save a backup at the end of each epoch."""

    def __init__(self, backup: Backup, average: WeightAverage | None = None) -> None:
        super().__init__()
        self._backup = backup
        self._average = average

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Save the state."""
        self._backup.save(self.model, epoch + 1, self._average)


def _add_average(file: Path, average: WeightAverage) -> None:
    with h5py.File(file, "a") as content:
        for number, array in enumerate(average.arrays):
            content[f"{_AVERAGE}/{number}"] = array


def _read_average(file: Path) -> list[np.ndarray]:
    with h5py.File(file) as content:
        group = content[_AVERAGE]
        return [group[str(number)][()] for number in range(len(group))]


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]
