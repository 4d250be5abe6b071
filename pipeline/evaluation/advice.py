"""A run's own figures -> what to do next, and the commands that do it."""

import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.data.folder_layout import given_split
from pipeline.data.index import PatchIndex
from pipeline.data.sources import SOURCES, DataPlace
from pipeline.report.comparison import BEYOND_COLOUR
from pipeline.report.sections import Advice, ClassificationReport
from pipeline.report.style import percent
from pipeline.settings.recipe import Recipe

FEW_PHOTOS = 50  # of a class in training, below which a network from scratch learns little
WEAK_RECALL = 0.6
STILL_FALLS = 0.05  # of the validation loss, in the last quarter of the epochs
WIDE_POINTS = 10.0  # of an interval of the accuracy
_FEWEST_TESTED = 5  # patches of a class, below which its recall says nothing
_MOST_CLASSES = 5  # that an advice names

History = Sequence[Mapping[str, float]]


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
    """Return what to do next, the most useful first; nothing for runs on drawn pictures."""
    if run.place.embedded:
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
    command = _command("run", run, "--pretrained", recipe="photos" if boxes else "folders")
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
    settings = run.recipe.fit
    epochs, before = len(losses), losses[: 3 * len(losses) // 4]
    if before and epochs >= settings.epochs and min(losses) < (1 - STILL_FALLS) * min(before):
        gain = percent(1 - min(losses) / min(before))
        text = f"The validation loss still fell by {gain} in the last quarter of {epochs}"
        return Advice(f"{text} epochs. Train longer.", _command("run", run, "--epochs", str(2 * settings.epochs)))
    if epochs > 2 and losses[0] == min(losses):
        text = f"The validation loss never fell after epoch 1 of {epochs}. Try a lower learning rate; check the labels."
        rate = f"fit.learning_rate={settings.learning_rate / 3:.1g}"
        return Advice(text, _command("run", run, "--set", rate))
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
    return Advice(text, shlex.join(["python", "-m", "pipeline", "audit", *_data_options(run.place)]))


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
    return Advice(f"{text} Test every photograph once.", _command("crossval", run, "--folds", "5"))


def _name_classes(names: list[str]) -> str:
    shown, more = ", ".join(names[:_MOST_CLASSES]), len(names) - _MOST_CLASSES
    return f"{shown} and {more} other{'s' if more > 1 else ''}" if more > 0 else shown


def _command(verb: str, run: FinishedRun, *options: str, recipe: str = "") -> str:
    """Return a command with the run's own options and others, to be pasted into a shell."""
    own = _own_options(run)
    if verb == "run" and "--epochs" in own[:-1] and {"--epochs", "--pretrained"} & set(options):
        start = own.index("--epochs")
        own = own[:start] + own[start + 2 :]  # these epochs were for another training
    return shlex.join(["python", "-m", "pipeline", verb, recipe or run.recipe.name, *own, *options])


def _own_options(run: FinishedRun) -> list[str]:
    """Return the options that the run was started with, or those of its data where they are not known."""
    words = run.command
    started = len(words) > 2 and Path(words[0]).parent.name == "pipeline" and words[1] in ("run", "fit")
    return list(words[3:]) if started else _data_options(run.place)


def _data_options(place: DataPlace) -> list[str]:
    given = {"--images": place.images, "--annotations": place.annotations}
    return [word for option, path in given.items() if path is not None for word in (option, _shorten(path))]


def _shorten(path: Path) -> str:
    """Return a path relative to the working directory where it is inside of it."""
    return os.path.relpath(path) if path.resolve().is_relative_to(Path.cwd()) else str(path)


def advice_lines(report: ClassificationReport) -> list[str]:
    """Return the advice for a terminal; the commands are not broken, so that they can be pasted."""
    pairs = ((f"next: {one.text}", f"    {one.command}") for one in report.advice or ())
    return [line for pair in pairs for line in pair]
