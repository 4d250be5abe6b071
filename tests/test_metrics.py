"""Figures of a report: hand-computed, equal to scikit-learn's, with intervals that are as wide as they should be."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from sklearn.metrics import balanced_accuracy_score, confusion_matrix, f1_score

from inference.model.decide import DECISIONS, UNKNOWN, Decision, DecisionRule
from pipeline.data.index import PatchIndex
from pipeline.evaluation.colour_baseline import colour_histogram, measure_baseline
from pipeline.metrics.classification import (
    ClassFigures,
    Metrics,
    ReliabilityBin,
    Scores,
    _confusion,
    auroc_background,
    balanced_accuracy,
    class_f1,
    expected_calibration_error,
    measure,
    reliability,
    score,
)
from pipeline.metrics.intervals import RESAMPLES, UNDEFINED, Estimate, bootstrap, proportion
from pipeline.settings.labels import BACKGROUND
from pipeline.settings.recipe import override
from tests.worlds import COLOURS, RECIPE, write_patches

CLASSES = ("a", "b", "c")
RULE = DecisionRule((*CLASSES, BACKGROUND), (BACKGROUND,), 0.5)

# What a network might say of nine patches of five photographs: label, photograph, probabilities of a, b, c, none.
SAID: list[tuple[str, str, tuple[float, float, float, float]]] = [
    ("a", "1", (0.9, 0.1, 0.0, 0.0)),
    ("a", "1", (0.8, 0.1, 0.1, 0.0)),
    ("a", "2", (0.3, 0.6, 0.1, 0.0)),  # wrong
    ("a", "2", (0.4, 0.1, 0.1, 0.4)),  # right, but rejected
    ("b", "3", (0.0, 0.7, 0.0, 0.3)),
    ("b", "3", (0.2, 0.3, 0.1, 0.4)),  # right, but rejected
    (BACKGROUND, "4", (0.1, 0.1, 0.2, 0.6)),
    (BACKGROUND, "4", (0.1, 0.5, 0.3, 0.1)),  # taken for b
    (BACKGROUND, "5", (0.0, 0.2, 0.1, 0.7)),
]


def scores_of(said: list[tuple[str, str, tuple[float, float, float, float]]]) -> Scores:
    labels, photos, probabilities = zip(*said, strict=True) if said else ((), (), ())
    return score(np.array(probabilities).reshape(-1, 4), list(labels), list(photos), RULE)


def random_scores(count: int, seed: int) -> Scores:
    """Return scores of count patches of count / 4 photographs, half of them right, the others mostly taken for c."""
    random = np.random.default_rng(seed)
    labels = random.choice([*CLASSES, BACKGROUND], count)
    best = np.where(
        (random.random(count) < 0.5) & (labels != BACKGROUND), labels, random.choice(CLASSES, count, p=[0.1, 0.2, 0.7])
    )
    confidences = random.random(count)
    results = np.where(confidences >= 0.5, best, UNKNOWN)
    return Scores(
        CLASSES, labels, (np.arange(count) // 4).astype(str), results, best, confidences, random.choice(CLASSES, count)
    )


@pytest.fixture(scope="module")
def report() -> Metrics:
    return measure(scores_of(SAID))


def value(estimate: Estimate | None) -> tuple[float | None, int]:
    assert estimate
    return estimate.value, estimate.n


def shares_of(metrics: Metrics) -> list[Estimate | None]:
    """Return all shares of a report."""
    classes = [one for row in metrics.per_class.values() for one in (row.precision, row.recall, row.accuracy)]
    rejected = [metrics.rejected_known, metrics.rejected_background, metrics.accuracy_of_accepted]
    return [metrics.accuracy, metrics.top2_accuracy, *rejected, *classes]


def test_a_patch_that_is_counted_ten_times_makes_no_interval_narrower() -> None:
    """Fault: shares over patches, so that many alike patches of a photograph feign certainty."""
    once = random_scores(200, 1)
    once = replace(once, photos=np.arange(200).astype(str))
    often = once.take(np.repeat(np.arange(200), 10))
    for one, other in zip(shares_of(measure(once)), shares_of(measure(often)), strict=True):
        assert one and one.ends and other and other.ends
        assert other.ends[1] - other.ends[0] > 0.8 * (one.ends[1] - one.ends[0])


def test_all_figures_of_the_worked_example(report: Metrics) -> None:
    """Catches figures over the wrong patches: accuracy with background, rejection over all of them."""
    assert value(report.accuracy) == (pytest.approx(5 / 6), 6)
    assert value(report.rejected_known) == (pytest.approx(2 / 6), 6)
    assert value(report.rejected_background) == (pytest.approx(2 / 3), 3)
    assert value(report.accuracy_of_accepted) == (pytest.approx(3 / 4), 4)
    assert value(report.balanced_accuracy) == (pytest.approx((3 / 4 + 1) / 2), 6)
    assert value(report.micro_f1) == (pytest.approx(5 / 6), 6)
    f1 = {"a": 2 * 3 / (3 + 4), "b": 2 * 2 / (3 + 2)}
    assert value(report.macro_f1) == (pytest.approx(sum(f1.values()) / 2), 6), "c is neither true nor given"
    rows = report.per_class
    assert {label: value(rows[label].f1) for label in f1} == {k: (pytest.approx(v), 6) for k, v in f1.items()}
    assert (value(rows["a"].precision), value(rows["a"].recall)) == ((1.0, 3), (0.75, 4))
    assert (value(rows["b"].precision), value(rows["b"].recall)) == ((pytest.approx(2 / 3), 3), (1.0, 2))
    assert [value(rows[label].accuracy) for label in CLASSES] == [(pytest.approx(5 / 6), 6)] * 2 + [(1.0, 6)]
    assert rows["c"] == ClassFigures(UNDEFINED, UNDEFINED, UNDEFINED, rows["c"].accuracy)
    # confidences of classes 0.9 0.8 0.6 0.4 0.7 0.3, of background 0.2 0.5 0.2: 16 of 18 pairs in order
    assert value(report.auroc_background) == (pytest.approx(16 / 18), 9)


def test_the_second_best_label_counts_for_top_2() -> None:
    """Catches a third place that counts, a runner-up among labels that reject, and columns that are not the labels'."""
    rule = DecisionRule((BACKGROUND, *CLASSES), (BACKGROUND,), 0.5)
    rows = np.array([[0.5, 0.3, 0.15, 0.05], [0.5, 0.3, 0.15, 0.05], [0.0, 0.2, 0.5, 0.3], [0.9, 0.0, 0.04, 0.06]])
    scores = score(rows, ["b", "c", "b", "a"], list("1234"), rule)
    assert list(scores.runners_up) == ["b", "b", "c", "b"]
    figures = measure(scores)
    assert (value(figures.accuracy), value(figures.top2_accuracy)) == ((0.25, 4), (0.5, 4))


def test_the_figures_are_of_the_run_s_own_decision(monkeypatch: pytest.MonkeyPatch) -> None:
    """Faults: figures of the softmax decision for a run whose file decides otherwise."""

    def decide_first(probabilities: np.ndarray, rule: DecisionRule) -> Decision:
        return rule.accept(0, 1 - probabilities[0])

    monkeypatch.setitem(DECISIONS, "first", decide_first)
    scores = score(np.array([[0.3, 0.7, 0.0, 0.0]] * 2), ["a", "b"], ["1", "2"], replace(RULE, decision="first"))
    assert list(scores.best) == list(scores.results) == ["a", "a"]
    assert scores.confidences == pytest.approx([0.7, 0.7])
    assert value(measure(scores).accuracy) == (0.5, 2)


def test_confusion_rows_are_true_labels_and_sum_to_the_patches(report: Metrics) -> None:
    """Catches rows and columns exchanged, background among the classes, and patches that are counted nowhere."""
    confusion = report.confusion
    assert confusion.rows == ("a", "b", "c", BACKGROUND)
    assert confusion.columns == ("a", "b", "c", UNKNOWN)
    assert confusion.counts == ((2, 1, 0, 1), (0, 1, 0, 1), (0, 0, 0, 0), (0, 1, 0, 2))


@given(seed=st.integers(0, 10_000), count=st.integers(1, 40))
def test_confusion_counts_every_patch_once(seed: int, count: int) -> None:
    """Catches patches that fall out of the table, whatever was answered."""
    scores = random_scores(count, seed)
    confusion = _confusion(scores).counts  # measure also resamples, a thousand times
    expected = [int((scores.labels == label).sum()) for label in (*CLASSES, BACKGROUND)]
    assert [sum(row) for row in confusion] == expected


def test_the_threshold_curve_of_the_worked_example(report: Metrics) -> None:
    """Catches a curve that counts "above" where the runner decides "at least", or mixes up its two shares."""
    curve = {round(row.threshold, 2): row for row in report.threshold_curve}
    assert len(curve) == 101
    assert (curve[0].accepted_known, curve[0].rejected_background) == (1, 0)
    assert (curve[0.5].accepted_known, curve[0.5].rejected_background) == (4 / 6, 2 / 3)
    assert (curve[0.51].accepted_known, curve[0.51].rejected_background) == (4 / 6, 1)
    assert (curve[0.9].accepted_known, curve[0.91].accepted_known) == (1 / 6, 0)
    assert (curve[1].accepted_known, curve[1].rejected_background) == (0, 1)


def test_without_background_its_figures_are_absent() -> None:
    """Catches a division by zero, or a perfect rejection of nothing, where a data set has no negatives."""
    report = measure(scores_of(SAID[:6]))
    assert report.rejected_background == UNDEFINED
    assert (report.auroc_background.value, report.auroc_background.low) == (None, None)
    assert {row.rejected_background for row in report.threshold_curve} == {None}
    assert value(report.accuracy) == (pytest.approx(5 / 6), 6)


def test_with_background_alone_the_classes_figures_are_absent() -> None:
    """Catches an evaluation that fails on photographs of bare rock."""
    report = measure(scores_of(SAID[6:]))
    for name in ("accuracy", "macro_f1", "balanced_accuracy", "ece", "rejected_known", "accuracy_of_accepted"):
        assert getattr(report, name) == UNDEFINED, name
    assert value(report.rejected_background) == (pytest.approx(2 / 3), 3)


def test_score_decides_by_the_runners_rule() -> None:
    """Catches a best label that is background, a confidence of another label, and results without the threshold."""
    scores = scores_of(SAID)
    assert scores.classes == CLASSES
    assert scores.best.tolist() == ["a", "a", "b", "a", "b", "b", "c", "b", "b"]
    assert scores.confidences.tolist() == [0.9, 0.8, 0.6, 0.4, 0.7, 0.3, 0.2, 0.5, 0.2]
    assert scores.results.tolist() == ["a", "a", "b", UNKNOWN, "b", UNKNOWN, UNKNOWN, "b", UNKNOWN]
    assert scores.positive.tolist() == [True] * 6 + [False] * 3


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [(8, 10, 0.490, 0.943), (0, 10, 0.0, 0.278), (10, 10, 0.722, 1.0), (1, 1, 0.207, 1.0), (900, 1000, 0.880, 0.917)],
)
def test_wilson_intervals(successes: int, n: int, low: float, high: float) -> None:
    """Catches the normal approximation, which is certain of 10 of 10, and a wrong z (Brown, Cai, DasGupta 2001)."""
    estimate = proportion(successes, n)
    assert (estimate.value, estimate.n) == (successes / n, n)
    assert (round(estimate.low, 3), round(estimate.high, 3)) == (low, high)


def test_a_share_of_nothing_is_absent() -> None:
    """Catches 0 of 0 that is reported as 0 %, or as certain."""
    assert proportion(0, 0) == UNDEFINED


@given(
    true=st.lists(st.integers(0, 3), min_size=1, max_size=30),
    seed=st.integers(0, 999),
)
def test_rates_from_a_confusion_matrix_equal_scikit_learns(true: list[int], seed: int) -> None:
    """Catches intervals around another figure than the one that is shown: the matrix is [true, given]."""
    given_labels = np.random.default_rng(seed).integers(0, 4, len(true))
    counts = confusion_matrix(true, given_labels, labels=range(4))
    expected = f1_score(true, given_labels, labels=range(4), average=None, zero_division=0.0)
    assert class_f1(counts) == pytest.approx(expected)
    recalls = [np.mean(given_labels[np.array(true) == label] == label) for label in set(true)]
    assert balanced_accuracy(counts) == pytest.approx(np.mean(recalls))
    if set(given_labels) <= set(true) != {true[0]}:  # otherwise it warns
        assert balanced_accuracy(counts) == pytest.approx(balanced_accuracy_score(true, given_labels))


def test_the_value_and_the_middle_of_its_interval_are_the_same_figure() -> None:
    """Catches an interval that was computed over other patches or by another formula than its value."""
    report = measure(random_scores(400, 1))
    rows = [getattr(report, name) for name in ("balanced_accuracy", "macro_f1", "micro_f1", "auroc_background")]
    for estimate in [*rows, *(row.f1 for row in report.per_class.values())]:
        assert estimate.low < estimate.value < estimate.high
        assert (estimate.low + estimate.high) / 2 == pytest.approx(estimate.value, abs=0.02)


def test_a_class_in_few_photographs_has_an_interval_of_its_own() -> None:
    """Catches resamples without any of its photographs that count as an F1 of 0 and pull its lower end down."""
    said = [("a", f"a{n}", (0.9, 0.1, 0.0, 0.0)) for n in range(40)]
    said += [("b", f"b{n}", (0.1, 0.9, 0.0, 0.0)) for n in range(2)]
    report = measure(scores_of(said))
    assert report.per_class["b"].f1 == Estimate(1.0, None, None, 42), "all resamples alike: no interval"
    assert report.macro_f1 == Estimate(1.0, None, None, 42)


def test_clustered_patches_give_a_wider_interval() -> None:
    """Catches patches of one photograph counted as independent: ten views of a specimen are no ten specimens."""
    hits = np.repeat(np.random.default_rng(0).random(60) < 0.7, 10)  # all patches of a photograph fail together

    def width(photos: np.ndarray) -> float:
        estimate = bootstrap(float(hits.mean()), lambda places: float(hits[places].mean()), photos)
        assert estimate.n == 600
        return estimate.high - estimate.low

    clustered, independent = width(np.arange(600) // 10), width(np.arange(600))
    wilson = proportion(int(hits.sum()), 600)
    assert independent == pytest.approx(wilson.high - wilson.low, rel=0.1)
    assert clustered == pytest.approx(independent * math.sqrt(10), rel=0.15)


def test_bootstrap_draws_whole_photographs_with_replacement() -> None:
    """Catches half photographs, and draws that leave something out or never repeat."""
    photos = np.array(["x", "x", "x", "y", "z", "z"])
    drawn: list[tuple[int, ...]] = []
    bootstrap(0.0, lambda places: drawn.append(tuple(places)), photos)
    assert len(drawn) == RESAMPLES
    counts = np.array([np.bincount(places, minlength=6) for places in drawn])
    assert (counts[:, [0, 4]] == counts[:, [1, 5]]).all()
    assert (counts[:, 0] == counts[:, 2]).all()
    assert (counts[:, [0, 3, 4]].sum(axis=1) == 3).all()
    assert counts.max(axis=0).tolist() == [3] * 6
    assert counts.mean(axis=0) == pytest.approx(np.ones(6), abs=0.1)


def test_bootstrap_of_one_photograph_or_of_nothing_defined_has_no_interval() -> None:
    """Catches an interval of width zero, which claims certainty."""
    assert bootstrap(0.5, lambda places: 0.5, np.array(["x", "x"])) == Estimate(0.5, None, None, 2)
    estimate = bootstrap(None, lambda places: None, np.array(["x", "y"]))
    assert estimate == Estimate(None, None, None, 2)


def test_bootstrap_can_be_repeated() -> None:
    """Catches intervals that differ each time a report is written."""
    values = np.random.default_rng(3).random(50)
    first, second = (bootstrap(0.5, lambda p: float(values[p].mean()), np.arange(50)) for _ in range(2))
    assert first == second


def test_expected_calibration_error_by_hand() -> None:
    """Catches unweighted bins, edges in the wrong bin, and a confidence of 1 that falls out of the last one."""
    rows = [(0.95, True), (1.0, False), (0.55, True), (0.5, True), (0.0, False)]
    right = np.array([hit for _, hit in rows])
    confidences = np.array([confidence for confidence, _ in rows])
    labels = np.array(["a"] * 5)
    best = np.where(right, "a", "b")
    scores = Scores(CLASSES, labels, labels, best, best, confidences, best)
    bins = reliability(scores)
    assert [entry.n for entry in bins] == [1, 0, 0, 0, 0, 2, 0, 0, 0, 2]
    assert bins[5] == ReliabilityBin(0.5, 0.6, 2, pytest.approx(0.525), 1.0)
    assert (bins[1].confidence, bins[1].accuracy) == (None, None)
    expected = 2 / 5 * abs(0.975 - 0.5) + 2 / 5 * abs(0.525 - 1) + 0
    assert expected_calibration_error(scores) == pytest.approx(expected)


def test_calibrated_confidences_have_hardly_any_error() -> None:
    """Catches an error that grows with accuracy or confidence alone."""
    random = np.random.default_rng(0)
    confidences = random.random(20_000)
    best = np.where(random.random(20_000) < confidences, "a", "b")
    labels = np.array(["a"] * 20_000)
    assert expected_calibration_error(Scores(CLASSES, labels, labels, best, best, confidences, best)) < 0.02


def test_auroc_needs_both_kinds() -> None:
    """Catches an area under no curve."""
    assert auroc_background(scores_of(SAID[:6])) is None
    assert auroc_background(scores_of(SAID[6:])) is None


def test_a_colour_histogram_by_hand() -> None:
    """Catches BGR for RGB, counts instead of shares, and full values that fall out of the last bin."""
    picture = np.zeros((2, 2, 3), np.uint8)
    picture[0, 0] = picture[0, 1] = (255, 0, 0)
    picture[1, 0] = (0, 0, 255)
    histogram = colour_histogram(picture).reshape(8, 4, 4)
    assert histogram[0, 3, 3] == 0.5  # red: hue 0, full saturation and value
    assert histogram[5, 3, 3] == 0.25  # blue: hue 240 of 360 degrees is 170 of 256
    assert histogram[0, 0, 0] == 0.25  # black
    assert histogram.sum() == 1


def flawless(index: PatchIndex) -> Scores:
    """Return the scores of a network that is right on every test patch."""
    patches = index.select("test").patches
    labels, photos = (np.array([getattr(patch, name) for patch in patches]) for name in ("label", "photo"))
    return Scores(tuple(COLOURS), labels, photos, labels, labels, np.ones(len(labels)), labels)


def test_the_baseline_learns_colours_and_is_measured_on_test_patches_of_the_classes(tmp_path: Path) -> None:
    """Catches a baseline trained on what it is tested on, or tested on background too."""
    parts = {
        split: write_patches(tmp_path, [*COLOURS, BACKGROUND] * 6, split) for split in ("train", "validation", "test")
    }
    patches = [patch for part in parts.values() for patch in part.patches]
    for patch in patches:
        colour = np.array(COLOURS.get(patch.label, (128, 128, 128)))
        if patch.split == "test":
            colour = colour[::-1]  # red and blue change places: whoever learned from the test alone is right
        Image.fromarray(np.full((16, 16, 3), colour, np.uint8)).save(tmp_path / patch.file)
    index, recipe = PatchIndex(tmp_path, tuple(patches)), override(RECIPE, "network.input_side", "16")
    baseline = measure_baseline(index, recipe, flawless(index))
    assert value(baseline.ahead) == (pytest.approx(2 / 3), 18)
    assert value(baseline.accuracy) == (pytest.approx(1 / 3), 18), "only green stays what it was"


@pytest.mark.slow
def test_the_baseline_is_the_same_each_time(tmp_path: Path) -> None:
    """Catches a forest without a seed: the network's lead would change with each evaluation."""
    random = np.random.default_rng(0)
    parts = [write_patches(tmp_path, [*random.choice([*COLOURS], 60)], split) for split in ("train", "test")]
    index = PatchIndex(tmp_path, tuple(patch for part in parts for patch in part.patches))
    for patch in index.patches:  # random labels: what is right depends on every tree
        pixels = random.integers(0, 256, (16, 16, 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / patch.file)
    recipe = override(RECIPE, "network.input_side", "16")
    accuracies = [measure_baseline(index, recipe, flawless(index)).accuracy for _ in range(2)]
    assert accuracies[0] == accuracies[1]
