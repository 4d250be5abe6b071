"""A teacher -> initial weights: the network first learns its features of windows of the training photographs.

A few hundred labelled patches say little about what to look for; the features of a large pretrained network, of many
windows of the same photographs, say much more, and need no labels (FitNets: Romero et al., arXiv:1412.6550). Of the
photographs only those of the training are used.
"""

import shutil
import sys
from dataclasses import replace
from pathlib import Path

import keras

from models.heads import feature_learner
from pipeline.data.index import PatchIndex
from pipeline.settings.recipe import Recipe
from pipeline.settings.run_folder import RunFolder
from pipeline.training.backup import Backup, SaveBackup
from pipeline.training.callbacks import Progress, StopOnNaN, count_epochs
from pipeline.training.epochs import learning_rate_schedule, plan_epochs, restore_point
from pipeline.training.fused_normalization import use_fused_normalization
from pipeline.training.teaching.distillation import find_teacher
from pipeline.training.teaching.windows import Windows, compute_windows, list_photographs
from pipeline.training.weights import make_network

_WEIGHT_DECAY = 1e-4
_WARMUP_EPOCHS = 0.5


def pretrain(run: RunFolder, index: PatchIndex, recipe: Recipe) -> Path:
    """Return the file of the weights that have learned the features of fit.teacher; an interrupted call is resumed.

    Raises:
        InputError: the photographs are gone, there are fewer than two, or the loss became NaN.
    """
    own = RunFolder(run.pretraining)  # with a history and a backup of its own
    learned = own.path / "learned.weights.h5"
    if not learned.is_file():
        own.path.mkdir(exist_ok=True)
        partial = own.path / "partial.weights.h5"
        windows = _make_windows(run, index, recipe, own.cache)
        _learn(own, windows, recipe).save_weights(partial)
        windows.release()
        partial.replace(learned)
    for folder in (own.backup, own.cache):
        shutil.rmtree(folder, ignore_errors=True)
    return learned


def _make_windows(run: RunFolder, index: PatchIndex, recipe: Recipe, cache: Path) -> Windows:
    """Show the teacher windows of all training photographs; return them."""
    print("learning the features of fit.teacher before the labels ...", file=sys.stderr, flush=True)
    teacher = find_teacher(recipe, PatchIndex(index.root, index.select("test").patches))  # refused if it knows these
    assert teacher is not None  # what fit.teacher_epochs needs
    photographs = list_photographs(run, index, recipe)
    files = compute_windows(cache, photographs, teacher, recipe)
    return Windows(files, [one.photo for one in photographs], recipe)


def _learn(own: RunFolder, windows: Windows, recipe: Recipe) -> keras.Model:
    """Return the recipe's network after fit.teacher_epochs."""
    backup = Backup(own.backup)
    restore_point(own, backup)
    keras.utils.set_random_seed(recipe.seed)
    network = make_network(recipe, recipe.network.weights, any_side=recipe.fit.early_side > 0)
    learner = feature_learner(network, windows.width)
    use_fused_normalization(learner)
    epochs, rate = recipe.fit.teacher_epochs, recipe.fit.teacher_learning_rate
    plan = replace(recipe.fit, epochs=epochs, learning_rate=rate, warmup_epochs=_WARMUP_EPOCHS)
    schedule = learning_rate_schedule(plan, windows.steps_per_epoch)
    learner.compile(keras.optimizers.AdamW(schedule, weight_decay=_WEIGHT_DECAY), "mse")
    first = backup.restore(learner)
    if first < epochs:
        learner.fit(
            windows.batches(first, epochs),
            steps_per_epoch=windows.steps_per_epoch,
            validation_data=windows.validation(),
            initial_epoch=first,
            epochs=epochs,
            callbacks=[
                StopOnNaN("fit.teacher_learning_rate", rate),
                Progress(plan_epochs(plan, recipe.network.input_side, epochs)),
                keras.callbacks.CSVLogger(own.history, append=count_epochs(own.history) > 0),
                SaveBackup(backup),
            ],
            shuffle=False,
            verbose=0,
        )
    return network
