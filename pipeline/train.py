"""PatchIndex -> best.keras and history.csv: gradient training that survives a kill."""

import json
import math
import shutil
import time
from typing import Any

import keras

from inference.errors import InputError
from models.build import build_network
from pipeline.callbacks import (
    KeepCandidate,
    Progress,
    ResumableEarlyStopping,
    StopOnNaN,
    read_history,
    truncate_history,
)
from pipeline.dataset import training_dataset, validation_dataset
from pipeline.index import PatchIndex
from pipeline.recipe import FitSettings, Recipe
from pipeline.run_folder import RunFolder, write_json

_MONITOR = "val_loss"


def fit_gradient(run: RunFolder, index: PatchIndex, recipe: Recipe) -> dict[str, Any]:
    """Train the recipe's network; return what fit.json holds: epochs, best_epoch (from 1), seconds of training.

    best.keras is the epoch with the lowest validation loss. Called again on the folder of a killed run, it goes
    on after the last whole epoch.

    Raises:
        InputError: a class has no patches, or the loss became NaN (names epoch and step).
    """
    truncate_history(run.history, _epochs_done(run))
    history = read_history(run.history)
    if is_finished(history, recipe.fit):  # killed between the last epoch and fit.json
        return _finish(run)
    keras.utils.set_random_seed(recipe.seed)
    patches = index.select("train", recipe.outputs)
    training = training_dataset(patches, recipe, run.cache / "train")
    validation = validation_dataset(index.select("validation", recipe.outputs), recipe)
    network = compile_network(recipe, steps_per_epoch=math.ceil(len(patches.patches) / recipe.fit.batch_size))
    nan = StopOnNaN()
    callbacks = [nan, *_callbacks(run, recipe, history)]
    network.fit(
        training, validation_data=validation, epochs=recipe.fit.epochs, callbacks=callbacks, shuffle=False, verbose=0
    )
    if nan.where is not None:
        epoch, step = nan.where
        raise InputError(
            f"the loss became NaN in epoch {epoch}, step {step}. Lower fit.learning_rate "
            f"(now {recipe.fit.learning_rate}) and start a new run."
        )
    return _finish(run)


FITS = {"gradient": fit_gradient}


def compile_network(recipe: Recipe, steps_per_epoch: int) -> keras.Model:
    """Build the recipe's network with optimizer and loss; the learning rate warms up and falls along a cosine."""
    network = build_network(
        recipe.network.trunk,
        recipe.network.head,
        recipe.network.input_side,
        len(recipe.outputs),
        recipe.network.dropout,
    )
    optimizer = keras.optimizers.AdamW(
        learning_rate_schedule(recipe.fit, steps_per_epoch), weight_decay=recipe.fit.weight_decay
    )
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    loss = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=recipe.fit.label_smoothing)
    network.compile(optimizer, loss, metrics=[keras.metrics.CategoricalAccuracy(name="accuracy")])
    return network


def learning_rate_schedule(settings: FitSettings, steps_per_epoch: int) -> Any:
    """Return linear warm-up from 0, then half a cosine down to 0 (SGDR without restarts, arXiv:1608.03983)."""
    warmup = round(settings.warmup_epochs * steps_per_epoch)
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0 if warmup else settings.learning_rate,
        decay_steps=max(settings.epochs * steps_per_epoch - warmup, 1),
        warmup_target=settings.learning_rate if warmup else None,
        warmup_steps=warmup,
    )


def _callbacks(run: RunFolder, recipe: Recipe, history: list[dict[str, float]]) -> list[Any]:
    """Assemble the callbacks; BackupAndRestore is last, so that what it calls done has been logged and saved."""
    best = min((row[_MONITOR] for row in history), default=None)
    return [
        Progress(recipe.fit.epochs),
        keras.callbacks.ModelCheckpoint(
            run.candidate, monitor=_MONITOR, mode="min", save_best_only=True, initial_value_threshold=best
        ),
        KeepCandidate(run.candidate, run.best),
        ResumableEarlyStopping(history, monitor=_MONITOR, mode="min", patience=recipe.fit.patience),
        keras.callbacks.CSVLogger(run.history, append=bool(history)),
        keras.callbacks.BackupAndRestore(run.backup, double_checkpoint=True, delete_checkpoint=False),
    ]


def is_finished(history: list[dict[str, float]], settings: FitSettings) -> bool:
    """Tell whether these epochs are all: the last one is done, or none of the last `patience` was better."""
    if not history:
        return False
    best = min(range(len(history)), key=lambda place: history[place][_MONITOR])
    return len(history) >= settings.epochs or len(history) - 1 - best >= max(settings.patience, 1)


def _epochs_done(run: RunFolder) -> int:
    """Return how many epochs the backup of a killed run holds; 0 for a new run.

    A kill while Keras wrote the backup leaves a damaged one; then the one before takes its place.
    """
    metadata = run.backup / "training_metadata.json"
    try:
        return int(json.loads(metadata.read_text())["epoch"])
    except FileNotFoundError:
        return 0
    except ValueError:
        if not metadata.with_name(f"{metadata.name}.bkp").is_file():  # killed in the very first backup
            shutil.rmtree(run.backup)
            return 0
        for file in (run.backup / "latest.weights.h5", metadata):
            file.with_name(f"{file.name}.bkp").replace(file)
        return int(json.loads(metadata.read_text())["epoch"])


def _finish(run: RunFolder) -> dict[str, Any]:
    """Write fit.json, which marks the training as done, then drop backup and cache."""
    history = read_history(run.history)
    best = min(history, key=lambda row: row[_MONITOR])
    result = {
        "epochs": len(history),
        "best_epoch": int(best["epoch"]) + 1,
        "seconds": round(sum(row.get("seconds", 0.0) for row in history), 1),
        "finished": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
    }
    write_json(run.fit, result)
    shutil.rmtree(run.backup, ignore_errors=True)
    shutil.rmtree(run.cache, ignore_errors=True)
    return result
