"""Reports that earlier versions wrote: read everywhere under the names of today."""

import json
from pathlib import Path
from typing import Any

import pytest

from inference.errors import InputError
from pipeline.anomaly.sections import AnomalyReport
from pipeline.crossval.sections import CrossvalReport
from pipeline.report.old_names import OLD_NAMES, modern
from pipeline.report.report import render_html, summary_lines
from pipeline.report.sections import ClassificationReport
from pipeline.report.stored import parse_section, read_section, section_text
from pipeline.sanity.shuffled_labels import read_shuffle
from pipeline.settings.run_folder import RunFolder, write_json
from tests.sample_report import parsed, sample_history, sample_report

ROOT = Path(__file__).parent.parent
REPORTS = [*ROOT.glob("docs/results/*.json"), *ROOT.glob("models/released/*/report.json")]


def as_written(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))


def kind_of(values: dict[str, Any]) -> type:
    if "folds" in values:
        return CrossvalReport
    return AnomalyReport if "metrics" in values else ClassificationReport


@pytest.mark.parametrize("path", REPORTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_report_of_the_repository_can_be_read_and_written_again(path: Path) -> None:
    """Catches a key that the tables of names forget, and figures that are lost or changed on the way."""
    values = as_written(path)
    written = json.loads(section_text(parse_section(kind_of(values), values)))
    kept = modern(values)
    for report in (written, kept):
        report.pop("settings", None)  # of the recipe, with a reader of their own
        report.pop("worst", None)  # of format 1, replaced by mistakes
    assert defined(written) == defined(kept)


def defined(value: Any) -> Any:
    """Return a value of JSON without keys that are null: optional parts are left out instead."""
    if isinstance(value, dict):
        return {key: defined(item) for key, item in value.items() if item is not None}
    return [defined(item) for item in value] if isinstance(value, list) else value


def test_a_released_report_has_its_figures_under_the_new_names(tmp_path: Path) -> None:
    """Catches a figure that is shown as not measured because it was stored under its old name."""
    values = as_written(ROOT / "docs/results/minerals_128_pixels.json")
    old = values["models"]["int8"]
    assert "rejected_minerals" in old and "likeness" in values["calibration"], "the file itself is left as it was"
    report = parsed(values)
    assert report.metrics.rejected_known and report.metrics.rejected_known.value == old["rejected_minerals"]["value"]
    assert report.calibration.knn_score and report.calibration.knn_score.count == 10
    assert report.calibration.ood_scores and report.calibration.ood_scores.scores["softmax"]["far"].n_unknown == 200
    curve = [point["accepted_minerals"] for point in old["threshold_curve"]]
    assert [point.accepted_known for point in report.metrics.threshold_curve] == curve
    assert any(line.startswith("Known classes rejected") for line in summary_lines(report))
    page = render_html(report, sample_history(), tmp_path)
    assert "Out-of-distribution scores, compared" in page and "k-nearest-neighbour score" in page


@pytest.mark.parametrize("name", ["wood_boards", "wood_photographs", "wood_tiles", "wood_drawn"])
def test_the_settings_of_an_anomaly_report_keep_their_values(name: str) -> None:
    """Catches a page that shows today's default for a setting that had another name and another value then."""
    values = as_written(ROOT / f"docs/results/{name}.json")
    report, old = parse_section(AnomalyReport, values), values["settings"]
    settings = report.settings
    found = (settings.normalize_by_median, settings.trim_fraction, settings.coreset_size, settings.local_contrast)
    assert found == (old["relative"], old["trimmed"], old["bank"], old["even_light"])
    assert report.calibration.false_positive_rate == settings.false_positive_rate == old["alarms"]
    assert report.calibration.alignment == values["calibration"].get("lag", 0)


def test_a_name_that_only_changed_in_one_place_is_changed_there_alone() -> None:
    """Catches a cosine that becomes the settings of a score, and a user's class that loses its name."""
    old = {"likeness": {"count": 10}, "nearest": [{"likeness": 0.9}], "per_class": {"likeness": 1, "lot": 2}}
    new = {"knn_score": {"count": 10}, "nearest": [{"cosine": 0.9}], "per_class": {"likeness": 1, "lot": 2}}
    assert modern(old) == new
    assert not set(OLD_NAMES) & set(OLD_NAMES.values()), "a new name is no old one: reading twice changes nothing"


def test_the_shuffle_of_an_earlier_control_is_read(tmp_path: Path) -> None:
    """Catches a control that trains an hour again because its data.json says lot."""
    run = RunFolder(tmp_path)
    write_json(run.data, {"kind": "photographs", "lot": 3})
    assert read_shuffle(run) == 3


def test_a_damaged_report_names_the_file_and_the_remedy(tmp_path: Path) -> None:
    """Catches a traceback for a report that was cut short or lacks a section."""
    report = sample_report()
    del report["cost"]
    (tmp_path / "report.json").write_text(json.dumps(report), encoding="utf-8")
    with pytest.raises(InputError, match=r"report\.json: is damaged.*cost.*Evaluate again"):
        read_section(ClassificationReport, tmp_path / "report.json", "Evaluate again.")
