"""The command line of the pipeline: what it refuses, what it does all the same, and its exit codes."""

import json
from pathlib import Path

import pytest

from pipeline.__main__ import main, make_parser
from pipeline.data.index import read_index
from pipeline.data.sources import DataPlace
from pipeline.recipes import RECIPES
from pipeline.settings.recipe import override_all
from pipeline.stages import start_run
from tests.colour_run import RECIPE, write_photographs


def cut(folder: Path, photos: Path, coco: Path) -> int:
    """Run the verb that cuts patches."""
    return main(["patches", "minerals", *options_of(photos, coco), "--runs", str(folder / "runs")])


def options_of(photos: Path, coco: Path) -> list[str]:
    """Return the options of three colours instead of the minerals, without drawn outliers, which take ten seconds."""
    settings = ["--set", "labels=red,green,blue", "--set", "patches.outliers=0"]
    return ["--images", str(photos), "--annotations", str(coco), *settings]


def test_a_refused_box_is_named_and_the_rest_is_done(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Catches one bad box that ends the whole work, or one that is dropped in silence with exit code 0."""
    photos, coco = write_photographs(tmp_path / "data", 12)
    content = json.loads(coco.read_text())
    content["annotations"][3]["bbox"] = [5, 5, 0, 10]
    coco.write_text(json.dumps(content))
    assert cut(tmp_path, photos, coco) == 1
    assert "annotation id 3" in capsys.readouterr().err
    index = read_index(next((tmp_path / "runs").glob("minerals/patches-*/index.csv")))
    assert {patch.photo for patch in index.patches if patch.label != "background"} == {
        f"{number:03}.png" for number in range(12) if number != 3
    }


def test_good_data_ends_with_0_and_says_how_much_is_new(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Catches an exit code that scripts can't trust, and a second cutting that starts over."""
    photos, coco = write_photographs(tmp_path / "data", 12)
    assert cut(tmp_path, photos, coco) == 0
    assert " 0 of them new" not in capsys.readouterr().out
    assert cut(tmp_path, photos, coco) == 0
    assert " 0 of them new" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--set", "fit.epoch=3"], "Did you mean fit.epochs"),
        (["--set", "fit.epochs=many"], "fit.epochs must be of type int"),
        (["--images", "."], "belong together"),
        (["--images", "nowhere", "--annotations", "nowhere.json"], "is not a folder"),
    ],
)
def test_wrong_usage_ends_with_2_and_a_remedy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], message: str
) -> None:
    """Catches a traceback, or hours of training with a setting that was misspelt."""
    assert main(["run", "minerals", *options, "--runs", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error


def test_a_wrong_place_leaves_no_empty_run(tmp_path: Path) -> None:
    """Catches runs without anything in them that pile up with every typing mistake."""
    main(["run", "minerals", "--images", "nowhere", "--annotations", "nowhere.json", "--runs", str(tmp_path)])
    assert not list(tmp_path.iterdir())


def test_only_stages_to_come_of_a_begun_run_can_change(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Catches a run whose recipe.json tells another training than the one that was done."""
    photos, coco = write_photographs(tmp_path / "data", 3)
    run = start_run(RECIPE, DataPlace(photos, coco, tmp_path / "runs"))
    assert main(["resume", str(run.path), "--set", "fit.epochs=3"]) == 2
    assert "only settings of calibrate and export" in capsys.readouterr().err
    main(["resume", str(run.path), "--set", "export.max_accuracy_loss=0.1", "--set", "calibrate.accepted=0.8"])
    changed = override_all(RECIPE, (("export.max_accuracy_loss", "0.1"), ("calibrate.accepted", "0.8")))
    assert run.read_recipe() == changed
    run.calibration.touch()
    assert main(["resume", str(run.path), "--set", "calibrate.accepted=0.9"]) == 2
    assert "exists already" in capsys.readouterr().err
    assert run.read_recipe() == changed


def test_a_refused_resume_changes_no_setting(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Fault: a run at work whose recipe.json tells other settings than those that it was done with."""
    photos, coco = write_photographs(tmp_path / "data", 3)
    run = start_run(RECIPE, DataPlace(photos, coco, tmp_path / "runs"))
    with run.locked():
        assert main(["resume", str(run.path), "--set", "calibrate.accepted=0.8"]) == 2
    assert "another run is working on it" in capsys.readouterr().err
    assert run.read_recipe() == RECIPE


def test_too_few_photographs_are_a_clear_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Catches a training that breaks down, or measures nothing, because a split is empty."""
    photos, coco = write_photographs(tmp_path / "data", 3)
    assert main(["fit", "minerals", *options_of(photos, coco), "--runs", str(tmp_path / "runs")]) == 2
    assert "Annotate more photographs" in capsys.readouterr().err


def test_the_recipes_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    """Catches a recipe that nobody can find."""
    assert main(["list"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == list(RECIPES)


def test_evaluating_what_is_no_run_is_a_clear_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Catches a traceback where the wrong folder was given."""
    assert main(["evaluate", str(tmp_path)]) == 2
    assert "is not a run" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--shuffle", "--lot"])
def test_a_shuffle_is_named_by_its_present_or_its_earlier_option(option: str) -> None:
    """Catches commands of earlier versions that are refused."""
    assert make_parser().parse_args(["control", "run", option, "3"]).shuffle == 3


@pytest.mark.parametrize(
    ("setting", "options", "reason"),
    [
        ("source.count=9", ["minerals", "--images", ".", "--annotations", "x.json"], "--images is given"),
        ("source.seed=9", ["memes", "--images", "."], "--images is given"),
        ("anomaly.crop_scale=2", ["wood", "--images", "."], "without --crops"),
    ],
)
def test_a_setting_without_effect_on_the_given_data_is_refused(
    setting: str, options: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Faults: a number of drawn pictures that changes nothing, because photographs are given."""
    assert main(["settings", *options, "--set", setting]) == 2
    error = capsys.readouterr().err
    assert f"{setting.partition('=')[0]} has no effect: " in error
    assert reason in error
