"""Keras callbacks of the training: progress, saving, resuming, stopping at NaN."""

import csv
import io
import math
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras

from inference.atomic_file import write_atomically
from inference.errors import InputError
from models.build import with_input_side
from models.heads import without_feature_output
from pipeline.random_generator import make_seed

_LINE_SECONDS, _TERMINAL_SECONDS = 10.0, 0.5


@dataclass(frozen=True)
class EpochPlan:
    """The epochs that a training has: last of its first part (exclusive), total.

    slower: how many times as long an epoch after the first part takes.
    """

    last: int
    total: int
    slower: float = 1.0

    def epochs_after(self, epoch: int) -> float:
        """Return how many epochs of the length of a given one, counted from 0, follow it."""
        if epoch >= self.last:
            return self.total - epoch - 1
        return self.last - epoch - 1 + self.slower * (self.total - self.last)


class Progress(keras.callbacks.Callback):
    """Print one line per epoch with the remaining time; add seconds and learning_rate to the logs for CSVLogger.

    Within an epoch the step is shown: on a terminal in a line that is rewritten, otherwise every ten seconds.
    """

    def __init__(self, plan: EpochPlan) -> None:
        super().__init__()
        self._plan = plan
        self._durations: list[float] = []
        self._epoch, self._start, self._first_step, self._shown = 0, 0.0, 0.0, 0.0

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Start the epoch's timer."""
        self._epoch, self._start = epoch, time.monotonic()
        self._shown = self._start

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Show the step."""
        now, terminal = time.monotonic(), sys.stderr.isatty()
        if batch == 0:
            self._first_step = now - self._start
        if now - self._shown < (_TERMINAL_SECONDS if terminal else _LINE_SECONDS):
            return
        self._shown = now
        steps = int(self.params.get("steps") or batch + 1)
        left = self._left_after_step(batch, steps, now)
        line = (
            f"epoch {self._epoch + 1}/{self._plan.total}  step {batch + 1}/{steps}  "
            f"loss {(logs or {}).get('loss', math.nan):.3f}{f', about {_minutes(left)} left' if left else ''}"
        )
        print(f"\r  {line}  " if terminal else line, end="" if terminal else "\n", file=sys.stderr, flush=True)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Print the epoch's line."""
        logs = {} if logs is None else logs
        seconds = time.monotonic() - self._start
        logs["seconds"] = round(seconds, 2)
        logs["learning_rate"] = float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))
        steps = int(self.params.get("steps") or 1)
        others = seconds - self._first_step
        if not self._durations and steps > 1:  # the first step builds the graph; without it the estimate is right
            seconds = others * steps / (steps - 1)
        self._durations.append(seconds)
        left = self._epoch_seconds() * self._plan.epochs_after(epoch)
        start = "\r" if sys.stderr.isatty() else ""
        accuracy = f"accuracy {logs['val_accuracy']:.3f}  " if "val_accuracy" in logs else ""
        print(
            f"{start}epoch {epoch + 1}/{self._plan.total}  loss {logs.get('loss', math.nan):.3f}  "
            f"validation loss {logs.get('val_loss', math.nan):.3f}  {accuracy}{logs['seconds']:.0f} s, "
            f"about {_minutes(left)} left",
            file=sys.stderr,
            flush=True,
        )

    def _epoch_seconds(self) -> float:
        recent = self._durations[-5:]
        return sum(recent) / len(recent)

    def _left_after_step(self, batch: int, steps: int, now: float) -> float | None:
        """Return the seconds left after a step; None before there is anything to go by."""
        if not batch:
            return None
        per_step = (now - self._start - self._first_step) / batch
        each = self._epoch_seconds() if self._durations else per_step * steps
        return per_step * (steps - batch - 1) + each * self._plan.epochs_after(self._epoch)


class ResumableEarlyStopping(keras.callbacks.EarlyStopping):
    """Keras' EarlyStopping for resumed runs: it restores the best value and the patience.

    It replays the epochs of the interrupted run from history.csv.
    """

    def __init__(self, history: list[dict[str, float]], **options: Any) -> None:
        super().__init__(**options)
        self._history = history

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Replay the epochs that are done."""
        super().on_train_begin(logs)
        for row in self._history:
            self.on_epoch_end(int(row["epoch"]), row)


class SaveForUse(keras.callbacks.ModelCheckpoint):
    """Keras' ModelCheckpoint, of the network as it is used: pictures of one side, from pixels to logits alone."""

    def __init__(self, path: Path, side: int, **options: Any) -> None:
        super().__init__(path, **options)
        self._side = side

    def set_model(self, model: keras.Model) -> None:
        """Take what is saved."""
        self._trained = without_feature_output(model)
        fixed = self._trained.input_shape[1] == self._side
        super().set_model(self._trained if fixed else with_input_side(self._trained, self._side))

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Save the weights that were trained so far."""
        if self.model is not self._trained:
            self.model.set_weights(self._trained.get_weights())
        super().on_epoch_end(epoch, logs)


class SeedDropout(keras.callbacks.Callback):
    """Seed the network's random generators (dropout) in each epoch, since saved weights do not include their state."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._seed = seed

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Set the state of each generator from seed, layer and epoch."""
        for layer in self.model.layers:
            generator = getattr(layer, "seed_generator", None)
            if generator is not None:
                generator.state.assign([make_seed(self._seed, layer.name, epoch) % 2**31, 0])


class KeepCandidate(keras.callbacks.Callback):
    """Rename the file written by ModelCheckpoint: an interruption while it writes must not destroy the best model."""

    def __init__(self, candidate: Path, best: Path) -> None:
        super().__init__()
        self._candidate = candidate
        self._best = best

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Delete a partial file of an interrupted run."""
        self._candidate.unlink(missing_ok=True)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Replace the best model with a new candidate."""
        if self._candidate.is_file():
            self._candidate.replace(self._best)


class StopOnNaN(keras.callbacks.Callback):
    """End the training at the first loss, or validation loss, that is not finite.

    It comes first among the callbacks: its epoch enters neither history nor backup, so that a resumed run trains it
    again, and ends again. setting, rate: name and value of the learning rate.
    """

    def __init__(self, setting: str, rate: float) -> None:
        super().__init__()
        self._remedy = f"Lower {setting} (now {rate}) and start a new run."
        self._epoch = 0

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Store the epoch."""
        self._epoch = epoch + 1

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Refuse the loss; raise InputError."""
        self._refuse((logs or {}).get("loss"), f"the loss became NaN in epoch {self._epoch}, step {batch + 1}.")

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Refuse the validation loss, where the last step alone went wrong; raise InputError."""
        self._refuse((logs or {}).get("val_loss"), f"the validation loss became NaN in epoch {self._epoch}.")

    def _refuse(self, loss: float | None, message: str) -> None:
        if loss is not None and not math.isfinite(loss):
            raise InputError(f"{message} {self._remedy}")


def read_history(path: Path, before_epoch: int | None = None) -> list[dict[str, float]]:
    """Return history.csv as one dict per epoch; before_epoch: only the epochs before this one.

    Raises:
        InputError: it was changed.
    """
    if not path.is_file():
        return []
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = [{key: float(value) for key, value in row.items() if value} for row in csv.DictReader(file)]
    except (AttributeError, TypeError, ValueError, csv.Error) as fault:  # None for cells that are missing or too many
        raise InputError(f"{path}: must hold numbers. Received: {fault}. Start a new run.") from fault
    if missing := {"epoch", "loss", "val_loss"} - set(rows[0] if rows else ("epoch", "loss", "val_loss")):
        raise InputError(f"{path}: must have the columns {', '.join(sorted(missing))}. Start a new run.")
    return [row for row in rows if before_epoch is None or row["epoch"] < before_epoch]


def write_history(path: Path, rows: list[dict[str, float]]) -> None:
    """Write history.csv from one dict per epoch, in the form of Keras' CSVLogger: the epoch first, then by name."""
    columns = ["epoch", *sorted(set(rows[0]) - {"epoch"})]
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_atomically(path, text.getvalue())


def count_epochs(path: Path) -> int:
    """Return the number of consecutive epochs with a complete line in history.csv; 0 without the file."""
    return len(_whole_lines(path)[1:])


def truncate_history(path: Path, epochs: int) -> None:
    """Keep only the lines of the first `epochs` epochs; later ones were not backed up and are trained again."""
    if epochs:
        write_atomically(path, "".join(_whole_lines(path)[: epochs + 1]))
    else:
        path.unlink(missing_ok=True)  # CSVLogger writes the header with the first epoch


def _whole_lines(path: Path) -> list[str]:
    """Return the header and the lines of epochs 0, 1, 2 ..., up to the first incomplete or missing one."""
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    header, *lines = text.splitlines(keepends=True) or [""]
    if not header.endswith("\n"):
        return []
    columns = header.count(",")
    whole = [
        line.endswith("\n") and line.startswith(f"{n},") and line.count(",") == columns for n, line in enumerate(lines)
    ]
    return [header, *lines[: [*whole, False].index(False)]]


def _minutes(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d} min"
