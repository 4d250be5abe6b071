"""The options that start a run, and its data -> its recipe with their classes and title."""

import argparse
import sys
from dataclasses import replace

from inference.errors import InputError
from pipeline.commands.preflight import check_apart, check_disk
from pipeline.data.classes import choose_labels, describe_classes
from pipeline.data.sources import SOURCES, DataPlace
from pipeline.recipes import RECIPES
from pipeline.run_options import data_place, read_recipe
from pipeline.settings.recipe import Recipe


def read_run_recipe(options: argparse.Namespace) -> Recipe:
    """Return the recipe of a new run: as read_recipe, with the classes and the title of the data; print the classes.

    Raises:
        InputError: also if the data can't be found or do not suit the recipe, or the runs can't be written.
    """
    recipe, place = read_recipe(options), data_place(options)
    place.check(recipe.source.kind)
    check_apart(place.runs / recipe.name, place)
    check_disk(recipe, place)  # first: the classes of a zip are read from its files
    if place.embedded:
        if recipe.kind == "classification" and not recipe.labels:
            raise InputError(f"the recipe {recipe.name} learns the classes of your data. Give them to --images.")
        return recipe
    recipe = _with_labels(recipe, place, any(setting == "labels" for setting, _ in options.set))
    own = RECIPES[options.recipe]
    fits = recipe.kind == "classification" and recipe.labels == own.labels  # so the recipe's own title is right
    return recipe if options.title or fits else replace(recipe, title=place.title)


def _with_labels(recipe: Recipe, place: DataPlace, given: bool) -> Recipe:
    """Return the recipe with the classes of the data, or the given ones; print them with their counts."""
    classes = SOURCES[recipe.source.kind].classes if recipe.source.kind in SOURCES else None
    if classes is None:
        return recipe
    found = classes(place, recipe)
    labels = choose_labels(recipe, found, given)
    print("\n".join(describe_classes(found, labels)), file=sys.stderr)
    return replace(recipe, labels=labels)
