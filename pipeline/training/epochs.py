"""A compiled network + patches -> epochs of training that can be resumed; shared by all fits."""

import math
import shutil
import time
from dataclasses import dataclass, replace
from typing import Any

import keras

from inference.errors import InputError
from models.heads import without_feature_output
from pipeline.data.dataset import TrainingData, validation_dataset
from pipeline.data.index import PatchIndex
from pipeline.distributed import processes
from pipeline.settings.fit import FitSettings
from pipeline.settings.recipe import Recipe
from pipeline.settings.run_folder import RunFolder, write_json
from pipeline.training.average import ResumeTraining, WeightAverage
from pipeline.training.backup import Backup, SaveBackup
from pipeline.training.callbacks import (
    EpochPlan,
    KeepCandidate,
    Progress,
    ResumableEarlyStopping,
    SaveForUse,
    SeedDropout,
    StopOnNaN,
    count_epochs,
    read_history,
    truncate_history,
)
from pipeline.training.fused_normalization import use_fused_normalization
from pipeline.training.teaching.distillation import FeatureLoss, LabelAccuracy, find_teacher

_MONITOR = "val_loss"
_MOMENTUM = 0.9
History = list[dict[str, float]]  # as read_history returns it


@dataclass(frozen=True)
class FitData:
    """The batches for training and validation."""

    training: TrainingData
    validation: Any


@dataclass(frozen=True)
class TrainingStage:
    """The epochs of one call of Keras' fit: first inclusive, last exclusive, counted from 0 over the whole training.

    backup: of this stage only. patience: of the early stopping, which counts only this stage's epochs. rate: name of
    the setting of the learning rate. slower: how many times as long an epoch of the next stage takes, for the estimate.
    """

    first: int
    last: int
    patience: int
    backup: Backup
    rate: str = "fit.learning_rate"
    slower: float = 1.0

    def history(self, history: History) -> History:
        """Return this stage's part of the history."""
        return [row for row in history if self.first <= row["epoch"] < self.last]

    def is_finished(self, history: History, settings: FitSettings) -> bool:
        """Return whether all epochs are done or early stopping applies."""
        own = replace(settings, epochs=self.last - self.first, patience=self.patience)
        return is_finished(self.history(history), own)


def make_fit_data(run: RunFolder, index: PatchIndex, recipe: Recipe) -> FitData:
    """Return the datasets of training, with soft labels if the recipe has a teacher, and of validation.

    Raises:
        InputError: a class has no patches, or the teacher does not suit the recipe.
    """
    patches = index.select("train", recipe.outputs)
    teacher = find_teacher(recipe, index, run.cache / "answers") if recipe.fit.teaches_labels else None
    return FitData(
        TrainingData(patches, recipe, run.cache / "train", teacher),
        validation_dataset(index.select("validation", recipe.outputs), recipe),
    )


def compile_for_fit(network: keras.Model, settings: FitSettings, learning_rate: Any) -> None:
    """Compile a network with loss, metric and an optimizer with a learning rate or schedule."""
    use_fused_normalization(network)
    outputs = without_feature_output(network).output_shape[1]
    if outputs < network.output_shape[1]:
        loss = FeatureLoss(outputs, settings.teacher_features, settings.label_smoothing)
        metric = LabelAccuracy(outputs)
    else:
        loss = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=settings.label_smoothing)
        metric = keras.metrics.CategoricalAccuracy(name="accuracy")
    network.compile(_OPTIMIZERS[settings.optimizer](learning_rate, settings), loss, metrics=[metric])


def learning_rate_schedule(settings: FitSettings, steps_per_epoch: int) -> Any:
    """Return a linear warm-up from 0 with a cosine decay to 0 (SGDR without restarts, arXiv:1608.03983)."""
    warmup = round(settings.warmup_epochs * steps_per_epoch)
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0 if warmup else settings.learning_rate,
        decay_steps=max(settings.epochs * steps_per_epoch - warmup, 1),
        warmup_target=settings.learning_rate if warmup else None,
        warmup_steps=warmup,
    )


def plan_epochs(settings: FitSettings, side: int, last: int, slower: float = 1.0) -> EpochPlan:
    """Return the lengths of the epochs of a network whose pictures have a side; without early_side two stages.

    last: of the first stage (exclusive). slower: how many times as long an epoch of the second takes. The time of a
    convolutional network grows with the area of its pictures.
    """
    if settings.early_epochs:
        return EpochPlan(settings.early_epochs, settings.epochs, (side / settings.early_side) ** 2)
    return EpochPlan(last, settings.epochs, slower)


def train_stage(run: RunFolder, recipe: Recipe, network: keras.Model, data: FitData, stage: TrainingStage) -> None:
    """Train a compiled network for one stage, from the last epoch in the stage's backup.

    best.keras has the weights of the epoch with the lowest validation loss of the whole training so far.

    Raises:
        InputError: a loss became NaN (names epoch and step).
    """
    nan = StopOnNaN(stage.rate, getattr(recipe.fit, stage.rate.removeprefix("fit.")))
    average = WeightAverage(recipe.fit.average) if recipe.fit.average else None
    first = max(stage.backup.restore(network, average), stage.first)
    network.fit(
        processes().share(data.training.batches(first, stage.last)),
        steps_per_epoch=data.training.steps_per_epoch,
        validation_data=data.validation,
        initial_epoch=first,
        epochs=stage.last,
        callbacks=[nan, SeedDropout(recipe.seed), *_callbacks(run, recipe, stage, average)],
        shuffle=False,
        verbose=0,
    )


def restore_point(run: RunFolder, *backups: Backup) -> int:
    """Make an interrupted run's history and backups consistent; return the epochs in both, 0 for a new run.

    Raises:
        InputError: a loss of theirs is NaN; earlier versions recorded such epochs.
    """
    for backup in backups:
        backup.adopt_earlier()
        backup.keep_up_to(count_epochs(run.history))
    done = max(backup.newest()[0] for backup in backups)
    truncate_history(run.history, done)
    for row in read_history(run.history):
        if not math.isfinite(row["loss"] + row[_MONITOR]):
            raise InputError(
                f"{run.history}: the loss became NaN in epoch {row['epoch'] + 1:.0f}. Start a new run with a lower "
                "learning rate."
            )
    return done


def is_finished(history: History, settings: FitSettings) -> bool:
    """Return whether training has ended: the last epoch is done, or none of the last `patience` epochs improved."""
    if not history:
        return False
    best = min(range(len(history)), key=lambda epoch: history[epoch][_MONITOR])
    return len(history) >= settings.epochs or len(history) - 1 - best >= max(settings.patience, 1)


def finish(run: RunFolder) -> dict[str, Any]:
    """Write fit.json, which marks the training as done, then delete backup and cache; return its content.

    Its seconds include those of the epochs before the training, in which the network learned a teacher's features.
    """
    history, earlier = read_history(run.history), read_history(RunFolder(run.pretraining).history)
    best = min(history, key=lambda row: row[_MONITOR])
    result = {
        "epochs": len(history),
        "best_epoch": int(best["epoch"]) + 1,
        "seconds": round(sum(row.get("seconds", 0.0) for row in earlier + history), 1),
        "finished": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
    }
    write_json(run.fit, result)
    shutil.rmtree(run.backup, ignore_errors=True)
    shutil.rmtree(run.cache, ignore_errors=True)
    return result


def _adamw(learning_rate: Any, settings: FitSettings) -> Any:
    return _without_decay_of_norms(keras.optimizers.AdamW(learning_rate, weight_decay=settings.weight_decay))


def _adam(learning_rate: Any, settings: FitSettings) -> Any:
    return keras.optimizers.Adam(learning_rate)


def _sgd(learning_rate: Any, settings: FitSettings) -> Any:
    optimizer = keras.optimizers.SGD(learning_rate, _MOMENTUM, nesterov=True, weight_decay=settings.weight_decay)
    return _without_decay_of_norms(optimizer)


def _without_decay_of_norms(optimizer: Any) -> Any:
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return optimizer


_OPTIMIZERS = {"adamw": _adamw, "adam": _adam, "sgd": _sgd}


def _callbacks(run: RunFolder, recipe: Recipe, stage: TrainingStage, average: WeightAverage | None) -> list[Any]:
    """Return the callbacks; the backup is last, so that backed-up epochs are already logged and saved."""
    history = read_history(run.history)
    best = min((row[_MONITOR] for row in history), default=None)
    return [
        *([average] if average else []),
        Progress(plan_epochs(recipe.fit, recipe.network.input_side, stage.last, stage.slower)),
        SaveForUse(
            run.candidate,
            recipe.network.input_side,
            monitor=_MONITOR,
            mode="min",
            save_best_only=True,
            initial_value_threshold=best,
        ),
        KeepCandidate(run.candidate, run.best),
        ResumableEarlyStopping(stage.history(history), monitor=_MONITOR, mode="min", patience=stage.patience),
        keras.callbacks.CSVLogger(run.history, append=bool(history)),
        *([keras.callbacks.TensorBoard(run.tensorboard, write_graph=False)] if recipe.fit.tensorboard else []),
        *([ResumeTraining(average)] if average else []),
        SaveBackup(stage.backup, average),
    ]
