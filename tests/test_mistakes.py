"""Which answers are wrong, by which loss, and what is taken for what: all by hand."""

import numpy as np
import pytest

from pipeline.data.index import PatchIndex
from pipeline.evaluation.mistakes import (
    TestAnswers,
    confused_pairs,
    rank_mistakes,
    summarise_mistakes,
    true_probabilities,
)
from pipeline.metrics.classification import Scores
from pipeline.settings.recipe import Recipe, override

LEARNED = Recipe(name="pair", title="With an output for background", labels=("a", "b"))
PLAIN = override(LEARNED, "network.background", "confidence")
# label, best, result, probability of the truth
ROWS = (
    ("a", "a", "a", 0.9),
    ("a", "b", "b", 0.2),
    ("a", "b", "unknown", 0.01),
    ("a", "b", "b", 0.0),
    ("b", "a", "unknown", 0.3),
    ("b", "b", "unknown", 0.4),
    ("background", "b", "b", 0.1),
    ("background", "a", "unknown", 0.6),
)


def make_answers(rows: tuple[tuple[str, str, str, float], ...] = ROWS) -> TestAnswers:
    labels, best, results, truths = (np.array(column) for column in zip(*rows, strict=True))
    none = np.full(len(rows), "")
    scores = Scores(("a", "b"), labels, none, results, best, np.zeros(len(rows)), none)
    return TestAnswers(PatchIndex(None, ()), scores, truths.astype(float), np.zeros((len(rows), 2)))  # type: ignore[arg-type]


def test_the_worst_come_first_and_what_was_rejected_last() -> None:
    """Faults: the order of confidence; a rejected mistake on top for its tiny probabilities; rejected background or a
    right label that was rejected among the mistakes; accepted background left out; a loss of infinity."""
    answers = make_answers()
    assert rank_mistakes(answers).tolist() == [3, 6, 1, 2, 4]
    assert np.isfinite(answers.losses).all()
    assert answers.losses[1] == pytest.approx(1.609438)


def test_equal_losses_keep_the_order_of_the_patches() -> None:
    """Faults: an order that changes between machines."""
    answers = make_answers((("a", "b", "b", 0.5),) * 40)
    assert rank_mistakes(answers).tolist() == list(range(40))


def test_the_summary_counts_what_the_page_says() -> None:
    """Faults: rejected patches taken for wrong answers; background that was rejected taken for a right label."""
    answers = make_answers()
    summary = summarise_mistakes(answers, rank_mistakes(answers))
    counts = {name: getattr(summary, name) for name in ("count", "rejected", "right_rejected", "tested")}
    assert counts == {"count": 5, "rejected": 2, "right_rejected": 1, "tested": 8}


def test_confused_pairs_by_hand() -> None:
    """Faults: true and given exchanged; n of the given label or of the mistakes alone; no background."""
    answers = make_answers()
    pairs = confused_pairs(answers.scores, rank_mistakes(answers))
    assert [(pair.label, pair.given, pair.count, pair.n, pair.rejected) for pair in pairs] == [
        ("a", "b", 3, 4, 1),
        ("b", "a", 1, 2, 1),
        ("background", "b", 1, 2, 0),
    ]


def test_no_more_than_ten_pairs_are_listed_and_none_without_mistakes() -> None:
    """Faults: a table of a hundred rows for ten classes; a crash where all is right."""
    names = np.array([f"{number:02}" for number in range(12)])
    scores = Scores(tuple(names), names, names, np.roll(names, 1), np.roll(names, 1), np.ones(12), names)
    assert len(confused_pairs(scores, np.arange(12))) == 10
    right = make_answers((("a", "a", "a", 0.9),))
    assert summarise_mistakes(right, rank_mistakes(right)).pairs == ()


def test_the_probability_of_the_truth_by_hand() -> None:
    """Faults: background's own output alone, which the neighbours lower like a class; the column of another class."""
    labels = ["a", "b", "background"]
    softmax = np.array([[0.7, 0.2, 0.1], [0.7, 0.2, 0.1], [0.1, 0.2, 0.7]], np.float32)
    assert true_probabilities(softmax, labels, LEARNED) == pytest.approx([0.7, 0.2, 0.7], abs=1e-6)
    unlike = softmax / 10  # by neighbours: what is missing to 1 is unknown, too
    assert true_probabilities(unlike, labels, LEARNED) == pytest.approx([0.07, 0.02, 0.97], abs=1e-6)


def test_without_an_output_background_has_what_the_confidence_leaves() -> None:
    """Faults: a loss of background of zero or infinity because the classes always sum to 1."""
    probabilities = np.array([[0.7, 0.3], [0.4, 0.6]], np.float32)
    assert true_probabilities(probabilities, ["background", "a"], PLAIN) == pytest.approx([0.3, 0.4], abs=1e-6)
