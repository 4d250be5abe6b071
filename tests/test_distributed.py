"""A training by several processes is that of one: the share of each batch, and the losses of whole trainings."""

import os
import shutil
import socket
import subprocess
import sys
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
from pipeline.training.callbacks import read_history
from tests.colour_run import RECIPE, write_photographs

ROOT = Path(__file__).parent.parent
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
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", **variables}
    return subprocess.Popen([sys.executable, "-c", RESUME, str(run.path)], env=environment, stderr=-1, text=True)


def train(started: list[subprocess.Popen[str]]) -> list[str]:
    """Wait for the ends of processes; return what each said."""
    try:
        said = [process.communicate(timeout=600)[1] for process in started]
    finally:
        for process in started:
            process.kill()
    assert [process.returncode for process in started] == [0] * len(started), said
    return said


@pytest.mark.slow
def test_two_processes_have_the_losses_of_one(tmp_path: Path) -> None:
    """Faults: gradients that are not averaged, shares of other batches, files that two processes write."""
    pytest.importorskip("jax")
    photos, coco = write_photographs(tmp_path / "data", 24)
    recipe = override_all(RECIPE, (("fit.epochs", "3"), ("augment.detail", "0"), ("fit.batch_size", "12")))
    together = start_run(recipe, DataPlace(photos, coco, tmp_path / "runs"))
    complete(together, [PATCHES])
    alone = RunFolder(Path(shutil.copytree(together.path, together.path.with_name("alone"))))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    group = {"KERAS_DISTRIBUTION_JOB_ADDRESSES": address, "KERAS_DISTRIBUTION_NUM_PROCESSES": "2"}
    train([resume(together, **group, KERAS_DISTRIBUTION_PROCESS_ID=str(number)) for number in (1, 0)])
    (said,) = train([resume(alone)])
    assert "without KERAS_BACKEND=jax continue with" in said
    for name in ("val_loss", "loss"):
        losses = [[row[name] for row in read_history(run.history)] for run in (together, alone)]
        np.testing.assert_allclose(losses[0], losses[1], rtol=1e-3, err_msg=name)
