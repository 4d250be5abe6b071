"""What the threshold does, in words: true to the figures, and with their n."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from export.describe import main as describe
from export.describe import read_rejection
from inference.errors import InputError
from inference.figures.threshold_words import RiskLimit, card_sentences, in_words, threshold_sentences
from inference.model.artefact import read_artefact
from inference.model.card import read_card
from pipeline.metrics.intervals import UNDEFINED, Estimate, proportion
from tests.open_model import make_open_model


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (proportion(224, 300), "about 7 in 10 rocks (n = 300)"),
        (proportion(285, 300), "about 95 in 100 rocks (n = 300)"),
        (proportion(293, 300), "about 98 in 100 rocks (n = 300)"),
        (proportion(2, 300), "about 1 in 100 rocks (n = 300)"),
        (proportion(299, 300), "more than 99 in 100 rocks (n = 300)"),
        (proportion(1, 300), "less than 1 in 100 rocks (n = 300)"),
        (proportion(300, 300), "all 300 rocks"),
        (proportion(0, 300), "none of the 300 rocks"),
        (UNDEFINED, "an unknown number of rocks"),
    ],
)
def test_shares_become_simple_fractions(share: Estimate, words: str) -> None:
    """Catches a fraction without its n, 98 % told as all, "about 100 in 100; the others" and "about 0 in 100"."""
    assert in_words(share, "rocks") == words


def test_a_file_that_answers_all_pictures_rejects_no_others() -> None:
    """Catches "all 40 pictures; the others are unknown"."""
    assert threshold_sentences(proportion(40, 40), {}, None) == ["Answers all 40 pictures of its classes."]


def test_the_sentences_name_what_is_rejected_and_the_limit() -> None:
    """Catches a promise without its confidence or its unit, and a source without pictures that is told as rejected."""
    risk = RiskLimit(0.05, 0.9, proportion(70, 190), 1, 45)
    sentences = threshold_sentences(proportion(9, 10), {"rocks": proportion(3, 4), "cars": UNDEFINED}, risk)
    assert sentences[1:-1] == ["Rejects about 8 in 10 rocks (n = 4)."]
    for wanted in ("At most 5.0 %", "90 % confidence", "190 validation photographs", "36.8 %"):
        assert wanted in sentences[-1]


def figures(runs: int = 1) -> dict[str, Any]:
    """Return figures as benchmarks.rejection writes them."""

    def over_folds(right: int, n: int) -> dict[str, Any]:
        return {"folds": [asdict(proportion(right, n))] * runs}

    sources = {"background": (118, 118), "near_rocks": (174, 300)}
    return {
        "accepted_at_card": over_folds(98, 100),
        "sources": {name: {"unknown_at_card": over_folds(*counts)} for name, counts in sources.items()},
    }


def test_measured_rejection_becomes_part_of_the_card(tmp_path: Path) -> None:
    """Catches figures that are lost, words that tell others, and a card that no longer belongs to its network."""
    model, file = tmp_path / "model.tflite", tmp_path / "rejection.json"
    model.write_bytes(make_open_model())
    file.write_text(json.dumps(figures()))
    assert describe([str(model), "--rejection", str(file)]) == 0
    card = read_card(read_artefact(model))
    assert card.measured["unknown"]["near rocks"]["n"] == 300
    assert card.measured["in_words"] == card_sentences(card.measured)
    assert "Rejects about 6 in 10 near rocks (n = 300)." in card.measured["in_words"]


@pytest.mark.parametrize("content", [{}, {"accepted_at_card": 3}, figures(runs=2)])
def test_other_figures_are_refused(tmp_path: Path, content: dict[str, Any]) -> None:
    """Catches the mean of several networks written into the card of one."""
    file = tmp_path / "rejection.json"
    file.write_text(json.dumps(content))
    with pytest.raises(InputError, match="Write it with"):
        read_rejection(file)


def test_a_card_without_figures_says_nothing() -> None:
    """Catches sentences made up for a model of an earlier version."""
    assert card_sentences({"accuracy": asdict(proportion(1, 2))}) == []
