"""What the report of an anomaly run says of its figures, in words."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipeline.anomaly.evaluate import measure
from pipeline.anomaly.photos import FIT, TEST, AnomalyPhoto, Measured
from pipeline.anomaly.report import advice, anomaly_lines, flagged_clean, key_figures, verdict
from pipeline.anomaly.sections import AnomalyReport, CurvePoint
from pipeline.report.stored import parse_section

RESULTS = Path(__file__).parent.parent / "docs" / "results"


def report_of(name: str) -> AnomalyReport:
    """Return a report of an earlier version."""
    return parse_section(AnomalyReport, json.loads((RESULTS / name).read_text(encoding="utf-8")))


def measured(split: str, result: str) -> Measured:
    """Return a clean photograph with a result."""
    photo = AnomalyPhoto(f"{split}.png", "", "", 0, split)
    return Measured(photo, np.zeros((2, 2), np.float32), np.zeros((2, 2), bool), 0.0, result, 0.5, None, False)


def test_clean_test_photographs_are_counted_alone() -> None:
    """Fault: photographs that set the threshold, of which hardly any can be flagged, among those that measure it."""
    both = measure([measured(FIT, "normal"), measured(FIT, "normal"), measured(TEST, "anomaly")]).flagged_clean
    assert (both.value, both.n) == (1.0, 1) and both.ends
    alone = measure([measured(FIT, "normal"), measured(FIT, "anomaly")]).flagged_clean
    assert (alone.value, alone.n, alone.ends) == (0.5, 2, None)


def test_photographs_that_set_the_threshold_are_called_so() -> None:
    """Fault: "5.8 % [2.9, 11.6]" of clean photographs, which is the share that the threshold was set for."""
    report = report_of("wood_tiles.json")
    assert verdict(report).endswith("flags 7 of 120 clean ones that set its threshold.")
    figure = next(key_figures(report))
    assert figure.spread.replace("\N{NARROW NO-BREAK SPACE}", " ") == "n = 120"
    assert figure.meaning == "of the photographs that set the threshold; expected of new ones: 5.0 %"
    assert any(line.strip() == figure.meaning for line in anomaly_lines(report))


def test_an_old_report_with_clean_test_photographs_shows_these() -> None:
    """Fault: 44 photographs where 24 of them set the threshold."""
    report = report_of("wood_drawn.json")
    assert flagged_clean(report).n == 20
    assert "set its threshold" not in verdict(report)
    assert next(key_figures(report)).meaning == "fewer is better"


@pytest.mark.parametrize(
    ("curve", "told"),
    [(((0.2, 4), (0.3, 2), (0.7, 1)), "--threshold 0.3 flags 2 of 10"), (((0.2, 0), (0.7, 3)), "")],
)
def test_a_lower_threshold_is_below_the_files_own(curve: tuple[tuple[float, int], ...], told: str) -> None:
    """Fault: "lower the threshold: --threshold 0.7" where the file's is 0.5."""
    points = tuple(CurvePoint(threshold, flagged, 0.1) for threshold, flagged in curve)
    text = advice(replace(report_of("wood_boards.json"), curve=points))
    assert text.startswith("Nothing is flagged.") and told in text
    assert ("--threshold" in text) == bool(told)
