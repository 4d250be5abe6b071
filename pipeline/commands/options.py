"""The options that start a run -> its recipe and the location of its data."""

import argparse

from inference.errors import InputError
from pipeline.data.sources import DataPlace
from pipeline.recipes import RECIPES
from pipeline.settings.recipe import Overrides, Recipe, override_all


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
    overrides = (*options.set, *((name, str(value)) for name, value in short if value is not None))
    _check_effect(overrides, data_place(options))
    return override_all(recipe, overrides)


def _check_effect(overrides: Overrides, place: DataPlace) -> None:
    """Refuse settings that have no effect with the data that is given, or not given."""
    without_effect = {
        "source.count": "nothing is drawn, since --images is given" if place.images else "",
        "source.seed": "nothing is drawn, since --images is given" if place.images else "",
        "anomaly.crop_scale": "" if place.crops else "there are no example regions without --crops",
    }
    for setting, _ in overrides:
        if reason := without_effect.get(setting):
            raise InputError(f"{setting} has no effect: {reason}. Leave it out.")


def data_place(options: argparse.Namespace) -> DataPlace:
    """Return the location of the data."""
    anomaly = {name: getattr(options, name) for name in ("masks", "test", "crops")}
    return DataPlace(options.images, options.annotations, options.runs, options.groups, **anomaly)
