"""The options that start a run: their declaration, the recipe and data that they mean, the words that repeat them."""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

from inference.errors import InputError
from pipeline.data.sources import DataPlace
from pipeline.recipes import RECIPES
from pipeline.settings.recipe import Overrides, Recipe, apply_variant, find_setting, override_all

_STARTING = ("run", "fit", "begin", "crossval")  # verbs that start runs with the options of the command alone
_RUNS = Path("runs")
# settings without effect in a cross-validation, and why
DECIDED_BY_CROSSVAL = {
    "split.test": "each fold is the test set of one training; choose their number with --folds",
    "split.folds": "choose their number with --folds",
    "split.fold": "every fold is the test set once",
    "export.max_accuracy_loss": "a fold whose file loses more does not end the others; the report states the loss",
    "export.max_unknown_change": "a fold whose file changes more is kept; the report states the shares",
}


def add_recipe_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of every verb that starts a run."""
    add = parser.add_argument
    add("recipe", choices=sorted(RECIPES), metavar="RECIPE", help="name of a recipe; see `list`")
    add("--images", type=Path, metavar="DIR", help="folder of the photographs")
    add("--annotations", type=Path, metavar="FILE", help="boxes: COCO, Pascal VOC, YOLO or CSV")
    add("--groups", type=Path, metavar="FILE", help="JSON list of lists of photographs that belong in the same split")
    add(
        "--masks",
        type=Path,
        metavar="DIR",
        help="anomalies: masks, for evaluation only (default: masks/ or ground_truth/ near the photographs)",
    )
    add("--test", type=Path, metavar="DIR", help="anomalies: test photographs, never in the memory bank")
    add("--crops", type=Path, metavar="DIR", help="anomalies: example regions, one subfolder per name")
    add("--smoke", action="store_true", help="a quick trial of all stages with few small pictures and epochs")
    add("--pretrained", action="store_true", help="use an ImageNet-pretrained trunk (recipes photos and folders)")
    add("--title", metavar="TEXT", help="title of report, model and page (default: by the folder of the data)")
    add_set(parser, "change a setting")
    add("--epochs", type=int, metavar="N", help="largest number of epochs; short for --set fit.epochs=N")
    add("--seed", type=int, metavar="N", help="seed of the training (default: the recipe's)")
    add("--runs", type=Path, default=_RUNS, metavar="DIR", help=f"folder of the runs (default: {_RUNS})")


def add_set(parser: argparse.ArgumentParser, text: str) -> None:
    """Add --set; text: its help."""
    parser.add_argument("--set", type=setting, action="append", default=[], metavar="NAME=VALUE", help=text)


def add_engine(parser: argparse.ArgumentParser, default: str | None = "local") -> None:
    """Add --engine."""
    text = f"ray: on a cluster, or by several processes here, see docs/scale.md (default: {default or 'as begun'})"
    parser.add_argument("--engine", choices=("local", "ray"), default=default, help=text)


def setting(text: str) -> tuple[str, str]:
    """Return the name and the value of NAME=VALUE."""
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"must look like fit.epochs=3. Received: {text}")
    return name, value


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


class _Reader(argparse.ArgumentParser):
    """A parser that raises what it refuses, and neither prints nor exits."""

    def error(self, message: str) -> NoReturn:
        raise InputError(message)


def read_command(command: Sequence[str]) -> argparse.Namespace | None:
    """Return the options of the process that started a run; None where it had others, or those of an earlier version.

    command: its arguments as in environment.json: the program, the verb, then recipe and options in any order.
    """
    if len(command) < 3 or Path(command[0]).parent.name != "pipeline" or command[1] not in _STARTING:
        return None
    try:
        return _parse(command[2:])
    except InputError:
        return None


def data_options(recipe: str, place: DataPlace) -> argparse.Namespace:
    """Return the options of a run with a recipe's own settings."""
    options = _parse([recipe])
    for name in ("images", "annotations", "groups", "masks", "test", "crops"):
        setattr(options, name, getattr(place, name))
    return options


def option_words(options: argparse.Namespace) -> list[str]:
    """Return the recipe's name and the options that are not their defaults, as words of a command line."""
    words, defaults = [options.recipe], vars(_parse([options.recipe]))
    for name, value in vars(options).items():
        if value == defaults[name]:
            continue
        if name == "set":
            words += [word for one in value for word in ("--set", "=".join(one))]
        elif value is True:
            words.append(f"--{name}")
        elif value is not None:
            words += _option(name, str(value))
    return words


def run_words(options: argparse.Namespace) -> list[str]:
    """Return the recipe's name and the options of `run` among those of another verb, as words of a command line."""
    known = vars(_parse([options.recipe]))
    return option_words(
        argparse.Namespace(**{name: getattr(options, name, known[name]) for name in known if name != "engine"})
    )


def _parse(words: Sequence[str]) -> argparse.Namespace:
    """Return the recipe options among words; others, such as --folds, are left out."""
    reader = _Reader(add_help=False)
    add_recipe_options(reader)
    add_engine(reader)
    return reader.parse_known_args(words)[0]


def _option(name: str, value: str) -> list[str]:
    return [f"--{name}={value}"] if value.startswith("-") else [f"--{name}", value]
