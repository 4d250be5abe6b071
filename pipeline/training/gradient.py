"""PatchIndex -> best.keras and history.csv: training of the whole network, which can be resumed."""

from pathlib import Path
from typing import Any

import keras

from models.heads import add_feature_output
from pipeline.data.index import PatchIndex
from pipeline.settings.recipe import Recipe
from pipeline.settings.run_folder import RunFolder
from pipeline.training.backup import Backup
from pipeline.training.callbacks import read_history
from pipeline.training.epochs import (
    TrainingStage,
    compile_for_fit,
    finish,
    is_finished,
    learning_rate_schedule,
    make_fit_data,
    restore_point,
    train_stage,
)
from pipeline.training.frozen import fit_frozen
from pipeline.training.pretraining import pretrain
from pipeline.training.two_stage import fit_two_stage
from pipeline.training.weights import make_network


def fit_gradient(run: RunFolder, index: PatchIndex, recipe: Recipe) -> dict[str, Any]:
    """Train the recipe's network; return the content of fit.json: epochs, best_epoch (from 1), seconds of training.

    best.keras has the weights of the epoch with the lowest validation loss. Called again on the folder of an
    interrupted run, it resumes after the last complete epoch.

    Raises:
        InputError: a class has no patches, the initial weights don't fit, or the loss became NaN (names epoch and
            step).
    """
    backup = Backup(run.backup)
    restore_point(run, backup)
    history = read_history(run.history)
    if is_finished(history, recipe.fit):  # killed between the last epoch and fit.json
        return finish(run)
    learned = pretrain(run, index, recipe) if recipe.fit.teaches_before and not history else None
    keras.utils.set_random_seed(recipe.seed)
    data = make_fit_data(run, index, recipe)
    network = compile_network(recipe, data.training.steps_per_epoch, bool(history), data.training.features, learned)
    train_stage(run, recipe, network, data, TrainingStage(0, recipe.fit.epochs, recipe.fit.patience, backup))
    return finish(run)


FITS = {"gradient": fit_gradient, "two_stage": fit_two_stage, "frozen": fit_frozen}


def compile_network(
    recipe: Recipe,
    steps_per_epoch: int,
    resumed: bool = False,
    teacher_features: int = 0,
    learned: Path | None = None,
) -> keras.Model:
    """Return the recipe's network, compiled with a warm-up and cosine decay of the learning rate.

    resumed: leave the weights random, since they are restored from a backup. teacher_features: number of the teachers'
    features, which become a further output. learned: file of the initial weights, in place of network.weights.
    """
    weights = "none" if resumed or learned else recipe.network.weights
    network = make_network(recipe, weights, any_side=recipe.fit.early_side > 0)
    if learned:
        network.load_weights(learned)
    network = add_feature_output(network, teacher_features)
    compile_for_fit(network, recipe.fit, learning_rate_schedule(recipe.fit, steps_per_epoch))
    return network
