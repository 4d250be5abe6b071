"""Where the runner writes: links, long names, and what it leaves behind."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from inference.__main__ import main
from inference.batch.result_files import check_output, write_pieces
from inference.errors import InputError
from tests.service_client import encode, wait_until
from tests.tiny_detector import write_boards, write_detector

ROOT = Path(__file__).parent.parent


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    """Faults: --out replaces the link and the file that it leads to stays old; a target that is no place to write."""
    target, link = tmp_path / "kept" / "results.json", tmp_path / "link.json"
    link.symlink_to(target)
    for content in ("new", "again"):
        check_output("--out", link, overwrite=True)
        write_pieces(link, [content], "--out")
        assert link.is_symlink()
        assert target.read_text() == content
    (tmp_path / "no.json").symlink_to(target / "below a file.json")
    with pytest.raises(InputError, match="cannot be written"):
        check_output("--out", tmp_path / "no.json", overwrite=True)


@pytest.mark.parametrize("letter", ["x", "ä", "狗"])
def test_the_longest_names_can_be_written(letter: str, tmp_path: Path) -> None:
    """Fault: a name that the system takes, but not with what a temporary file adds, fails after the work."""
    path = tmp_path / (letter * (255 // len(letter.encode())))
    write_pieces(path, ["results"], "--errors")
    assert [one.read_text() for one in tmp_path.iterdir()] == ["results"]
    assert path.exists()


def test_a_run_of_which_no_picture_can_be_read_is_done(tiny_model: Path, tmp_path: Path) -> None:
    """Fault: exit code 2, which says that nothing was written, although results and errors are."""
    (tmp_path / "text.png").write_text("no picture")
    out, errors = tmp_path / "out.json", tmp_path / "errors.csv"
    words = [str(tmp_path / "text.png"), "--out", str(out), "--errors", str(errors), "--quiet"]
    assert main([str(tiny_model), *words]) == 1
    assert json.loads(out.read_text()) == {}
    assert errors.read_text().startswith("file,reason\ntext.png,")


def test_a_stopped_run_without_out_leaves_nothing(tiny_model: Path, tmp_path: Path) -> None:
    """Fault: each run that is ended by SIGTERM leaves its journal in the folder for temporary files."""
    (tmp_path / "a.png").write_bytes(encode())
    os.mkfifo(tmp_path / "pipe")
    temporary, lines = tmp_path / "temporary", tmp_path / "lines.jsonl"
    temporary.mkdir()
    words = [str(tiny_model), str(tmp_path / "a.png"), "-", "--format", "jsonl", "--workers", "1"]
    with lines.open("wb") as stdout:
        process = subprocess.Popen(
            [sys.executable, "-m", "inference", *words],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=stdout,
            env={**os.environ, "TMPDIR": str(temporary)},
        )
    assert process.stdin is not None
    process.stdin.write(f"{tmp_path}/pipe\n".encode())
    process.stdin.close()
    wait_until(lambda: lines.stat().st_size > 0 or process.poll() is not None)
    process.send_signal(signal.SIGTERM)
    assert process.wait() == -signal.SIGTERM
    assert list(temporary.glob("touchstone-*")) == []


@pytest.mark.slow
def test_a_model_for_anomalies_refuses_boxes_before_the_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Faults: --boxes costs one refusal for each picture instead of one; boards without regions lost from the CSV."""
    model = write_detector(tmp_path / "boards.tflite")
    boards = [path.name for path in write_boards(tmp_path / "boards", 4)]
    (tmp_path / "boxes.csv").write_text("".join(["file,x,y,width,height\n", *(f"{name},0,0,9,9\n" for name in boards)]))
    assert main([str(model), str(tmp_path / "boards"), "--boxes", str(tmp_path / "boxes.csv")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("boards.tflite: a model for anomalies finds its regions itself. Leave --boxes out.")
    for suffix in ("csv", "json"):
        words = ["--regions", "--out", str(tmp_path / f"out.{suffix}"), "--quiet"]
        assert main([str(model), str(tmp_path / "boards"), *words]) == 0
    rows = [line.split(",") for line in (tmp_path / "out.csv").read_text().splitlines()[1:]]
    answers = json.loads((tmp_path / "out.json").read_text())
    assert {key for key, answer in answers.items() if not answer["regions"]} == {row[0] for row in rows if not row[1]}
    assert {row[0] for row in rows} == set(boards)
