"""The check of a converted file: which changes of its answers are refused, and which chance explains."""

import numpy as np
import pytest

from export.gate import GateError, beyond_chance, check_gate, compare_answers
from inference.model.decide import DecisionRule
from pipeline.metrics.classification import Scores, score
from pipeline.settings.sections import ExportSettings

RULE = DecisionRule(("a", "b"), (), 0.6)
ONE_EACH = [str(number) for number in range(200)]


def answers(right: int, wrong: int, unknown: int = 0, photos: list[str] | None = None, label: str = "a") -> Scores:
    """Return so many right, wrong and (right but) unknown answers to patches of one label, in this order."""
    rows = [[0.9, 0.1]] * right + [[0.1, 0.9]] * wrong + [[0.55, 0.45]] * unknown
    return score(np.array(rows), [label] * len(rows), (photos or ONE_EACH)[: len(rows)], RULE)


def refusal(reference: Scores, given: Scores, settings: ExportSettings | None = None) -> str:
    """Return the message of the gate, empty where the file passes."""
    try:
        check_gate(compare_answers(reference, given), "int8", settings or ExportSettings())
    except GateError as fault:
        return f"{fault} {fault.override}"
    return ""


@pytest.mark.parametrize("lost", [1, 2, 4])
def test_a_few_patches_of_a_small_validation_set_are_no_loss(lost: int) -> None:
    """Catches a gate that refuses a file, after hours of training, for what a coin does too."""
    assert not refusal(answers(57, 3), answers(57 - lost, 3 + lost))


def test_a_loss_beyond_chance_is_refused() -> None:
    """Catches a gate that lets every file of a small validation set pass."""
    message = refusal(answers(57, 3), answers(52, 8))
    assert (
        "the int8 file may lose at most 0.010 of accuracy, on validation patches. Received: 0.083 (0.950 in" in message
    )
    assert message.endswith("n = 60). export.max_accuracy_loss=0.09")
    assert not refusal(answers(52, 8), answers(57, 3)), "a gain is no loss"
    assert not refusal(answers(57, 3), answers(52, 8), ExportSettings(max_accuracy_loss=0.09))


def test_a_small_loss_that_many_patches_show_is_allowed() -> None:
    """Catches significance taken for size: 10 of 2000 are beyond chance, and half a point."""
    photos = [str(number) for number in range(2000)]
    assert not refusal(answers(1900, 100, photos=photos), answers(1890, 110, photos=photos))
    assert refusal(answers(1900, 100, photos=photos), answers(1870, 130, photos=photos))


@pytest.mark.parametrize(("label", "patches"), [("a", "the classes'"), ("background", "background")])
@pytest.mark.parametrize(("keras", "converted"), [(5, 35), (35, 5)])
def test_a_file_that_answers_unknown_far_more_or_less_often_is_refused(
    label: str, patches: str, keras: int, converted: int
) -> None:
    """Fault: only the labels without rejection are compared, and a file that rejects everything passes."""
    before, after = (answers(100 - count, 0, count, label=label) for count in (keras, converted))
    message = refusal(before, after)
    assert f'may change the share of "unknown" to {patches} patches by at most 0.050, on validation' in message
    assert message.endswith("export.max_unknown_change=0.3")
    assert not refusal(before, after, ExportSettings(max_unknown_change=0.3))
    assert not refusal(answers(95, 0, 5, label=label), answers(90, 0, 10, label=label)), "five points are allowed"


def test_opposite_changes_of_classes_and_background_do_not_cancel() -> None:
    """Fault: one share over all patches, where the classes' rejected ones hide the background's accepted ones."""
    labels = ["a"] * 50 + ["background"] * 50
    known, unknown = [[0.9, 0.1]] * 50, [[0.55, 0.45]] * 50
    before, after = (score(np.array(rows), labels, ONE_EACH[:100], RULE) for rows in (known + unknown, unknown + known))
    assert 'share of "unknown" to the classes' in refusal(before, after)


def test_patches_of_one_photograph_are_no_evidence_of_their_own() -> None:
    """Fault: six alike patches of one photograph counted as six losses."""
    few = [str(number // 6) for number in range(60)]
    assert not refusal(answers(60, 0, photos=few), answers(54, 6, photos=few))
    assert refusal(answers(60, 0), answers(54, 6))


def test_a_ruined_file_is_refused_though_there_are_few_photographs() -> None:
    """Fault: four validation photographs, which no test over photographs can decide, let any file pass."""
    few = [str(number // 15) for number in range(60)]
    assert refusal(answers(60, 0, photos=few), answers(15, 45, photos=few))


def test_equal_answers_and_no_patches_are_within_chance() -> None:
    """Catches a division by the number of changed patches, and a refusal of a run without background."""
    nothing = np.zeros(0, bool)
    assert not beyond_chance(nothing, nothing, np.zeros(0, str))
    assert not refusal(answers(10, 0), answers(10, 0))


def test_chance_alone_is_refused_rarely() -> None:
    """Catches a level that is far from the one stated: 5 % of files that change answers at random."""
    random = np.random.default_rng(0)
    photos = np.repeat(np.arange(100), 2).astype(str)
    refused = 0
    for _ in range(400):
        first = np.ones(200, bool)
        changed = random.choice(200, 20, replace=False)
        first[changed[:10]] = False
        second = first.copy()
        second[changed] = random.random(20) < 0.5
        refused += beyond_chance(first, second, photos)
    assert refused / 400 < 0.15, "in either direction"
