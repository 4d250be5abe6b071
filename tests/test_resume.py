"""A training that was killed and resumed is the training that was not, whatever the kill left behind."""

import errno
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from inference.errors import InputError
from models.build import TRUNKS
from models.patch_net import PATCH_NET_ROWS, patch_net
from pipeline.classification.stages import PATCHES, run_index
from pipeline.data.sources import DataPlace
from pipeline.sanity.shuffled_labels import train_shuffled
from pipeline.settings.labels import BACKGROUND
from pipeline.settings.recipe import Recipe, override_all
from pipeline.settings.run_folder import RunFolder
from pipeline.stages import complete, start_run
from pipeline.training.backup import Backup
from pipeline.training.callbacks import Progress, count_epochs, read_history
from pipeline.training.epochs import restore_point
from pipeline.training.gradient import FITS
from tests.colour_run import COLOURS, RECIPE, write_photographs
from tests.tiny_model import make_card, make_flatbuffer, write_model

EPOCHS = 4
KINDS: dict[str, dict[str, object]] = {
    "gradient": {},
    "two_stage": {"fit.kind": "two_stage", "fit.head_epochs": 2},
    "early": {"fit.early_side": 16},
    "sampling": {"fit.balance": "sampling", "fit.optimizer": "sgd", "fit.average": 0.9, "fit.tensorboard": "true"},
}
HEADER = "epoch,accuracy,loss,val_loss\n"


class Killed(BaseException):
    """Stands for the end of the process: nothing of the program catches it."""


@pytest.fixture(autouse=True)
def short_trunk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut patch_net down to two blocks: a graph that is built in a second."""
    monkeypatch.setitem(TRUNKS, "patch_net", lambda pixels: patch_net(pixels, PATCH_NET_ROWS[:2]))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> DataPlace:
    folder = tmp_path_factory.mktemp("photographs")
    return DataPlace(*write_photographs(folder / "data", 24), folder / "runs")


def make_recipe(**settings: object) -> Recipe:
    changes = {"fit.epochs": EPOCHS, "augment.detail": 0, **settings}
    return override_all(RECIPE, tuple((name, str(value)) for name, value in changes.items()))


def cut(recipe: Recipe, data: DataPlace) -> RunFolder:
    run = start_run(recipe, data)
    complete(run, [PATCHES])
    return run


def fit(run: RunFolder) -> None:
    recipe = run.read_recipe()
    FITS[recipe.fit.kind](run, run_index(run), recipe)


def kill_in(epoch: int, action: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> None:
    """Do what trains, and end it in the middle of an epoch, counted from 0."""
    begun: list[int] = []

    class Killer(Progress):
        def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
            begun.append(epoch)
            super().on_epoch_begin(epoch, logs)

        def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
            if begun[-1] == epoch and batch == 1:
                raise Killed

    with monkeypatch.context() as patch:
        patch.setattr("pipeline.training.epochs.Progress", Killer)
        with pytest.raises(Killed):
            action()


def assert_alike(one: RunFolder, other: RunFolder) -> None:
    """Compare histories, but for the seconds, and best networks to the last digit."""
    first, second = ([{**row, "seconds": 0} for row in read_history(run.history)] for run in (one, other))
    assert first == second
    assert len(first) == EPOCHS
    weights = [keras.models.load_model(run.best, compile=False).get_weights() for run in (one, other)]
    assert all(np.array_equal(*pair) for pair in zip(*weights, strict=True))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "epoch"), [("gradient", 0), ("gradient", 2), ("two_stage", 2), ("early", 2), ("sampling", 2)]
)
def test_a_killed_training_ends_like_one_that_was_not(
    kind: str, epoch: int, data: DataPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Faults: order or augmentation that starts anew, a forgotten optimizer, dropout that repeats itself, and a run
    that can never be resumed because its first epoch left an empty history.csv.
    """
    recipe = make_recipe(**KINDS[kind])
    whole, broken = cut(recipe, data), cut(recipe, data)
    fit(whole)
    kill_in(epoch, lambda: fit(broken), monkeypatch)
    fit(broken)
    assert_alike(whole, broken)
    if recipe.fit.tensorboard:
        events = b"".join(path.read_bytes() for path in broken.tensorboard.rglob("events.*"))
        assert events.count(b"epoch_loss") >= EPOCHS


@pytest.mark.slow
def test_a_killed_training_with_taught_features_ends_like_one_that_was_not(
    data: DataPlace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Faults: a map to the teacher's features that begins anew; a kept network that answers with features."""
    flatbuffer = make_flatbuffer(features=True)
    card = replace(make_card(flatbuffer), labels=(*COLOURS, BACKGROUND))
    teacher = write_model(tmp_path / "teacher.tflite", flatbuffer, card)
    recipe = make_recipe(**{"fit.teacher": teacher, "fit.teacher_features": 1, "fit.average": 0.9})
    whole, broken = cut(recipe, data), cut(recipe, data)
    fit(whole)
    kill_in(2, lambda: fit(broken), monkeypatch)
    fit(broken)
    assert_alike(whole, broken)
    assert keras.models.load_model(whole.best, compile=False).output_shape == (None, len(recipe.outputs))


@pytest.mark.slow
def test_a_killed_control_ends_like_one_that_was_not(
    data: DataPlace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Faults: a training on shuffled labels that is another one after a kill, so that the verdict changes."""
    run = cut(make_recipe(), data)
    whole = train_shuffled(run, tmp_path / "whole")
    kill_in(2, lambda: train_shuffled(run, tmp_path / "broken"), monkeypatch)
    assert_alike(whole, train_shuffled(run, tmp_path / "broken"))


def make_network() -> keras.Model:
    network = keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(2), keras.layers.Dropout(0.5, seed=1)])
    network.compile(keras.optimizers.Adam(), "mse")
    network.optimizer.build(network.trainable_variables)
    return network


def save(folder: Path, *epochs: int) -> list[Path]:
    """Save a network after some epochs, its bias the number of epochs; return the files, newest first."""
    network = make_network()
    for count in epochs:
        network.layers[0].bias.assign([count, count])
        Backup(folder).save(network, count)
    return sorted(folder.iterdir(), key=lambda file: -int(file.name.split("-")[1]))


def restored_bias(folder: Path) -> tuple[int, float]:
    network = make_network()
    epochs = Backup(folder).restore(network)
    return epochs, float(network.layers[0].bias.numpy()[0])


def test_the_newest_backup_wins_and_two_are_kept(tmp_path: Path) -> None:
    """Faults: epoch 9 newer than epoch 10 by name, a disk that fills with backups."""
    files = save(tmp_path, 8, 9, 10)
    assert [file.name.split("-")[1] for file in files] == ["10", "9"]
    assert restored_bias(tmp_path) == (10, 10.0)


@pytest.mark.parametrize(
    "damage", [lambda data: data[: len(data) // 2], lambda data: b"", lambda data: data[:-1] + b"?"]
)
def test_a_damaged_backup_gives_way_to_the_one_before(damage: Callable[[bytes], bytes], tmp_path: Path) -> None:
    """Faults: "addr overflow" for ever, a crash in HDF5, weights that are partly another epoch's."""
    newest, _ = save(tmp_path, 1, 2)
    newest.write_bytes(damage(newest.read_bytes()))
    assert restored_bias(tmp_path) == (1, 1.0)


def test_a_full_disk_costs_the_last_epoch_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Faults: a traceback, a half backup that is taken for the newest, the one before overwritten."""
    save(tmp_path, 1, 2)

    def fail(path: Path, **_: object) -> None:
        Path(path).write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    network = make_network()
    monkeypatch.setattr(network, "save_weights", fail)
    with pytest.raises(InputError, match=r"backup of epoch 3 cannot be written: No space left.*Make room"):
        Backup(tmp_path).save(network, 3)
    assert len(list(tmp_path.iterdir())) == 2
    assert restored_bias(tmp_path) == (2, 2.0)


@pytest.mark.parametrize(
    ("text", "logged"),
    [
        ("", 0),
        ("epoch,acc", 0),
        (HEADER, 0),
        (HEADER + "0,1,2,3\n1,1,2,3\n2,1,2,3\n", 3),
        (HEADER + "0,1,2,3\n1,1,2,3\n2,1,", 2),
        (HEADER + "0,1,2,3\n1,1,2,3", 1),
        (HEADER + "0,1,2,3\n2,1,2,3\n", 1),
    ],
    ids=["empty", "half header", "no epoch", "whole", "half line", "no line end", "a line lost"],
)
def test_history_and_backup_agree_after_a_kill(text: str, logged: int, tmp_path: Path) -> None:
    """Faults: an epoch that stands twice in history.csv or is missing, an empty file that stops every resumption."""
    run = RunFolder(tmp_path)
    run.history.write_text(text)
    save(run.backup, 1, 2)
    assert count_epochs(run.history) == logged
    done = min(logged, 2)
    assert restore_point(run, Backup(run.backup)) == done
    assert [row["epoch"] for row in read_history(run.history)] == list(range(done))
    assert restored_bias(run.backup)[0] == done


def test_the_backup_of_an_earlier_version_is_taken_over(tmp_path: Path) -> None:
    """Faults: hours of a training lost because the program was brought up to date while it was interrupted."""
    run = RunFolder(tmp_path)
    run.backup.mkdir()
    network = make_network()
    network.layers[0].bias.assign([7, 7])
    network.save_weights(run.backup / "latest.weights.h5")
    (run.backup / "training_metadata.json").write_text(json.dumps({"epoch": 2, "batch": 0}))
    run.history.write_text(HEADER + "0,1,2,3\n1,1,2,3\n2,1,2,3\n")
    assert restore_point(run, Backup(run.backup)) == 2
    assert restored_bias(run.backup) == (2, 7.0)


@pytest.mark.parametrize("metadata", ["", "{}", '{"epoch": 2, "batch": 0}'])
def test_a_broken_backup_of_an_earlier_version_is_no_hindrance(metadata: str, tmp_path: Path) -> None:
    """Faults: a run that can never be resumed because the kill came while Keras wrote its first backup."""
    run = RunFolder(tmp_path)
    run.backup.mkdir()
    (run.backup / "latest.weights.h5").write_bytes(b"half a file")
    (run.backup / "training_metadata.json").write_text(metadata)
    run.history.write_text(HEADER + "0,1,2,3\n1,1,2,3\n")
    assert restore_point(run, Backup(run.backup)) == 0
    assert read_history(run.history) == []
