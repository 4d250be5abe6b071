"""The benchmark of equal processor time, without trainings: how many epochs fit, whose answer is whose."""

import json
from pathlib import Path

import pytest

from benchmarks.equal_time import _accuracy, _yolo_answers, epochs_in
from inference.errors import InputError
from pipeline.data.index import Patch, PatchIndex


def test_the_epochs_fill_the_time_that_the_start_leaves() -> None:
    """Faults: start-up counted in every epoch, or in none; fewer epochs than a trial had."""
    assert epochs_in(480, (30, 70)) == 23  # 10 s before the first epoch, 20 s an epoch: 10 + 23 x 20 = 470
    assert epochs_in(20, (30, 70)) == 3


def test_trials_that_tell_no_length_of_an_epoch_are_refused() -> None:
    """Fault: a training of a billion epochs, where the longer trial happened to be as quick as the shorter."""
    with pytest.raises(InputError, match="3 epochs took no longer than 1"):
        epochs_in(480, (30, 30))


def test_answers_in_any_order_belong_to_their_patch_and_are_never_background(tmp_path: Path) -> None:
    """Faults: answers by position; a peer that may say "background" where ours is asked for its best class."""
    patches = [Patch(f"{label}/{label}.png", label, "1", 0, 0, 8, 8, "test") for label in ("red", "green")]
    (tmp_path / "test.txt").write_text("/elsewhere/green/green.png\n/elsewhere/red/red.png\n")
    seen = [{"red": 0.3, "green": 0.2, "background": 0.5}, {"red": 0.1, "green": 0.4, "background": 0.5}]
    (tmp_path / "result.json").write_text(json.dumps({"seconds": 1, "answers": seen}))
    answers = _yolo_answers(tmp_path, PatchIndex(tmp_path, tuple(patches)))
    assert answers == ["green", "red"]
    assert _accuracy(answers, PatchIndex(tmp_path, tuple(patches))).value == 0
    assert _accuracy(["red", "red"], PatchIndex(tmp_path, tuple(patches))).value == 0.5
