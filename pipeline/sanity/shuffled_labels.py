"""A run -> the same training on shuffled labels: the accuracy that the recipe reaches by chance.

Unchanged are the recipe, its code path, the patches, their splits, which of them are background, the number of
photographs per split and label, and that all patches of one box, and of one photograph with one label, have the same
label. Only this label is random. Background keeps its label: separating specimens from background is a part of the
training, and the compared accuracy counts only the classes' patches. Test labels stay true. Validation labels are
permuted too: true ones would leak into the choice of the best epoch.

A network that separates the classes, by colour for example, names them at random, and with few classes the names may be
right by chance: with three classes, in one of six shuffles. Another shuffle (the default is 0) then gives more
evidence; pipeline.sanity.permutation.naming_luck returns the probability of such a result.

Two possible leaks of the true labels are closed: no teacher is used, and the head of the initial weights is not used,
since both may have been trained on the classes.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from inference.errors import InputError
from pipeline.classification.stages import FIT, run_index
from pipeline.data.index import PatchIndex, write_index
from pipeline.random_generator import make_generator
from pipeline.report.old_names import modern
from pipeline.sanity.permutation import find_units
from pipeline.settings.recipe import Recipe, override_all
from pipeline.settings.run_folder import RunFolder, fill_run, read_json, relative_path, write_json
from pipeline.stages import complete

_START_NAME = "start.weights.h5"


def shuffle_labels(index: PatchIndex, labels: tuple[str, ...], shuffle: int) -> PatchIndex:
    """Return the index with the classes' labels permuted within training and within validation; see the module."""
    patches = list(index.patches)
    for split in ("train", "validation"):
        positions = [position for position, one in enumerate(patches) if one.split == split and one.label in labels]
        named, photos = (
            np.array([getattr(patches[position], key) for position in positions]) for key in ("label", "photo")
        )
        units = find_units(named, photos)
        drawn = units.permuted(make_generator(shuffle, "shuffled labels", split))
        for position, label in zip(positions, drawn, strict=True):
            patches[position] = replace(patches[position], label=str(label))
    return PatchIndex(index.root, tuple(patches))


def train_shuffled(run: RunFolder, folder: Path, epochs: int | None = None, shuffle: int | None = None) -> RunFolder:
    """Train the run's recipe on shuffled labels in a run folder, or resume such a training; return its folder.

    epochs: by default the recipe's. shuffle: number of the permutation, 0 by default. An existing training keeps its
    own values.

    Raises:
        InputError: the folder holds a training with other epochs or another shuffle, or the recipe can't be trained
            with so few epochs.
    """
    shuffled = RunFolder(folder)
    if not shuffled.index.is_file():
        _prepare(run, shuffled, epochs, shuffle or 0)
    begun = {"epochs": shuffled.read_recipe().fit.epochs, "shuffle": read_shuffle(shuffled)}
    for name, value in (("epochs", epochs), ("shuffle", shuffle)):
        if value not in (None, begun[name]):
            raise InputError(
                f"{folder}: holds a training on shuffled labels with --{name} {begun[name]}. Received: {value}. "
                f"Leave --{name} out to use it, or recompute everything with --again."
            )
    complete(shuffled, [FIT])
    return shuffled


def read_shuffle(shuffled: RunFolder) -> int:
    """Return the shuffle number of a training on shuffled labels."""
    return int(modern(read_json(shuffled.data, "Recompute everything with --again."))["shuffle_seed"])


def answer_test(run: RunFolder) -> np.ndarray:
    """Return the best label of a trained run's Keras network for each of the classes' test patches: str [patches]."""
    from pipeline.calibration.predict import predict
    from pipeline.training.saved_network import read_network  # TensorFlow takes seconds to import

    recipe = run.read_recipe()
    network = read_network(run.best)
    test = run_index(run).select("test", recipe.labels)
    logits = predict(network, test, recipe)  # [patches, outputs]
    return np.array(recipe.labels)[logits[:, : len(recipe.labels)].argmax(axis=1)]


def _prepare(run: RunFolder, shuffled: RunFolder, epochs: int | None, shuffle: int) -> None:
    """Write the files that a run has before its training; the index is written last, as in a run."""
    recipe, index = run.read_recipe(), run_index(run)
    fill_run(shuffled.path, _shortened(recipe, epochs))
    if recipe.network.weights not in ("none", "imagenet"):
        start = shuffled.path / _START_NAME
        _write_trunk(recipe, start)
        fill_run(shuffled.path, override_all(shuffled.read_recipe(), (("network.weights", str(start.resolve())),)))
    write_json(shuffled.source, read_json(run.source, "Start a new run."))
    data = read_json(run.data, "Start a new run.")
    data["patches"] = relative_path(index.root.resolve(), shuffled.path.resolve())
    write_json(shuffled.data, data | {"shuffle_seed": shuffle})
    write_index(shuffle_labels(index, recipe.labels, shuffle), shuffled.index)


def _shortened(recipe: Recipe, epochs: int | None) -> Recipe:
    """Return the recipe without a teacher and with the given epochs; a first stage stays shorter than the whole."""
    changes: dict[str, Any] = {"fit.teacher": ""}  # and with it whatever it would teach
    if epochs is not None:
        changes["fit.epochs"] = epochs
        if recipe.fit.kind == "two_stage":
            changes["fit.head_epochs"] = max(min(recipe.fit.head_epochs, epochs - 1), 1)
    return override_all(recipe, tuple((name, str(value)) for name, value in changes.items()))


def _write_trunk(recipe: Recipe, path: Path) -> None:
    """Write the recipe's initial weights without those of the head."""
    from models.build import trunk_of
    from pipeline.training.weights import make_network

    trunk_of(make_network(recipe, recipe.network.weights)).save_weights(path)
