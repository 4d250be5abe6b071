"""--video: options that have no effect are refused, and Ctrl-C keeps what was found."""

import csv
import json
import os
import signal
from pathlib import Path

import cv2
import numpy as np
import pytest

from inference.__main__ import main
from tests.test_video import FakeCapture, film

STOPPED_AT = 30  # a frame with the green square, which comes at 25


class FilmCapture(FakeCapture):
    """The film of test_video.py; Ctrl-C comes while one of its frames is read."""

    stamps = tuple(100.0 * number for number in range(40))
    at_frame = {STOPPED_AT: lambda: os.kill(os.getpid(), signal.SIGINT)}  # noqa: RUF012

    def __init__(self, *source: object) -> None:
        super().__init__(*source)
        self.frames = list(film())

    def retrieve(self) -> tuple[bool, np.ndarray]:
        return True, np.ascontiguousarray(self.frames[self.number][:, :, ::-1])


@pytest.mark.parametrize("suffix", ["json", "csv"])
def test_ctrl_c_keeps_what_was_found_in_a_file(
    suffix: str, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Fault: an hour's results are lost to a traceback of KeyboardInterrupt."""
    (tmp_path / "film.avi").write_bytes(b"video")
    out, errors = tmp_path / f"out.{suffix}", tmp_path / "errors.csv"
    monkeypatch.setattr(cv2, "VideoCapture", FilmCapture)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
    try:
        words = ["--video", str(tmp_path / "film.avi"), "--out", str(out), "--errors", str(errors)]
        assert main([str(tiny_model), *words]) == 1
    finally:
        signal.signal(signal.SIGINT, before)
    if suffix == "json":
        frames = [frame["frame"] for frame in json.loads(out.read_text())["film.avi"]["frames"]]
    else:
        frames = [int(row["frame"]) for row in csv.DictReader(out.open())]
    assert frames == list(range(25, STOPPED_AT))
    assert "film.avi,film.avi: was stopped before its end." in errors.read_text()
    assert "film.avi: was stopped before its end." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--masks", "m"], "Leave --masks out"),
        (["--scores", "s"], "Leave --scores out"),
        (["--regions"], "Leave --regions out"),
        (["--resume"], "Leave --resume out"),
        (["--workers", "2"], "Leave --workers out"),
        (["--engine", "ray"], "Leave --engine out"),
        (["--max-megabytes", "7"], "Leave --max-megabytes out"),
        (["--time-limit", "7"], "Leave --time-limit out"),
        (["--format", "parquet"], "writes JSON, JSON Lines or CSV"),
        (["--out", "s3://bucket/v.json"], "Give a path to --out"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_what_has_no_effect_on_a_video_is_refused(
    words: list[str], message: str, tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Faults: masks that are never written, a limit that does not hold, CSV called Parquet, a traceback for a URI."""
    assert main([str(tiny_model), "--video", "film.avi", *words]) == 2
    assert message in capsys.readouterr().err


def test_every_is_refused_without_a_video(tiny_model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Fault: someone thinks that each tenth picture is answered, and all are."""
    assert main([str(tiny_model), "pictures", "--every", "10"]) == 2
    assert "Give --video, or leave it out" in capsys.readouterr().err
