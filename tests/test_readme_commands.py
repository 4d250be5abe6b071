"""Every command of README.txt and of the pages for users is run: here, or by the test that is named."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from benchmarks.service import running_service
from pipeline.__main__ import main
from tests.foreign_model import make_network
from tests.test_video import film, write_video
from tests.tiny_model import COLOURS, LABELS

ROOT = Path(__file__).parent.parent
PAGES = ("README.txt", "docs/own_data.md", "docs/recipes.md", "docs/runner.md")
TEXT = "\n".join((ROOT / page).read_text(encoding="utf-8") for page in PAGES)
_STARTS = r"(?:make|python3|\.venv/bin/python|find|curl|touchstone)"
COMMANDS = [
    " ".join(text.replace("\\\n", " ").split())
    for text in re.findall(rf"^    +({_STARTS} (?:[^\n\\]*\\\n)*[^\n]*)$", TEXT, re.MULTILINE)
]
SIGNED = ((127.5,), (127.5,))  # mean and standard deviation of pixels that become -1..1
FILE_COMMANDS = [
    command for command in COMMANDS if re.search(r"-m (inference (?!serve|check)|export\.describe)", command)
]

# commands that take too long, or need what a machine may lack > the test that runs them or their smoke variant
ELSEWHERE = {
    r"make ": "test_every_target_of_make_is_there",
    r"python3 -m venv .venv$": "test_the_requirements_are_there",
    r"\S+ -m pip install -r": "test_the_requirements_are_there",
    r'\S+ -m pip install "?dist/': "test_the_service_of_the_wheel_answers_and_has_the_page",
    r"touchstone (classify|check)": "test_the_command_answers_as_the_clone_does",
    r"touchstone serve": "test_the_service_of_the_wheel_answers_and_has_the_page",
    r"\S+ -m pytest$": "test_continuous_integration_runs_the_test_command",
    r"\S+ -m pipeline (list|--help|settings minerals)$": "test_what_only_prints_is_run",
    r"\S+ -m pipeline run minerals( --smoke| --set fit.epochs=80 --seed 1)?$": "test_a_killed_run_goes_on_where_it_was",
    r"\S+ -m pipeline (run minerals|crossval photos) .*--annotations BOXES":
        "test_the_command_from_photographs_to_the_pooled_report",
    r"\S+ -m pipeline sweep photos .*--annotations BOXES":
        "test_the_command_searches_and_resumes_what_was_killed",
    r"\S+ -m pipeline run minerals --set fit.label_smoothing=0 --set fit.teacher":
        "test_labels_are_the_teachers_own_probabilities_of_the_pictures",
    r"\S+ -m pipeline run (photos|folders) ": "test_a_run_on_own_data_ends_with_a_report_under_its_own_title",
    r"\S+ -m pipeline run minerals_transfer": "test_a_killed_run_goes_on_in_its_stage",
    r"\S+ -m pipeline run minerals_frozen": "test_a_killed_fit_keeps_the_features_it_has",
    r"\S+ -m pipeline resume": "test_a_killed_run_goes_on_where_it_was",
    r"\S+ -m pipeline run memes$": "test_the_smoke_run_learns_from_drawn_memes",
    r"\S+ -m pipeline run memes --images": "test_a_zip_of_folders_is_taken_and_a_third_folder_is_a_class",
    r"\S+ -m pipeline run wood": "test_drawn_wood_reaches_its_floors",
    r"\S+ -m inference wood.tflite": "test_the_runner_writes_masks_regions_and_previews",
    r"\S+ -m pipeline (fit|evaluate) ?\S*cifar10": "test_the_smoke_run_learns_and_measures_the_given_test_set",
    r"\S+ -m pipeline control": "test_a_run_that_learned_is_told_from_one_that_was_trained_on_shuffled_labels",
    r"\S+ -m pipeline audit": "test_the_command_audits_photographs_with_boxes",
    r"\S+ -m pipeline (enroll|classes new.tflite --remove)":
        "test_the_order_leaves_no_trace_and_removing_gives_the_file_back",
    r"\S+ -m pipeline classes new.tflite$": "test_the_classes_are_listed",
    r"\S+ -m export RUN --mode float16$": "test_every_mode_runs_in_the_runner",
    r"\S+ -m export RUN --mode onnx$": "test_the_file_says_what_keras_says",
    r"\S+ -m inference check": "test_the_command_says_pass_or_what_differs",
    r"\S+ -m inference serve": "test_the_service_answers_what_curl_sends",
    r"curl ": "test_the_service_answers_what_curl_sends",
    r"\S+ -m inference model.tflite s3://": "test_a_killed_run_from_bucket_to_bucket_goes_on",
    r"\S+ -m inference .*--engine ray$": "test_the_command_line_writes_the_same_bytes_with_ray",
}  # fmt: skip


def elsewhere(command: str) -> str | None:
    """Return the test that stands in for a command."""
    return next((test for form, test in ELSEWHERE.items() if re.match(form, command)), None)


def test_every_command_is_run_somewhere() -> None:
    """Faults: a new command that no test runs, and a test that no longer exists."""
    tests = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").glob("test_*.py"))
    assert len(COMMANDS) > 50
    for command in COMMANDS:
        test = elsewhere(command)
        assert test or command in FILE_COMMANDS, f"no test runs: {command}"
        assert not test or f"def {test}(" in tests, f"{command}: {test} is gone"
    unused = [form for form in ELSEWHERE if not any(re.match(form, command) for command in COMMANDS)]
    assert unused == []


@pytest.fixture
def place(tiny_model: Path, tmp_path: Path) -> Path:
    """Return a folder with the files that the README's commands name."""
    for name in ("photos", "PATCHES", "PICTURES", "more/deep"):
        (tmp_path / name).mkdir(parents=True)
        for colour, rgb in COLOURS.items():
            Image.new("RGB", (40, 30), rgb).save(tmp_path / name / f"{colour}.jpg", quality=95)
    with zipfile.ZipFile(tmp_path / "night.zip", "w") as archive:
        archive.write(tmp_path / "photos" / "red.jpg", "red.jpg")
    proposal = {"images": [{"id": 1, "file_name": "red.jpg"}], "annotations": [{"image_id": 1, "bbox": [2, 2, 20, 20]}]}
    (tmp_path / "proposals.json").write_text(json.dumps(proposal))
    (tmp_path / "labels.txt").write_text("\n".join(LABELS))
    (tmp_path / "other.tflite").write_bytes(make_network("float32", SIGNED))
    for name in ("model.tflite", "OLD.tflite"):
        shutil.copy(tiny_model, tmp_path / name)
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "released").symlink_to(ROOT / "models" / "released")
    return tmp_path


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command of the README in a folder, with this Python in the place of the README's."""
    line = re.sub(r"(?:\.venv/bin/python|python3)(?= -m )", shlex.quote(sys.executable), command)
    settings = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(line, cwd=folder, env=settings, shell=True, capture_output=True, text=True, check=False)


def answers_of(command: str, folder: Path, stdout: str) -> str:
    """Return the text that holds the results, from --out or standard output."""
    out = re.search(r"--out (\S+)", command)
    return (folder / out[1]).read_text(encoding="utf-8") if out else stdout


@pytest.mark.slow
@pytest.mark.parametrize("command", [command for command in FILE_COMMANDS if not elsewhere(command)])
def test_a_command_on_files_does_what_it_says(command: str, place: Path) -> None:
    """Faults: an option that is parsed and then fails, files of the documented names and kinds that are refused."""
    if "--video" in command:  # a film in the place of the camera
        frames = [frame for frame in film() for _ in range(5 if "--every 5" in command else 1)]
        write_video(place / "belt.avi", frames).rename(place / "belt.mp4")
    if "--overwrite" in command:
        (place / "a.json").write_text("old")
    answer = run(command.replace("--video 0", "--video belt.mp4"), place)
    assert answer.returncode == 0, answer.stderr
    if "describe" in command:
        assert (place / "OLD.tflite").read_bytes() != (place / "model.tflite").read_bytes()
        return
    answers = answers_of(command, place, answer.stdout)
    assert any(name in answers for name in (['"result"'] if "released" in command else ["red", "green"])), answers
    assert "--preview" not in command or any(path.is_file() for path in (place / "look").rglob("*"))


def test_what_only_prints_is_run(capsys: pytest.CaptureFixture[str]) -> None:
    """Faults: a list or help that needs something to be installed, or fails."""
    assert main(["list"]) == 0
    assert main(["settings", "minerals"]) == 0
    with pytest.raises(SystemExit) as end:
        main(["--help"])
    assert end.value.code == 0
    assert "examples:" in capsys.readouterr().out


def test_the_requirements_are_there() -> None:
    """Faults: a file of requirements that was moved, or that pins nothing."""
    files = [command.split(" -r ")[1] for command in COMMANDS if " -r " in command]
    assert len(set(files)) >= 5
    for file in files:
        assert re.search(r"^(-r |[\w.\[\]-]+==)", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE), file


@pytest.mark.skipif(not shutil.which("make"), reason="make is not installed")
def test_every_target_of_make_is_there() -> None:
    """Faults: a target that the Makefile lost, or that needs a file which is not there."""
    targets = {command.split()[1] for command in COMMANDS if command.startswith("make ")}
    targets |= set(re.findall(r"\"make\s+([\w-]+)\"", TEXT))
    assert targets >= {"run", "test", "web", "test-web", "test-mediapipe"}
    for target in sorted(targets):
        answer = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, text=True, check=False)
        assert answer.returncode == 0, answer.stderr


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
def test_the_service_answers_what_curl_sends(place: Path) -> None:
    """Faults: another field, route or port than the README's command has."""
    (command,) = (command for command in COMMANDS if command.startswith("curl"))
    (serve,) = (command for command in COMMANDS if "-m inference serve model.tflite" in command)
    port = serve.split("--port ")[1]
    assert f"http://127.0.0.1:{port}/" in command
    shutil.copy(place / "photos" / "red.jpg", place / "a.jpg")
    with running_service(place / "model.tflite") as (_, address):
        answer = run(
            command.replace(f"http://127.0.0.1:{port}", address.rstrip("/")).replace("curl", "curl -sf"), place
        )
    assert answer.returncode == 0, answer.stderr
    assert json.loads(answer.stdout)["a.jpg"]["result"] == "red"


def test_the_library_is_used_as_it_says(place: Path) -> None:
    """Faults: an import or a call that the package no longer has."""
    found = re.search(r"In Python:\n\n((?:    .*\n)+)", TEXT)
    assert found
    shutil.copy(place / "photos" / "green.jpg", place / "a.jpg")
    program = re.sub(r"^    ", "", found[1], flags=re.MULTILINE).rstrip()
    (place / "program.py").write_text(re.sub(r"(Classifier\(.*)$", r"print(\1)", program), encoding="utf-8")
    answer = run(f"{shlex.quote(sys.executable)} program.py", place)
    assert answer.returncode == 0, answer.stderr
    assert "green" in answer.stdout
