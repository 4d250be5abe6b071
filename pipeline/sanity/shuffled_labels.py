"""A run -> the same training with labels that mean nothing: what the recipe's code path reaches by luck.

What stays as it is: the recipe, its code path, the patches, their splits, which of them are background, how many
photographs of each split carry each label, and that the patches of one box, and of one photograph with one label,
agree. Only which label they agree on is random. Background keeps its label: telling specimens from background is
a task of its own, without which the training would be another one, and the accuracy that is compared counts the
classes' patches alone. Test labels stay true. Validation labels are permuted too: with true ones the best epoch would
be chosen by knowledge that the training must not have.

A network that tells the classes apart, by colour for example, gives each of them some name even so, and with few
classes the names may be right by luck: of three classes all are in one of six shuffles. Another shuffle (0 is the
default) then says more; pipeline.sanity.permutation.naming_luck says how likely such luck is.

Two ways in which the true labels could still come in are closed: a teacher is left out, and of weights to start from
the head is left out, since both may know the classes.
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
from pipeline.settings.run_folder import RunFolder, fill_run, read_json, relative_to_run, write_json
from pipeline.stages import complete

_START_NAME = "start.weights.h5"


def shuffle_labels(index: PatchIndex, labels: tuple[str, ...], shuffle: int) -> PatchIndex:
    """Permute the classes' labels within the training and within the validation patches; see the module."""
    patches = list(index.patches)
    for split in ("train", "validation"):
        places = [place for place, one in enumerate(patches) if one.split == split and one.label in labels]
        named, photos = (np.array([getattr(patches[place], key) for place in places]) for key in ("label", "photo"))
        units = find_units(named, photos)
        drawn = units.permuted(make_generator(shuffle, "shuffled labels", split))
        for place, label in zip(places, drawn, strict=True):
            patches[place] = replace(patches[place], label=str(label))
    return PatchIndex(index.root, tuple(patches))


def train_shuffled(run: RunFolder, folder: Path, epochs: int | None = None, shuffle: int | None = None) -> RunFolder:
    """Train the run's recipe on shuffled labels in a run's folder of its own; go on with one that was killed.

    epochs: instead of the recipe's. shuffle: the number of the permutation, 0 by default. A training that exists keeps
    its own.

    Raises:
        InputError: the folder holds a training with other epochs or of another shuffle, or the recipe can't be trained
            with so few epochs.
    """
    shuffled = RunFolder(folder)
    if not shuffled.index.is_file():
        _prepare(run, shuffled, epochs, shuffle or 0)
    begun = {"epochs": shuffled.read_recipe().fit.epochs, "lot": read_shuffle(shuffled)}
    for name, value in (("epochs", epochs), ("lot", shuffle)):
        if value not in (None, begun[name]):
            raise InputError(
                f"{folder}: holds a training on shuffled labels with --{name} {begun[name]}. Received: {value}. "
                f"Leave --{name} out to use it, or make everything anew with --again."
            )
    complete(shuffled, [FIT])
    return shuffled


def read_shuffle(shuffled: RunFolder) -> int:
    """Return the number of the permutation that a training on shuffled labels has."""
    return int(modern(read_json(shuffled.data, "Make everything anew with --again."))["shuffle_seed"])


def answer_test(run: RunFolder) -> np.ndarray:
    """Return the best label of a trained run's Keras network for each of the classes' test patches: str [patches]."""
    import keras  # TensorFlow takes seconds to import

    from pipeline.data.dataset import evaluation_dataset

    recipe = run.read_recipe()
    network = keras.models.load_model(run.best, compile=False)
    test = run_index(run).select("test", recipe.labels)
    logits = network.predict(evaluation_dataset(test, recipe), verbose=0)  # [patches, outputs]
    return np.array(recipe.labels)[logits[:, : len(recipe.labels)].argmax(axis=1)]


def _prepare(run: RunFolder, shuffled: RunFolder, epochs: int | None, shuffle: int) -> None:
    """Write all that a run has before its training; the index comes last, as in a run."""
    recipe, index = run.read_recipe(), run_index(run)
    fill_run(shuffled.path, _shortened(recipe, epochs))
    if recipe.network.weights not in ("none", "imagenet"):
        start = shuffled.path / _START_NAME
        _write_trunk(recipe, start)
        fill_run(shuffled.path, override_all(shuffled.read_recipe(), (("network.weights", str(start.resolve())),)))
    write_json(shuffled.source, read_json(run.source, "Start a new run."))
    data = read_json(run.data, "Start a new run.")
    data["patches"] = relative_to_run(index.root.resolve(), shuffled.path.resolve())
    write_json(shuffled.data, data | {"shuffle_seed": shuffle})
    write_index(shuffle_labels(index, recipe.labels, shuffle), shuffled.index)


def _shortened(recipe: Recipe, epochs: int | None) -> Recipe:
    """Return the recipe without a teacher, for other epochs where given; a first stage stays shorter than the whole."""
    changes: dict[str, Any] = {"fit.teacher": ""}
    if epochs is not None:
        changes["fit.epochs"] = epochs
        if recipe.fit.kind == "two_stage":
            changes["fit.head_epochs"] = max(min(recipe.fit.head_epochs, epochs - 1), 1)
    return override_all(recipe, tuple((name, str(value)) for name, value in changes.items()))


def _write_trunk(recipe: Recipe, path: Path) -> None:
    """Write the weights that the recipe starts from, without the head's."""
    from models.build import trunk_of
    from pipeline.training.weights import make_network

    trunk_of(make_network(recipe, recipe.network.weights)).save_weights(path)
