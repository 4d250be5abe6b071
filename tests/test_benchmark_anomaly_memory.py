"""The benchmark of a detector's memory: its photograph, and that both ways see the same."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks import anomaly_memory
from benchmarks.anomaly_memory import Figures


def test_the_drawn_photograph_has_its_size() -> None:
    """Faults: sides in the wrong order; a black rest where no plank fits."""
    pixels = np.asarray(anomaly_memory._enlarged(None, (500, 320)))
    assert pixels.shape == (320, 500, 3)
    assert pixels[-10:, -10:].mean() > 40


def test_a_difference_between_the_ways_is_seen() -> None:
    """Faults: strips compared with themselves; memory compared the wrong way round."""
    scores = np.zeros((2, 2), np.float32)
    strips = Figures(100.0, 80.0, 1.0, 1.0, (7, 3), scores)
    whole = Figures(400.0, 80.0, 1.0, 1.0, (7, 2), scores + 1)
    found = anomaly_memory._compare(strips, whole)
    assert found == {"memory_ratio": 0.25, "largest_difference": 1.0, "same_regions": False, "regions": 2}


@pytest.mark.parametrize("text", ["3840", "x", "3840x", "-1x3"])
def test_a_size_that_is_none_is_refused(text: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Fault: a traceback for a mistyped size."""
    monkeypatch.setattr("sys.argv", ["anomaly_memory", str(tmp_path), "--size", text])
    with pytest.raises(SystemExit):
        anomaly_memory._parse()
