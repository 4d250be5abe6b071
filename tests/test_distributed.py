"""A training by several processes is that of one: the share of each batch, and the losses of whole trainings."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from inference.errors import InputError
from pipeline.classification.stages import PATCHES
from pipeline.data.sources import DataPlace
from pipeline.distributed import Processes, processes
from pipeline.settings.recipe import override_all
from pipeline.settings.run_folder import RunFolder
from pipeline.stages import complete, start_run
from pipeline.training.callbacks import count_epochs, read_history
from tests.colour_run import RECIPE, write_photographs

ROOT = Path(__file__).parent.parent
LINE_OF_PROGRESS = re.compile(r"training \.\.\.|loading TensorFlow| *epoch ")
RESUME = """
import sys

import pytest

from pipeline.__main__ import main
from tests.short_trunk import shorten_patch_net

with pytest.MonkeyPatch.context() as patch:
    shorten_patch_net(patch)
    sys.exit(main(["resume", sys.argv[1]]))
"""


def test_the_shares_of_a_batch_are_the_batch() -> None:
    """Faults: a row that is lost or counts twice, a mean over other numbers of rows, an order that changes."""
    import tensorflow as tf

    rows = np.arange(5, dtype=np.float32)
    weights = np.array([1, 2, 1, 1, 1], np.float32)
    batches = tf.data.Dataset.from_tensors((rows[:, np.newaxis], rows, weights))
    shares = [next(iter(Processes(number, 2).share(batches).as_numpy_iterator())) for number in (0, 1)]
    assert [share[1].tolist() for share in shares] == [[0, 1, 2], [3, 4, 0]]
    labels, own = (np.concatenate([share[part] for share in shares]) for part in (1, 2))
    assert own[-1] == 0
    assert (labels * own).mean() == pytest.approx((rows * weights).mean())


def test_wrong_numbers_of_processes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fault: a process that waits for ever for one that does not exist."""
    monkeypatch.setenv("KERAS_DISTRIBUTION_NUM_PROCESSES", "2")
    monkeypatch.setenv("KERAS_DISTRIBUTION_PROCESS_ID", "2")
    with pytest.raises(InputError, match="from 0 to less than"):
        processes()


def resume(run: RunFolder, **variables: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu", **variables}
    return subprocess.Popen([sys.executable, "-c", RESUME, str(run.path)], env=environment, stderr=-1, text=True)


def resume_by_two(run: RunFolder) -> list[subprocess.Popen[str]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    group = {"KERAS_DISTRIBUTION_JOB_ADDRESSES": address, "KERAS_DISTRIBUTION_NUM_PROCESSES": "2"}
    numbers = [{"KERAS_DISTRIBUTION_PROCESS_ID": str(number)} for number in (0, 1)]
    return [resume(run, KERAS_BACKEND="jax", **group, **number) for number in numbers]


def end(started: list[subprocess.Popen[str]], timeout: float = 600) -> list[tuple[int, str]]:
    """Wait for the ends of processes; return each exit code and what it said."""
    try:
        said = [process.communicate(timeout=timeout)[1] for process in started]
    finally:
        for process in started:
            process.kill()
    return [(process.returncode, text) for process, text in zip(started, said, strict=True)]


def kill_after(run: RunFolder, epochs: int, killed: int) -> list[tuple[int, str]]:
    """Train by two processes, kill one of them after so many epochs; return the ends of both."""
    started = resume_by_two(run)
    while count_epochs(run.history) < epochs and all(process.poll() is None for process in started):
        time.sleep(0.05)
    started[killed].kill()
    return end(started, timeout=120)


@pytest.mark.slow
def test_two_processes_that_were_killed_have_the_losses_of_two_that_were_not_and_of_one(tmp_path: Path) -> None:
    """Faults: gradients that are not averaged, shares of other batches, files that two processes write, a process that
    waits for ever for one that was killed, or ends with pages of JAX' messages, epochs that are lost or done twice."""
    pytest.importorskip("jax")
    photos, coco = write_photographs(tmp_path / "data", 24)
    recipe = override_all(RECIPE, (("fit.epochs", "8"), ("augment.detail", "0"), ("fit.batch_size", "12")))
    run = start_run(recipe, DataPlace(photos, coco, tmp_path / "runs"))
    complete(run, [PATCHES])
    left, alone = (RunFolder(Path(shutil.copytree(run.path, run.path.with_name(name)))) for name in ("left", "alone"))
    for killed, other in ((1, 0), (0, 1)):
        code, said = kill_after(run, count_epochs(run.history) + 1, killed)[other]
        lines = [line for line in said.splitlines() if not LINE_OF_PROGRESS.match(line)]
        assert code == 2 and len(lines) == 1 and lines[0].startswith("Error: another process of this training"), said
    assert not run.fit.is_file()  # else there was nothing to kill
    ends = end([*resume_by_two(run), *resume_by_two(left), resume(alone, KERAS_BACKEND="jax")])
    assert [code for code, _ in ends] == [0] * 5, ends
    assert "without KERAS_BACKEND=jax continue with" in ends[0][1]
    for name in ("val_loss", "loss"):
        losses = [np.array([row[name] for row in read_history(one.history)]) for one in (run, left, alone)]
        np.testing.assert_allclose(losses[0], losses[1], rtol=1e-6, err_msg=name)
        np.testing.assert_allclose(losses[0][:3], losses[2][:3], rtol=1e-3, err_msg=name)  # rounding errors grow
    ((code, said),) = end([resume(run, KERAS_BACKEND="tensorflow")])
    assert code == 0 and run.report.is_file(), said
