"""python -m inference, as a user meets it: keys, exit codes, errors and files, on pictures of one colour."""

import dataclasses
import json
import math
import os
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from PIL import Image

from inference.__main__ import main
from inference.model.artefact import read_artefact
from inference.model.classifier import Classifier
from tests.tiny_model import COLOURS, INPUT_SIZE, LABELS, make_card, make_flatbuffer, write_model

ROOT = Path(__file__).parent.parent
BLOCKED = ("tensorflow", "keras", "cv2", "sklearn", "scipy", "matplotlib", "pipeline", "models", "export")
RED_CONFIDENCE = 1 / (1 + math.exp(4 - 12.75) + 2 * math.exp(-6.375 - 12.75))  # the logits of tests/tiny_model.py
GREY_CONFIDENCE = 1 / (3 + math.exp(4))


class Answer(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def results(self) -> dict[str, dict[str, Any]]:
        return json.loads(self.out)


@pytest.fixture
def runner(capfdbinary: pytest.CaptureFixture[bytes]) -> Callable[..., Answer]:
    """Return the command line as a function; it captures what C++ writes too."""

    def run(*arguments: object) -> Answer:
        code = main([str(argument) for argument in arguments])
        out, err = capfdbinary.readouterr()
        return Answer(code, out.decode(), err.decode())

    return run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder of one red, one green, one blue and one grey picture."""
    for name, colour in COLOURS.items():
        draw(tmp_path / "pictures" / f"{name}.png", colour)
    return tmp_path / "pictures"


def draw(path: Path, colour: tuple[int, int, int] = COLOURS["red"]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (40, 30), colour).save(path, "PNG")
    return path


def run_program(*arguments: object, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Run the command line as a process of its own."""
    command = [sys.executable, "-m", "inference", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, env={**os.environ, **environment}, capture_output=True, check=False)


def check_refused(answer: Answer, *parts: str) -> None:
    """Check exit code 2, nothing on stdout, and one line on stderr that names the fault and ends in a remedy."""
    assert answer.code == 2
    assert answer.out == ""
    assert answer.err.startswith("Error: ")
    assert answer.err.count("\n") == 1
    assert all(part in answer.err for part in parts), answer.err


def test_colours_are_named_and_grey_is_unknown(tiny_model: Path, folder: Path, runner: Callable[..., Answer]) -> None:
    """Catches channels, labels or outputs out of order, a wrong confidence, and no rejection."""
    answer = runner(tiny_model, folder)
    assert answer.code == 0
    assert {key: value["result"] for key, value in answer.results.items()} == {
        "red.png": "red",
        "green.png": "green",
        "blue.png": "blue",
        "grey.png": "unknown",
    }
    assert answer.results["red.png"]["confidence"] == pytest.approx(RED_CONFIDENCE, abs=2e-6)
    assert answer.results["grey.png"]["confidence"] == pytest.approx(GREY_CONFIDENCE, abs=2e-6)


def test_stdout_is_sorted_json_and_stderr_says_where_it_went(tiny_model: Path, folder: Path) -> None:
    """Catches start-up notices of LiteRT's on stdout, and JSON that changes its order."""
    answer = run_program(tiny_model, folder)
    results = json.loads(answer.stdout)
    assert answer.stdout.decode() == json.dumps(results, indent=1, sort_keys=True) + "\n"
    assert list(results) == ["blue.png", "green.png", "grey.png", "red.png"]
    assert all(list(value) == ["confidence", "result"] for value in results.values())
    assert answer.stderr.decode() == "classified 4 of 4 pictures; results: standard output\n"


@pytest.mark.slow
def test_a_second_run_gives_the_same_bytes(tiny_model: Path, folder: Path, runner: Callable[..., Answer]) -> None:
    """Catches answers that depend on the order of files, the number of threads or an earlier picture."""
    first = runner(tiny_model, folder).out
    assert runner(tiny_model, folder).out == first
    assert runner(tiny_model, *sorted(folder.iterdir(), reverse=True), "--threads", "2").out == first


def test_confidences_lie_between_0_and_1_and_threshold_0_is_never_unknown(
    tiny_model: Path, tmp_path: Path, runner: Callable[..., Answer]
) -> None:
    """Catches "unknown" where rejection was turned off, and probabilities outside [0, 1]."""
    levels = (0, 100, 200, 255)
    for colour in ((red, green, blue) for red in levels for green in levels for blue in levels):
        draw(tmp_path / "many" / f"{colour}.png", colour)
    never = runner(tiny_model, tmp_path / "many", "--threshold", "0").results
    always = runner(tiny_model, tmp_path / "many", "--threshold", "1").results
    assert len(never) == len(always) == 64
    assert all(0 <= value["confidence"] <= 1 for value in never.values())
    assert {value["result"] for value in never.values()} == {"red", "green", "blue"}
    assert {value["result"] for value in always.values() if value["confidence"] < 1} == {"unknown"}
    assert [value["confidence"] for value in never.values()] == [value["confidence"] for value in always.values()]


def test_a_file_and_its_pixels_get_the_same_decision(tiny_model: Path, tmp_path: Path) -> None:
    """Catches a library that decodes or resizes differently from the command line."""
    pixels = np.random.default_rng(0).integers(0, 256, (50, 70, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "noise.png")
    classifier = Classifier(tiny_model)
    assert classifier.classify(tmp_path / "noise.png") == classifier.classify(pixels)


@pytest.mark.slow
def test_keys_are_relative_to_the_given_folder(tiny_model: Path, tmp_path: Path, runner: Callable[..., Answer]) -> None:
    """Catches absolute paths, base names that overwrite each other, and folders that are not searched."""
    for name in ("a.png", "one/a.png", "two/deep/a.png"):
        draw(tmp_path / "set" / name)
    keys = ["a.png", "one/a.png", "two/deep/a.png"]
    assert list(runner(tiny_model, tmp_path / "set").results) == keys
    assert list(runner(tiny_model, f"{tmp_path}/set/../set/").results) == keys
    assert list(runner(tiny_model, tmp_path / "set" / "one" / "a.png").results) == ["a.png"]


@pytest.mark.parametrize(
    "name", ["with space.png", "dots.in.name.v2.png", "no_extension", "Grünspan ✓.png", 'q"\\.png']
)
def test_any_name_comes_back_as_its_key(
    name: str, tiny_model: Path, tmp_path: Path, runner: Callable[..., Answer]
) -> None:
    """Catches names that are cut, escaped or normalised."""
    draw(tmp_path / "set" / "in here" / name)
    assert list(runner(tiny_model, tmp_path / "set").results) == [f"in here/{name}"]


def test_bytes_that_are_no_utf8_are_spelled_out(
    tiny_model: Path, tmp_path: Path, runner: Callable[..., Answer]
) -> None:
    """Catches a traceback, or JSON that is no UTF-8, for a file name from an old machine."""
    draw(tmp_path / "set" / os.fsdecode(b"gr\xfcn.png"))
    (tmp_path / "set" / os.fsdecode(b"br\xfcn.png")).write_text("no picture")
    answer = runner(tiny_model, tmp_path / "set", "--out", tmp_path / "results.json")
    assert answer.code == 1
    assert list(json.loads((tmp_path / "results.json").read_bytes().decode())) == ["gr\\xfcn.png"]
    assert "n.png: is not an image" in answer.err


def test_json_is_utf8_in_every_locale(tiny_model: Path, tmp_path: Path) -> None:
    """Catches JSON in the terminal's encoding, or a traceback where that has no such letter."""
    draw(tmp_path / "set" / "Grünspan ✓.png")
    answer = run_program(tiny_model, tmp_path / "set", PYTHONIOENCODING="ascii")
    assert list(json.loads(answer.stdout.decode())) == ["Grünspan ✓.png"]


def test_links_neither_hang_nor_vanish(folder: Path, tiny_model: Path, runner: Callable[..., Answer]) -> None:
    """Catches a loop of linked folders followed for ever, and a link that leads nowhere silently left out."""
    (folder / "loop").symlink_to(folder)
    (folder / "itself").symlink_to(folder / "itself")
    (folder / "nowhere.png").symlink_to(folder / "missing.png")
    (folder / "linked.png").symlink_to(folder / "red.png")
    answer = runner(tiny_model, folder)
    assert list(answer.results) == ["blue.png", "green.png", "grey.png", "linked.png", "red.png"]
    assert "nowhere.png: cannot be read" in answer.err
    assert "itself: cannot be read" in answer.err
    assert f"linked folders are not entered; give them as arguments: {folder}/loop" in answer.err


def test_a_folder_that_cannot_be_listed_is_named_and_the_others_are_done(
    folder: Path, tiny_model: Path, runner: Callable[..., Answer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Catches pictures that are silently missing from the results, and a run that one folder stops."""
    draw(folder / "locked" / "a.png")
    scandir = os.scandir

    def refuse(place: str) -> Any:
        if str(place).endswith("locked"):
            raise PermissionError(13, "Permission denied", place)
        return scandir(place)

    monkeypatch.setattr(os, "scandir", refuse)
    answer = runner(tiny_model, folder)
    assert (answer.code, len(answer.results)) == (1, 4)
    assert "locked: is a folder that is not searched. Make it readable" in answer.err
    check_refused(
        runner(tiny_model, folder / "locked"), "locked: cannot be listed: Permission denied. Make it readable"
    )


def test_one_unreadable_picture_is_named_and_the_others_are_done(
    folder: Path, tiny_model: Path, runner: Callable[..., Answer]
) -> None:
    """Catches a batch that stops, a fault that hides in the results, and exit code 0 for an incomplete batch."""
    (folder / "green.png").write_bytes((folder / "green.png").read_bytes()[:60])
    answer = runner(tiny_model, folder)
    assert answer.code == 1
    assert list(answer.results) == ["blue.png", "grey.png", "red.png"]
    fault, summary = answer.err.splitlines()
    assert fault.startswith(f"{folder / 'green.png'}: is damaged: ")
    assert summary == "classified 3 of 4 pictures; results: standard output"


def test_odd_metadata_is_passed_over_in_silence(tiny_model: Path, tmp_path: Path) -> None:
    """Catches Pillow's remarks, with lines of its code, among the faults that the user should read."""
    odd = tmp_path / "odd.tiff"
    Image.new("RGB", (40, 30), COLOURS["red"]).save(odd, description="d" * 40)
    length, too_long = (struct.pack("<HHI", 270, 2, length) for length in (41, 2**24))  # tag, type, length
    assert length in odd.read_bytes()
    odd.write_bytes(odd.read_bytes().replace(length, too_long))
    with pytest.warns(UserWarning, match="larger than file"), Image.open(odd) as image:
        image.load()
    answer = run_program(tiny_model, odd)
    assert answer.stderr.decode() == "classified 1 of 1 pictures; results: standard output\n"


def test_a_network_that_overflows_gives_no_number(tmp_path: Path, folder: Path, runner: Callable[..., Answer]) -> None:
    """Catches NaN in the results, which is no JSON."""
    flatbuffer = make_flatbuffer(biases=(0.0, 0.0, 0.0, math.nan))
    answer = runner(write_model(tmp_path / "nan.tflite", flatbuffer, make_card(flatbuffer)), folder)
    assert (answer.code, answer.results) == (1, {})
    assert "red.png: makes the network overflow" in answer.err


def test_without_pictures_there_is_an_error(tiny_model: Path, tmp_path: Path, runner: Callable[..., Answer]) -> None:
    """Catches an empty result for a mistyped path."""
    (tmp_path / "empty" / "deeper").mkdir(parents=True)
    check_refused(runner(tiny_model, tmp_path / "empty"), "empty: holds no file. Give a folder with pictures.")
    check_refused(runner(tiny_model, tmp_path / "missing"), "missing: does not exist. Give picture files")


@pytest.mark.slow
def test_a_model_that_cannot_be_used_is_refused(
    tiny_model: Path, tmp_path: Path, folder: Path, runner: Callable[..., Answer]
) -> None:
    """Catches a traceback, a crash of LiteRT's, or labels shown for outputs that they do not name."""
    flatbuffer = read_artefact(tiny_model).flatbuffer
    card = make_card(flatbuffer)
    model = tmp_path / "model.tflite"

    def refused(reason: str, remedy: str) -> None:
        check_refused(runner(model, folder), f"Error: {model}: {reason}", remedy)

    refused("cannot be read: No such file or directory.", "Check the path.")
    shutil.copy(folder / "red.png", model)
    refused("is no TFLite model", "Give the .tflite file that export wrote.")
    model.write_bytes(tiny_model.read_bytes()[:-30])
    refused("carries no card.json.", "Give a .tflite that `python -m export` wrote.")
    write_model(model, flatbuffer[: len(flatbuffer) // 2], card)
    refused("its card belongs to another network", "Export the model again.")
    write_model(model, flatbuffer[:-1] + b"\x00", card)
    refused("its card belongs to another network", "Export the model again.")
    write_model(model, flatbuffer, dataclasses.replace(card, format=2))
    refused("card.json must have format 1. Received: 2.", "Update the runner or export the model again.")
    write_model(model, flatbuffer, dataclasses.replace(card, labels=LABELS[1:]))
    refused("card and network differ: the network takes (16, 16) pixels and gives 4 outputs", "Export the model again.")
    write_model(model, flatbuffer, dataclasses.replace(card, input_size=(16, 32)))
    refused("card and network differ", "the card states (16, 32) and 4 labels. Export the model again.")


def test_a_network_with_another_interface_is_refused(
    tmp_path: Path, folder: Path, runner: Callable[..., Answer]
) -> None:
    """Catches a traceback of numpy's, or nonsense, from a network that takes no RGB picture."""
    import keras

    from export.convert import convert

    grey = keras.Input((*INPUT_SIZE, 1))
    network = keras.Model(grey, keras.layers.Dense(4)(keras.layers.Flatten()(grey)))
    flatbuffer = convert(network, "float32", np.zeros((1, *INPUT_SIZE, 1), np.uint8))
    model = write_model(tmp_path / "grey.tflite", flatbuffer, make_card(flatbuffer))
    check_refused(
        runner(model, folder), "must be uint8 [1, height, width, 3]. Received: uint8 [1, 16, 16, 1]. Give a .tflite"
    )


def test_truncated_networks_do_not_crash_the_interpreter(tiny_model: Path, tmp_path: Path) -> None:
    """Catches a LiteRT without a verifier: it would end the process, and a true card's hash would not help."""
    (tmp_path / "network").write_bytes(read_artefact(tiny_model).flatbuffer)
    program = f"""
from inference.errors import InputError
from inference.model.tflite_model import TfliteModel

network = open({str(tmp_path / "network")!r}, "rb").read()
refused = 0
for length in range(8, len(network) - 64, 40):
    try:
        TfliteModel(network[:length])
    except InputError as fault:
        refused += "LiteRT cannot load it" in str(fault)
assert refused == len(range(8, len(network) - 64, 40)) > 30, refused
"""
    answer = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr[-2000:]


def test_more_threads_than_cores_do_not_crash(tiny_model: Path, folder: Path) -> None:
    """Catches LiteRT's crash for a large --threads; the number here is so large that it is refused, not started."""
    answer = run_program(tiny_model, folder, "--threads", 2**40)
    assert answer.returncode == 0, answer.stderr
    assert len(json.loads(answer.stdout)) == 4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--threshold", "1.5"], "--threshold: must be a number between 0 and 1. Received: 1.5"),
        (["--threshold", "nan"], "--threshold: must be a number between 0 and 1. Received: nan"),
        (["--threshold", "half"], "--threshold: must be a number between 0 and 1. Received: half"),
        (["--threads", "0"], "--threads: must be a whole number, 1 or more. Received: 0"),
        (["--threads", "two"], "--threads: must be a whole number, 1 or more. Received: two"),
        (["--workers", "100000"], "--workers: must be a whole number from 1 to"),
        (["--top", "30000000"], "--top: must be a whole number from 1 to 100000. Received: 30000000"),
        (["--time-limit", "1e300"], "--time-limit: must be a number above 0, at most 1e+06. Received: 1e300"),
        (["--max-megabytes", "inf"], "--max-megabytes: must be a number above 0, at most 1e+06. Received: inf"),
        (["--preview", ""], "--preview: must be a path and is empty"),
        (["--treshold", "0"], "unrecognized arguments: --treshold"),
    ],
)
def test_wrong_options_are_named(options: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Catches a mistyped option that is ignored, and messages that speak of the program's functions."""
    with pytest.raises(SystemExit) as exit_request:
        main(["model.tflite", "pictures", *options])
    assert exit_request.value.code == 2
    assert message in capsys.readouterr().err


def test_out_holds_what_stdout_would(
    tiny_model: Path, folder: Path, tmp_path: Path, runner: Callable[..., Answer]
) -> None:
    """Catches results in two places, missing folders, and temporary files left behind."""
    out = tmp_path / "new" / "folder" / "results.json"
    answer = runner(tiny_model, folder, "--out", out)
    assert (answer.code, answer.out) == (0, "")
    assert answer.err.splitlines()[-1] == f"classified 4 of 4 pictures; results: {out}"
    assert out.read_text() == runner(tiny_model, folder).out
    assert list(out.parent.iterdir()) == [out]


def test_nothing_is_overwritten_unless_asked(
    tiny_model: Path, folder: Path, tmp_path: Path, runner: Callable[..., Answer]
) -> None:
    """Catches yesterday's results lost."""
    out = tmp_path / "results.json"
    out.write_text("yesterday's")
    check_refused(runner(tiny_model, folder, "--out", out), "exists already", "--overwrite to replace it.")
    assert out.read_text() == "yesterday's"
    assert runner(tiny_model, folder, "--out", out, "--overwrite").code == 0
    assert len(json.loads(out.read_text())) == 4


def test_an_impossible_out_is_refused_before_the_work(
    tiny_model: Path, folder: Path, runner: Callable[..., Answer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Catches hours of work that end in a traceback."""
    monkeypatch.setattr("inference.command.answer_all", lambda *_: pytest.fail("worked before it looked at --out"))
    check_refused(runner(tiny_model, folder, "--out", folder, "--overwrite"), "is a folder. Give the name of a file")
    check_refused(
        runner(tiny_model, folder, "--out", folder / "red.png" / "results.json"), "cannot be written", "another --out."
    )


def test_a_disk_that_fails_keeps_the_old_results(
    tiny_model: Path, folder: Path, tmp_path: Path, runner: Callable[..., Answer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Catches half a file under the final name, a temporary file left behind, work lost, and a traceback."""

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    out = tmp_path / "results.json"
    out.write_text("yesterday's")
    with monkeypatch.context() as full:
        full.setattr(Path, "replace", fail)
        check_refused(
            runner(tiny_model, folder, "--out", out, "--overwrite", "--quiet"),
            "cannot be written: No space left on device.",
        )
    assert out.read_text() == "yesterday's"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pictures", "results.json", "results.json.journal"]
    before = (folder / "red.png").stat()
    (folder / "red.png").write_bytes(bytes(before.st_size))  # no picture, if it is read again
    os.utime(folder / "red.png", ns=(before.st_atime_ns, before.st_mtime_ns))
    assert runner(tiny_model, folder, "--out", out, "--overwrite", "--resume").code == 0
    assert json.loads(out.read_text())["red.png"]["result"] == "red"


def test_the_folder_alone_is_a_whole_runner(tiny_model: Path, folder: Path, tmp_path: Path) -> None:
    """Catches an import of the training side, or of a package that the runner's requirements do not name."""
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(ROOT / "inference", elsewhere / "inference")
    for name in BLOCKED:  # in the worker processes too, which get the path of this one
        (elsewhere / f"{name}.py").write_text(f"raise ImportError('{name} is blocked')")
    answer = subprocess.run(
        [sys.executable, "-m", "inference", str(tiny_model), str(folder)],
        cwd=elsewhere,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    assert json.loads(answer.stdout)["red.png"]["result"] == "red"


def test_runner_and_pipeline_name_the_same_versions() -> None:
    """Catches pixels decoded by one Pillow in training and by another on the laptop."""
    whole = (ROOT / "requirements.txt").read_text().splitlines()
    runner_needs = [line for line in (ROOT / "inference/requirements.txt").read_text().splitlines() if "==" in line]
    assert {line.split("==")[0] for line in runner_needs} == {"ai-edge-litert", "numpy", "pillow"}
    assert set(runner_needs) <= set(whole)
