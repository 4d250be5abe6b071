"""The first epochs with smaller pictures: fit.early_side and fit.early_share."""

from pathlib import Path

import keras
import pytest

from inference.errors import InputError
from models.build import TRUNKS
from models.patch_net import PATCH_NET_ROWS, patch_net
from pipeline.classification.stages import PATCHES, run_index
from pipeline.data.dataset import validation_dataset
from pipeline.data.sources import DataPlace
from pipeline.settings.recipe import Recipe, override_all
from pipeline.settings.run_folder import RunFolder
from pipeline.stages import complete, start_run
from pipeline.training.callbacks import EpochPlan, read_history
from pipeline.training.epochs import make_fit_data
from pipeline.training.gradient import fit_gradient
from tests.colour_run import RECIPE, write_photographs

SIDE, EARLY = 32, 16


def make_recipe(**settings: str) -> Recipe:
    given = {"network.input_side": str(SIDE), "fit.early_side": str(EARLY), "fit.epochs": "2", **settings}
    return override_all(RECIPE, tuple(given.items()))


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunFolder:
    monkeypatch.setitem(TRUNKS, "patch_net", lambda pixels: patch_net(pixels, PATCH_NET_ROWS[:2]))
    run = start_run(make_recipe(), DataPlace(*write_photographs(tmp_path / "data", 24), tmp_path / "runs"))
    complete(run, [PATCHES])
    return run


def test_the_pictures_of_the_first_epochs_are_small_and_validation_is_as_it_was(run: RunFolder) -> None:
    """Faults: epochs of the wrong size, also after a resume; the last epochs small too; losses that can't be
    compared.
    """
    data = make_fit_data(run, run_index(run), run.read_recipe())
    sides = [[pixels.shape[1] for pixels, _, _ in data.training.batches(epoch, epoch + 1)] for epoch in (0, 1)]
    assert [set(one) for one in sides] == [{EARLY}, {SIDE}]
    assert {pixels.shape[1] for pixels, _ in data.validation} == {SIDE}


@pytest.mark.slow
@pytest.mark.parametrize("average", ["0", "0.9"])
def test_the_kept_network_is_the_trained_one_and_takes_whole_pictures(average: str, run: RunFolder) -> None:
    """Faults: a file that takes pictures of any side, which the export can't use; weights of another epoch, or those
    of the training where their average is meant.
    """
    recipe = override_all(run.read_recipe(), (("fit.average", average),))
    fit_gradient(run, run_index(run), recipe)
    best = keras.models.load_model(run.best, compile=False)
    assert best.input_shape == (None, SIDE, SIDE, 3)
    loss = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=recipe.fit.label_smoothing)
    best.compile(loss=loss)
    index = run_index(run).select("validation", recipe.outputs)
    measured = best.evaluate(validation_dataset(index, recipe), verbose=0)
    assert measured == pytest.approx(min(row["val_loss"] for row in read_history(run.history)), rel=1e-5)


def test_the_time_left_counts_later_epochs_as_longer() -> None:
    """Faults: an estimate of a quarter of the time; epochs that are counted twice after the change."""
    plan = EpochPlan(last=2, total=5, slower=4.0)
    assert [plan.epochs_after(epoch) for epoch in range(5)] == [13, 12, 2, 1, 0]


@pytest.mark.parametrize(("share", "epochs", "early"), [("0.1", "4", 1), ("0.5", "1", 1), ("1", "3", 3)])
def test_smaller_pictures_that_are_asked_for_are_used(share: str, epochs: str, early: int) -> None:
    """Fault: a share of less than half an epoch is rounded to none, and no word of it."""
    assert make_recipe(**{"fit.early_share": share, "fit.epochs": epochs}).fit.early_epochs == early


@pytest.mark.parametrize(
    ("settings", "rule"),
    [
        ({"fit.early_side": str(SIDE)}, "less than network.input_side"),
        ({"fit.early_side": "8"}, "fit.early_side"),
        ({"network.trunk": "mobilenet_v2", "network.input_side": "96"}, "at least 32 for mobilenet_v2"),
        ({"fit.early_side": "0", "fit.early_share": "0.7"}, "no effect"),
        ({"fit.early_share": "0"}, "fit.early_side has no effect"),
    ],
)
def test_sides_that_do_not_suit_are_refused(settings: dict[str, str], rule: str) -> None:
    with pytest.raises(InputError, match=rule):
        make_recipe(**settings)
