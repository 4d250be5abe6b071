"""Fixtures that several test files share, and the order of the files."""

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from markupsafe import escape

from pipeline.report.sections import Latency
from pipeline.settings.run_folder import RunFolder
from tests.colour_run import train_colour_run
from tests.tiny_model import make_card, make_flatbuffer, write_model

# The same sums in this process, where TensorFlow may be imported before the pipeline asks for oneDNN, and in others.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")

# Hypothesis has a deadline of 200 ms for an example, which a busy machine exceeds.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the users of colour_run as slow, and put files with slow tests first.

    pytest-xdist gives each file to one process (--dist=loadfile), so no long file is left for the end.
    """
    for item in items:
        if "colour_run" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.slow)
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(scope="module")
def one_ray(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Wait until no other process of these tests uses Ray: two would share ports and memory."""
    with (tmp_path_factory.getbasetemp().parent / "ray.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="module")
def few_resamples() -> Iterator[None]:
    """Draw 100 resamples for an interval instead of 1000, for tests of a whole run that look at no interval's width."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pipeline.metrics.intervals.RESAMPLES", 100)
        yield


@pytest.fixture(scope="module")
def quick_run(few_resamples: None) -> Iterator[None]:
    """Shorten the runs of a module further: a trunk of two blocks, 50 trees, no process of its own to time Keras.

    test_cifar10.py and test_train.py run all three in full.
    """
    from tests.short_trunk import shorten_patch_net  # here, because most tests need no TensorFlow

    with pytest.MonkeyPatch.context() as patch:
        shorten_patch_net(patch)
        patch.setattr("pipeline.evaluation.colour_baseline._TREES", 50)
        patch.setattr("pipeline.evaluation.cost.measure_keras_latency", lambda path: Latency(1.0, 1.0, 1))
        yield


@pytest.fixture
def empty_plots(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the plots of a page empty, which take two thirds of its time; test_report_page.py draws them."""
    monkeypatch.setattr(
        "pipeline.report.plots.svg_text",
        lambda figure, name, text: f'<svg role="img" aria-label="{escape(text)}"></svg>',
    )


@pytest.fixture(scope="session")
def colour_run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """Return a trained and calibrated run on coloured squares."""
    return train_colour_run(tmp_path_factory.mktemp("colours"))


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a .tflite that names the colour of a picture; see tests/tiny_model.py."""
    flatbuffer = make_flatbuffer()
    return write_model(tmp_path_factory.mktemp("tiny") / "model.tflite", flatbuffer, make_card(flatbuffer))
