"""What a run needs is checked before any work, and each message has the remedy."""

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from inference.__main__ import main as run_inference
from inference.errors import InputError, explain
from inference.packages import RUNNER, TRAINING, check_packages, explain_import
from pipeline.__main__ import main
from pipeline.commands import preflight
from pipeline.commands.preflight import check_room
from tests.colour_run import write_photographs

ROOT = Path(__file__).parent.parent


@pytest.fixture
def data(tmp_path: Path) -> list[str]:
    """Return the options of photographs of coloured squares, with a folder of runs."""
    photos, coco = write_photographs(tmp_path / "data", 12)
    return ["--images", str(photos), "--annotations", str(coco), "--runs", str(tmp_path / "runs")]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (["--set", "network.weights=nowhere.weights.h5"], "nowhere.weights.h5: does not exist"),
        (["--set", "network.weights=wrong.weights.h5"], "wrong.weights.h5: network.weights must hold the weights of"),
        (["--set", "fit.teacher=nowhere.tflite"], "nowhere.tflite: does not exist"),
        (["--set", "fit.kind=two_stage", "--set", "fit.trainable_from=nothing"], "fit.trainable_from must be a layer"),
    ],
)
def test_weights_teacher_and_layers_are_checked_before_any_patch_is_cut(
    data: list[str], changes: list[str], message: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Faults: half a minute of cutting before a wrong file is refused; a dead run folder after each refusal."""
    (tmp_path / "wrong.weights.h5").write_bytes(b"no weights")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        assert main(["run", "photos", *data, *changes]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


def test_data_that_cannot_be_used_leave_no_run_folder(
    data: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Fault: folders of runs in which nothing was done pile up."""
    for photo in (tmp_path / "data" / "photos").iterdir():
        photo.write_bytes(photo.read_bytes()[:100])
    assert main(["run", "photos", *data, "--set", "network.weights=none"]) == 2
    assert "removed: " in capsys.readouterr().err
    assert not list(tmp_path.glob("runs/*/*-seed0"))


def test_a_file_in_place_of_the_folder_of_runs_is_refused_at_once(data: list[str], tmp_path: Path) -> None:
    """Fault: a traceback after the work."""
    (tmp_path / "runs").write_text("a file")
    with pytest.raises(InputError, match=r"runs: is not a folder.*--runs DIR"):
        check_room(tmp_path / "runs" / "photos", 1)
    assert main(["run", "photos", *data]) == 2


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_refused(tmp_path: Path) -> None:
    """Fault: the permission is missed only when the first file is written."""
    tmp_path.chmod(0o500)
    with pytest.raises(InputError, match=r"can't be written.*--runs DIR"):
        check_room(tmp_path / "runs", 1)


def test_too_little_disk_is_said_with_what_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fault: a full disk in the middle of the training."""
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(preflight.shutil, "disk_usage", lambda path: usage._replace(free=12 * 10**6))
    check_room(tmp_path, 10**6)
    with pytest.raises(InputError, match=r"needs about 300 MB\. Free are 12 MB"):
        check_room(tmp_path / "not" / "there", 300 * 10**6)


def test_the_room_for_a_teachers_windows_is_asked_for(
    data: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Fault: the disk is full after an hour, in which a teacher saw windows of all photographs."""
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(preflight.shutil, "disk_usage", lambda path: usage._replace(free=400 * 10**6))
    taught = ["--set", f"fit.teacher={tmp_path / 'teacher.tflite'}", "--set", "fit.teacher_epochs=1"]
    assert main(["run", "photos", *data, *taught, "--set", "fit.teacher_windows=100000"]) == 2
    assert "Free are 400 MB" in capsys.readouterr().err
    assert main(["run", "photos", *data, *taught, "--set", "fit.teacher_windows=1"]) == 2
    assert "teacher.tflite: does not exist" in capsys.readouterr().err


def test_only_pictures_need_room(
    data: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Fault: a few photographs beside thousands of texts "need" gigabytes."""
    for number in range(1000):
        (tmp_path / "data" / "photos" / f"{number}.txt").touch()
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(preflight.shutil, "disk_usage", lambda path: usage._replace(free=10**6))
    assert main(["patches", "photos", *data]) == 2
    assert "the run needs about 307 MB" in capsys.readouterr().err


def test_results_inside_the_data_are_refused(
    data: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Faults: a second run learns the class "runs"; patches and index are taken for photographs and annotations."""
    inside = tmp_path / "data" / "photos" / "results"
    (tmp_path / "link").symlink_to(tmp_path / "data")
    for verb in ("patches", "fit", "run", "crossval", "sweep"):
        assert main([verb, "photos", *data[:4], "--runs", str(inside)]) == 2
        assert f"--images {data[1]}. Give another folder: --runs DIR" in capsys.readouterr().err
    for runs in (tmp_path / "link" / "photos", tmp_path / "data"):  # results of the recipe photos are in RUNS/photos
        assert main(["patches", "photos", *data[:4], "--runs", str(runs)]) == 2
    assert main(["run", "wood", "--images", data[1], "--test", data[1], "--runs", str(inside)]) == 2
    assert main(["audit", *data[:4], "--out", str(inside)]) == 2
    assert "Give another folder: --out DIR" in capsys.readouterr().err
    assert not inside.exists()
    assert main(["patches", "minerals", *data[:4], "--runs", str(tmp_path / "data"), "--smoke"]) == 0, "in results"


def test_a_disk_that_fills_up_is_one_line(
    data: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Faults: a traceback; another fault of the system that is hidden as a full disk."""

    def fail(number: int) -> None:
        raise OSError(number, os.strerror(number), "patch.png")

    monkeypatch.setattr("pipeline.data.patches._cut_photo", lambda *_: fail(errno.ENOSPC))
    assert main(["patches", "photos", *data]) == 2
    assert "Error: patch.png: No space left on device. Free some space" in capsys.readouterr().err
    monkeypatch.setattr("pipeline.data.patches._cut_photo", lambda *_: fail(errno.EIO))
    with pytest.raises(OSError, match="Input/output error"):
        main(["patches", "photos", *data])


def test_a_missing_package_is_named_with_the_command_that_installs_it() -> None:
    """Fault: the name of a module that no package has, such as cv2."""
    check_packages(TRAINING, "-r requirements.txt")
    with pytest.raises(InputError, match=r"missing: pillow-x\. Install them: python -m pip install -r r\.txt"):
        check_packages(RUNNER | {"PIL_x": "pillow-x"}, "-r r.txt")


def test_the_programs_own_faults_keep_their_traceback() -> None:
    """Fault: a module of the program that was moved is reported as a package to install."""
    with pytest.raises(ImportError):
        explain_import(ModuleNotFoundError("No module named 'pipeline.moved'", name="pipeline.moved"), "-r r.txt")


@pytest.mark.parametrize("program", ["pipeline list", "export RUN", "inference model.tflite photos"])
def test_a_python_without_packages_ends_in_one_line(program: str) -> None:
    """Faults: tracebacks of imports, or "crashes LiteRT" where LiteRT is not installed."""
    command = [sys.executable, "-S", "-E", "-m", *program.split()]  # -S: without the folder of installed packages
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert len(ended.stderr.splitlines()) == 1
    assert "python -m pip install -r" in ended.stderr


def test_tensorboard_is_missed_before_any_work(
    data: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Fault: a traceback of TensorFlow in the first epoch."""
    monkeypatch.setattr("pipeline.kinds.find_spec", lambda name: None)
    assert main(["run", "photos", *data, "--set", "fit.tensorboard=true"]) == 2
    assert "pip install -r requirements-optional.txt" in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["check", "classes", "enroll"])
def test_every_verb_of_the_runner_names_a_missing_package(verb: str) -> None:
    """Fault: check, classes and enroll end with a traceback where the packages of the runner are missing."""
    program = (
        "import sys; sys.modules['numpy'] = None; from inference.__main__ import main; sys.exit(main(sys.argv[1:]))"
    )
    more = ["--name", "a", "--images", "a", "--out", "b"] if verb == "enroll" else []
    command = [sys.executable, "-c", program, verb, "none.tflite", *more]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert done.stderr.startswith("Error: Python packages are missing: numpy. Install them:")


LONG = "n" * 300


@pytest.mark.parametrize(
    "words",
    [
        [LONG, __file__],
        [__file__, __file__, "--out", LONG],
        ["check", LONG],
        ["enroll", __file__, "--name", "a", "--images", "a", "--out", LONG],
    ],
)
def test_a_path_that_the_system_refuses_is_one_line(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Faults: a traceback for a model or an --out whose name is too long; the program's own fault as a user's."""
    assert run_inference(words) == 2
    said = capsys.readouterr().err
    assert (said.count("\n"), "File name too long" in said) == (1, True)
    with pytest.raises(OSError, match="Bad file descriptor"):
        explain(OSError(errno.EBADF, "Bad file descriptor"))
