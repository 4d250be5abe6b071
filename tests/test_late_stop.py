"""The runner is killed or interrupted when its pictures are answered already: while it writes and draws."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from inference.__main__ import main
from tests.service_client import encode, wait_until
from tests.tiny_model import COLOURS

ROOT = Path(__file__).parent.parent


class DrawingRun:
    """A run over a red picture and a pipe, which is answered once and then holds up the drawing of its preview."""

    def __init__(self, model: Path, folder: Path) -> None:
        (folder / "set").mkdir()
        (folder / "set" / "a.png").write_bytes(encode(COLOURS["red"]))
        self.pipe, self.out, self.errors = folder / "set" / "b.png", folder / "out.json", folder / "errors.csv"
        os.mkfifo(self.pipe)
        listed = folder / "listed"
        listed.write_text(f"{folder}/set/a.png\n{self.pipe}\n")
        self.words = [str(model), "-", "--out", str(self.out), "--errors", str(self.errors), "--workers", "1"]
        self.words += ["--preview", str(folder / "look")]
        with listed.open("rb") as stdin:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "inference", *self.words],
                cwd=ROOT,
                stdin=stdin,
                stderr=subprocess.PIPE,
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
            )
        self.pipe.write_bytes(encode(COLOURS["blue"]))
        wait_until(lambda: any((folder / "look").rglob("a.png*.jpg")) or self.process.poll() is not None)
        assert self.process.poll() is None

    def stop(self, number: signal.Signals) -> str:
        """Send a signal; return what the run says then."""
        time.sleep(0.1)  # until the preview behind the first waits for the pipe
        self.process.send_signal(number)
        return self.process.communicate(timeout=60)[1].decode()

    def resume(self, monkeypatch: pytest.MonkeyPatch) -> int:
        """Run the same command with --resume, now with a picture where the pipe was; return the exit code."""
        self.pipe.unlink()
        self.pipe.write_bytes(encode(COLOURS["green"]))
        with (self.out.parent / "listed").open("rb") as stdin:
            monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=stdin))
            return main([*self.words, "--resume", "--quiet"])


@pytest.fixture
def drawing(tiny_model: Path, tmp_path: Path) -> Iterator[DrawingRun]:
    run = DrawingRun(tiny_model, tmp_path)
    yield run
    run.process.kill()
    run.process.wait()


@pytest.mark.slow
@pytest.mark.parametrize("with_results", [False, True])
def test_a_run_that_was_killed_behind_its_answers_goes_on(
    drawing: DrawingRun, with_results: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fault: --resume refuses the files that the killed run has written itself: errors, results, previews."""
    drawing.stop(signal.SIGKILL)
    assert drawing.out.exists()
    assert drawing.errors.exists()
    if not with_results:
        drawing.out.unlink()
    assert main(drawing.words) == 2, "another run replaces nothing"
    assert drawing.resume(monkeypatch) == 0
    answers = {Path(key).name: one["result"] for key, one in json.loads(drawing.out.read_text()).items()}
    assert answers == {"a.png": "red", "b.png": "green"}
    assert not Path(f"{drawing.out}.journal").exists()


def test_an_interruption_while_previews_are_drawn_says_how_to_go_on(drawing: DrawingRun) -> None:
    """Faults: KeyboardInterrupt's traceback, a journal that is gone."""
    said = drawing.stop(signal.SIGINT)
    assert drawing.process.returncode == 1
    assert said == "stopped after 2 pictures; the same command with --resume goes on\n"
    assert Path(f"{drawing.out}.journal").exists()


def test_a_picture_that_is_gone_when_it_is_drawn_is_a_fault(drawing: DrawingRun) -> None:
    """Fault: exit code 0, although a preview that was asked for is missing."""
    waited_for = drawing.pipe.with_name("pipe")
    os.link(drawing.pipe, waited_for)
    (drawing.out.parent / "new").write_text("no picture")
    (drawing.out.parent / "new").replace(drawing.pipe)
    while drawing.process.poll() is None:
        with contextlib.suppress(OSError):  # where it does not wait for the pipe, it reads what is there now
            os.close(os.open(waited_for, os.O_WRONLY | os.O_NONBLOCK))
        time.sleep(0.01)
    assert drawing.process.returncode == 1
    assert drawing.process.stderr is not None
    said = drawing.process.stderr.read().decode()
    assert f"{drawing.pipe}: not drawn: " in said


def test_an_interruption_before_the_work_is_one_line(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Fault: Ctrl-C while a large folder is listed ends in a traceback."""

    def interrupt() -> bytes:
        os.kill(os.getpid(), signal.SIGINT)
        return b""

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=SimpleNamespace(read=interrupt)))
        assert main([str(tiny_model), "-"]) == 130
    finally:
        signal.signal(signal.SIGINT, before)
    assert capsys.readouterr().err == "stopped\n"
