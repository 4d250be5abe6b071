"""What a run advises, from its own figures; and the same comparison with colour in report and control."""

import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.__main__ import main, make_parser
from pipeline.data.index import Patch, PatchIndex
from pipeline.data.sources import DataPlace
from pipeline.evaluation.advice import FinishedRun, advice_lines, advise
from pipeline.evaluation.colour_baseline import compare_colour
from pipeline.metrics.classification import Scores
from pipeline.metrics.intervals import Estimate
from pipeline.recipes import RECIPES
from pipeline.report.comparison import colour_sentence
from pipeline.report.report import baseline_sentence, render_html
from pipeline.report.sections import Advice, Baseline, ClassificationReport
from pipeline.run_options import read_recipe
from tests.sample_report import parsed, sample_report

LABELS = ("oak", "pine")


@pytest.fixture(scope="module")
def good() -> ClassificationReport:
    """Return a report that leaves nothing to advise: accurate on a large test, beyond colour."""
    report = parsed(sample_report())
    sure = Estimate(0.95, 0.93, 0.97, 1000)
    baseline = Baseline("colour", Estimate(0.6, 0.5, 0.7, 1000), Estimate(0.35, 0.3, 0.4, 1000), "beyond colour")
    metrics = replace(report.metrics, accuracy=sure, per_class={})
    return replace(report, models={report.released: metrics}, baseline=baseline)


def finished(report: ClassificationReport, **changes: Any) -> FinishedRun:
    """Return a finished run of the recipe photos with 60 training photographs a class, whose loss no longer falls."""
    losses = changes.pop("losses", [1.0, 0.5, 0.4, 0.39, 0.4, 0.41, 0.4, 0.4])
    count = changes.pop("photos", 60)
    names = [(label, f"{label}{number}.jpg") for label in LABELS for number in range(count)]
    patches = tuple(Patch(name, label, name, 0, 0, 9, 9, "train") for label, name in names)
    recipe = replace(RECIPES["photos"], labels=LABELS, fit=replace(RECIPES["photos"].fit, epochs=len(losses)))
    place = DataPlace(Path("my photos"), Path("boxes.json"), Path("runs"))
    history = [{"epoch": float(n), "val_loss": loss} for n, loss in enumerate(losses)]
    return replace(FinishedRun(report, history, PatchIndex(Path(), patches), recipe, place), **changes)


def test_a_good_run_advises_nothing(good: ClassificationReport) -> None:
    """Fault: advice that is always given, and that nobody reads."""
    assert advise(finished(good)) == ()


def test_few_photographs_advise_a_pretrained_trunk(good: ClassificationReport) -> None:
    """Faults: no word of it; the copies of a box counted as photographs; a pretrained run is told it again."""
    (advice,) = advise(finished(good, photos=49))
    assert "oak (49), pine (49) had under 50 training photographs" in advice.text
    command = "python -m pipeline run photos --images 'my photos' --annotations boxes.json --pretrained"
    assert advice.command == command
    trunk = replace(RECIPES["photos"].network, trunk="mobilenet_v1", weights="imagenet")
    recipe = replace(finished(good).recipe, network=trunk)
    assert advise(finished(good, photos=49, recipe=recipe)) == ()


def test_a_frozen_trunk_is_not_advised_more_epochs(good: ClassificationReport) -> None:
    """Fault: the falling losses of weaker and weaker penalties are taken for epochs."""
    run = finished(good, losses=[1.0, 0.8, 0.6, 0.4])
    frozen = replace(run.recipe, fit=replace(run.recipe.fit, kind="frozen", epochs=1))
    assert advise(run) and not advise(replace(run, recipe=frozen))


def test_a_network_behind_colour_is_told_so(good: ClassificationReport) -> None:
    """Fault: a network that a colour histogram beats is called good."""
    behind = replace(good, baseline=Baseline("colour", Estimate(0.9, 0.8, 1, 9), Estimate(-0.3, -0.5, -0.1, 9), "x"))
    assert "not shown to use more than colour" in advise(finished(behind))[0].text


@pytest.mark.parametrize(
    ("losses", "text", "option"),
    [
        ([1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3], "still fell by 40.0 %", "--epochs 16"),
        ([1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7], "never fell after epoch 1", "fit.learning_rate=0.0007"),
    ],
)
def test_the_course_of_the_loss_advises_epochs_or_a_lower_rate(
    good: ClassificationReport, losses: list[float], text: str, option: str
) -> None:
    """Faults: a training that was cut short, or that never learned, ends without a word."""
    (advice,) = advise(finished(good, losses=losses))
    assert text in advice.text and option in advice.command


def test_a_training_that_stopped_early_is_not_told_to_go_on(good: ClassificationReport) -> None:
    """Fault: more epochs for a training that patience ended."""
    run = finished(good, losses=[1.0, 0.9, 0.8, 0.7])
    recipe = replace(run.recipe, fit=replace(run.recipe.fit, epochs=60))
    assert advise(replace(run, recipe=recipe)) == ()


def test_a_weak_class_is_named_with_the_audit_of_the_data(good: ClassificationReport) -> None:
    """Faults: a class under 60 % that nobody sees among good ones; one of two pictures that is called weak."""
    rows = dict(parsed(sample_report()).metrics.per_class)
    row = next(iter(rows.values()))
    weak, rare = (replace(row, recall=Estimate(0.4, 0.2, 0.6, n)) for n in (10, 2))
    metrics = replace(good.metrics, per_class={"oak": weak, "yew": rare})
    (advice,) = advise(finished(replace(good, models={good.released: metrics})))
    assert "Few of oak (40.0 %) were recognised" in advice.text
    assert advice.command == "python -m pipeline audit --images 'my photos' --annotations boxes.json"


def test_a_small_test_advises_a_cross_validation_unless_it_is_given(good: ClassificationReport) -> None:
    """Faults: 14 patches that are quoted as 71 %; a cross-validation that is refused, since the data give a test."""
    metrics = replace(good.metrics, accuracy=Estimate(0.714, 0.454, 0.883, 14))
    run = finished(replace(good, models={good.released: metrics}))
    (advice,) = advise(run)
    assert "With 14 test patches the interval of the accuracy is 43 points wide" in advice.text
    assert "pipeline crossval photos" in advice.command and advice.command.endswith("--folds 5")
    given = tuple(replace(patch, photo=f"train/{patch.photo}") for patch in run.index.patches)
    assert advise(replace(run, index=PatchIndex(Path(), given))) == ()


def test_the_users_own_options_are_kept_and_the_commands_can_be_pasted(good: ClassificationReport) -> None:
    """Fault: advice that loses the settings of the run, or that the command line refuses."""
    typed = "run photos --images 'a b' --annotations c --epochs 9 --set seed=3"
    command = ["/x/pipeline/__main__.py", *shlex.split(typed)]
    (advice,) = advise(finished(good, photos=9, command=command))
    words = shlex.split(advice.command)[3:]
    options = make_parser().parse_args(words)
    assert (str(options.images), options.set, options.pretrained) == ("a b", [("seed", "3")], True)
    assert options.epochs is None, "9 epochs were for a network without pretraining"


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("run --images d2 --runs r2 --smoke folders", "--images d2 --smoke --runs r2"),
        (
            "begin folders --images d2 --set split.seed=1 --title Trees",
            "--images d2 --title Trees --set split.seed=1",
        ),
        ("crossval folders --folds 4 --images d2 --engine ray", "--images d2 --engine ray"),
        ("run folders --images d2 --epochs=5 --set fit.epochs=60 --set fit.early_side=32", "--images d2"),
        ("run folders --images d2 --set fit.learning_rate=0.001 --set fit.patience=9 --seed=4", "--images d2 --seed 4"),
        ("run folders --images d2 --set network.trunk=patch_net_32 --set network.weights=none", "--images d2"),
        (
            "run folders --images d2 --set labels=a,b --set export.calibration_pictures=9",
            "--images d2 --set labels=a,b",
        ),
        ("enroll folders --images d2", "--images /data/d2"),
    ],
)
def test_every_command_is_one_that_the_program_takes(good: ClassificationReport, typed: str, kept: str) -> None:
    """Faults: a recipe named twice, settings of a network that is replaced, the options of `begin` forgotten."""
    place = DataPlace(Path("/data/d2"), None, Path("runs"))
    changes = {"command": ["/x/pipeline/__main__.py", *shlex.split(typed)], "place": place, "photos": 9}
    small = replace(good, models={good.released: replace(good.metrics, accuracy=Estimate(0.7, 0.5, 0.9, 14))})
    run = finished(small, losses=[1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3], **changes)
    folders = replace(RECIPES["folders"], labels=LABELS, fit=run.recipe.fit)
    commands = [one.command for one in advise(replace(run, recipe=folders))]
    pretrained, longer, crossval = (make_parser().parse_args(shlex.split(one)[3:]) for one in commands)
    assert [read_recipe(one).name for one in (pretrained, longer, crossval)] == ["folders"] * 3
    expected = make_parser().parse_args(["run", "folders", "--pretrained", *shlex.split(kept)])
    assert vars(pretrained) == vars(expected)
    assert (longer.epochs, [one for one in longer.set if one[0] == "fit.epochs"]) == (16, [])


def test_an_advised_cross_validation_has_no_setting_that_it_decides_itself(
    good: ClassificationReport, capsys: pytest.CaptureFixture[str]
) -> None:
    """Fault: a command that is refused, since a cross-validation has no share of the test."""
    settings = "--set split.test=0.3 --set export.max_accuracy_loss=0.1 --set split.seed=2"
    command = ["/x/pipeline/__main__.py", *shlex.split(f"run photos --images a --annotations b {settings}")]
    metrics = replace(good.metrics, accuracy=Estimate(0.714, 0.454, 0.883, 14))
    (advice,) = advise(finished(replace(good, models={good.released: metrics}), command=command))
    assert advice.command.endswith("--images a --annotations b --set split.seed=2 --folds 5")
    assert main(shlex.split(advice.command)[3:]) == 2
    assert "has no effect" not in capsys.readouterr().err, "the folder a alone is missing"


def test_a_lower_rate_replaces_the_old_one(good: ClassificationReport) -> None:
    """Fault: a command with two learning rates."""
    command = [
        "/x/pipeline/__main__.py",
        *shlex.split("run photos --images a --annotations b --set fit.learning_rate=1"),
    ]
    (advice,) = advise(finished(good, losses=[1.0, 1.1, 1.2, 1.3], command=command))
    assert advice.command.count("fit.learning_rate") == 1


def test_drawn_pictures_give_no_advice(good: ClassificationReport) -> None:
    """Fault: the trial run tells people to photograph more."""
    assert advise(finished(good, photos=3, place=DataPlace(None, None, Path("runs")))) == ()


@pytest.mark.slow
def test_the_advice_is_in_the_report_and_at_the_end_of_the_run(good: ClassificationReport, tmp_path: Path) -> None:
    """Faults: advice that only a program can read; names with < that break the page."""
    report = replace(good, advice=(Advice("Train <longer>.", "python -m pipeline run x --epochs 2"),))
    page = render_html(report, [], tmp_path)
    assert "Train &lt;longer&gt;." in page and "<pre>python -m pipeline run x --epochs 2</pre>" in page
    assert advice_lines(report) == ["next: Train <longer>.", "    python -m pipeline run x --epochs 2"]
    assert "What to do next" not in render_html(good, [], tmp_path)


def scores_of(right: list[bool]) -> Scores:
    """Return the scores of a network on photographs of oaks, right where true."""
    labels = np.array(["oak"] * len(right))
    best = np.where(right, "oak", "pine")
    photos = np.array([f"{n}.jpg" for n in range(len(right))])
    return Scores(LABELS, labels, photos, best, best, np.ones(len(right)), best)


def test_report_and_control_say_the_same_of_colour(good: ClassificationReport) -> None:
    """Faults: overlapping intervals taken for a test; "-30.0 points ahead"; the ends of a lead not exchanged."""
    own, colour = [n >= 12 for n in range(40)], np.array(["oak"] * 40)
    (compared,) = compare_colour({"colour": colour}, scores_of(own))
    assert compared.verdict == "behind colour"
    sentence = colour_sentence(compared)
    assert sentence.startswith("Colour alone does better: the network is 30.0 points (")
    assert "-" not in sentence and "behind colour on the same patches" in sentence
    assert baseline_sentence(replace(good, baseline=compared)) == sentence


def test_equal_answers_are_no_lead_in_either_direction() -> None:
    """Fault: an interval of no width, which no test can show."""
    (compared,) = compare_colour({"colour": np.array(["oak"] * 9)}, scores_of([True] * 9))
    assert (compared.ahead.value, compared.ahead.ends) == (0.0, None)
    assert colour_sentence(compared) == (
        "The network is not shown to use more than colour: it is 0.0 points ahead of colour on the same patches."
    )


def test_a_lead_on_many_patches_of_nine_photographs_shows_nothing() -> None:
    """Fault: resamples of two to nine photographs, which give too narrow an interval, that are called a proof."""
    scores = scores_of([True] * 36)
    colour = np.array(["oak"] * 12 + ["pine"] * 24)
    few = replace(scores, photos=np.array([f"{n % 9}.jpg" for n in range(36)]))
    (compared,) = compare_colour({"colour": colour}, few)
    assert compared.lead.is_above(0) and compared.verdict == "not shown to be beyond colour"
    assert colour_sentence(compared).endswith("on the same patches, which are of fewer than 10 photographs.")
    (enough,) = compare_colour({"colour": colour}, scores)
    assert enough.verdict == "beyond colour"


def test_an_old_report_is_read_without_a_comparison(good: ClassificationReport) -> None:
    """Fault: a report of an earlier version can't be shown, or claims a test that was not made."""
    old = replace(good, baseline=Baseline("colour", Estimate(0.6, 0.5, 0.7, 1000)))
    assert baseline_sentence(old).endswith("ahead of the baseline; they were not compared patch by patch.")
