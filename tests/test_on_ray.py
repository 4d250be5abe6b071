"""Searches, cross-validations and features on two machines of Ray, one of which dies in the middle."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from inference.errors import InputError
from pipeline.__main__ import main
from pipeline.classification.stages import PATCHES, run_index
from pipeline.cluster import pipeline_cluster
from pipeline.crossval.folds import CrossvalFolder, complete_folds, missing_folds, start_crossval
from pipeline.crossval.on_ray import complete_folds_on_ray
from pipeline.crossval.report import pool_folds
from pipeline.data.sources import DataPlace
from pipeline.recipes import RECIPES
from pipeline.report.stored import section_text
from pipeline.settings.recipe import override_all
from pipeline.settings.run_folder import RunFolder
from pipeline.stages import Stage, complete, start_run
from pipeline.sweep.folder import SweepFolder, complete_fold
from pipeline.training.epochs import make_fit_data
from pipeline.training.frozen import fit_head
from pipeline.training.on_ray import cache_features
from pipeline.training.weights import make_network
from tests.colour_run import write_photographs
from tests.test_crossval import FOLD_1, FOLD_2, PAIR, write_fold
from tests.test_sweep import QUICK, sweep_in, words_of

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning:ray"),  # Ray speaks to itself
]

ROOT = Path(__file__).parent.parent
THREADS = {"OMP_NUM_THREADS": "1", "TF_NUM_INTRAOP_THREADS": "1"}  # of driver, workers and this process


@pytest.fixture(scope="module")
def cluster(one_ray: None) -> Iterator[Any]:
    """Start a Ray of one machine, to which each test adds another."""
    from ray.cluster_utils import Cluster

    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    yield made
    made.shutdown()


def run_with_a_loss(
    cluster: Any, words: list[str], lose_when: Callable[[], object]
) -> subprocess.CompletedProcess[str]:
    """Run the command on two machines; kill one as soon as something holds."""
    node = cluster.add_node(num_cpus=1)
    environment = {**os.environ, **THREADS, "RAY_ADDRESS": cluster.address, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "pipeline", *words]
    with subprocess.Popen(command, env=environment, stdout=-1, stderr=-1, text=True) as driver:
        while not lose_when() and driver.poll() is None:
            time.sleep(0.1)
        cluster.remove_node(node, allow_graceful=False)
        out, err = driver.communicate(timeout=300)
    return subprocess.CompletedProcess(command, driver.returncode, out, err)


def history_of(path: Path) -> list[list[str]]:
    """Return the columns of a history but for its seconds."""
    rows = [line.split(",") for line in path.read_text().splitlines()]
    place = rows[0].index("seconds")
    return [row[:place] + row[place + 1 :] for row in rows]


def test_a_sweep_loses_and_repeats_nothing(cluster: Any, tmp_path: Path) -> None:
    """Faults: a trial that is lost with its machine, counted twice, or unlike that of one machine; Tune's tables."""
    words = words_of(tmp_path, "--trials", "2", "--no-run", "--engine", "ray")
    ended = run_with_a_loss(cluster, words, lambda: list(tmp_path.glob("runs/minerals/*/trial-*/fold-1/fit.json")))
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith("minerals: 2 trials")
    folder = sweep_in(tmp_path)
    rows = json.loads(folder.report.read_text())["rows"]
    assert sorted(row["number"] for row in rows) == [1, 2]
    assert next(row for row in rows if row["number"] == 1)["folds"] == 2
    trained = list(folder.path.glob("trial-*/fold-*/fit.json"))
    assert sum(row["folds"] for row in rows) == len(trained), "each is counted once"
    alone, settings = SweepFolder(tmp_path / "alone"), folder.read_settings()
    complete_fold(alone, settings, settings.trials[0], 1)
    of_one_machine, of_ray = (one.run(settings.trials[0], 1).history for one in (alone, folder))
    assert history_of(of_ray) == history_of(of_one_machine)


def stages_that_die_once(place: Path) -> list[Stage]:
    """Return two stages without TensorFlow; the second kills its process the first time that fold 2 comes to it."""
    lines, died = (FOLD_1, FOLD_2), place / "died"

    def cut(run: RunFolder) -> None:
        with (place / "cut").open("a") as log:
            log.write(f"{run.path.name}\n")
        run.index.touch()

    def test(run: RunFolder) -> None:
        number = int(run.path.name[-1])
        if number == 2 and not died.exists():
            died.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        write_fold(CrossvalFolder(run.path.parent), number, lines[number - 1], (2 * number, 3), 1)

    return [Stage("cut", lambda run: run.index, cut, False), Stage("test", lambda run: run.predictions, test, False)]


def test_a_cross_validation_gives_the_report_of_one_machine(
    cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Faults: a fold lost with its worker, a stage done twice, and a pooled figure that depends on the engine."""
    monkeypatch.setenv("RAY_ADDRESS", cluster.address)
    reports = []
    for engine in ("ray", "local"):
        place = tmp_path / engine
        folder = start_crossval(PAIR, DataPlace(None, None, place), 2)
        stages = stages_that_die_once(place)
        if engine == "ray":
            complete_folds_on_ray([folder], stages)
            assert sorted((place / "cut").read_text().split()) == ["fold-1", "fold-2"], "what was done is kept"
        else:
            (place / "died").touch()
            complete_folds(folder, stages)
        assert missing_folds(folder, stages) == []
        reports.append(section_text(replace(pool_folds(folder), run="")))
    assert (tmp_path / "ray" / "died").exists()
    assert reports[0] == reports[1]


def test_an_error_in_a_task_is_the_users_error(cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Faults: Ray's traceback in the place of one line; a fold that is tried again and again."""
    monkeypatch.setenv("RAY_ADDRESS", cluster.address)
    folder = start_crossval(PAIR, DataPlace(None, None, tmp_path), 2)

    def refuse(run: RunFolder) -> None:
        raise InputError(f"{run.path.name}: has no picture.")

    with pytest.raises(InputError, match=r"^fold-\d: has no picture\.$"):
        complete_folds_on_ray([folder], [Stage("refuse", lambda run: run.index, refuse, False)])


def test_an_audit_is_that_of_one_machine(cluster: Any, tmp_path: Path) -> None:
    """Faults: photographs lost with a machine, numbers at another photograph's place, blocks left behind."""
    photos, coco = write_photographs(tmp_path / "data", 300)  # three blocks
    shutil.copy(photos / "010.png", photos / "220.png")
    (photos / "150.png").write_bytes((photos / "150.png").read_bytes()[:2000])  # its size can be read, its pixels can't
    words = ["audit", "--images", str(photos), "--annotations", str(coco), "--set", "network.weights=none"]
    words += ["--set", "network.input_side=32", "--out"]

    def one_block_is_done() -> bool:
        return any(np.load(path, mmap_mode="r").any() for path in tmp_path.glob("ray/features-*/done.npy"))

    on_ray = run_with_a_loss(cluster, [*words, str(tmp_path / "ray"), "--engine", "ray"], one_block_is_done)
    assert on_ray.returncode == 1, on_ray.stderr
    command = [sys.executable, "-m", "pipeline", *words, str(tmp_path / "local")]
    local = subprocess.run(command, env={**os.environ, **THREADS}, capture_output=True, text=True, check=False)
    assert local.returncode == 1, local.stderr
    found, expected = (results_of_audit(tmp_path / engine) for engine in ("ray", "local"))
    assert found == expected
    assert [group for group in found["groups"] if {"010.png", "220.png"} <= set(group)]
    assert [line for line in found["report"]["refused"] if line.startswith("150.png")]


def results_of_audit(folder: Path) -> dict[str, Any]:
    """Return what must not depend on the engine; but for the time it took."""
    report = json.loads((folder / "audit.json").read_text())
    del report["seconds"]
    (store,) = folder.glob("features-*")
    names = sorted(path.name for path in store.iterdir())
    return {"report": report, "groups": json.loads((folder / "GROUPS.json").read_text()), "kept": names}


def test_a_frozen_trunks_features_are_those_of_one_process(
    cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Faults: another order or augmentation of the pictures, labels or weights of another batch, features unused."""
    monkeypatch.setenv("RAY_ADDRESS", cluster.address)
    settings = [one.split("=", 1) for one in (*QUICK, "fit.epochs=2")]
    recipe = override_all(RECIPES["minerals"], tuple((name, value) for name, value in settings))
    make_network(recipe, "none").save(tmp_path / "w.keras")
    recipe = override_all(recipe, (("network.weights", str(tmp_path / "w.keras")),))
    run = start_run(recipe, DataPlace(*write_photographs(tmp_path / "data", 36), tmp_path / "runs"))
    complete(run, [PATCHES])
    cache_features(run, run_index(run), recipe)
    on_ray = {path.name: np.load(path) for path in run.cache.glob("*.npz")}
    assert sorted(on_ray) == ["validation.npz", "view-0.npz", "view-1.npz"]
    before = {path: path.stat().st_mtime_ns for path in run.cache.glob("*.npz")}
    network, data = make_network(recipe, recipe.network.weights), make_fit_data(run, run_index(run), recipe)
    fit_head(run, network, data, 2)
    assert {path: path.stat().st_mtime_ns for path in before} == before, "the fit uses what is there"
    shutil.rmtree(run.cache)
    fit_head(run, network, data, 2)
    for name, arrays in on_ray.items():
        with np.load(run.cache / name) as local:
            for key in ("arr_0", "arr_1", "arr_2"):
                np.testing.assert_allclose(arrays[key], local[key], rtol=1e-5, atol=1e-6, err_msg=f"{name} {key}")


def test_without_ray_one_line_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Faults: a traceback, or half an hour of work before Ray is missed."""
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(
        InputError, match=re.escape("needs Ray. Install it: python -m pip install -r requirements-ray.txt")
    ):
        pipeline_cluster().__enter__()
    assert main(words_of(tmp_path, "--engine", "ray")) == 2
    assert "pip install -r requirements-ray.txt" in capsys.readouterr().err
    assert not list(tmp_path.glob("runs/minerals/*"))
