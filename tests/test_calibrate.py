"""Calibration: the temperature that was there, and the highest threshold that still lets enough pass."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import softmax

from inference.errors import InputError
from pipeline.calibration.temperature import calibrate_softmax, decision_rule, fit_temperature, highest_threshold
from pipeline.classification.stages import PATCHES, calibrate_stage
from pipeline.data.index import PatchIndex
from pipeline.data.sources import DataPlace
from pipeline.settings.labels import BACKGROUND
from pipeline.settings.recipe import override
from pipeline.stages import complete, start_run
from pipeline.training.weights import make_network
from tests.worlds import RECIPE, one_each, write_patches, write_world

confidences = st.lists(st.floats(0, 1, width=32), min_size=1, max_size=60).map(np.array)


def calibrated_logits(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return logits [count, 4] and labels drawn from softmax(logits): the right temperature is 1."""
    random = np.random.default_rng(seed)
    logits = random.normal(0, 2, (count, 4))
    cumulated = softmax(logits, axis=1).cumsum(axis=1)
    return logits, (cumulated < random.random((count, 1))).sum(axis=1)


@pytest.mark.parametrize("scale", [0.2, 1.0, 3.0])
def test_the_temperature_by_which_logits_were_scaled_is_recovered(scale: float) -> None:
    """Catches 1 / T for T, a search that stops at its bounds, and probabilities taken for logits."""
    logits, labels = calibrated_logits(20_000)
    assert fit_temperature(logits * scale, labels) == pytest.approx(scale, rel=0.03)


def test_patches_without_an_output_take_no_part_in_the_temperature() -> None:
    """Catches label -1 read as the last output."""
    logits, labels = calibrated_logits(2000)
    strange = np.random.default_rng(1).normal(0, 30, (500, 4))
    expected = fit_temperature(logits, labels)
    both = fit_temperature(np.concatenate([logits, strange]), np.concatenate([labels, np.full(500, -1)]))
    assert both == pytest.approx(expected, rel=1e-6)


def test_a_temperature_changes_no_answer() -> None:
    """Catches a temperature of 0 or below, on which no order would survive, even where all is right or wrong."""
    logits = np.array([[5.0, 1.0], [1.0, 5.0]])
    assert 0 < fit_temperature(logits, np.array([0, 1])) < 1 < fit_temperature(logits, np.array([1, 0])) < 100


@pytest.mark.parametrize(
    ("accepted", "threshold"), [(1.0, 0.2), (0.76, 0.2), (0.75, 0.4), (0.5, 0.6), (0.26, 0.6), (0.25, 0.8), (0.01, 0.8)]
)
def test_highest_threshold_worked_example(accepted: float, threshold: float) -> None:
    """Catches an off-by-one and a share that is rounded down."""
    assert highest_threshold(np.array([0.4, 0.8, 0.2, 0.6]), accepted) == threshold


def test_what_a_killed_calibration_of_another_kind_left_behind_is_removed(tmp_path: Path) -> None:
    """Fault: an exported file that decides by neighbours, with the threshold of the softmax."""
    write_world(tmp_path, one_each(24))
    run = start_run(RECIPE, DataPlace(tmp_path / "photos", tmp_path / "boxes.json", tmp_path / "runs"))
    complete(run, [PATCHES])
    make_network(RECIPE, "none").save(run.best)
    run.neighbours.touch()
    run.held_out.touch()
    calibrate_stage(run)
    assert run.calibration.is_file()
    assert not run.neighbours.exists() and not run.held_out.exists()


@given(values=confidences, accepted=st.floats(0.001, 1))
def test_the_threshold_lets_enough_pass_and_no_higher_one_does(values: np.ndarray, accepted: float) -> None:
    """Catches a promise that is missed by one patch, and needless caution."""
    threshold = highest_threshold(values, accepted)
    assert (values >= threshold).mean() >= accepted - 1e-9
    higher = values[values > threshold]
    assert len(higher) / len(values) < accepted or threshold == 0.999, "nearer to 1 rounding would decide"


@pytest.mark.parametrize("count", [20, 40, 100, 1000])
def test_a_share_that_is_a_whole_number_of_patches_is_not_rounded_up(count: int) -> None:
    """Catches 0.95 * 20 = 19.000000000000004 that asks for all twenty."""
    assert highest_threshold(np.arange(count) / count, 0.95) == pytest.approx(0.05)


class Oracle:
    """Stands for a network: gives each batch's rows of logits, made beforehand."""

    def __init__(self, logits: np.ndarray) -> None:
        self.logits = logits

    def predict(self, dataset: object, verbose: int, callbacks: object) -> np.ndarray:
        """Return the logits; the pictures are read all the same."""
        assert sum(len(batch[0]) for batch in dataset) == len(self.logits)  # type: ignore[attr-defined]
        return self.logits


@pytest.mark.parametrize("background", ["output", "confidence"])
def test_calibration_sees_validation_patches_alone(background: str, tmp_path: Path) -> None:
    """Catches thresholds chosen on training or test data, or over background: other patches have no file here."""
    recipe = override(RECIPE, "network.background", background)
    labels = ["red", "green", "blue", "red"] * 10 + [BACKGROUND] * 10
    validation = write_patches(tmp_path, labels, "validation")
    absent = [write_patches(tmp_path / split, ["red"], split) for split in ("train", "test")]
    for part in absent:
        part.path(part.patches[0]).unlink()
    index = PatchIndex(tmp_path, (*absent[0].patches, *validation.patches, *absent[1].patches))
    logits = np.zeros((50, len(recipe.outputs)))
    for number, label in enumerate(labels[:40]):
        logits[number, recipe.outputs.index(label)] = 1 + number / 10
    logits[:3, 0], logits[:3, 1] = 1, (2, 2.1, 2.2)  # some are wrong: otherwise no temperature is low enough
    found = calibrate_softmax(Oracle(logits), index, recipe)  # type: ignore[arg-type]
    probabilities = softmax(logits / found["temperature"], axis=1)
    best = probabilities[:40, :3].max(axis=1)
    assert found["threshold"] == np.sort(best)[2]
    assert found["accepted"].value == 38 / 40
    assert (found["accepted"].n, found["rejected_background"].n) == (40, 10)
    assert found["rejected_background"].value == 1.0
    assert found["target_accepted"] == recipe.calibrate.accepted


def test_a_limit_for_wrong_answers_moves_the_threshold(tmp_path: Path) -> None:
    """Catches a limit that is not asked for, or that leaves no figures for card and report."""
    recipe = override(RECIPE, "calibrate.risk", "0.1")
    index = write_patches(tmp_path, ["red"] * 60, "validation")
    logits = np.zeros((60, len(recipe.outputs)))
    logits[:, 0] = 1 + np.arange(60) / 20
    logits[:20, 1] = 5  # wrong, and surer than most of the right ones
    logits[40:, 0] = 8 + np.arange(20) / 20
    with pytest.raises(InputError, match=r"calibrate.risk=0.1 needs a threshold"):  # 20 right ones, and 22 are needed
        calibrate_softmax(Oracle(logits), index, recipe)  # type: ignore[arg-type]
    logits[30:, 0] = 8 + np.arange(30) / 20
    found = calibrate_softmax(Oracle(logits), index, recipe)  # type: ignore[arg-type]
    assert (found["risk"]["answered"].value, found["risk"]["wrong"]) == (0.5, 0)
    assert found["accepted"].value == 0.5
    assert found["threshold"] > calibrate_softmax(Oracle(logits), index, RECIPE)["threshold"]  # type: ignore[arg-type]


def test_background_is_a_reject_label_where_it_is_an_output() -> None:
    """Catches a runner that answers "background" instead of "unknown"."""
    rule = decision_rule(RECIPE, 0.4)
    assert (rule.labels, rule.reject_labels, rule.threshold) == (RECIPE.outputs, (BACKGROUND,), 0.4)
    confident = decision_rule(override(RECIPE, "network.background", "confidence"), 0.4)
    assert (confident.labels, confident.reject_labels) == (RECIPE.labels, ())
