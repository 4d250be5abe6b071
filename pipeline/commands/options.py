"""The options that start a run -> its recipe and the location of its data."""

import argparse

from pipeline.data.sources import DataPlace
from pipeline.recipes import RECIPES
from pipeline.settings.recipe import Recipe, override_all


def read_recipe(options: argparse.Namespace) -> Recipe:
    """Return the named recipe with the overrides of the variant, then those of the user.

    Raises:
        InputError: a setting is unknown or its value is not allowed.
    """
    recipe = RECIPES[options.recipe]
    if data_place(options).embedded:
        recipe = override_all(recipe, recipe.embedded)
    if options.smoke:
        recipe = override_all(recipe, recipe.smoke)
    short = [("seed", options.seed), ("fit.epochs", options.epochs)]
    return override_all(recipe, (*options.set, *((name, str(value)) for name, value in short if value is not None)))


def data_place(options: argparse.Namespace) -> DataPlace:
    """Return the location of the data."""
    anomaly = {name: getattr(options, name) for name in ("masks", "test", "crops")}
    return DataPlace(options.images, options.annotations, options.runs, options.groups, **anomaly)
