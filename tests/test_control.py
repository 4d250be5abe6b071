"""Did it learn? Asked of a run that did and of one that was trained on random labels."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.__main__ import main
from pipeline.classification.stages import run_index
from pipeline.data.sources import DataPlace
from pipeline.report.stored import parse_section
from pipeline.sanity.report import write_control
from pipeline.sanity.sections import ControlReport
from pipeline.sanity.sentences import look_sentence
from pipeline.settings.recipe import override, override_all, recipe_to_json
from pipeline.settings.run_folder import RunFolder
from pipeline.stages import start_run
from pipeline.training.callbacks import Progress, read_history
from tests.control_world import EPOCHS, QUICK, finish_run, misleading_shuffles, write_world


class Killed(BaseException):
    """Stands for the end of the process: nothing of the program catches it."""


class Killer(Progress):
    """Ends the process in an epoch, counted from 0, before anything of it is logged or saved."""

    epoch = 3

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        if epoch == self.epoch:
            raise Killed
        super().on_epoch_end(epoch, logs)


pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("quick_run")]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> DataPlace:
    return write_world(tmp_path_factory.mktemp("control"))


@pytest.fixture(scope="module")
def real(place: DataPlace, quick_run: None) -> RunFolder:
    """Return a run that learned, after its control."""
    run = finish_run(place)
    assert main(["control", str(run.path), "--lot", str(misleading_shuffles(run_index(run))[0])]) == 0
    return run


def copied(run: RunFolder, name: str, control: bool = False) -> RunFolder:
    """Return a copy of a run beside it, so that it finds the patches; without its control unless asked for."""
    folder = run.path.with_name(name)
    shutil.copytree(run.path, folder, ignore=None if control else shutil.ignore_patterns("control*"))
    return RunFolder(folder)


def read_control(run: RunFolder) -> dict[str, Any]:
    return json.loads((run.path / "control.json").read_text())


def test_a_run_that_learned_is_told_from_one_that_was_trained_on_shuffled_labels(
    real: RunFolder, place: DataPlace, capsys: pytest.CaptureFixture[str]
) -> None:
    """Faults: a verdict by training figures; shuffled labels that are true; test labels that are shuffled."""
    found = read_control(real)
    assert found["learning"] == "learned"
    assert found["checks"] == {"p": True, "majority": True, "shuffled": True}
    assert found["accuracy"]["value"] == json.loads(real.report.read_text())["models"]["float32"]["accuracy"]["value"]

    shuffles = misleading_shuffles(run_index(real))
    lucky = finish_run(place, shuffles[1])
    capsys.readouterr()
    assert main(["control", str(lucky.path), "--shuffle", str(shuffles[2])]) == 0
    assert read_control(lucky)["learning"] == "did not learn"
    assert capsys.readouterr().out.splitlines()[-1].startswith("Verdict: did not learn. Right on ")


def test_the_other_questions_are_answered_about_the_squares(real: RunFolder) -> None:
    """The colours are all there is to know, and the squares are where they are.

    Faults: a colour baseline of other patches; boxes in the wrong frame; hidden parts exchanged.
    """
    found = read_control(real)
    assert [one["accuracy"]["value"] for one in found["colour"]] == pytest.approx([1, 1], abs=0.1)
    assert {one["verdict"] for one in found["colour"]} == {"not shown to be beyond colour"}
    views = found["views"]
    assert views["look"] == "at the specimen"
    assert views["ratio"]["low"] > 1.5
    assert views["accuracy"]["outside_hidden"]["value"] > 0.8 > 0.6 > views["accuracy"]["inside_hidden"]["value"]
    assert found["majority"]["accuracy"]["value"] == pytest.approx(1 / 3, abs=0.1)


def test_the_page_is_self_contained_and_shows_the_figures(real: RunFolder) -> None:
    """Faults: a template that fails; pictures by address; a plot or the examples left out; the style sheet lost."""
    page = (real.path / "control.html").read_text()
    assert "Learned: right on" in page
    assert page.count("<svg") == 3
    assert page.count('<img src="data:image/') == 2 * 8
    assert "http" not in page.replace("http://www.w3.org", "").replace("http-equiv", "")
    assert "--paper" in page and "{{" not in page
    assert "same training, shuffled labels" in page


def test_a_second_call_uses_what_is_there(real: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    """Faults: a training of an hour done again to see the page; --again that does not."""
    before = {path: path.stat().st_mtime_ns for path in (real.path / "control").rglob("*") if path.is_file()}
    report = (real.path / "control.json").read_text()
    assert main(["control", str(real.path)]) == 0
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert (real.path / "control.json").read_text() == report
    assert "epoch" not in capsys.readouterr().err


def test_a_killed_training_goes_on(real: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Faults: epochs done twice, or lost; labels shuffled anew in the middle."""
    run = copied(real, "killed")
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr("pipeline.training.epochs.Progress", Killer)
        main(["control", str(run.path)])
    shuffled = RunFolder(run.path / "control" / "shuffled")
    before, index = read_history(shuffled.history), shuffled.index.read_text()
    assert 1 <= len(before) < EPOCHS and not (run.path / "control.json").exists()
    assert main(["control", str(run.path)]) == 0
    after = read_history(shuffled.history)
    assert [row["epoch"] for row in after] == list(range(EPOCHS))
    assert after[: len(before)] == before
    assert shuffled.index.read_text() == index
    assert read_control(run)["training"]["epochs"] == EPOCHS


def test_without_the_training_the_verdict_says_so(real: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    """Faults: a training all the same; a verdict that does not say what it lacks."""
    run = copied(real, "untrained")
    assert main(["control", str(run.path), "--no-training"]) == 0
    assert not (run.path / "control" / "shuffled").exists()
    assert read_control(run)["checks"]["shuffled"] is None
    assert "was left out" in " ".join(capsys.readouterr().out.split())
    assert "was left out" in (run.path / "control.html").read_text()


def test_lost_photographs_leave_one_part_out(real: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    """Faults: a run that can't be judged at all because its photographs were moved; a part that is missing unsaid."""
    run = copied(real, "moved", control=True)
    source = json.loads(run.source.read_text())
    run.source.write_text(json.dumps(source | {"images": "/nowhere/photos"}))
    assert main(["control", str(run.path)]) == 0
    output = capsys.readouterr().out
    assert "/nowhere/photos: does not exist" in output.replace("\n", " ")
    assert output.splitlines()[-1].startswith("Verdict: learned")
    assert "/nowhere/photos" in (run.path / "control.html").read_text()


def test_without_boxes_the_centre_is_hidden_and_called_so(real: RunFolder) -> None:
    """Faults: the centre of a picture that is called a specimen; a missing box that is an error."""
    run = copied(real, "folders")
    run.recipe.write_text(recipe_to_json(override(run.read_recipe(), "source.kind", "class_folders")))
    assert main(["control", str(run.path), "--no-training"]) == 0
    found = read_control(run)
    assert found["views"]["kind"] == "centre"
    assert found["views"]["n"] == found["accuracy"]["n"]
    assert "look" not in found["views"]
    assert "no boxes" in look_sentence(parse_section(ControlReport, found))
    page = (run.path / "control.html").read_text()
    assert "centre hidden" in page and "specimen hidden" not in page


@pytest.mark.parametrize(
    ("missing", "command"), [("report.json", "pipeline resume"), ("predictions.csv", "pipeline evaluate")]
)
def test_an_unfinished_run_is_refused_with_the_command_that_completes_it(
    real: RunFolder, capsys: pytest.CaptureFixture[str], missing: str, command: str
) -> None:
    """Faults: a traceback; a training started for a run that has no accuracy yet."""
    run = copied(real, f"lacks-{missing}")
    (run.path / missing).unlink()
    assert main(["control", str(run.path)]) == 2
    assert f"{command} {run.path}" in capsys.readouterr().err
    assert not (run.path / "control").exists()


def test_what_can_not_be_judged_is_refused(
    real: RunFolder, place: DataPlace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Faults: a traceback for a folder that is no run, for one class, and for answers of other patches."""
    assert main(["control", str(tmp_path)]) == 2
    assert "is not a run" in capsys.readouterr().err
    run = copied(real, "one-class")
    run.recipe.write_text(recipe_to_json(override_all(QUICK, (("labels", "red"),))))
    assert main(["control", str(run.path)]) == 2
    assert "two classes" in capsys.readouterr().err
    run = copied(real, "others")
    run.predictions.write_text("".join(run.predictions.read_text().splitlines(keepends=True)[:-9]))
    assert main(["control", str(run.path)]) == 2
    assert "evaluate" in capsys.readouterr().err
    begun = start_run(QUICK, place)
    assert main(["control", str(begun.path)]) == 2
    assert f"resume {begun.path}" in capsys.readouterr().err


def test_no_figure_is_infinite(real: RunFolder, tmp_path: Path) -> None:
    """Faults: control.json with NaN, which is no JSON."""
    with pytest.raises(ValueError):
        write_control(tmp_path, replace(parse_section(ControlReport, read_control(real)), seed=float("nan")))
