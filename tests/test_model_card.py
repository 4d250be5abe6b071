"""The model card beside a model: its front matter is YAML, its figures are the report's."""

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from inference.figures.threshold_words import RiskLimit
from pipeline.metrics.intervals import proportion
from pipeline.recipes import RECIPES
from pipeline.report.model_card import classifier_card
from pipeline.report.report import render_html
from pipeline.report.sections import ClassificationReport, KnnScore, Training
from pipeline.report.stored import read_section
from pipeline.report.style import ABSENT
from pipeline.settings.recipe import recipe_from_json
from tests.sample_report import parsed, sample_report

RELEASED = Path(__file__).parent.parent / "models" / "released"
CARDS = sorted(RELEASED.glob("*/README.md"))


def front_matter(card: str) -> dict:
    """Return what stands between the two lines of three hyphens."""
    start, matter, _ = card.split("---\n", 2)
    assert start == ""
    return yaml.safe_load(matter)


@pytest.mark.parametrize("title", ["Oaks", 'Bäume: "links" # 1', "- 5 'o clock {a}"])
def test_any_title_leaves_the_front_matter_readable(title: str) -> None:
    """Faults: a title that is YAML of its own, and figures of another file than the released one."""
    report = replace(parsed(sample_report()), title=title)
    matter = front_matter(classifier_card(report, RECIPES["minerals"], "model.tflite"))
    (entry,) = matter["model-index"]
    (result,) = entry["results"]
    assert entry["name"] == result["dataset"]["name"] == title
    assert result["metrics"][0]["value"] == round(report.metrics.accuracy.value or 0, 4)
    assert matter["license"] == "unknown"


def test_what_was_not_measured_is_left_out() -> None:
    """Faults: a failure, or rows of dashes, for a report of an earlier version without optional parts."""
    report = replace(
        parsed(sample_report()), baseline=None, robustness=None, mistakes=None, label_errors=None, title=None
    )
    card = classifier_card(report, RECIPES["minerals"], "model.tflite")
    assert "None" not in card
    assert f"| {ABSENT} |" not in card
    assert front_matter(card)["model-index"][0]["name"] == "minerals"


def test_a_card_says_what_set_its_threshold() -> None:
    """Faults: the highest threshold that accepts 90 %, under "of which it answers 30 %"; "the 10 nearest"."""
    report, recipe = parsed(sample_report()), RECIPES["minerals"]
    plain = classifier_card(report, recipe, "model.tflite")
    assert "The threshold 0.624 is the highest that accepts" in plain
    knn = KnnScore(pictures=40, count=3, middle=0.8, width=0.1, slope=1, offset=0)
    risk = RiskLimit(0.05, 0.9, proportion(30, 100), 0, 45)
    limited = replace(report, calibration=replace(report.calibration, risk=risk, knn_score=knn))
    card = classifier_card(limited, recipe, "model.tflite")
    assert "is the highest that accepts" not in card
    assert "The threshold 0.624 keeps that limit" in card and "similarity to the 3rd nearest of" in card


def test_classes_with_few_neighbours_are_named_on_page_and_card(tmp_path: Path) -> None:
    """Fault: that pictures of a small class may more often be unknown is said on the terminal alone."""
    knn = KnnScore(pictures=40, count=3, middle=0.8, width=0.1, slope=1, offset=0, note="Fewer than 20 of red.")
    report = parsed(sample_report())
    report = replace(report, calibration=replace(report.calibration, knn_score=knn))
    assert "\n- Fewer than 20 of red.\n" in classifier_card(report, RECIPES["minerals"], "model.tflite")
    assert '<p class="note">Fewer than 20 of red.</p>' in render_html(report, [], tmp_path)


def test_a_linear_head_has_no_epochs() -> None:
    """Fault: "7 epochs (the weights of epoch 3 were kept)", which are penalties of the head on a frozen trunk."""
    report = replace(parsed(sample_report()), training=Training(epochs=7, best_epoch=3, seconds=60))
    card = classifier_card(report, RECIPES["minerals_frozen"], "model.tflite")
    assert " epochs" not in card.split("## Training")[1]
    assert "fitted to 1 view of each training patch (penalty 3 of 7)" in card


@pytest.mark.parametrize("path", CARDS, ids=lambda path: path.parent.name)
def test_a_released_card_is_made_from_its_report(path: Path) -> None:
    """Catches a card that was written by hand, or left from an earlier release."""
    report = read_section(ClassificationReport, path.with_name("report.json"), "")
    recipe = recipe_from_json(path.with_name("recipe.json").read_text(encoding="utf-8"))
    name = path.parent.name
    assert path.read_text(encoding="utf-8") == classifier_card(
        report, recipe, f"models/released/{name}.tflite", "apache-2.0"
    )


def test_every_released_model_has_a_card() -> None:
    """Catches a release without a card."""
    assert [path.parent.name for path in CARDS] == sorted(path.stem for path in RELEASED.glob("*.tflite"))
