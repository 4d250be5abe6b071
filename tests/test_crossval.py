"""Cross-validation: every photograph is tested once, what is done is not done again, pooled figures by hand."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from inference.errors import InputError
from pipeline.__main__ import main
from pipeline.classification.stages import PATCHES
from pipeline.commands.crossval import read_folds
from pipeline.crossval.folds import CrossvalFolder, complete_folds, missing_folds, start_crossval
from pipeline.crossval.report import (
    OverFolds,
    crossval_lines,
    over_folds,
    pool_folds,
    pool_proportions,
    rejected_where_accepted,
)
from pipeline.crossval.seeds import SeedsFolder, report_seeds, seeds_lines, start_seeds
from pipeline.data.index import Patch, PatchIndex, read_index, write_index
from pipeline.data.sources import DataPlace
from pipeline.evaluation.predictions import read_predictions, write_predictions
from pipeline.kinds import kind_of
from pipeline.metrics.classification import Scores
from pipeline.metrics.intervals import Estimate, proportion
from pipeline.settings.recipe import Recipe, override_all
from pipeline.settings.run_folder import RunFolder, write_json
from pipeline.stages import Stage, start_run
from tests.colour_run import write_photographs
from tests.sample_report import sample_report
from tests.tiny_model import make_card, make_flatbuffer, write_model
from tests.worlds import RECIPE, one_each, write_world

PAIR = Recipe(name="pair", title="Two folds {fold}", labels=("a", "b"))
COLUMNS = "file,photo,label,best,confidence,runner_up,result"
# photo, label, best, confidence, result: fold 1 accepts from 0.5, fold 2 from 0.7
FOLD_1 = """
p1,a,a,0.9,b,a
p1,b,a,0.6,b,a
p2,b,b,0.4,a,unknown
p2,background,a,0.55,b,a
p1,background,b,0.3,a,unknown"""
FOLD_2 = """
q1,a,a,0.9,b,a
q2,b,b,0.8,a,b
q3,b,b,0.95,a,b
q3,a,a,0.85,b,a
q4,a,b,0.6,a,unknown
q4,background,a,0.65,b,unknown"""


def write_fold(folder: CrossvalFolder, number: int, lines: str, right: tuple[int, int], baseline: int) -> None:
    """Write what a finished fold holds: predictions as given, a report of `right` and `baseline` correct ones."""
    run = folder.fold(number)
    rows = [f"{place}.png,{line}" for place, line in enumerate(lines.split())]
    run.path.mkdir(exist_ok=True)
    run.predictions.write_text("\n".join([COLUMNS, *rows]) + "\n")
    n = sum("background" not in row for row in rows)
    hits = {"keras": right[0], "float32": right[1], "int8": 0}
    report = sample_report()
    models = {mode: report["models"][mode] | {"accuracy": proportion(count, n)} for mode, count in hits.items()}
    data = report["data"] | {"kind": "photographs", "refused": [f"refused {number}"]}
    report |= {"machine": "a machine", "models": models, "data": data}
    report["baseline"] = {"name": "colour", "accuracy": proportion(baseline, n)}
    write_json(run.report, report)


@pytest.fixture
def pair(tmp_path: Path) -> CrossvalFolder:
    """Return two finished folds: 2 of 3 and 4 of 5 of the classes' patches are right."""
    folder = start_crossval(PAIR, DataPlace(None, None, tmp_path), 2)
    write_fold(folder, 1, FOLD_1, (2, 3), 1)
    write_fold(folder, 2, FOLD_2, (4, 3), 4)
    return folder


def value(estimate: Estimate) -> tuple[float | None, int]:
    return estimate.value, estimate.n


def test_pooled_figures_by_hand(pair: CrossvalFolder) -> None:
    """Catches a mean of the folds' shares where patches are to be pooled, and one threshold for all folds."""
    report = pool_folds(pair)
    pooled = report.pooled
    assert value(pooled.accuracy) == (0.75, 8)
    assert value(pooled.accuracy_over_photos) == (0.75, 8)
    assert pooled.accuracy_over_photos.low < 0.75 < pooled.accuracy_over_photos.high
    rejected = value(pooled.rejected_background)
    assert rejected == (pytest.approx(2 / 3), 3), "0.65 is rejected in its own fold, 0.55 is not in its own"
    assert value(pooled.accepted) == (0.75, 8)
    assert value(pooled.per_class["a"].recall) == (0.75, 4)
    assert pooled.confusion.counts == ((3, 0, 1), (1, 2, 1), (1, 0, 2))
    assert report.models == {"keras": proportion(6, 8), "float32": proportion(6, 8), "int8": proportion(0, 8)}
    assert report.data.photos == 6
    assert report.data.patches == {"a": 4, "b": 4, "background": 3}
    assert report.data.refused == ("refused 1", "refused 2")


def test_a_photograph_with_many_boxes_weighs_as_one(tmp_path: Path) -> None:
    """Catches a heap of twenty stones in one photograph that decides the figure for all."""
    folder = start_crossval(PAIR, DataPlace(None, None, tmp_path), 2)
    write_fold(folder, 1, "r1,a,b,0.9,a,b " * 3 + "r2,a,a,0.9,b,a", (1, 1), 1)
    write_fold(folder, 2, "s1,b,b,0.9,a,b", (1, 1), 1)
    pooled = pool_folds(folder).pooled
    assert value(pooled.accuracy) == (0.4, 5)
    assert pooled.accuracy_each_photo.value == pytest.approx(2 / 3)
    assert pooled.accuracy_each_photo.low < 2 / 3 < pooled.accuracy_each_photo.high


def test_figures_over_the_folds_by_hand(pair: CrossvalFolder) -> None:
    """Catches a spread of the population for that of a sample, and confidences compared between folds."""
    report = pool_folds(pair)
    folds, baseline = report.over_folds, report.baseline
    assert folds["accuracy"].folds == (pytest.approx(2 / 3), 0.8)
    assert folds["accuracy"].mean == pytest.approx((2 / 3 + 0.8) / 2)
    assert folds["accuracy"].sd == pytest.approx((0.8 - 2 / 3) / 2**0.5)
    assert folds["accuracy_of_accepted"].folds == (0.5, 1.0)
    assert folds["auroc_background"].folds == (pytest.approx(5 / 6), pytest.approx(4 / 5))
    assert folds["rejected_background_at_0.9"].folds == (0.5, 0.0)
    assert baseline.accuracy == proportion(5, 8)
    assert baseline.difference.folds == (pytest.approx(1 / 3), pytest.approx(0.0))
    assert baseline.difference.mean == pytest.approx(1 / 6)


def test_the_summary_shows_the_pooled_figures(pair: CrossvalFolder) -> None:
    """Catches a line with another figure than its title says, and lines that wrap on a terminal."""
    report = pool_folds(pair)
    rows = report.pooled.per_class
    rows["b"] = replace(rows["b"], recall=proportion(1, 4))
    lines = crossval_lines(report)
    assert max(map(len, lines)) <= 80
    found = {line[:32].strip(): line[32:].split()[0] for line in lines[1:]}
    assert found["Accuracy, nothing rejected"] == "75.0"
    assert found["over the folds"] == "73.3"
    assert found["colour"] == "62.5"
    assert found["ahead of it by"] == "16.7"
    assert found["Background rejected"] == "66.7"
    assert found["Background rejected at 90 %"] == "25.0"
    assert found["Recall of b"] == "25.0"


def test_a_point_of_the_curve_by_hand() -> None:
    """Catches accepted and rejected shares exchanged, and a threshold between two patches that moves the point."""
    labels = np.array(["a"] * 4 + ["background"] * 3)
    confidences = np.array([0.2, 0.4, 0.6, 0.8, 0.1, 0.3, 0.5])
    scores = Scores(("a",), labels, labels, labels, labels, confidences, labels)
    assert rejected_where_accepted(scores, 0.75) == pytest.approx(2 / 3)
    assert rejected_where_accepted(scores, 1.0) == pytest.approx(1 / 3)
    confidences[5] = 0.4  # at the threshold: accepted, as the runner decides
    assert rejected_where_accepted(scores, 0.75) == pytest.approx(1 / 3)
    assert rejected_where_accepted(scores.take(np.arange(4)), 0.75) is None


def test_undefined_figures_of_a_fold_are_left_out() -> None:
    """Catches a crash, or 0, for a fold without background or with one class alone."""
    assert over_folds([0.5, None]) == OverFolds(0.5, None, (0.5, None))
    assert over_folds([None]).mean is None
    assert pool_proportions([proportion(0, 0), proportion(1, 2)]) == proportion(1, 2)
    assert pool_proportions([proportion(0, 0)]).value is None


def test_a_photograph_that_two_folds_test_is_refused(pair: CrossvalFolder) -> None:
    """Catches folds split from different photographs, whose pooled figure counts one twice and trains on another."""
    write_fold(pair, 2, FOLD_2.replace("q3", "p2"), (4, 4), 4)
    with pytest.raises(InputError, match=r"p2 in folds 1 and 2;.*--runs"):
        pool_folds(pair)


def test_an_unfinished_fold_is_not_pooled(pair: CrossvalFolder) -> None:
    """Catches a figure over some of the folds that says it is over all."""
    pair.fold(2).report.unlink()
    with pytest.raises(InputError, match="resume"):
        pool_folds(pair)


def test_predictions_come_back_as_they_were(tmp_path: Path) -> None:
    """Catches columns exchanged, rounded confidences, and names with commas that shift the columns."""
    photos = ["x,1.jpg", "ü 石.jpg", 'q"2.jpg']
    index = PatchIndex(
        tmp_path, tuple(Patch(f"{n}.png", "a", photo, 0, 0, 1, 1, "test") for n, photo in enumerate(photos))
    )
    scores = Scores(
        ("a", "b"),
        np.array(["a", "b", "background"]),
        np.array(photos),
        np.array(["a", "unknown", "b"]),
        np.array(["a", "b", "b"]),
        np.array([1 / 3, 0.1, np.float32(0.7)]),
        np.array(["b", "a", "a"]),
    )
    write_predictions(scores, np.array([1 / 3, 0.5, 16.0]), index, tmp_path / "predictions.csv")
    back = read_predictions(tmp_path / "predictions.csv", ("a", "b"))
    assert back.classes == scores.classes
    for name in ("labels", "photos", "results", "best", "confidences", "runners_up"):
        np.testing.assert_array_equal(getattr(back, name), getattr(scores, name), name)
    text = (tmp_path / "predictions.csv").read_text(encoding="utf-8").splitlines()
    assert text[:2] == [f"{COLUMNS},loss", '0.png,"x,1.jpg",a,a,0.3333333333333333,b,a,0.3333333333333333']


@pytest.mark.parametrize("text", [None, "", "file,photo\n", f"{COLUMNS}\na,b\n"])
def test_damaged_predictions_are_a_clear_error(text: str | None, tmp_path: Path) -> None:
    """Catches a traceback for a run of an earlier version, or a file edited by hand."""
    if text is not None:
        (tmp_path / "predictions.csv").write_text(text)
    with pytest.raises(InputError, match="valuate"):
        read_predictions(tmp_path / "predictions.csv", ("a",))


class Killed(BaseException):
    """What ends the process in the middle."""


def recording_stages(done: list[tuple[str, str]], kill: tuple[str, str] | None = None) -> list[Stage]:
    """Return two stages that note (fold, stage) and write their file, unless they are killed first."""

    def stage(name: str) -> Stage:
        def action(run: RunFolder) -> None:
            if (run.path.name, name) == kill:
                raise Killed
            done.append((run.path.name, name))
            (run.path / name).touch()

        return Stage(name, lambda run: run.path / name, action, needs_tensorflow=False)

    return [stage("first"), stage("second")]


EVERYTHING = [(f"fold-{number}", name) for number in (1, 2, 3) for name in ("first", "second")]


@pytest.mark.parametrize("kill", EVERYTHING)
def test_a_killed_crossval_goes_on_where_it_was(kill: tuple[str, str], tmp_path: Path) -> None:
    """Catches finished folds or stages that are done again, and a fold that is skipped because its folder exists."""
    done: list[tuple[str, str]] = []
    folder = start_crossval(PAIR, DataPlace(None, None, tmp_path), 3)
    with pytest.raises(Killed):
        complete_folds(folder, recording_stages(done, kill))
    resumed = CrossvalFolder(folder.path)
    assert missing_folds(resumed, recording_stages(done)) == list(range(int(kill[0][-1]), 4))
    complete_folds(resumed, recording_stages(done))
    assert done == EVERYTHING
    assert missing_folds(resumed, recording_stages(done)) == []


def test_a_kill_while_a_fold_begins_does_no_harm(tmp_path: Path) -> None:
    """Catches a fold with a recipe and without the data's place, which no resume could end."""
    folder = start_crossval(PAIR, DataPlace(None, None, tmp_path), 2)
    start_run(
        folder.read_settings().fold_recipe(1), DataPlace(None, None, tmp_path), folder.fold(1).path
    ).source.unlink()
    complete_folds(folder, recording_stages([]))
    assert folder.fold(1).source.is_file()


def test_some_folds_alone(tmp_path: Path) -> None:
    """Catches two processes that train the same fold."""
    done: list[tuple[str, str]] = []
    folder = start_crossval(PAIR, DataPlace(None, None, tmp_path), 3)
    complete_folds(folder, recording_stages(done), [2])
    assert done == EVERYTHING[2:4]
    assert missing_folds(folder, recording_stages(done)) == [1, 3]
    for number in (0, 4):
        with pytest.raises(InputError, match=f"must be 1 to 3.*Received: {number}"):
            complete_folds(folder, recording_stages(done), [1, number])
    assert done == EVERYTHING[2:4], "refused before anything is done"


def test_folds_differ_in_nothing_but_the_fold(tmp_path: Path) -> None:
    """Catches a seed or setting that changes between folds, and text with {fold} that is filled in too early."""
    folder = start_crossval(PAIR, DataPlace(None, None, tmp_path), 2)
    complete_folds(folder, recording_stages([]))
    first, second = (json.loads(folder.fold(number).recipe.read_text()) for number in (1, 2))
    assert (first["split"].pop("fold"), second["split"].pop("fold")) == (1, 2)
    assert first == second
    assert first["title"] == "Two folds {fold}"
    assert first["split"]["folds"] == 2
    assert folder.path.name.endswith("-crossval2-seed0")


def test_the_runs_of_the_folds_test_every_photograph_once(tmp_path: Path) -> None:
    """Catches fold and test that do not belong together, and a photograph trained on where it is tested."""
    scenes = one_each(24)
    write_world(tmp_path, scenes)
    (tmp_path / "groups.json").write_text(json.dumps([["000", "001", "002"]]))
    place = DataPlace(tmp_path / "photos", tmp_path / "boxes.json", tmp_path / "runs", tmp_path / "groups.json")
    folder = start_crossval(RECIPE, place, 3)
    complete_folds(folder, [PATCHES])
    tested: list[str] = []
    for number in (1, 2, 3):
        index = read_index(folder.fold(number).index)
        test, rest = ({p.photo for p in index.patches if (p.split == "test") is side} for side in (True, False))
        assert not test & rest
        assert test | rest == set(scenes)
        assert len(test & {"000.png", "001.png", "002.png"}) in (0, 3)
        tested += test
    assert sorted(tested) == list(scenes)


@pytest.mark.parametrize(
    ("options", "message"),
    [(["--folds", "1", "--annotations", "x.json"], "split.folds must be"), (["--folds", "2"], "belong together")],
)
def test_a_crossval_that_can_not_be_leaves_nothing(
    options: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Catches a traceback, and folders that pile up with every typing mistake."""
    assert main(["crossval", "minerals", "--images", ".", *options, "--runs", str(tmp_path)]) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_the_teachers_of_all_folds_are_found_before_anything_is_cut(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Faults: the teacher of fold 0 is looked for; the second fold's is missed after the first fold's training."""
    teacher, runs = tmp_path / "1" / "model.tflite", tmp_path / "runs"
    teacher.parent.mkdir()
    flatbuffer = make_flatbuffer()
    write_model(teacher, flatbuffer, replace(make_card(flatbuffer), labels=("blue", "green", "red", "background")))
    write_world(tmp_path, one_each(9))
    data = ["--images", str(tmp_path / "photos"), "--annotations", str(tmp_path / "boxes.json")]
    words = [*data, "--runs", str(runs), "--set", f"fit.teacher={tmp_path}/{{fold}}/model.tflite"]
    assert main(["crossval", "minerals", *words]) == 2
    assert f"{tmp_path / '2' / 'model.tflite'}: does not exist" in capsys.readouterr().err
    assert not runs.exists()


def test_data_with_a_test_set_leave_no_crossval(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Fault: a cross-validation that no resume can end stays behind."""
    random = np.random.default_rng(0)
    for number, place in enumerate(["train/oak", "train/pine", "test/oak", "test/pine"] * 4):
        (tmp_path / "trees" / place).mkdir(parents=True, exist_ok=True)
        pixels = random.integers(0, 255, (8, 8, 3), np.uint8)
        Image.fromarray(pixels).resize((40, 40)).save(tmp_path / "trees" / place / f"{number}.png")
    assert main(["crossval", "folders", "--images", str(tmp_path / "trees"), "--runs", str(tmp_path / "runs")]) == 2
    assert "removed: " in capsys.readouterr().err
    assert not list(tmp_path.glob("runs/*/*-crossval*"))


def test_the_data_of_all_folds_are_read_before_the_first_is_trained(tmp_path: Path) -> None:
    """Fault: weights that have seen the second fold's test photographs are refused after the first fold's training."""
    write_world(tmp_path, one_each(24))
    place = DataPlace(tmp_path / "photos", tmp_path / "boxes.json", tmp_path / "runs")
    whole = start_crossval(RECIPE, place, 2)
    complete_folds(whole, [PATCHES])
    index = read_index(whole.fold(2).index)
    weights = tmp_path / "earlier" / "best.keras"
    weights.parent.mkdir()
    tested = tuple(replace(patch, split="train") for patch in index.select("test").patches)
    write_index(PatchIndex(index.root, tested), weights.with_name("index.csv"))
    folder = start_crossval(override_all(RECIPE, (("network.weights", str(weights)),)), place, 2)
    with pytest.raises(InputError, match=r"network\.weights must not be trained on this run's test photographs"):
        read_folds(folder.path, folder, "local")
    assert not folder.path.exists()


@pytest.mark.parametrize(
    ("setting", "word"),
    [
        ("split.test=0.2", "Error"),
        ("split.folds=3", "Error"),
        ("split.fold=1", "Error"),
        ("export.max_unknown_change=0.1", "Error"),
        ("export.max_accuracy_loss=0.1", "note"),  # in commands of earlier versions
    ],
)
def test_a_setting_that_a_crossval_decides_is_not_ignored_silently(
    setting: str, word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Faults: a limit or a share that the user sets, and that no fold has; a command that people keep is refused."""
    assert main(["crossval", "minerals", "--images", "nowhere", "--annotations", "x.json", "--set", setting]) == 2
    assert f"{word}: {setting.partition('=')[0]} has no effect in a cross-validation" in capsys.readouterr().err


def test_options_of_resume_are_for_one_kind_each(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Catches --fold that is ignored by a run, and one fold exported in another way than the others."""
    folder = start_crossval(PAIR, DataPlace(None, None, tmp_path), 2)
    run = start_run(PAIR, DataPlace(None, None, tmp_path))
    for words, message in (
        ([str(run.path), "--fold", "1"], "--fold is for a cross-validation"),
        ([str(folder.path), "--set", "export.mode=float16"], "Received: --set"),
        ([str(folder.path), "--fold", "3"], "must be 1 to 2"),
    ):
        assert main(["resume", *words]) == 2
        assert message in capsys.readouterr().err


def test_seeds_are_cross_validations_of_the_same_folds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Catches a seed that moves photographs to other folds, pooled seeds that count each photograph twice."""
    folder = start_seeds(PAIR, DataPlace(None, None, tmp_path), 2, 2)
    first, second = folder.crossvals()
    assert [one.read_settings().recipe.seed for one in (first, second)] == [0, 1]
    for one in (first, second):
        write_fold(one, 1, FOLD_1, (2, 3), 1)
        write_fold(one, 2, FOLD_2 if one is first else FOLD_2.replace("q4,a,b", "q4,a,a"), (4, 3), 4)
    report = report_seeds([pool_folds(one) for one in (first, second)])
    assert (report.seeds, report.n) == ((0, 1), 8)
    assert report.figures["accuracy"] == over_folds([6 / 8, 7 / 8])
    assert "81.2 %  sd 8.8  (75.0 87.5)" in "\n".join(seeds_lines(report))
    for one in (first, second):
        for number in (1, 2):
            for stage in kind_of(PAIR).stages:
                stage.ends_with(one.fold(number)).touch()
    assert main(["resume", str(folder.path)]) == 1, "entries were refused"
    assert SeedsFolder(folder.path).report.is_file()
    with pytest.raises(InputError, match=r"--seeds must be 1 to 100\. Received: 0"):
        start_seeds(PAIR, DataPlace(None, None, tmp_path), 2, 0)


@pytest.mark.slow
@pytest.mark.usefixtures("quick_run")
def test_the_command_from_photographs_to_the_pooled_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Catches stages that do not fit the folds, pooling before all are done, and predictions of another file."""
    photos, coco = write_photographs(tmp_path / "data", 30)
    settings = [
        "labels=red,green,blue",
        "fit.epochs=1",
        "network.input_side=32",
        "network.weights=none",
        "split.near_duplicate_distance=0",
        "export.calibration_pictures=20",
        "export.max_accuracy_loss=1",
        "patches.jitters=0",
        "patches.negatives=1",
    ]
    words = ["--images", str(photos), "--annotations", str(coco), "--runs", str(tmp_path / "runs"), "--folds", "2"]
    assert main(["crossval", "minerals", *words, *(word for one in settings for word in ("--set", one))]) == 0
    out, err = capsys.readouterr()
    (path,) = (tmp_path / "runs" / "minerals").glob("*-crossval2-seed0")
    folder = CrossvalFolder(path)
    assert "Accuracy, nothing rejected" in out
    assert err.index("fold 1 of 2") < err.index("fold 2 of 2")
    results = {}
    for number in (1, 2):
        run = folder.fold(number)
        results |= {(number, file): answer["result"] for file, answer in json.loads(run.results.read_text()).items()}
        predictions = read_predictions(run.predictions, ("red", "green", "blue"))
        test = [patch for patch in read_index(run.index).patches if patch.split == "test"]
        assert [results[number, patch.file] for patch in test] == list(predictions.results)
        assert [patch.label for patch in test] == list(predictions.labels)
    assert len(set(results.values())) > 1, "answers that are all alike would prove nothing"
    report = json.loads(folder.report.read_text())
    assert report["pooled"]["accuracy"]["n"] == 30
    assert sum(map(sum, report["pooled"]["confusion"]["counts"])) == len(results)
    folder.fold(2).results.unlink()
    folder.report.unlink()
    assert main(["resume", str(path), "--fold", "1"]) == 0
    assert "not done: fold 2" in capsys.readouterr().err
    assert not folder.report.exists()
    assert main(["resume", str(path), "--fold", "2"]) == 0
    assert json.loads(folder.report.read_text()) == report
