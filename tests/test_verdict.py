"""The rules of the verdict, each on figures that lie on one side of it."""

from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import pytest

from pipeline.metrics.intervals import Estimate, proportion
from pipeline.report.comparison import BEHIND_COLOUR, BEYOND_COLOUR, NOT_SHOWN, judge_colour
from pipeline.sanity.measure import BOXES, measure_views
from pipeline.sanity.sections import ControlReport, ShuffledTraining, ViewRow
from pipeline.sanity.sentences import length, look_sentence
from pipeline.sanity.verdict import (
    AT_SPECIMEN,
    DOUBTFUL,
    ELSEWHERE,
    LEARNED,
    NOT_LEARNED,
    UNTOLD,
    Findings,
    judge_learning,
    judge_look,
)

SURE, UNSURE = 0.0001, 0.5


def findings(
    right: int, n: int, p: float, shuffled: int | None = 33, majority: float = 0.34, flawless_p: float = SURE
) -> Findings:
    """Return findings on n patches; shuffled is right on so many of a hundred."""
    other = None if shuffled is None else proportion(shuffled, 100)
    return Findings(proportion(right, n), majority, p, flawless_p, other)


def between(low: float, high: float, n: int = 50) -> Estimate:
    return Estimate((low + high) / 2, low, high, n)


@pytest.mark.parametrize(
    ("case", "word"),
    [
        (findings(90, 100, SURE), LEARNED),
        (findings(90, 100, SURE, shuffled=None), LEARNED),
        (findings(90, 100, 0.02), DOUBTFUL),
        (findings(90, 100, SURE, majority=0.88), DOUBTFUL),
        (findings(50, 100, SURE, shuffled=45), DOUBTFUL),
        (findings(34, 100, UNSURE), NOT_LEARNED),
        (findings(34, 100, UNSURE, shuffled=None), NOT_LEARNED),
        (findings(50, 100, SURE, shuffled=55), NOT_LEARNED),
        (findings(90, 100, SURE, shuffled=95), DOUBTFUL),
        (findings(3, 6, UNSURE), DOUBTFUL),
        (findings(0, 3, UNSURE, flawless_p=0.17), DOUBTFUL),
    ],
    ids=[
        "all hold",
        "without the training",
        "p not small enough",
        "most are of one class",
        "intervals overlap",
        "chance",
        "chance, without the training",
        "shuffled labels do better",
        "shuffled labels do as well, and well",
        "six patches",
        "three patches",
    ],
)
def test_the_first_question(case: Findings, word: str) -> None:
    """Faults: a condition that is not asked; a small test that condemns; a missing training that counts as failed."""
    assert judge_learning(case) == word


def test_colour_is_judged_by_the_interval_of_the_difference() -> None:
    """Faults: a lead within the noise that is called one; a network behind called the same; a lead on 9 photographs."""
    assert judge_colour(between(0.01, 0.2), photos=10) == BEYOND_COLOUR
    assert judge_colour(between(0.0, 0.2), photos=10) == NOT_SHOWN
    assert judge_colour(between(-0.2, -0.01), photos=10) == BEHIND_COLOUR
    assert judge_colour(proportion(0, 0), photos=0) == NOT_SHOWN
    assert judge_colour(between(0.01, 0.2), photos=9) == judge_colour(between(-0.2, -0.01), photos=9) == NOT_SHOWN


def test_looking_at_the_specimen_needs_both_signs() -> None:
    """Faults: one sign is enough; a ratio of 1 counts as more; a verdict from many views of a few photographs."""
    assert judge_look(between(1.2, 2), between(0.1, 0.5), 10) == AT_SPECIMEN
    assert judge_look(between(1.2, 2), between(-0.1, 0.5), 10) == UNTOLD
    assert judge_look(between(0.9, 2), between(0.1, 0.5), 10) == UNTOLD
    assert judge_look(between(0.5, 0.9), between(0.1, 0.5), 10) == ELSEWHERE
    assert judge_look(between(1.2, 2), between(-0.5, -0.1), 10) == ELSEWHERE
    assert judge_look(between(1.2, 2), between(0.1, 0.5), 9) == UNTOLD
    assert judge_look(proportion(0, 0), proportion(0, 0), 0) == UNTOLD


def test_views_of_one_photograph_have_no_interval() -> None:
    """Fault: "(? to ?, 2 views)"."""
    rows = [ViewRow(f"{n}.png", "a", "red", "red", "blue", "red", mass=0.8, area=0.4) for n in range(2)]
    for count, words in ((2, "(2 views)"), (1, "(1 view)")):
        sentence = look_sentence(cast(ControlReport, SimpleNamespace(views=measure_views(BOXES, rows[:count]))))
        assert words in sentence and "?" not in sentence


def test_penalties_of_a_linear_head_are_no_epochs() -> None:
    """Fault: "7 epochs, the run 7" of a training without any; a control of an earlier version that can't be shown."""
    lengths = {"epochs": 7, "best_epoch": 3, "seconds": 1.0, "planned_epochs": 1, "run_epochs": 7}
    old = ShuffledTraining(**lengths, run_planned_epochs=2, shuffle_seed=0, without_teacher=False, trunk_only=False)
    assert length(old) == "7 epochs, the run 7"
    assert length(replace(old, frozen=True)) == "1 view of each patch, the run 2"
