"""Run folders that were changed or damaged: each verb says in one line which file, which rule and what to do."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from inference.errors import InputError
from pipeline.__main__ import main
from pipeline.report.sections import Training
from pipeline.report.stored import read_section
from pipeline.settings.run_folder import RunFolder, fill_run, read_json, write_json
from pipeline.stages import Stage, complete
from pipeline.training.callbacks import read_history
from tests.colour_run import RECIPE

ROOT = Path(__file__).parent.parent
DEEP = '{"a":' * 100_000 + "0" + "}" * 100_000
INDEX = "file,label,photo,x,y,width,height,split\n"


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    """Return a run of which every stage up to the results seems done."""
    made = fill_run(tmp_path / "run", RECIPE)
    (made.path / "patches").mkdir()
    (made.path / "patches" / "a.png").touch()
    write_json(made.source, {"runs": str(tmp_path)})
    write_json(made.data, {"refused": [], "patches": "patches", "kind": "boxes", "clipped_boxes": 0})
    made.index.write_text(INDEX + "a.png,red,a,0,0,9,9,train\n")
    made.history.write_text("epoch,loss,val_loss\n0,1.0,1.0\n")
    made.best.write_bytes(b"PK\3\4 no network")
    write_json(made.fit, {"epochs": 1, "best_epoch": 1, "seconds": 1.0})
    return made


def check_one_line(words: list[str], file: str, capfd: pytest.CaptureFixture[str]) -> None:
    """Check that a command is refused in one line that names the file and says what to do."""
    code = main(words)
    lines = [line for line in capfd.readouterr().err.splitlines() if not line.endswith(" ...")]
    assert code == 2
    assert len(lines) == 1, lines
    assert lines[0].startswith("Error: ")
    assert file in lines[0]
    assert any(remedy in lines[0] for remedy in ("Start", "Train", "Copy", "Cut", "Give", "Calibrate", "start")), lines


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("recipe.json", DEEP),
        ("recipe.json", "[]"),
        ("recipe.json", b"\xff\xfe"),
        ("recipe.json", "{}"),
        ("data.json", "{}"),
        ("data.json", "[1]"),
        ("data.json", DEEP),
        ("data.json", '{"patches": 7, "refused": []}'),
        ("data.json", '{"patches": "patches", "refused": 3}'),
        ("source.json", '{"runs": 7}'),
        ("index.csv", ""),
        ("index.csv", INDEX + "a.png,red,a,zero,0,9,9,train\n"),
        ("index.csv", INDEX + "a.png,red,a,0,0,9,9,tarin\n"),
        ("index.csv", INDEX + '"' + "x" * 200_000 + '",red,a,0,0,9,9,train\n'),
        ("best.keras", b"no zip"),
    ],
    ids=lambda value: value if isinstance(value, str) and value.endswith(("json", "csv", "keras")) else "",
)
def test_a_resume_names_the_changed_file(
    run: RunFolder, file: str, content: str | bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    """Catches a traceback, or hours of work on data that are not the run's."""
    if file == "source.json":
        run.index.unlink()  # the stage that reads it
    (run.path / file).write_bytes(content if isinstance(content, bytes) else content.encode())
    check_one_line(["resume", str(run.path)], file, capfd)


def test_a_picture_that_was_removed_between_two_stages_is_named(
    run: RunFolder, capfd: pytest.CaptureFixture[str]
) -> None:
    """Fault: pages of a traceback of TensorFlow, without the name of the file."""
    (run.path / "patches" / "a.png").unlink()
    check_one_line(["resume", str(run.path)], "a.png", capfd)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("epoch,loss,val_loss\n0,one,1\n", "one"),
        ("epoch,loss\n0,1\n", "val_loss"),
        ("epoch,loss,val_loss\n0,1,2,3\n", "must hold numbers"),
    ],
)
def test_a_changed_history_is_named(run: RunFolder, text: str, words: str) -> None:
    """Catches a chart of nonsense, and a KeyError in the report."""
    run.history.write_text(text)
    with pytest.raises(InputError, match=words) as caught:
        read_history(run.history)
    assert "history.csv" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("calibration.json", {"temperature": 0, "threshold": 0.5}, "temperature must be a number above 0"),
        ("calibration.json", {"temperature": "1", "threshold": 0.5}, "temperature must be"),
        ("calibration.json", {"temperature": 1, "threshold": 2}, "threshold must be a number from 0 to 1"),
        ("calibration.json", {"threshold": float("nan")}, "threshold must be"),
        ("fit.json", {"epochs": -1}, "epochs must be a whole number"),
        ("environment.json", {"packages": 3}, "packages must be an object"),
        ("names.json", {"labels": ["a", 3]}, "labels must be a list of texts"),
    ],
)
def test_values_of_another_kind_are_refused_when_read(
    tmp_path: Path, name: str, content: dict[str, Any], words: str
) -> None:
    """Catches a temperature of 0 that becomes a model of NaN, and a text that fails deep inside a stage."""
    (tmp_path / name).write_text(json.dumps(content))
    with pytest.raises(InputError, match=words) as caught:
        read_json(tmp_path / name, "Do it again.")
    assert str(caught.value).startswith(str(tmp_path / name))
    assert str(caught.value).endswith("Do it again.")


def test_a_missing_key_is_named_when_it_is_asked_for(tmp_path: Path) -> None:
    """Catches a KeyError, also of an object inside the file."""
    (tmp_path / "parity.json").write_text('{"int8": {}}')
    content = read_json(tmp_path / "parity.json", "Export again.")
    for ask in (lambda: content["float32"], lambda: content["int8"]["n"]):
        with pytest.raises(InputError, match=r"parity\.json: must have .* Export again\."):
            ask()


def test_sections_of_another_type_are_refused(tmp_path: Path) -> None:
    """Catches a report with a text for a number, which fails where it is printed, or is added to others."""
    path, remedy = tmp_path / "report.json", "Evaluate again."
    whole = {"epochs": 3, "best_epoch": 2, "seconds": 1}
    for content in ({**whole, "seconds": "1"}, {**whole, "epochs": True}, {"epochs": 3}, [3], "text"):
        path.write_text(json.dumps(content))
        with pytest.raises(InputError, match=r"report\.json: .* Evaluate again\."):
            read_section(Training, path, remedy)
    path.write_text(json.dumps({"fit": whole}))
    assert read_section(Training, path, remedy, "fit") == Training(3, 2, 1)
    with pytest.raises(InputError, match=r"must have 'other'"):
        read_section(Training, path, remedy, "other")


@pytest.mark.slow
def test_a_network_that_is_none_of_ours_is_refused(tmp_path: Path) -> None:
    """Catches code in a Lambda layer that runs, weights of other shapes, and another kind of file."""
    import keras

    from pipeline.training.saved_network import read_network

    pixels = keras.Input((8, 8, 3))
    code = keras.Model(pixels, keras.layers.Lambda(lambda values: values)(pixels))
    code.save(tmp_path / "lambda.keras")
    keras.Model(vector := keras.Input((8,)), keras.layers.Dense(2)(vector)).save(tmp_path / "vector.keras")
    (tmp_path / "text.keras").write_text("no zip")
    swap_weights(tmp_path, keras)
    for name in ("lambda", "vector", "text", "shapes", "missing"):
        with pytest.raises(InputError, match=rf"{name}\.keras: ") as caught:
            read_network(tmp_path / f"{name}.keras")
        assert "\n" not in str(caught.value)


def swap_weights(folder: Path, keras: Any) -> None:
    """Write shapes.keras: the configuration of one network with the weights of another."""
    import zipfile

    for filters in (2, 3):
        pixels = keras.Input((8, 8, 3))
        keras.Model(pixels, keras.layers.Conv2D(filters, 3, name="conv")(pixels)).save(folder / f"{filters}.keras")
    with zipfile.ZipFile(folder / "2.keras") as two, zipfile.ZipFile(folder / "3.keras") as three:
        parts = {name: (three if name.endswith(".h5") else two).read(name) for name in two.namelist()}
    with zipfile.ZipFile(folder / "shapes.keras", "w") as mixed:
        for name, data in parts.items():
            mixed.writestr(name, data)


# Two processes in one folder


def test_a_second_process_in_a_run_is_refused(run: RunFolder) -> None:
    """Catches two trainings that write over each other's backups."""
    seen = []

    def work(inner: RunFolder) -> None:
        with pytest.raises(InputError, match=r"another run is working on it\. Wait for its end"):
            complete(inner, [stage])
        seen.append(inner.lock.exists())

    stage = Stage("work", lambda inner: inner.results, work, needs_tensorflow=False)
    complete(run, [stage])
    assert seen == [True]
    assert not run.lock.exists()
    complete(run, [Stage("after", lambda inner: inner.results, lambda inner: None, needs_tensorflow=False)])


def test_the_lock_of_a_killed_process_does_not_block(run: RunFolder) -> None:
    """Catches a run that can't be resumed after a power cut."""
    code = (
        "import sys, time; from pathlib import Path; from pipeline.settings.run_folder import RunFolder\n"
        "with RunFolder(Path(sys.argv[1])).locked(): print('locked', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(run.path)], cwd=ROOT, stdout=subprocess.PIPE) as other:
        assert other.stdout
        assert other.stdout.readline() == b"locked\n"
        with pytest.raises(InputError, match="another run"), run.locked():
            pass
        os.kill(other.pid, signal.SIGKILL)
        other.wait()
    assert run.lock.exists()
    with run.locked():
        pass
