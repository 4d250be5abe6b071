"""A run's own figures -> what to do next, and the commands that do it."""

import argparse
import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from inference.errors import InputError
from pipeline.data.folder_layout import given_split
from pipeline.data.index import PatchIndex
from pipeline.data.sources import SOURCES, DataPlace
from pipeline.recipes import RECIPES
from pipeline.report.comparison import BEYOND_COLOUR
from pipeline.report.sections import Advice, ClassificationReport
from pipeline.report.style import percent
from pipeline.run_options import DECIDED_BY_CROSSVAL, data_options, option_words, read_command, read_recipe
from pipeline.settings.recipe import Recipe

FEW_PHOTOS = 50  # of a class in training, below which a network from scratch learns little
WEAK_RECALL = 0.6
STILL_FALLS = 0.05  # of the validation loss, in the last quarter of the epochs
WIDE_POINTS = 10.0  # of an interval of the accuracy
_FEWEST_TESTED = 5  # patches of a class, below which its recall says nothing
_MOST_CLASSES = 5  # that an advice names

History = Sequence[Mapping[str, float]]
Settings = list[tuple[str, str]]  # name and value of each --set


@dataclass(frozen=True)
class FinishedRun:
    """What the advice is based on: the report, the epochs as in history.csv, and what the run was made of.

    command: the arguments of the process that started the run, as in environment.json.
    """

    report: ClassificationReport
    history: History
    index: PatchIndex
    recipe: Recipe
    place: DataPlace
    command: Sequence[str] = ()


def advise(run: FinishedRun) -> tuple[Advice, ...]:
    """Return what to do next, the most useful first; nothing for drawn pictures or a recipe that is gone."""
    if run.place.embedded or run.recipe.name not in RECIPES:
        return ()
    found = (_advise_pretrained(run), _advise_epochs(run), _advise_labels(run), _advise_crossval(run))
    return tuple(one for one in found if one is not None)


def _advise_pretrained(run: FinishedRun) -> Advice | None:
    """Advise a pretrained trunk where there is little to learn from, or where colour alone does as well."""
    if not run.recipe.network.trunk.startswith("patch_net"):
        return None
    reasons = list(_reasons_for_pretraining(run))
    if not reasons:
        return None
    boxes = SOURCES[run.recipe.source.kind].photographs is not None
    own = _own_options(run)
    kept = _without(own.set, "network.trunk", "network.weights", "network.input_side", "fit.", "augment.")
    recipe = "photos" if boxes else "folders"
    command = _command("run", _change(own, recipe=recipe, pretrained=True, epochs=None, set=kept))
    return Advice(f"{' and '.join(reasons)}. A pretrained trunk needs fewer photographs.", command)


def _reasons_for_pretraining(run: FinishedRun) -> Iterator[str]:
    train = run.index.select("train", run.recipe.labels)
    photos = {label: len({p.photo for p in train.patches if p.label == label}) for label in run.recipe.labels}
    few = sorted((count, label) for label, count in photos.items() if count < FEW_PHOTOS)
    if few:
        names = _name_classes([f"{label} ({count})" for count, label in few])
        yield f"{names} had under {FEW_PHOTOS} training photographs"
    if run.report.baseline and run.report.baseline.verdict not in (None, BEYOND_COLOUR):
        yield "the network is not shown to use more than colour"


def _advise_epochs(run: FinishedRun) -> Advice | None:
    """Advise more epochs where the validation loss still fell at the end, and a lower rate where it never fell.

    A frozen trunk's history has a row per penalty of the head, not per epoch.
    """
    if run.recipe.fit.kind == "frozen":
        return None
    losses = [row["val_loss"] for row in run.history if "val_loss" in row]
    settings, own = run.recipe.fit, _own_options(run)
    epochs, before = len(losses), losses[: 3 * len(losses) // 4]
    if before and epochs >= settings.epochs and min(losses) < (1 - STILL_FALLS) * min(before):
        gain = percent(1 - min(losses) / min(before))
        text = f"The validation loss still fell by {gain} in the last quarter of {epochs}"
        longer = _change(own, epochs=2 * settings.epochs, set=_without(own.set, "fit.epochs"))
        return Advice(f"{text} epochs. Train longer.", _command("run", longer))
    if epochs > 2 and losses[0] == min(losses):
        text = f"The validation loss never fell after epoch 1 of {epochs}. Try a lower learning rate; check the labels."
        rate = ("fit.learning_rate", f"{settings.learning_rate / 3:.1g}")
        slower = _change(own, set=[*_without(own.set, "fit.learning_rate"), rate])
        return Advice(text, _command("run", slower))
    return None


def _advise_labels(run: FinishedRun) -> Advice | None:
    """Advise a look at the classes that are recognised badly."""
    rows = run.report.metrics.per_class.items()
    weak = sorted(
        (row.recall.value, label)
        for label, row in rows
        if row.recall.value is not None and row.recall.n >= _FEWEST_TESTED and row.recall.value < WEAK_RECALL
    )
    if not weak:
        return None
    names = _name_classes([f"{label} ({percent(value)})" for value, label in weak])
    text = f"Few of {names} were recognised. Look for wrong labels, copies and classes that look alike."
    words = option_words(data_options(run.recipe.name, _shortened(run.place)))[1:]  # without the recipe
    return Advice(text, shlex.join(["python", "-m", "pipeline", "audit", *words]))


def _advise_crossval(run: FinishedRun) -> Advice | None:
    """Advise a cross-validation where the test is too small to tell much, unless the data set gives a test."""
    accuracy = run.report.metrics.accuracy
    given = any(given_split(patch.photo.split("/")[0]) for patch in run.index.patches)
    if run.recipe.split.folds or given or not accuracy.ends:
        return None
    points = 100 * float(np.diff(accuracy.ends)[0])
    if points <= WIDE_POINTS:
        return None
    text = f"With {accuracy.n} test patches the interval of the accuracy is {points:.0f} points wide."
    own = _own_options(run)
    pooled = _change(own, set=_without(own.set, *DECIDED_BY_CROSSVAL))
    return Advice(f"{text} Test every photograph once.", _command("crossval", pooled, "--folds", "5"))


def _name_classes(names: list[str]) -> str:
    shown, more = ", ".join(names[:_MOST_CLASSES]), len(names) - _MOST_CLASSES
    return f"{shown} and {more} other{'s' if more > 1 else ''}" if more > 0 else shown


def _command(verb: str, options: argparse.Namespace, *others: str) -> str:
    """Return a command to be pasted into a shell; settings that it would refuse are left out."""
    words = option_words(_change(options, set=_accepted_settings(options)))
    return shlex.join(["python", "-m", "pipeline", verb, *words, *others])


def _accepted_settings(options: argparse.Namespace) -> Settings:
    """Return the settings that have an effect together, all of them if they can."""
    if _is_accepted(options):
        return options.set
    kept: Settings = []
    for one in options.set:
        if _is_accepted(_change(options, set=[*kept, one])):
            kept.append(one)
    return kept


def _is_accepted(options: argparse.Namespace) -> bool:
    try:
        read_recipe(options)
    except InputError:
        return False
    return True


def _own_options(run: FinishedRun) -> argparse.Namespace:
    """Return the options that the run was started with, or those of its data where they are not known."""
    return read_command(run.command) or data_options(run.recipe.name, _shortened(run.place))


def _change(options: argparse.Namespace, **changes: object) -> argparse.Namespace:
    return argparse.Namespace(**{**vars(options), **changes})


def _without(settings: Settings, *prefixes: str) -> Settings:
    """Return the settings whose names begin with none of the prefixes."""
    return [one for one in settings if not one[0].startswith(prefixes)]


def _shortened(place: DataPlace) -> DataPlace:
    """Return a location with paths relative to the working directory where they are inside of it."""
    given = {name: path for name, path in vars(place).items() if path and path.resolve().is_relative_to(Path.cwd())}
    return replace(place, **{name: Path(os.path.relpath(path)) for name, path in given.items()})


def advice_lines(report: ClassificationReport) -> list[str]:
    """Return the advice for a terminal; the commands are not broken, so that they can be pasted."""
    pairs = ((f"next: {one.text}", f"    {one.command}") for one in report.advice or ())
    return [line for pair in pairs for line in pair]
