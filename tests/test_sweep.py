"""Searches of settings: what is tried, what is measured, what a kill costs, and the same by Ray Tune."""

import json
import re
import shlex
import shutil
from pathlib import Path

import pytest

from inference.errors import InputError
from pipeline.__main__ import main, make_parser
from pipeline.data.index import read_index
from pipeline.data.sources import DataPlace
from pipeline.data.splits import complete_splits
from pipeline.recipes import RECIPES
from pipeline.run_options import run_words
from pipeline.settings.recipe import Recipe, override_all
from pipeline.settings.run_folder import RunFolder
from pipeline.settings.sections import SplitSettings
from pipeline.sweep.folder import SweepFolder, SweepSettings
from pipeline.sweep.measure import FoldMeasure, fold_history, halve, pool_measures
from pipeline.sweep.report import run_command
from pipeline.sweep.space import draw_trials, search_space
from pipeline.training.weights import make_network
from tests.colour_run import write_photographs
from tests.worlds import hashed_photo

MINERALS = RECIPES["minerals"]
PLAIN = Recipe(name="plain", title="", labels=("a", "b"), search=(("fit.learning_rate", "*0.5..*2"),))
QUICK = (  # a linear head on a small trunk: nothing is trained by gradient
    "labels=red,green,blue",
    "fit.kind=frozen",
    "fit.epochs=1",
    "network.input_side=32",
    "network.weights=none",
    "split.near_duplicate_distance=0",
    "patches.jitters=0",
    "patches.negatives=1",
    "patches.outliers=0",
    "augment.mixup=0",
    "augment.cutmix=0",
)
SEARCH = ("augment=", "network.head=", "network.input_side=32|48", "fit.balance=none|weights")


def test_trials_begin_with_the_recipe_and_differ() -> None:
    """Faults: a search that forgets what it is compared with, tries settings twice, or differs from call to call."""
    space = search_space(MINERALS, set())
    trials = draw_trials(MINERALS, space, 12)
    assert [trial.number for trial in trials] == list(range(1, 13))
    assert trials[0].overrides == ()
    assert len({trial.overrides for trial in trials}) == 12
    assert trials == draw_trials(MINERALS, space, 12)
    rates = sorted(override_all(MINERALS, trial.overrides).fit.learning_rate for trial in trials[1:])
    assert 0.0006 <= rates[0] < 0.001
    assert 0.003 < rates[-1] <= 0.006


def test_a_small_space_gives_each_of_its_settings_once() -> None:
    """Faults: the same settings twice under two numbers, and a search without end where there are no more."""
    space = search_space(PLAIN, set(), (("fit.learning_rate", ""), ("network.input_side,fit.epochs", "96,40|64,80")))
    trials = draw_trials(PLAIN, space, 5)
    assert [trial.overrides for trial in trials] == [(), (("network.input_side", "64"), ("fit.epochs", "80"))]
    assert trials[0].shown == {"network.input_side,fit.epochs": "96,40"}


def test_what_the_user_sets_and_what_has_no_effect_is_not_searched() -> None:
    """Faults: a --set that a trial overwrites; trials that differ in nothing but a setting without effect."""
    names = [one.name for one in search_space(MINERALS, {"network.input_side"})]
    assert "network.input_side" not in names
    assert "fit.learning_rate" in names
    frozen = RECIPES["minerals_frozen"]
    assert [one.name for one in search_space(frozen, {"fit.epochs"})] == ["network.input_side", "fit.balance"]


def test_the_strength_of_the_augmentation_keeps_its_limits() -> None:
    """Faults: strength times 1.5 crops all of a picture; a change that is off is turned on; mirroring is multiplied."""
    (dimension,) = search_space(PLAIN, set(), (("fit.learning_rate", ""), ("augment", "*0.5|*1.5")))
    stronger = override_all(PLAIN, dimension.pick(0.99)[1]).augment
    assert stronger.crop == pytest.approx(0.825)
    assert stronger.rotation == pytest.approx(1.5 * PLAIN.augment.rotation)
    assert (stronger.erasing, stronger.flip) == (0, PLAIN.augment.flip)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (("fit.learning_rate", "2..1"), "two positive numbers"),
        (("fit.learning_rte", "1..2"), "Did you mean fit.learning_rate"),
        (("fit.optimizer", "adam|sdg"), "must be one of adamw, adam, sgd"),
        (("network.input_side,fit.epochs", "96,40|64"), "needs 2 values"),
        (("fit.epochs", "*x|*2"), "by numbers"),
    ],
)
def test_a_space_that_is_wrong_is_refused_before_any_work(entry: tuple[str, str], message: str) -> None:
    """Fault: a mistake in the tenth trial's settings that is found after nine trainings."""
    with pytest.raises(InputError, match=re.escape(message)):
        search_space(PLAIN, set(), (entry,))


def test_validation_folds_leave_the_test_alone() -> None:
    """Faults: a test photograph that a fold trains on or validates; one validated twice or never; duplicates parted."""
    photos = [hashed_photo(f"{number:02}", "ab"[number % 2]) for number in range(40)]
    photos += [type(one)(f"{one.name} again", one.labels, one.views) for one in photos[:6]]
    test = {name for name, split in complete_splits(photos, {}, SplitSettings()).items() if split == "test"}
    validated: list[str] = []
    for fold in (1, 2, 3):
        splits = complete_splits(photos, {}, SplitSettings(validation_folds=3, validation_fold=fold))
        assert {name for name, split in splits.items() if split == "test"} == test
        held = [name for name, split in splits.items() if split == "validation"]
        assert all((one.name in held) == (f"{one.name} again" in held) for one in photos[:6] if one.name not in test)
        validated += held
    assert sorted(validated) == sorted({one.name for one in photos} - test)


def test_measures_by_hand() -> None:
    """Faults: the last epoch's accuracy for that of the best, a mean of folds of unequal size, penalties as epochs."""
    rows = [
        {"epoch": n, "val_loss": loss, "val_accuracy": loss / 2, "seconds": 2.0} for n, loss in enumerate((1, 0.8, 1.2))
    ]
    recipe = override_all(PLAIN, (("fit.epochs", "4"),))
    history = fold_history(rows, 10, recipe, done=False)
    assert [one.right for one in history] == [5, 4, 4]
    assert [one.share for one in history] == [0.2, 0.4, 0.6]
    assert fold_history(rows, 10, recipe, done=True)[-1].share == 1
    frozen = override_all(PLAIN, (("fit.kind", "frozen"), ("network.weights", "drawn")))
    assert fold_history(rows, 10, frozen, done=False) == []
    assert [one.epochs for one in fold_history(rows, 10, frozen, done=True)] == [0]
    pooled = pool_measures([FoldMeasure(3, 4, 0.5, 4, 1, 2.0), FoldMeasure(1, 6, 1.0, 2, 0.5, 1.0)])
    assert (pooled.accuracy, pooled.loss) == (0.4, 0.8)
    assert (pooled.right, pooled.n, pooled.folds, pooled.progress) == (3, 4, 1, 150)


def test_a_third_of_the_trials_goes_on_and_the_recipe_always() -> None:
    """Faults: the worst go on, none goes on, or the recipe's own settings are not measured as the best are."""
    measures = {
        n: pool_measures([FoldMeasure(right, 10, 1.0, 1, 1, 1.0)]) for n, right in enumerate((2, 9, 5, 8, 7, 1), 1)
    }
    assert halve(measures, 3, kept=1) == [1, 2, 4]
    assert halve({1: measures[1]}, 3, kept=1) == [1]


def words_of(folder: Path, *more: str) -> list[str]:
    """Return the command line of a small sweep; its photographs are written where they are missing."""
    if not (folder / "data").exists():
        write_photographs(folder / "data", 36)
    settings = [word for one in QUICK for word in ("--set", one)] + [
        word for one in SEARCH for word in ("--search", one)
    ]
    data = ["--images", str(folder / "data/photos"), "--annotations", str(folder / "data/annotations.json")]
    return ["sweep", "minerals", *data, "--runs", str(folder / "runs"), "--folds", "2", *settings, *more]


def sweep_in(folder: Path) -> SweepFolder:
    (path,) = (folder / "runs" / "minerals").glob("*-sweep*")
    return SweepFolder(path)


def held_out_by(folder: SweepFolder) -> list[set[str]]:
    """Return the test photographs of each training."""
    indexes = [read_index(path) for path in folder.path.glob("trial-*/fold-*/index.csv")]
    return [{patch.photo for patch in index.patches if patch.split == "test"} for index in indexes]


@pytest.mark.slow
@pytest.mark.usefixtures("quick_run")
def test_the_command_searches_and_resumes_what_was_killed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Faults: a resumed sweep that trains again, another choice after a kill, a best that is not what is run."""
    assert main(words_of(tmp_path, "--trials", "3", "--no-run")) == 0
    folder = sweep_in(tmp_path)
    out = capsys.readouterr().out
    assert "(the recipe's own)" in out
    report = json.loads(folder.report.read_text())
    assert sorted(row["number"] for row in report["rows"]) == [1, 2, 3]
    assert {row["number"] for row in report["rows"] if row["folds"] == 2} >= {1}
    assert report["rows"][0]["options"] in folder.page.read_text()
    assert len({frozenset(photos) for photos in held_out_by(folder)}) == 1
    kept = {path: path.stat().st_mtime_ns for path in folder.path.glob("trial-*/fold-1/best.keras")}
    again = folder.path / "trial-01" / "fold-2"
    shutil.rmtree(again)
    folder.report.unlink()
    assert main(["resume", str(folder.path)]) == 0
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    resumed = json.loads(folder.report.read_text())
    for one in (report, resumed):
        one["seconds"] = [row.pop("seconds") for row in one["rows"]] and 0
    assert resumed == report


def test_the_command_on_the_page_repeats_what_the_user_gave() -> None:
    """Fault: the run of the page's command lacks --set, --smoke, --seed and the like, and is another than the best."""
    given = ["--images", "a b", "--set", "fit.epochs=3", "--smoke", "--seed", "4", "--title", "My stones"]
    options = make_parser().parse_args(
        ["sweep", "minerals", *given, "--trials", "2", "--search", "augment=", "--no-run"]
    )
    words = run_words(options)
    place = DataPlace(Path("a b"), None, Path("runs"))
    settings = SweepSettings(MINERALS, place, (), (), 2, "local", words=tuple(words))
    command = shlex.split(run_command(settings))
    assert command[:5] == ["python", "-m", "pipeline", "run", "minerals"]
    again = make_parser().parse_args(command[3:])
    assert {name: getattr(again, name) for name in vars(again) if name not in ("verb", "engine")} == {
        name: getattr(options, name) for name in vars(again) if name not in ("verb", "engine")
    }
    old = SweepSettings(MINERALS, place, (), (), 2, "local")
    assert shlex.split(run_command(old))[3:] == ["run", "minerals", "--images", "a b"]


def _run_words(words: list[str]) -> list[str]:
    """Return the words of a sweep without its verb and its own options."""
    places = [n for n, word in enumerate(words) if word in ("--search", "--folds")]
    return [word for n, word in enumerate(words[1:], 1) if n not in places and n - 1 not in places]


@pytest.mark.slow
def test_a_sweep_whose_weights_have_seen_the_test_leaves_no_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Fault: the folder of a sweep that can't be done stays, with the run of its first trial in it."""
    assert main(["begin", *_run_words(words_of(tmp_path)), "--set", "split.seed=5"]) == 0
    (earlier,) = (tmp_path / "runs" / "minerals").glob("*-seed0")
    weights = earlier / "best.weights.h5"
    make_network(RunFolder(earlier).read_recipe(), "none").save_weights(weights)
    assert main(words_of(tmp_path, "--trials", "2", "--set", f"network.weights={weights}")) == 2
    assert "network.weights must not be trained on this run's test photographs" in capsys.readouterr().err
    assert list((tmp_path / "runs" / "minerals").glob("*-sweep*")) == []
