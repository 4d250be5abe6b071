"""The model card beside a model: its front matter is YAML, its figures are the report's."""

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from pipeline.recipes import RECIPES
from pipeline.report.model_card import classifier_card
from pipeline.report.sections import ClassificationReport
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
