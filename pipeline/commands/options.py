"""The options that start a run -> its recipe and the location of its data."""

import argparse
import sys
from dataclasses import replace

from inference.errors import InputError
from pipeline.commands.preflight import check_apart, check_disk
from pipeline.data.classes import choose_labels, describe_classes
from pipeline.data.sources import SOURCES, DataPlace
from pipeline.recipes import RECIPES
from pipeline.settings.recipe import Overrides, Recipe, apply_variant, find_setting, override_all


def read_recipe(options: argparse.Namespace) -> Recipe:
    """Return the named recipe with the overrides of the variants, then those of the user.

    Raises:
        InputError: a setting is unknown or its value is not allowed.
    """
    recipe, place = RECIPES[options.recipe], data_place(options)
    overrides = _user_overrides(options)
    _check_effect(overrides, place)
    variants = (
        recipe.embedded if place.embedded else (),
        _pretrained(recipe) if options.pretrained else (),
        recipe.smoke if options.smoke else (),
    )
    for changes in variants:
        recipe = apply_variant(recipe, changes)
    recipe = override_all(recipe, overrides)
    return replace(recipe, title=options.title) if options.title else recipe


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


def _pretrained(recipe: Recipe) -> Overrides:
    """Return the changes of --pretrained."""
    if not recipe.pretrained:
        others = ", ".join(name for name, one in RECIPES.items() if one.pretrained)
        raise InputError(f"--pretrained: only for the recipes {others}. Received: {recipe.name}. Leave it out.")
    return recipe.pretrained


def given_settings(options: argparse.Namespace) -> set[str]:
    """Return the names of the settings that the user has chosen."""
    return {find_setting(name).name for name, _ in _user_overrides(options)}


def _user_overrides(options: argparse.Namespace) -> Overrides:
    short = [("seed", options.seed), ("fit.epochs", options.epochs)]
    return (*options.set, *((name, str(value)) for name, value in short if value is not None))


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
