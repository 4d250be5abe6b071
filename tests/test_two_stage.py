"""Training in two stages: what is frozen stays as it was, and a killed run goes on in the stage where it was."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import keras
import numpy as np
import pytest

from inference.errors import InputError
from models.build import build_network, trunk_of
from pipeline.classification.stages import PATCHES, run_index
from pipeline.data.dataset import validation_dataset
from pipeline.data.sources import DataPlace
from pipeline.recipes import RECIPES
from pipeline.settings.recipe import Recipe, override, override_all
from pipeline.settings.run_folder import RunFolder
from pipeline.stages import complete, start_run
from pipeline.training.backup import Backup
from pipeline.training.callbacks import Progress, read_history
from pipeline.training.epochs import TrainingStage, compile_for_fit, learning_rate_schedule
from pipeline.training.two_stage import fit_two_stage, freeze_trunk, unfreeze_trunk
from tests.colour_run import RECIPE, write_photographs
from tests.short_trunk import shorten_patch_net

HEAD_EPOCHS, EPOCHS = 2, 4
FIRST = "row2_block1_expand_conv"
HEAD = {"pool_norm", "logits"}

Weights = dict[str, list[np.ndarray]]  # by layer, those that have some


class Killed(BaseException):
    """Stands for the end of the process: nothing of the program catches it."""


class Watch(Progress):
    """Remembers the weights at the start of each epoch and at the end of each stage; kills at an epoch's end."""

    epochs: ClassVar[dict[int, Weights]]
    ends: ClassVar[list[Weights]]
    kill_in: ClassVar[int | None]

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        super().on_epoch_begin(epoch, logs)
        self.epochs[epoch] = weights_by_layer(self.model)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        if epoch == self.kill_in:  # Progress comes before all that logs and saves: the epoch is lost
            raise Killed
        super().on_epoch_end(epoch, logs)

    def on_train_end(self, logs: dict | None = None) -> None:
        self.ends.append(weights_by_layer(self.model))


def weights_by_layer(network: keras.Model) -> Weights:
    return {layer.name: layer.get_weights() for layer in network.layers if layer.weights}


def changed(before: Weights, after: Weights) -> set[str]:
    """Return the layers in which any weight or statistic differs."""
    pairs = {name: zip(before[name], after[name], strict=True) for name in before}
    return {name for name, rows in pairs.items() if not all(np.array_equal(*row) for row in rows)}


@pytest.fixture(scope="module", autouse=True)
def short_trunk() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        shorten_patch_net(patch)
        yield


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Recipe:
    """Return a recipe that starts from a file: a trunk whose normalisation is no longer as Keras makes it."""
    file = tmp_path_factory.mktemp("weights") / "start.weights.h5"
    network = build_network("patch_net", "normalised", 32, 4, 0.2)
    random = np.random.default_rng(0)
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.set_weights([random.uniform(0.5, 1.5, weight.shape) for weight in layer.get_weights()])
    network.save_weights(file)
    settings = {
        "fit.kind": "two_stage",
        "fit.optimizer": "adam",
        "fit.epochs": EPOCHS,
        "fit.head_epochs": HEAD_EPOCHS,
        "fit.trainable_from": FIRST,
        "fit.learning_rate": 1e-3,
        "network.head": "normalised",
        "network.weights": file,
        "augment.detail": 0,
    }
    return override_all(RECIPE, tuple((name, str(value)) for name, value in settings.items()))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> DataPlace:
    folder = tmp_path_factory.mktemp("photographs")
    return DataPlace(*write_photographs(folder / "data", 24), folder / "runs")


@pytest.fixture(scope="module")
def whole(recipe: Recipe, data: DataPlace) -> tuple[RunFolder, dict[int, Weights], list[Weights]]:
    """Return an unbroken run, its weights at the start of each epoch, and at the end of both stages."""
    run = cut(recipe, data)
    with pytest.MonkeyPatch.context() as patch:
        epochs, ends = train(run, patch)
    return run, epochs, ends


def cut(recipe: Recipe, data: DataPlace) -> RunFolder:
    run = start_run(recipe, data)
    complete(run, [PATCHES])
    return run


def train(run: RunFolder, patch: pytest.MonkeyPatch, kill_in: int | None = None) -> tuple[dict, list]:
    """Train under watch, killed in an epoch where one is given; return what the watch remembers."""
    patch.setattr("pipeline.training.epochs.Progress", Watch)
    for name, value in {"epochs": {}, "ends": [], "kill_in": kill_in}.items():
        patch.setattr(Watch, name, value, raising=False)
    if kill_in is None:
        fit_two_stage(run, run_index(run), run.read_recipe())
    else:
        with pytest.raises(Killed):
            fit_two_stage(run, run_index(run), run.read_recipe())
    return Watch.epochs, Watch.ends


@pytest.mark.slow
def test_the_first_stage_changes_the_head_alone(whole: tuple) -> None:
    """Catches a trunk that learns from a random head, or whose batch normalisation takes new statistics all the same.

    And a head that is frozen with it: the epochs of the first stage would be lost.
    """
    _, epochs, ends = whole
    assert changed(epochs[0], ends[0]) == HEAD


@pytest.mark.slow
def test_the_second_stage_changes_what_it_may(whole: tuple) -> None:
    """Catches batch normalisation that learns, layers before trainable_from that do, and later ones that do not."""
    _, epochs, ends = whole
    learned = changed(epochs[HEAD_EPOCHS], ends[1])
    kernels = [name for name in epochs[0] if name.endswith("_conv")]
    assert learned == HEAD | set(kernels[kernels.index(FIRST) :])
    assert kernels.index(FIRST) > 1, "layers before it are needed, or nothing is tested"


@pytest.mark.slow
def test_the_second_stage_begins_where_the_first_ended(whole: tuple) -> None:
    """Catches a second stage with new weights, and a first one without the file's."""
    run, epochs, ends = whole
    assert changed(ends[0], epochs[HEAD_EPOCHS]) == set()
    network = build_network("patch_net", "normalised", 32, 4, 0.2)
    network.load_weights(run.read_recipe().network.weights)
    assert changed(weights_by_layer(network), epochs[0]) == set()


@pytest.mark.slow
def test_one_history_counts_the_epochs_of_both_stages(whole: tuple) -> None:
    """Catches epochs counted anew in the second stage, and a stage with the other's learning rate."""
    run = whole[0]
    history = read_history(run.history)
    assert [row["epoch"] for row in history] == list(range(EPOCHS))
    assert json.loads(run.fit.read_text())["epochs"] == EPOCHS
    rates = [row["learning_rate"] for row in history]
    assert rates[:HEAD_EPOCHS] == pytest.approx([run.read_recipe().fit.head_learning_rate] * HEAD_EPOCHS)
    assert rates[HEAD_EPOCHS:] == pytest.approx(_planned_rates(run), rel=1e-3, abs=1e-9)
    assert not run.backup.exists()


@pytest.mark.slow
def test_best_keras_is_the_best_epoch_of_both_stages(whole: tuple) -> None:
    """Catches a best.keras of the last epoch, or a network that cannot be loaded again."""
    run = whole[0]
    network = keras.models.load_model(run.best, compile=False)
    recipe = run.read_recipe()
    compile_for_fit(network, recipe.fit, 0.0)
    validation = validation_dataset(run_index(run).select("validation"), recipe)
    loss = network.evaluate(validation, verbose=0, return_dict=True)["loss"]
    assert loss == pytest.approx(min(row["val_loss"] for row in read_history(run.history)), rel=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("epoch", [1, 2, 3], ids=["first stage", "between the stages", "second stage"])
def test_a_killed_run_goes_on_in_its_stage(
    recipe: Recipe, data: DataPlace, monkeypatch: pytest.MonkeyPatch, epoch: int
) -> None:
    """Catches a stage that starts again, an epoch that is logged twice, and weights or optimizer that are lost."""
    run = cut(recipe, data)
    before, _ = train(run, monkeypatch, kill_in=epoch)
    logged = read_history(run.history)
    assert [row["epoch"] for row in logged] == list(range(epoch))
    after, _ = train(run, monkeypatch)
    assert list(after) == list(range(epoch, EPOCHS))
    assert changed(before[epoch], after[epoch]) == set()
    history = read_history(run.history)
    assert history[:epoch] == logged
    assert [row["epoch"] for row in history] == list(range(EPOCHS))
    assert [row["learning_rate"] for row in history[HEAD_EPOCHS:]] == pytest.approx(
        _planned_rates(run), rel=1e-3, abs=1e-9
    )


@pytest.mark.slow
def test_a_better_epoch_of_the_first_stage_stays_the_best(
    recipe: Recipe, data: DataPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Catches a second stage that overwrites best.keras by its own first epoch, whatever that is worth."""
    run = cut(recipe, data)
    train(run, monkeypatch, kill_in=HEAD_EPOCHS)
    rows = run.history.read_text().splitlines()
    rows[-1] = ",".join([*rows[-1].split(",")[:-1], "0.0001"])
    assert rows[0].endswith(",val_loss")
    run.history.write_text("\n".join(rows) + "\n")
    run.best.write_bytes(b"the best epoch so far")
    train(run, monkeypatch)
    assert run.best.read_bytes() == b"the best epoch so far"


@pytest.mark.slow
def test_a_resumed_run_needs_its_weights_file_no_more(
    recipe: Recipe, data: DataPlace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Catches a run that can't be resumed because the file it started from has moved, or the machine is offline."""
    moved = tmp_path / "moved.weights.h5"
    moved.write_bytes(Path(recipe.network.weights).read_bytes())
    run = cut(override(recipe, "network.weights", str(moved)), data)
    train(run, monkeypatch, kill_in=1)
    moved.unlink()
    train(run, monkeypatch)
    assert run.fit.is_file()


@pytest.mark.slow
def test_the_second_stage_begins_with_a_linear_head(
    recipe: Recipe, data: DataPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Catches a linear head that the second stage forgets, and one whose loss is not comparable with later epochs'."""
    run = cut(override(recipe, "fit.head", "linear"), data)
    before, _ = train(run, monkeypatch, kill_in=1)
    network = keras.models.load_model(run.best, compile=False)
    assert changed(weights_by_layer(network), before[1]) == set()
    linear = run.read_recipe()
    compile_for_fit(network, linear.fit, 0.0)
    validation = validation_dataset(run_index(run).select("validation"), linear)
    assert network.evaluate(validation, verbose=0)[0] == pytest.approx(read_history(run.history)[0]["val_loss"])
    after, _ = train(run, monkeypatch)
    assert list(after) == list(range(1, EPOCHS))
    assert changed(before[1], after[1]) == set()
    assert [row["epoch"] for row in read_history(run.history)] == list(range(EPOCHS))


def test_the_second_stages_patience_is_its_own() -> None:
    """Catches a fine-tuning that ends before it began, because the first stage's last epochs were worse."""
    stage = TrainingStage(3, 10, 2, Backup(Path("backup")))
    losses = [0.1, 0.2, 0.3, 0.9, 0.8]
    history = [{"epoch": epoch, "val_loss": loss} for epoch, loss in enumerate(losses)]
    assert not stage.is_finished(history[:3], RECIPE.fit)
    assert not stage.is_finished(history, RECIPE.fit)
    worse = [{"epoch": 5, "val_loss": 0.81}, {"epoch": 6, "val_loss": 0.82}]
    assert stage.is_finished(history + worse, RECIPE.fit)


def test_an_unknown_first_layer_is_refused_with_known_ones() -> None:
    """Catches a misspelt layer by which nothing, or everything, would be trained."""
    network = build_network("patch_net", "classifier", 32, 4, 0.2)
    with pytest.raises(InputError, match=r"fit\.trainable_from.*'row2_block1_expand'.*row2_block1_expand_conv"):
        unfreeze_trunk(network, "row2_block1_expand")
    with pytest.raises(InputError, match=r"Received: 'logits'.*stem_conv"):
        unfreeze_trunk(network, "logits")


def test_every_layer_learns_where_none_is_named() -> None:
    """Catches layers of a frozen trunk that stay frozen in the second stage."""
    network = build_network("patch_net", "classifier", 32, 4, 0.2)
    freeze_trunk(network)
    unfreeze_trunk(network, "")
    frozen = {layer.name for layer in trunk_of(network).layers if layer.weights and not layer.trainable}
    assert frozen == {layer.name for layer in network.layers if layer.name.endswith("_norm")}


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ((("fit.kind", "two_stage"), ("fit.epochs", "5")), "fit.head_epochs must be less than fit.epochs"),
        ((("fit.trainable_from", "stem_conv"),), "fit.trainable_from must be empty unless fit.kind is two_stage"),
        ((("fit.head_learning_rate", "0"),), "fit.head_learning_rate must be positive"),
        ((("fit.head_epochs", "0"),), "fit.head_epochs must be at least 1"),
    ],
)
def test_settings_by_which_a_stage_would_be_lost_are_refused(overrides: tuple, message: str) -> None:
    """Catches a training without its second stage, and a setting that a fit in one stage ignores."""
    with pytest.raises(InputError, match=message):
        override_all(RECIPE, overrides)


@pytest.mark.parametrize("optimizer", ["adamw", "adam"])
def test_the_optimizer_is_the_recipes(optimizer: str) -> None:
    """Catches an optimizer that the recipe names and the training does not use."""
    network = build_network("patch_net", "classifier", 32, 4, 0.2)
    compile_for_fit(network, override(RECIPE, "fit.optimizer", optimizer).fit, 1e-3)
    assert type(network.optimizer).__name__.lower() == optimizer


def test_the_transfer_recipe_shares_its_photographs_with_minerals() -> None:
    """Catches figures of two recipes that were measured on different folds."""
    transfer, minerals = RECIPES["minerals_transfer"], RECIPES["minerals"]
    for name in ("labels", "source", "split"):
        assert getattr(transfer, name) == getattr(minerals, name), name
    assert replace(minerals.patches, outliers=0) == transfer.patches  # outliers are in no test
    smoke = override_all(transfer, transfer.smoke)
    assert smoke.network.weights == "none", "a smoke run must not need a network"


def _planned_rates(run: RunFolder) -> list[float]:
    """Return the learning rate after each epoch of an unbroken second stage."""
    recipe = run.read_recipe()
    steps = -(-len(run_index(run).select("train", recipe.outputs).patches) // recipe.fit.batch_size)
    schedule = learning_rate_schedule(replace(recipe.fit, epochs=EPOCHS - HEAD_EPOCHS), steps)
    return [float(schedule(steps * epoch)) for epoch in range(1, EPOCHS - HEAD_EPOCHS + 1)]
