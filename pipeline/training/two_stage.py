"""PatchIndex + pretrained trunk -> best.keras and history.csv: first only the head is trained, then the network."""

import difflib
import time
from dataclasses import replace
from typing import Any

import keras

from inference.errors import InputError
from models.build import trunk_of
from pipeline.data.index import PatchIndex
from pipeline.settings.recipe import Recipe
from pipeline.settings.run_folder import RunFolder
from pipeline.training.backup import Backup
from pipeline.training.callbacks import read_history, write_history
from pipeline.training.epochs import (
    FitData,
    TrainingStage,
    compile_for_fit,
    finish,
    learning_rate_schedule,
    make_fit_data,
    restore_point,
    train_stage,
)
from pipeline.training.frozen import fit_head
from pipeline.training.weights import make_network

_NAMES_SHOWN = 8
_WHOLE_EPOCH = 2.5  # an epoch of the second stage, in epochs of the first, for the estimate of the time left


def fit_two_stage(run: RunFolder, index: PatchIndex, recipe: Recipe) -> dict[str, Any]:
    """Train the head on the frozen trunk, then both; return the same as fit_gradient.

    Batch normalisation of the trunk is frozen in both stages: its pretrained statistics are better than those of a few
    hundred pictures. Epochs are counted over both stages; an interrupted run resumes in its stage.

    Raises:
        InputError: a class has no patches, the initial weights don't fit, the trunk has no layer of the name
            fit.trainable_from, or the loss became NaN (names epoch and step).
    """
    head, whole = training_stages(run, recipe)
    done = restore_point(run, head.backup, whole.backup)
    history = read_history(run.history)
    if not whole.is_finished(history, recipe.fit):  # otherwise killed between the last epoch and fit.json
        keras.utils.set_random_seed(recipe.seed)
        data = make_fit_data(run, index, recipe)
        if done < head.last and recipe.fit.head == "linear":
            _fit_linear_head(run, recipe, data, head)
        elif done < head.last:
            train_stage(run, recipe, _head_network(recipe, resumed=done > 0), data, head)
        train_stage(run, recipe, _whole_network(recipe, data, head), data, whole)
    return finish(run)


def training_stages(run: RunFolder, recipe: Recipe) -> tuple[TrainingStage, TrainingStage]:
    """Return the two stages; the first is short and has no early stopping. A linear head is one epoch."""
    settings = recipe.fit
    first = 1 if settings.head == "linear" else settings.head_epochs
    head = TrainingStage(0, first, first, Backup(run.backup / "head"), "fit.head_learning_rate", slower=_WHOLE_EPOCH)
    return head, TrainingStage(first, settings.epochs, settings.patience, Backup(run.backup / "whole"))


def freeze_trunk(network: keras.Model) -> None:
    """Make only the head trainable."""
    for layer in trunk_of(network).layers:
        layer.trainable = False


def unfreeze_trunk(network: keras.Model, first: str) -> None:
    """Make the trunk trainable from a given layer on ("": all layers), except batch normalisation.

    Batch normalisation layers are frozen one by one: calling the trunk with training=False has no effect in Keras' fit.

    Raises:
        InputError: the trunk has no layer of that name.
    """
    trunk = trunk_of(network).layers
    start = _index_of(first, trunk) if first else 0
    for position, layer in enumerate(trunk):
        layer.trainable = position >= start and not isinstance(layer, keras.layers.BatchNormalization)


def _head_network(recipe: Recipe, resumed: bool) -> keras.Model:
    """Return the network of the first stage; the weights of a resumed run are restored from the backup."""
    network = make_network(recipe, "none" if resumed else recipe.network.weights)
    unfreeze_trunk(network, recipe.fit.trainable_from)  # refuses an unknown name before the first epoch
    freeze_trunk(network)
    compile_for_fit(network, recipe.fit, recipe.fit.head_learning_rate)
    return network


def _fit_linear_head(run: RunFolder, recipe: Recipe, data: FitData, stage: TrainingStage) -> None:
    """Do the first stage as fit.kind=frozen does; its epoch is measured as the later ones are."""
    begun = time.monotonic()
    network = make_network(recipe, recipe.network.weights)
    unfreeze_trunk(network, recipe.fit.trainable_from)  # refuses an unknown name before the features are computed
    best = min(fit_head(run, network, data, recipe.fit.head_epochs), key=lambda row: row["val_loss"])
    compile_for_fit(network, recipe.fit, recipe.fit.learning_rate)
    loss, accuracy = network.evaluate(data.validation, verbose=0)
    network.save(run.candidate)
    run.candidate.replace(run.best)
    row = {"epoch": 0, "accuracy": best["accuracy"], "learning_rate": 0.0, "loss": best["loss"]}
    row |= {"seconds": round(time.monotonic() - begun, 2), "val_accuracy": accuracy, "val_loss": loss}
    write_history(run.history, [row])
    stage.backup.save(network, stage.last)


def _whole_network(recipe: Recipe, data: FitData, head: TrainingStage) -> keras.Model:
    """Return the network of the second stage, with the final weights of the first.

    It is always built anew, so that a run interrupted between the stages is not a special case, and no state of the
    first fit affects the second.
    """
    network = make_network(recipe, "none")
    network.load_weights(head.backup.newest()[1])
    unfreeze_trunk(network, recipe.fit.trainable_from)
    settings = replace(recipe.fit, epochs=recipe.fit.epochs - head.last)
    compile_for_fit(network, settings, learning_rate_schedule(settings, data.training.steps_per_epoch))
    return network


def _index_of(name: str, layers: list[keras.layers.Layer]) -> int:
    names = [layer.name for layer in layers]
    if name in names:
        return names.index(name)
    weighted = [
        layer.name for layer in layers if layer.weights and not isinstance(layer, keras.layers.BatchNormalization)
    ]
    step = max(len(weighted) // _NAMES_SHOWN, 1)
    shown = difflib.get_close_matches(name, weighted, 3) or weighted[::step]
    raise InputError(
        f"fit.trainable_from must be a layer of the trunk. Received: {name!r}. Layers are, from first to last, for "
        f"example: {', '.join(shown)}."
    )
