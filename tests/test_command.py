"""python -m inference with its options, as a user meets it, on pictures of one colour."""

import contextlib
import csv
import json
import os
import pty
import resource
import signal
import subprocess
import sys
import termios
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from inference.batch.result_files import check_outputs
from inference.errors import InputError
from inference.options import make_parser
from tests.test_video import GREEN, RATE, film, write_video
from tests.tiny_model import COLOURS

ROOT = Path(__file__).parent.parent


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder of four pictures and one that is none."""
    for name, colour in COLOURS.items():
        draw(tmp_path / "set" / f"{name}.png", colour)
    (tmp_path / "set" / "text.png").write_text("no picture")
    return tmp_path / "set"


def draw(path: Path, colour: tuple[int, int, int]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (40, 30), colour).save(path, "PNG")
    return path


def run(*arguments: object, given: bytes = b"", code: int = 0) -> subprocess.CompletedProcess[bytes]:
    """Run the command line as a process of its own and check its exit code."""
    command = [sys.executable, "-m", "inference", *map(str, arguments)]
    answer = subprocess.run(command, cwd=ROOT, input=given, capture_output=True, check=False)
    assert answer.returncode == code, answer.stderr.decode()
    return answer


def results(answer: subprocess.CompletedProcess[bytes]) -> dict[str, Any]:
    return {key: one["result"] for key, one in json.loads(answer.stdout).items()}


def table(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


@pytest.mark.slow
def test_folder_archive_pattern_and_list_give_the_same(tiny_model: Path, folder: Path) -> None:
    """Catches an input that is decoded or keyed in its own way."""
    (folder / "text.png").unlink()
    with zipfile.ZipFile(folder.parent / "set.zip", "w") as archive:
        for path in folder.iterdir():
            archive.write(path, path.name)
    expected = run(tiny_model, folder).stdout
    assert run(tiny_model, folder.parent / "set.zip").stdout == expected
    assert run(tiny_model, f"{folder}/*.png").stdout == expected
    listed = "".join(f"{path}\n" for path in folder.iterdir())
    by_path = json.loads(run(tiny_model, "-", given=listed.encode()).stdout)
    assert {Path(key).name: one for key, one in by_path.items()} == json.loads(expected)


@pytest.mark.slow
def test_every_format_says_the_same(tiny_model: Path, folder: Path, tmp_path: Path) -> None:
    """Catches a format that loses a picture, or that is not chosen by the name of --out."""
    for suffix in ("json", "jsonl", "csv"):
        run(tiny_model, folder, "--out", tmp_path / f"out.{suffix}", code=1)
    answers = json.loads((tmp_path / "out.json").read_text())
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert {line.pop("file"): line for line in lines} == answers
    rows = table(tmp_path / "out.csv")[1:]
    assert rows == [[key, one["result"], str(one["confidence"])] for key, one in answers.items()]
    streamed = run(tiny_model, folder, "--format", "jsonl", code=1).stdout.decode().splitlines()
    assert sorted(streamed) == sorted((tmp_path / "out.jsonl").read_text().splitlines())


def test_errors_are_written_and_quiet_is_silent(tiny_model: Path, folder: Path, tmp_path: Path) -> None:
    """Catches a fault that is only on the screen, and remarks in a night's job that should have none."""
    answer = run(tiny_model, folder, "--errors", tmp_path / "errors.csv", "--quiet", code=1)
    assert answer.stderr == b""
    (header, (file, reason)) = table(tmp_path / "errors.csv")
    assert (header, file) == (["file", "reason"], "text.png")
    assert reason.startswith("is not an image in a supported format.")
    assert b"exists already" in run(tiny_model, folder, "--errors", tmp_path / "errors.csv", code=2).stderr


def test_top_lists_the_best_labels_first(tiny_model: Path, folder: Path) -> None:
    """Catches places out of order, more than there are labels, and a reject label that wins the first place."""
    answers = json.loads(run(tiny_model, folder, "--top", "9", code=1).stdout)
    for name in ("red", "green", "blue"):
        top = answers[f"{name}.png"]["top"]
        assert top[0]["label"] == name
        assert len(top) == 4
        values = [one["confidence"] for one in top]
        assert values == sorted(values, reverse=True)
        assert values[0] == answers[f"{name}.png"]["confidence"]
        assert sum(values) == pytest.approx(1, abs=1e-5)
    assert answers["grey.png"]["result"] == "unknown"
    assert answers["grey.png"]["top"][0]["label"] == "background"


@pytest.mark.slow
def test_limits_cost_only_the_picture_that_breaks_them(tiny_model: Path, folder: Path) -> None:
    """Catches a limit that is not handed to the process that reads."""
    Image.new("RGB", (400, 300), COLOURS["red"]).save(folder / "large.bmp")
    answer = run(tiny_model, folder, "--max-megapixels", "0.1", code=1)
    assert "large.bmp: is too large: 400 x 300 pixels" in answer.stderr.decode()
    answer = run(tiny_model, folder, "--max-megabytes", "0.1", code=1)
    assert "large.bmp: is too large: more than 104,858 bytes" in answer.stderr.decode()
    assert sorted(results(answer)) == ["blue.png", "green.png", "grey.png", "red.png"]


def test_boxes_are_classified_one_by_one(tiny_model: Path, tmp_path: Path) -> None:
    """Catches a region that gets its neighbour's answer, and faults of the boxes' file that vanish."""
    photo = Image.new("RGB", (60, 30), COLOURS["red"])
    photo.paste(COLOURS["blue"], (30, 0, 60, 30))
    (tmp_path / "photos" / "a").mkdir(parents=True)
    photo.save(tmp_path / "photos" / "a" / "two.png")
    draw(tmp_path / "photos" / "unboxed.png", COLOURS["green"])
    boxes = tmp_path / "boxes.csv"
    boxes.write_text(
        "file,x,y,width,height\na/two.png,0,0,30,30\na/two.png,32,2,20,20\na/two.png,90,0,9,9\nb.png,0,0,9,9\n"
    )
    answer = run(tiny_model, tmp_path / "photos", "--boxes", boxes, "--errors", tmp_path / "errors.csv", code=1)
    first, second, third = json.loads(answer.stdout)["a/two.png"]["regions"]
    assert (first["box"], first["result"]) == ([0, 0, 30, 30], "red")
    assert (second["box"], second["result"]) == ([32, 2, 20, 20], "blue")
    assert "must overlap its photograph" in third["error"]
    assert list(json.loads(answer.stdout)) == ["a/two.png"]
    assert [row[0] for row in table(tmp_path / "errors.csv")] == ["file", "a/two.png", "boxes.csv"]
    assert "b.png: has boxes but is not among the pictures" in answer.stderr.decode()


@pytest.mark.slow
def test_a_video_is_answered_frame_by_frame(tiny_model: Path, tmp_path: Path) -> None:
    """Catches a video whose regions, times or faults get lost between the search and the file."""
    video = write_video(tmp_path / "belt.avi", film())
    run(tiny_model, "--video", video, "--out", tmp_path / "belt.json")
    frames = json.loads((tmp_path / "belt.json").read_text())["belt.avi"]["frames"]
    assert {region["result"] for frame in frames for region in frame["regions"]} == {"green"}
    assert {frame["frame"] for frame in frames} <= set(GREEN)  # the red square moves while the background is learnt
    assert all(frame["time"] == pytest.approx(frame["frame"] / RATE) for frame in frames)
    lines = run(tiny_model, "--video", video, "--format", "jsonl").stdout.splitlines()
    assert [json.loads(line) for line in lines] == [{"file": "belt.avi", **frame} for frame in frames]
    run(tiny_model, "--video", video, "--out", tmp_path / "belt.csv")
    assert len(table(tmp_path / "belt.csv")) == 1 + sum(len(frame["regions"]) for frame in frames)
    (tmp_path / "cut.avi").write_bytes(video.read_bytes()[: video.stat().st_size * 3 // 4])
    run(tiny_model, "--video", tmp_path / "cut.avi", "--errors", tmp_path / "errors.csv", code=1)
    assert table(tmp_path / "errors.csv")[1][0] == "cut.avi"
    assert b"Leave --boxes out" in run(tiny_model, "--video", video, "--boxes", "a.csv", code=2).stderr


def test_previews_and_contact_sheets_are_drawn(tiny_model: Path, folder: Path, tmp_path: Path) -> None:
    """Catches an option that is parsed and forgotten, and a preview of what could not be read."""
    answer = run(tiny_model, folder, "--preview", tmp_path / "look", code=1)
    drawn = sorted(path.name for path in (tmp_path / "look").iterdir())
    assert drawn == ["blue.png.jpg", "green.png.jpg", "grey.png.jpg", "red.png.jpg", "sheet-001.jpg"]
    assert f"previews: {tmp_path / 'look'}, with 1 contact sheet" in answer.stderr.decode()


@contextlib.contextmanager
def held_up(tiny_model: Path, folder: Path, out: Path, *more: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run over red, a pipe that nobody writes to, and green; give the process once red is answered."""
    os.mkfifo(folder / "pipe")
    command = [sys.executable, "-m", "inference", str(tiny_model), "-", "--out", str(out), "--workers", "1", *more]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's background job ignores it
    )
    assert process.stdin is not None
    process.stdin.write(listed(folder))
    process.stdin.close()
    journal = Path(f"{out}.journal")
    while not (journal.exists() and journal.read_bytes().count(b"\n") > 1):
        assert process.poll() is None
        time.sleep(0.01)
    yield process
    (folder / "pipe").unlink()
    process.wait()


def listed(folder: Path) -> bytes:
    return "".join(f"{folder / name}\n" for name in ("red.png", "pipe", "green.png")).encode()


@pytest.mark.slow
def test_a_killed_run_goes_on_where_it_was(tiny_model: Path, folder: Path, tmp_path: Path) -> None:
    """Catches a night's work done twice or lost after a kill, and processes that outlive it."""
    out = tmp_path / "results.json"
    with held_up(tiny_model, folder, out) as process:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        with pytest.raises(ProcessLookupError):  # of its group, the worker that waits for the pipe included
            for _ in range(1000):
                os.killpg(process.pid, 0)
                time.sleep(0.01)
    assert not out.exists()
    before = (folder / "red.png").stat()
    (folder / "red.png").write_bytes(bytes(before.st_size))  # answered before the kill: is not looked at again
    os.utime(folder / "red.png", ns=(before.st_atime_ns, before.st_mtime_ns))
    draw(folder / "pipe", COLOURS["blue"])
    assert b"Go on with it by --resume" in run(tiny_model, "-", "--out", out, given=listed(folder), code=2).stderr
    other = run(tiny_model, "-", "--out", out, "--resume", "--threshold", "0", given=listed(folder), code=2)
    assert b"other settings: threshold was None, now 0.0" in other.stderr
    run(tiny_model, "-", "--out", out, "--resume", given=listed(folder))
    answers = {Path(key).name: one["result"] for key, one in json.loads(out.read_text()).items()}
    assert answers == {"red.png": "red", "pipe": "blue", "green.png": "green"}
    assert not Path(f"{out}.journal").exists()


def test_a_picture_that_changed_since_the_kill_is_classified_again(
    tiny_model: Path, folder: Path, tmp_path: Path
) -> None:
    """Faults: --resume gives a picture the answer of the one that it has replaced, or answers for one that is gone."""
    out = tmp_path / "results.json"
    with held_up(tiny_model, folder, out) as process:
        os.kill(process.pid, signal.SIGKILL)
    draw(folder / "red.png", COLOURS["blue"])
    given = f"{folder}/red.png\n{folder}/green.png\n".encode()
    said = run(tiny_model, "-", "--out", out, "--resume", given=given).stderr.decode()
    assert "answers of 1 pictures that have changed or vanished since are not used\n" in said
    answers = {Path(key).name: one["result"] for key, one in json.loads(out.read_text()).items()}
    assert answers == {"red.png": "blue", "green.png": "green"}


def test_an_interruption_says_how_to_go_on(tiny_model: Path, folder: Path, tmp_path: Path) -> None:
    """Catches a traceback on Ctrl-C, and workers that print theirs."""
    out = tmp_path / "results.json"
    with held_up(tiny_model, folder, out) as process:
        os.killpg(process.pid, signal.SIGINT)
        assert process.stderr is not None
        said = process.stderr.read().decode()
    assert process.returncode == 1
    assert said == "stopped after 1 pictures; the same command with --resume goes on\n"
    assert Path(f"{out}.journal").exists()


@pytest.mark.slow
def test_a_terminal_sees_a_bar_with_rate_and_time_left(tiny_model: Path, folder: Path, tmp_path: Path) -> None:
    """Catches a bar in a log file, or none in a terminal."""
    terminal, end = pty.openpty()
    termios.tcsetwinsize(end, (24, 120))
    command = [sys.executable, "-m", "inference", str(tiny_model), str(folder), "--out", str(tmp_path / "out.json")]
    process = subprocess.Popen(command, cwd=ROOT, stderr=end)
    os.close(end)
    said = b""
    with contextlib.suppress(OSError):  # Linux' way to say that the terminal's other end is closed
        while piece := os.read(terminal, 4096):
            said += piece
    os.close(terminal)
    assert process.wait() == 1
    assert b"5/5" in said
    assert b"pictures/s" in said
    assert b"text.png: is not an image" in said
    assert b"5/5" not in run(tiny_model, folder, code=1).stderr


@pytest.mark.slow
def test_a_time_limit_reaches_the_workers(tiny_model: Path, folder: Path, tmp_path: Path) -> None:
    """Catches an option that is parsed and forgotten."""
    out = tmp_path / "results.json"
    with held_up(tiny_model, folder, out, "--time-limit", "0.5") as process:
        process.wait()
    assert process.returncode == 1
    assert sorted(Path(key).name for key in json.loads(out.read_text())) == ["green.png", "red.png"]


@pytest.mark.parametrize("kind", ["json", "jsonl"])
def test_a_reader_that_stops_reading_ends_it_quietly(tiny_model: Path, folder: Path, kind: str) -> None:
    """Catches a traceback behind `| head`, and a long batch that goes on for nobody."""
    command = [sys.executable, "-m", "inference", str(tiny_model), str(folder), "--format", kind, "--quiet"]
    reading, writing = os.pipe()
    os.close(reading)
    try:
        answer = subprocess.run(command, cwd=ROOT, stdout=writing, stderr=subprocess.PIPE, check=False, timeout=120)
    finally:
        os.close(writing)
    assert answer.returncode == 1
    assert b"Traceback" not in answer.stderr
    assert b"BrokenPipe" not in answer.stderr


@pytest.mark.parametrize("option", ["--labels", "--boxes"])
def test_a_device_is_no_file_of_labels_or_boxes(tiny_model: Path, folder: Path, option: str) -> None:
    """Fault: --labels /dev/zero is read for ever."""
    refused = run(tiny_model, folder, option, "/dev/zero", code=2)
    assert b"/dev/zero: is no regular file." in refused.stderr


@pytest.mark.parametrize("option", ["--out", "--errors"])
def test_no_input_is_ever_replaced(tiny_model: Path, folder: Path, tmp_path: Path, option: str) -> None:
    """Faults: --overwrite replaces the model, a picture, the boxes or a device, under any of their names."""
    model = tmp_path / "model.tflite"
    model.write_bytes(tiny_model.read_bytes())
    boxes = tmp_path / "boxes.csv"
    boxes.write_text("file,x,y,width,height\nred.png,0,0,30,30\n")
    (tmp_path / "link.json").symlink_to(model)
    (tmp_path / "hard.json").hardlink_to(boxes)
    (tmp_path / "device.json").symlink_to("/dev/null")
    before = {path: path.read_bytes() for path in (model, boxes, folder / "red.png")}
    replaced = (model, boxes, folder / "red.png", *(tmp_path / f"{name}.json" for name in ("link", "hard", "device")))
    for path in replaced:
        given = [str(model), str(folder), "--boxes", str(boxes), "--overwrite", option, str(path)]
        options = make_parser().parse_args(given)
        with pytest.raises(InputError, match=r"is an input of this run|no run has written it|is no regular file"):
            check_outputs(options)
    assert {path: path.read_bytes() for path in before} == before


def test_outputs_that_cannot_be_written_are_refused_before_the_work(
    tiny_model: Path, folder: Path, tmp_path: Path
) -> None:
    """Faults: a night's work whose results are lost to a folder of previews; results that errors replace."""
    red = folder / "red.png"
    for name in ("preview", "masks", "scores"):
        refused = run(tiny_model, folder, "--out", tmp_path / "out.json", f"--{name}", red / "look", code=2)
        assert b"is no folder that you may write to" in refused.stderr
    same = run(tiny_model, folder, "--out", tmp_path / "o.csv", "--errors", f"{tmp_path}/set/../o.csv", code=2)
    assert b"is where --out writes. Give another --errors." in same.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["set"]


@pytest.mark.slow
def test_a_second_run_leaves_the_first_ones_files_out(tiny_model: Path, folder: Path) -> None:
    """Faults: journal, results, errors and previews inside the folder are classified by the next run."""
    (folder / "text.png").unlink()
    given = [tiny_model, folder, "--out", folder / "out.json", "--errors", folder / "errors.csv", "--preview"]
    first = run(*given, folder / "look")
    expected = (folder / "out.json").read_bytes()
    second = run(*given, folder / "look", "--overwrite")
    assert (folder / "out.json").read_bytes() == expected
    assert b"not among the pictures" not in first.stderr
    left_out = ", ".join(f"{folder}/{name}" for name in ("errors.csv", "look", "out.json"))
    assert f"not among the pictures, because this run writes there: {left_out}\n" in second.stderr.decode()


def run_shell(line: str, *arguments: object) -> subprocess.CompletedProcess[bytes]:
    """Run the command line with a shell's redirections."""
    command = ["sh", "-c", f'"$0" -m inference "$@" {line}', sys.executable, *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, check=False)


@pytest.mark.parametrize("streams", ["2>&-", "2>/dev/full", "<&- >&- 2>&-", ">/dev/full"])
def test_results_survive_closed_and_full_streams(tiny_model: Path, folder: Path, tmp_path: Path, streams: str) -> None:
    """Faults: a traceback, a journal that takes the number of a closed stream, results lost to a remark."""
    answer = run_shell(streams, tiny_model, folder, "--out", tmp_path / "out.json")
    assert answer.returncode == 1, answer.stderr  # text.png is no picture
    assert b"Traceback" not in answer.stderr
    assert len(json.loads((tmp_path / "out.json").read_text())) == 4


@pytest.mark.slow
def test_results_that_standard_output_does_not_take_are_kept(tiny_model: Path, folder: Path) -> None:
    """Faults: a traceback for a full disk behind standard output, and a night's work lost with it."""
    full = run_shell(">/dev/full", tiny_model, folder, "--quiet")
    assert full.returncode == 2
    (line,) = full.stderr.decode().splitlines()
    assert line.startswith("Error: standard output cannot be written: No space left on device. The results are in /")
    kept = Path(line.split(" are in ")[1].removesuffix("."))
    assert len(json.loads(kept.read_text())) == 4
    kept.unlink()
    kept.parent.rmdir()
    closed = run_shell(">&-", tiny_model, folder)
    assert (closed.returncode, closed.stderr) == (2, b"Error: standard output is closed. Give --out FILE.\n")
    closed = run_shell("<&-", tiny_model, "-")
    assert (closed.returncode, closed.stderr.count(b"\n")) == (2, 1)
    assert b"Error: standard input: " in closed.stderr


@pytest.mark.slow
def test_a_full_disk_loses_no_answer(tiny_model: Path, folder: Path, tmp_path: Path) -> None:
    """Faults: a traceback where the journal can't grow, and a journal that --resume can't read."""
    out = tmp_path / "out.json"
    command = [sys.executable, "-m", "inference", str(tiny_model), str(folder), "--out", str(out), "--quiet"]
    full = subprocess.run(
        command,
        cwd=ROOT,
        capture_output=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (400, 400)),  # bytes of a file
    )
    assert full.returncode == 2
    assert full.stderr.decode() == (
        f"Error: {out}.journal: cannot be written: File too large. Make room; then --resume goes on.\n"
    )
    run(tiny_model, folder, "--out", out, "--resume", code=1)
    assert len(json.loads(out.read_text())) == 4


def test_a_name_does_not_command_the_terminal(tiny_model: Path, tmp_path: Path) -> None:
    """Fault: a file whose name holds ESC or CR clears the screen or writes over a line of it."""
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "\x1b[2J\r.png").write_text("no picture")
    said = run(tiny_model, tmp_path / "set", code=1).stderr
    assert b"\\x1b[2J\\x0d.png: is not an image" in said
    assert b"\x1b" not in said
    assert b"\r" not in said
    assert b"\x1b" not in run(tiny_model, "\x1b[2J", code=2).stderr
