"""The benchmark of the runner's speed: its sets of pictures, ratios and comparison of labels."""

from pathlib import Path

import pytest
from PIL import Image

from benchmarks import runner


def test_drawn_pictures_have_their_size_and_differ(tmp_path: Path) -> None:
    """Faults: sides in the wrong order, one picture many times, whose label alone would be compared."""
    runner.make_pictures(tmp_path / "set", 3, (60, 90))
    files = sorted((tmp_path / "set").rglob("*.jpg"))
    assert {Image.open(file).size for file in files} == {(90, 60)}
    assert len({file.read_bytes() for file in files}) == 3


def test_ratios_are_of_the_same_repetition() -> None:
    """Faults: a ratio of medians, which other load between two repetitions changes; MediaPipe asked for in vain."""
    rates = {"floor": [10.0, 2.0, 4.0], "two floors at once": [20.0, 4.0, 8.0], "one worker": [30.0, 6.0, 12.0]}
    found = runner._ratios(rates | {"two workers": [30.0, 12.0, 12.0]})
    assert found == {"one worker to floor": 3.0, "two workers to one": 1.0, "two floors to one": 2.0}


@pytest.mark.slow
def test_labels_are_compared_once_a_picture(tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Faults: copies that count again, a reduced decode that is compared with itself."""
    for number, colour in enumerate(("red", "red", "lime")):
        Image.new("RGB", (300, 200), colour).save(tmp_path / f"{number}.jpg")
    assert runner.compare_labels(tiny_model, tmp_path).tolist() == [True, True]
    decode = runner.decode_image
    monkeypatch.setattr(runner, "decode_image", lambda data: decode(data)[..., ::-1])  # red as blue
    assert runner.compare_labels(tiny_model, tmp_path).tolist() == [False, True]
