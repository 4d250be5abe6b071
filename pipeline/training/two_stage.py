"""PatchIndex + pretrained trunk -> best.keras and history.csv: first only the head is trained, then the network."""

import difflib
from dataclasses import replace
from typing import Any

import keras

from inference.errors import InputError
from models.build import trunk_of
from pipeline.data.index import PatchIndex
from pipeline.settings.recipe import Recipe
from pipeline.settings.run_folder import RunFolder
from pipeline.training.backup import Backup
from pipeline.training.callbacks import read_history
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
        if done < head.last:
            train_stage(run, recipe, _head_network(recipe, resumed=done > 0), data, head)
        train_stage(run, recipe, _whole_network(recipe, data, head), data, whole)
    return finish(run)


def training_stages(run: RunFolder, recipe: Recipe) -> tuple[TrainingStage, TrainingStage]:
    """Return the two stages; the first is short and has no early stopping."""
    settings = recipe.fit
    head = TrainingStage(
        0,
        settings.head_epochs,
        settings.head_epochs,
        Backup(run.backup / "head"),
        "fit.head_learning_rate",
        _WHOLE_EPOCH,
    )
    return head, TrainingStage(settings.head_epochs, settings.epochs, settings.patience, Backup(run.backup / "whole"))


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


def _whole_network(recipe: Recipe, data: FitData, head: TrainingStage) -> keras.Model:
    """Return the network of the second stage, with the final weights of the first.

    It is always built anew, so that a run interrupted between the stages is not a special case, and no state of the
    first fit affects the second.
    """
    network = make_network(recipe, "none")
    network.load_weights(head.backup.newest()[1])
    unfreeze_trunk(network, recipe.fit.trainable_from)
    settings = replace(recipe.fit, epochs=recipe.fit.epochs - recipe.fit.head_epochs)
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
