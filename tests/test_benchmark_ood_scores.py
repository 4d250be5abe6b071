"""Out-of-distribution scores by hand: features along two axes, unknown objects off them."""

import re
from pathlib import Path

import numpy as np
import pytest

from benchmarks.ood_scores import SCORES, WEIGHED_SOFTMAX, Known, Seen, compare, measure_run, table
from inference.model.neighbours import Neighbours
from pipeline.report.report import render_html
from pipeline.settings.run_folder import RunFolder
from tests.sample_report import parsed, sample_history, sample_report


def _seen(features: np.ndarray, logits: np.ndarray) -> Seen:
    powers = np.exp(logits)
    return Seen(logits, (powers / powers.sum(axis=1, keepdims=True)).max(axis=1), features)


def _around(centre: tuple[float, ...], seed: int, count: int = 60) -> np.ndarray:
    return np.array(centre) + np.random.default_rng(seed).normal(0, 0.05, (count, len(centre)))


def _known() -> Known:
    """Return two classes, along the first and the second axis of four; logits are the first two features."""
    features = np.vstack([_around((3, 0, 0, 0), 0), _around((0, 3, 0, 0), 1)]).astype(np.float32)
    classes = np.repeat([0, 1], 60)
    bank = features / np.linalg.norm(features, axis=1, keepdims=True)
    neighbours = Neighbours(np.eye(4, dtype=np.float32), bank, classes, 10, 0.99, 0.01)
    return Known(_seen(features, features[:, :2]), classes, neighbours)


@pytest.mark.parametrize("name", SCORES)
def test_each_score_tells_what_it_is_made_for(name: str) -> None:
    """Catches a score with the wrong sign, or one that reads something else.

    Unknown objects in a direction that no class has are found by all that read features; those between the classes,
    where logits are small and alike, by all that read logits.
    """
    known = _known()
    inside = np.vstack([_around((3, 0, 0, 0), 2), _around((0, 3, 0, 0), 3)])
    elsewhere, between = _around((2, 0, 3, 0), 4), _around((0.1, 0.1, 0, 0), 5)
    ours, off, low = (_seen(features, features[:, :2]) for features in (inside, elsewhere, between))
    if name not in ("softmax", "energy"):
        assert compare(SCORES[name], ours, off, known)["auroc"] == 1
    if name not in ("nearest neighbours",):
        assert compare(SCORES[name], ours, low, known)["auroc"] > 0.99


def test_the_rate_of_false_positives_by_hand() -> None:
    """Catches a threshold at 95 % of the unknown: of 20 known 19 must pass, so the bar is the second lowest."""
    logits = np.zeros((20, 1))
    inside, outside = Seen(logits, np.arange(20.0), logits), Seen(logits[:4], np.array([0.5, 1.0, 5.0, -1.0]), logits)
    figures = compare(SCORES["softmax"], inside, outside, _known())
    assert figures == {
        "auroc": pytest.approx(1 - (1 + 1.5 + 5.5) / 80),
        "fpr95": 0.5,
        "n_known": 20,
        "n_unknown": 4,
    }


def test_a_run_is_measured_near_and_far(colour_run: RunFolder) -> None:
    """Catches scores that are measured on test or training patches, and a table without the one that decides."""
    scores = measure_run(colour_run)
    assert scores["decided_by"] == "softmax"
    assert set(scores["scores"]) == set(SCORES) - {WEIGHED_SOFTMAX}
    near = scores["scores"]["softmax"]["near"]
    index = [line.split(",") for line in colour_run.index.read_text().splitlines()]
    counts = [sum(row[1] == "background" and row[-1] == "validation" for row in index)]
    assert near["n_unknown"] == counts[0]
    assert 0.5 < near["auroc"] <= 1
    assert scores["scores"]["nearest neighbours"]["far"]["n_unknown"] == 200
    lines = table(scores)
    assert len(lines) == 1 + 2 * len(scores["scores"])
    assert lines[1].startswith("softmax*")


@pytest.mark.usefixtures("empty_plots")
def test_the_page_of_an_earlier_report_shows_the_scores_and_which_one_decides(tmp_path: Path) -> None:
    """Catches a table that marks another score, and a report without it or without background that fails."""
    report = sample_report()
    page = render_html(parsed(report), sample_history(), tmp_path)
    assert re.search(r'class="decides"><th scope="row">softmax x neighbours</th>\s*<td>0\.931', page)
    for row in report["calibration"]["ood_scores"]["scores"].values():
        del row["near"]
    page = render_html(parsed(report), sample_history(), tmp_path)
    assert "background patches" not in page.split("Out-of-distribution scores, compared")[1]
    del report["calibration"]["ood_scores"]
    assert "Out-of-distribution scores, compared" not in render_html(parsed(report), sample_history(), tmp_path)
