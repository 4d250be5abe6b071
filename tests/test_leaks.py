"""Initial weights of an earlier run: refused where that run was trained on this run's test photographs."""

import shutil
from pathlib import Path

import pytest

from inference.errors import InputError
from pipeline.classification.stages import PATCHES
from pipeline.data.sources import DataPlace
from pipeline.settings.recipe import override_all
from pipeline.settings.run_folder import RunFolder
from pipeline.stages import complete, start_run
from tests.worlds import RECIPE, one_each, write_world


def read_data(place: DataPlace, *changes: tuple[str, str]) -> RunFolder:
    """Start a run and do the stage that reads the data."""
    run = start_run(override_all(RECIPE, changes), place)
    complete(run, [PATCHES])
    return run


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> DataPlace:
    """Return photographs with boxes."""
    folder = tmp_path_factory.mktemp("world")
    write_world(folder, one_each(24))
    return DataPlace(folder / "photos", folder / "boxes.json", folder / "runs")


@pytest.fixture(scope="module")
def earlier(place: DataPlace) -> RunFolder:
    """Return an earlier run on the same photographs."""
    return read_data(place)


@pytest.mark.parametrize("kind", ["gradient", "two_stage", "frozen"])
@pytest.mark.parametrize("change", [("split.seed", "5"), ("split.test", "0.4")])
def test_weights_that_have_seen_test_photographs_are_refused(
    kind: str, change: tuple[str, str], place: DataPlace, earlier: RunFolder
) -> None:
    """Fault: the accuracy on photographs that the initial weights were trained on, reported as the test's."""
    with pytest.raises(InputError, match=r"best\.keras: network\.weights must not be trained on .* \d+ of them"):
        read_data(place, ("fit.kind", kind), change, ("network.weights", str(earlier.best)))


def test_weights_of_the_same_split_or_of_an_unknown_training_are_taken(
    place: DataPlace, earlier: RunFolder, tmp_path: Path
) -> None:
    """Fault: a released or downloaded file of weights, beside which no index lies, is refused."""
    read_data(place, ("network.weights", str(earlier.best)), ("fit.epochs", "3"))
    (earlier.path / "best.weights.h5").touch()
    unknown = shutil.copy(earlier.path / "best.weights.h5", tmp_path)
    read_data(place, ("network.weights", str(unknown)), ("split.seed", "5"))


def test_a_teacher_is_refused_before_the_training(place: DataPlace, earlier: RunFolder) -> None:
    """Fault: hours of a cross-validation before the fold whose teacher has seen its test photographs."""
    with pytest.raises(InputError, match=r"model\.tflite: fit\.teacher must not be trained on"):
        read_data(place, ("fit.teacher", str(earlier.model)), ("split.seed", "5"))
