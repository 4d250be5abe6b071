"""What a training needs besides its data, checked before any picture is cut: initial weights and teacher."""

from pathlib import Path

import keras

from pipeline.data.index import PatchIndex
from pipeline.settings.recipe import Recipe
from pipeline.training.teaching.distillation import find_teacher
from pipeline.training.two_stage import unfreeze_trunk
from pipeline.training.weights import make_network


def check_training(recipe: Recipe) -> None:
    """Load the initial weights, which downloads them if they are published ones, and the teacher; keep nothing.

    Raises:
        InputError: weights or teacher are missing or don't suit the recipe; see make_network and find_teacher.
    """
    find_teacher(recipe, PatchIndex(Path(), ()))
    network = make_network(recipe, recipe.network.weights)
    if recipe.fit.kind == "two_stage":
        unfreeze_trunk(network, recipe.fit.trainable_from)
    keras.utils.clear_session()  # the names of layers are counted; the training's network must get the same
