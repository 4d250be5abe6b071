"""Training: the network learns, a killed run goes on where it was, and a hopeless one says so."""

import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
import pytest

from inference.errors import InputError
from pipeline.classification.stages import FIT, PATCHES, run_index
from pipeline.data.sources import DataPlace
from pipeline.settings.recipe import override, override_all
from pipeline.settings.run_folder import RunFolder
from pipeline.stages import complete, start_run
from pipeline.training.backup import Backup
from pipeline.training.callbacks import KeepCandidate, ResumableEarlyStopping, StopOnNaN, read_history
from pipeline.training.epochs import is_finished, learning_rate_schedule, restore_point
from pipeline.training.gradient import compile_network, fit_gradient
from tests.colour_run import RECIPE, write_photographs
from tests.short_trunk import shorten_patch_net

ROOT = Path(__file__).parent.parent
EPOCHS = 5


def test_a_run_folder_holds_what_is_needed_to_repeat_it(colour_run: RunFolder) -> None:
    """Catches a run whose settings, versions or history are lost."""
    environment = json.loads(colour_run.environment.read_text())
    assert environment["packages"]["keras"] == keras.__version__
    assert {"revision", "machine", "seed", "command"} <= set(environment)
    assert colour_run.read_recipe() == RECIPE
    history = read_history(colour_run.history)
    assert [row["epoch"] for row in history] == list(range(len(history)))
    assert {"loss", "val_loss", "accuracy", "val_accuracy", "learning_rate", "seconds"} <= set(history[0])


def test_best_keras_is_the_epoch_with_the_lowest_validation_loss(colour_run: RunFolder) -> None:
    """Catches a checkpoint of the last epoch, or one chosen on another figure."""
    from pipeline.data.dataset import validation_dataset

    recipe = colour_run.read_recipe()
    network = keras.models.load_model(colour_run.best)
    validation = validation_dataset(run_index(colour_run).select("validation"), recipe)
    loss = network.evaluate(validation, verbose=0, return_dict=True)["loss"]
    assert loss == pytest.approx(min(row["val_loss"] for row in read_history(colour_run.history)), rel=1e-3)


@pytest.mark.slow
def test_a_killed_run_goes_on_where_it_was(tmp_path: Path) -> None:
    """Catches a resumed run that starts again, forgets its optimizer, or logs an epoch twice."""
    command = [sys.executable, "-m", "pipeline"]
    options = ["minerals", "--smoke", "--set", f"fit.epochs={EPOCHS}", "--runs", str(tmp_path)]
    process = subprocess.Popen([*command, "fit", *options], cwd=ROOT, stderr=subprocess.DEVNULL)
    run = _wait_for_epochs(process, tmp_path, 2)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    before = read_history(run.history)
    assert 2 <= len(before) < EPOCHS, "the run must be killed in the middle, or nothing is tested"
    subprocess.run([*command, "resume", str(run.path)], cwd=ROOT, check=True, capture_output=True)
    after = read_history(run.history)
    assert [row["epoch"] for row in after] == list(range(EPOCHS))
    assert after[:2] == before[:2]
    rates = [row["learning_rate"] for row in after]
    assert rates == pytest.approx(_planned_rates(run), rel=1e-3, abs=1e-9)
    assert json.loads(run.fit.read_text())["epochs"] == EPOCHS
    assert run.report.is_file() and run.model.is_file() and run.results.is_file()
    assert not run.backup.exists()


def test_early_stopping_remembers_its_patience(tmp_path: Path) -> None:
    """Catches a resumed run that waits its whole patience anew, each time it is killed."""
    history = [{"epoch": float(n), "val_loss": loss} for n, loss in enumerate([1.0, 0.5, 0.6, 0.7])]
    stopping = ResumableEarlyStopping(history, monitor="val_loss", mode="min", patience=3)
    model = keras.Sequential([keras.layers.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    stopping.set_model(model)
    stopping.on_train_begin()
    assert not model.stop_training
    stopping.on_epoch_end(4, {"val_loss": 0.8})
    assert model.stop_training


def test_the_best_model_survives_a_kill_while_its_successor_is_written(tmp_path: Path) -> None:
    """Catches a best.keras that is a torn file."""
    candidate, best = tmp_path / "candidate.keras", tmp_path / "best.keras"
    best.write_bytes(b"best")
    candidate.write_bytes(b"to")
    keep = KeepCandidate(candidate, best)
    keep.on_train_begin()
    keep.on_epoch_end(0)
    assert best.read_bytes() == b"best"
    candidate.write_bytes(b"better")
    keep.on_epoch_end(1)
    assert best.read_bytes() == b"better"


@pytest.mark.parametrize(
    ("losses", "finished"),
    [
        ([], False),
        ([1.0, 0.5, 0.6], False),
        ([1.0, 0.5, 0.6, 0.7], True),
        ([1.0, 0.9, 0.8, 0.7, 0.6], True),
    ],
    ids=["new", "patient", "out of patience", "all epochs"],
)
def test_a_finished_training_is_known_as_such(losses: list[float], finished: bool) -> None:
    """Catches one more epoch after the last, where the kill came before the end was written down."""
    settings = override(override(RECIPE, "fit.epochs", "5"), "fit.patience", "2").fit
    assert is_finished([{"epoch": n, "val_loss": loss} for n, loss in enumerate(losses)], settings) is finished


@pytest.mark.slow
def test_a_resumed_run_keeps_its_best_epoch(tmp_path: Path) -> None:
    """Catches a checkpoint that a worse epoch after the resumption overwrites."""
    photos, coco = write_photographs(tmp_path / "data", 24)
    recipe = override(override(RECIPE, "fit.epochs", "2"), "fit.learning_rate", "1e-9")
    run = start_run(recipe, DataPlace(photos, coco, tmp_path / "runs"))
    complete(run, [PATCHES])
    run.best.write_bytes(b"the best epoch so far")
    run.history.write_text("epoch,accuracy,learning_rate,loss,seconds,val_accuracy,val_loss\n0,1,0,0,1,1,0.0001\n")
    network = compile_network(recipe, 1)
    network.optimizer.build(network.trainable_variables)
    Backup(run.backup).save(network, 1)
    fit_gradient(run, run_index(run), recipe)
    assert run.best.read_bytes() == b"the best epoch so far"


@pytest.mark.slow
def test_a_loss_that_is_no_number_stops_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Catches hours of training on NaN, a message that does not say where it began, and a resume that says nothing."""
    shorten_patch_net(monkeypatch)
    photos, coco = write_photographs(tmp_path / "data", 24)
    recipe = override_all(RECIPE, (("fit.learning_rate", "1e38"), ("fit.epochs", "1")))
    run = start_run(recipe, DataPlace(photos, coco, tmp_path / "runs"))
    for _ in range(2):
        with pytest.raises(InputError, match=r"NaN in epoch 1, step \d+.*fit\.learning_rate"):
            complete(run, [PATCHES, FIT])
    assert not run.fit.exists()
    assert not read_history(run.history)


def test_a_validation_loss_that_is_no_number_stops_the_run() -> None:
    """Fault: NaN is kept as the lowest validation loss, since no later one is lower."""
    stop = StopOnNaN("fit.learning_rate", 0.1)
    stop.on_epoch_begin(2)
    stop.on_epoch_end(2, {"loss": 0.5, "val_loss": 0.6})
    with pytest.raises(InputError, match=r"validation loss became NaN in epoch 3\. Lower fit\.learning_rate"):
        stop.on_epoch_end(2, {"loss": 0.5, "val_loss": math.nan})


@pytest.mark.parametrize("losses", ["nan,0.4", "0.4,nan", "0.4,inf"])
def test_a_recorded_loss_that_is_no_number_is_not_resumed(losses: str, tmp_path: Path) -> None:
    """Fault: a resume takes the run of an earlier version, which recorded the epoch, for finished."""
    run, network = RunFolder(tmp_path), keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    run.history.write_text(f"epoch,loss,val_loss\n0,0.5,0.5\n1,{losses}\n")
    Backup(run.backup).save(network, 2)
    with pytest.raises(InputError, match=r"NaN in epoch 2\. Start a new run"):
        restore_point(run, Backup(run.backup))


def test_the_learning_rate_warms_up_and_falls_to_nothing() -> None:
    """Catches a schedule in steps where epochs were meant."""
    schedule = learning_rate_schedule(override(RECIPE, "fit.epochs", "10").fit, steps_per_epoch=7)
    rates = [float(schedule(step)) for step in range(71)]
    assert rates[0] == 0
    assert int(np.argmax(rates)) == 7
    assert max(rates) == pytest.approx(RECIPE.fit.learning_rate, rel=1e-5)
    assert rates[70] == pytest.approx(0, abs=1e-8)


def _wait_for_epochs(process: subprocess.Popen, runs: Path, epochs: int) -> RunFolder:
    """Wait until a run has backed up some epochs; fail if it ends before."""
    while process.poll() is None:
        for file in runs.glob(f"minerals/*-seed*/backup/epoch-{epochs}-*.weights.h5"):
            return RunFolder(file.parents[1])
        time.sleep(0.02)
    raise AssertionError("the run ended before it could be killed")


def _planned_rates(run: RunFolder) -> list[float]:
    """Return the learning rate that an unbroken run has after each epoch."""
    recipe = run.read_recipe()
    count = len(run_index(run).select("train", recipe.outputs).patches)
    steps = -(-count // recipe.fit.batch_size)
    schedule = learning_rate_schedule(recipe.fit, steps)
    return [float(schedule(steps * epoch)) for epoch in range(1, recipe.fit.epochs + 1)]
