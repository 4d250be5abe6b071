"""Progress of long work: shown while it goes on, with one estimate, and not for quick work."""

import sys
import time
from types import SimpleNamespace
from typing import Any

import pytest

from pipeline import progress
from pipeline.progress import map_in_threads, ticking, track
from pipeline.training import callbacks
from pipeline.training.callbacks import EpochPlan, Progress


class Clock:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Return the clock of progress and training."""
    made = Clock()
    monkeypatch.setattr(time, "monotonic", made)
    return made


def test_work_over_five_seconds_is_counted_with_the_time_left(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    """Faults: minutes without a line; a line for each item; an estimate of the wrong part."""
    for _ in track(range(40), 40, "photographs cut"):
        clock.now += 1
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "5 of 40 photographs cut, 1 a second, about 0:35 left"
    assert len(lines) == 4


def test_quick_work_says_nothing(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    """Fault: lines about work of a second hide what matters."""
    assert list(track(range(100), 100, "pictures")) == list(range(100))
    assert map_in_threads(lambda number: number * 2, [1, 2, 3], "pictures") == [2, 4, 6]
    assert capsys.readouterr().err == ""


def test_slow_items_are_given_in_seconds_each(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    """Fault: "0 a second" for photographs that take six seconds each."""
    for _ in track(range(3), 3, "photographs"):
        clock.now += 6
    assert capsys.readouterr().err.splitlines()[0] == "1 of 3 photographs, 6 s each, about 0:12 left"


def test_work_that_cannot_be_counted_says_that_it_goes_on(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fault: a conversion that seems to hang."""
    monkeypatch.setattr(progress, "_TICK_SECONDS", 0.01)
    with ticking("converting to int8"):
        time.sleep(0.1)
    assert "converting to int8, 0:00\n" in capsys.readouterr().err


def train(clock: Clock, plan: EpochPlan, epochs: range, *, steps: int, seconds: float, first: float = 0.0) -> Progress:
    """Let the callback see epochs of steps that take some seconds each, the very first step more."""
    callback = Progress(plan)
    model: Any = SimpleNamespace(optimizer=SimpleNamespace(learning_rate=0.1))
    callback.set_model(model)
    callback.set_params({"steps": steps})
    for epoch in epochs:
        callback.on_epoch_begin(epoch)
        for step in range(steps):
            clock.now += seconds + (first if (epoch, step) == (epochs[0], 0) else 0)
            callback.on_train_batch_end(step, {"loss": 1.0})
        callback.on_epoch_end(epoch, {"loss": 1.0})
    return callback


def test_the_first_epoch_shows_its_steps_and_the_time_left(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    """Faults: minutes of silence in the first epoch of a log file; the time of building the graph in the estimate."""
    train(clock, EpochPlan(2, 2), range(1), steps=20, seconds=1.0, first=30.0)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("epoch 1/2  step 1/20  loss 1.000")
    assert "left" not in lines[0], "after one step nothing is known"
    assert lines[1] == "epoch 1/2  step 11/20  loss 1.000, about 0:29 min left"
    assert lines[-1].endswith("50 s, about 0:20 min left")


def test_both_stages_of_a_training_have_one_estimate(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    """Faults: the first stage promises an end that is only its own; epochs counted to the stage's last one."""
    train(clock, EpochPlan(2, 8, 2.5), range(2), steps=10, seconds=0.1)
    first = capsys.readouterr().err.splitlines()[0]
    assert first.startswith("epoch 1/8 ")
    assert first.endswith("about 0:16 min left"), "1 epoch of 1 s and 6 of 2.5 s"


def test_a_terminal_gets_one_line_that_is_rewritten(
    clock: Clock, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fault: a terminal full of steps."""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    train(clock, EpochPlan(1, 1), range(1), steps=5, seconds=1.0)
    shown = capsys.readouterr().err
    assert (shown.count("\n"), shown.count("\r")) == (1, 6)


def test_the_lines_of_a_log_file_are_ten_seconds_apart() -> None:
    """Fault: a line each step."""
    assert callbacks._LINE_SECONDS == 10
