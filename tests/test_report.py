"""The report as files and as text: complete, safe against hostile names."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.metrics.classification import Confusion
from pipeline.report.report import (
    KEY_FIGURES,
    baseline_sentence,
    confusion_rows,
    key_figures,
    render_html,
    summary_lines,
    verdict,
    write_report,
)
from pipeline.report.style import ordinal, size
from tests.report_page import HOSTILE, render
from tests.sample_report import (
    CLASSES,
    average,
    no_mistakes,
    parsed,
    proportion,
    sample_history,
    sample_report,
)

pytestmark = pytest.mark.usefixtures("empty_plots")


@pytest.fixture
def report() -> dict[str, Any]:
    return sample_report()


def test_every_figure_card_shows_the_number_of_the_report(report: dict[str, Any], tmp_path: Path) -> None:
    """Catches a card that shows the value, interval or n of another figure."""
    metrics = report["models"]["int8"]
    for place, (_, key, _, _) in enumerate(KEY_FIGURES):
        metrics[key] = average(0.111 + place * 0.0703, 0.01, 101 + place)
    text = render(tmp_path, report).text
    for place, (title, _, style, _) in enumerate(KEY_FIGURES):
        value = 0.111 + place * 0.0703
        numbers = [value, value - 0.01, value + 0.01]
        shown = [f"{100 * number:.1f}" if style == "share" else f"{number:.3f}" for number in numbers]
        unit = " %" if style == "share" else ""
        assert f"{title}{shown[0]}{unit}{shown[1]}–{shown[2]}{unit}, n = {101 + place}" in text  # noqa: RUF001


def test_cards_show_what_the_released_model_costs(report: dict[str, Any]) -> None:
    """Catches the cost of another model, or bytes and milliseconds in a wrong unit."""
    values = {card.title: (card.value.replace("\u202f", " "), card.spread) for card in key_figures(parsed(report))}
    assert values["Size"] == ("611 kB", "611,232 bytes")
    assert values["Time per patch"][0] == "2.31 ms"
    assert values["Parameters"] == ("412,345", "38.2 million multiply-adds")
    assert values["Same label as Keras"][0] == "99.2 %"


@pytest.mark.parametrize(("count", "text"), [(999, "1 kB"), (611_232, "611 kB"), (1_702_116, "1.70 MB"), (None, "–")])  # noqa: RUF001
def test_sizes_use_decimal_units(count: int | None, text: str) -> None:
    """Catches kibibytes under the name of kilobytes."""
    assert size(count).replace("\u202f", " ") == text


def test_verdict_counts_patches(report: dict[str, Any]) -> None:
    """Catches a verdict that rounds twice or takes the baseline's n for the network's."""
    report["models"]["int8"] |= {"accuracy": proportion(93, 100), "rejected_background": proportion(19, 20)}
    report["baseline"] = {"name": "colour", "accuracy": proportion(7, 11)}
    assert verdict(parsed(report)).replace("\N{NO-BREAK SPACE}", " ") == (
        "Right on 93 of 100 test patches, against 7 of 11 by colour; answers unknown for 19 of 20 background patches."
    )


@pytest.mark.parametrize(
    ("ahead", "verdict", "phrase"),
    [
        ((0.15, 0.1, 0.2), "beyond colour", "uses more than colour: it is 15.0 points (10.0 to 20.0) ahead of HSV"),
        ((0.02, -0.03, 0.07), "not shown to be beyond colour", "not shown to use more than colour: it is 2.0 points"),
        ((-0.2, -0.3, -0.1), "behind colour", "alone does better: the network is 20.0 points (10.0 to 30.0) behind"),
    ],
)
def test_the_baseline_sentence_says_whether_the_test_tells_them_apart(
    report: dict[str, Any], ahead: tuple[float, float, float], verdict: str, phrase: str
) -> None:
    """Catches a lead within the noise that is presented as one, and a network that is worse than the baseline."""
    lead = dict(zip(("value", "low", "high"), ahead, strict=True)) | {"n": 100}
    report["baseline"] |= {"ahead": lead, "verdict": verdict}
    assert phrase in baseline_sentence(parsed(report))


def test_confusion_rows_know_what_is_right() -> None:
    """Catches shares of a column, background counted as a mistake when rejected, and a division by no patches."""
    counts = ((3, 0, 1), (0, 0, 0), (1, 0, 9))
    confusion = Confusion(("a", "b", "background"), ("a", "b", "unknown"), counts)
    first, empty, background = confusion_rows(confusion)
    assert [cell.share for cell in first.cells] == [0.75, 0.0, 0.25]
    assert [cell.right for cell in first.cells] == [True, False, False]
    assert [cell.share for cell in empty.cells] == [0.0, 0.0, 0.0]
    assert background.apart and not first.apart
    assert [cell.right for cell in background.cells] == [False, False, True]


def test_the_page_holds_every_table_of_the_report(report: dict[str, Any], tmp_path: Path) -> None:
    """Catches a class, a count, a model, a refused entry or a mistake that the template forgets."""
    report["data"]["patches"]["validation"]["quartz"] = 31_337
    report["models"]["keras"]["micro_f1"] = average(0.4321, 0.01, 777)
    report["models"]["keras"]["ece"] = average(0.222, 0.011, 464)
    report["parity"]["float32"]["max_difference"] = 0.7654
    report["models"]["int8"]["confusion"]["counts"][7][2] = 2718
    report["models"]["int8"]["reliability"][4]["accuracy"] = 0.1234
    text = render(tmp_path, report).text
    for wanted in (
        "31,337",
        "43.2 %",
        "0.211\N{EN DASH}0.233",
        "0.7654",
        "2,718",
        "12.3 %",
        "1.70 MB",
        "box has no area",
        "IMG_2104.jpg",
        "looser box",
        "-33.5 to -27.5",
    ):
        assert wanted in text, wanted


def test_classes_keep_the_order_of_the_recipe(tmp_path: Path) -> None:
    """Catches background among the classes, and tables in different orders."""
    text = render(tmp_path, sample_report()).text
    scores, data = text.split("Figures per class")[1], text.split("Boxes clipped")[1]
    assert sorted(CLASSES, key=scores.index) == list(CLASSES)
    assert sorted(["background", *CLASSES], key=data.index) == [*CLASSES, "background"]


def test_page_of_a_report_read_back_is_the_same(report: dict[str, Any], tmp_path: Path) -> None:
    """Catches tables whose order depends on the order of keys, which JSON files here sort."""
    path, page = write_report(tmp_path, parsed(report), sample_history())
    first = page.read_bytes()
    write_report(tmp_path, parsed(json.loads(path.read_text(encoding="utf-8"))), sample_history())
    assert page.read_bytes() == first


def test_report_json_gives_the_report_back(report: dict[str, Any], tmp_path: Path) -> None:
    """Catches rounded numbers, lost keys, keys out of order and characters that were not written as UTF-8."""
    report["machine"] = "Zwölfkern"
    path, _ = write_report(tmp_path, parsed(report), sample_history())
    text = path.read_text(encoding="utf-8")
    assert json.loads(text) == report
    assert "Zwölfkern" in text
    assert text == json.dumps(json.loads(text), indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["report.html", "report.json"]


def test_numbers_that_json_cannot_hold_are_refused(report: dict[str, Any], tmp_path: Path) -> None:
    """Catches a report.json with the word NaN in it, which other programs can't read."""
    report["models"]["int8"]["ece"]["value"] = float("nan")
    with pytest.raises(ValueError, match="JSON"):
        write_report(tmp_path, parsed(report), sample_history())
    assert list(tmp_path.iterdir()) == []


def hostile_report() -> dict[str, Any]:
    """Return the sample with a hostile text wherever a user's file or class name can stand."""
    report = sample_report()
    text = json.dumps(report).replace('"pyrite"', json.dumps(HOSTILE))
    report = json.loads(text)
    report |= {"recipe": HOSTILE, "run": HOSTILE, "machine": HOSTILE}
    report["baseline"]["name"] = HOSTILE
    report["data"]["refused"] = [HOSTILE]
    for entry in (*report["mistakes"]["shown"], *report["label_errors"]["shown"]):
        entry["photo"] = HOSTILE
    return report


def test_hostile_names_stay_text(tmp_path: Path) -> None:
    """Catches a file or class name that becomes markup, a template, mathematics or an attribute."""
    page = render(tmp_path, hostile_report())
    assert not page.all("script")
    assert not page.values("onload")
    assert page.unclosed == []
    assert page.text.count(HOSTILE) >= 12


def undefined() -> dict[str, Any]:
    return proportion(0, 0)


def test_undefined_values_render(report: dict[str, Any], tmp_path: Path) -> None:
    """Catches a run that ends in a traceback because nothing was predicted, rejected or resampled."""
    metrics = report["models"]["int8"]
    for name in ("rejected_background", "auroc_background", "accuracy_of_accepted", "ece"):
        metrics[name] = undefined()
    metrics["per_class"]["quartz"] = dict.fromkeys(("precision", "recall", "f1"), undefined())
    metrics["macro_f1"] = {"value": 0.5, "low": None, "high": None, "n": 3}
    metrics["threshold_curve"] = [{**row, "rejected_background": None} for row in metrics["threshold_curve"]]
    text = render(tmp_path, report).text
    assert "background patches." not in verdict(parsed(report))
    assert "Background rejected–no interval, n = 0" in text  # noqa: RUF001
    assert "Macro F150.0 %no interval, n = 3" in text
    assert "None" not in text.replace("None: no", "")
    assert "not defined, n=0" in "\n".join(summary_lines(parsed(report)))


def test_an_accuracy_of_nothing_renders(report: dict[str, Any], tmp_path: Path) -> None:
    """Catches a test split without patches, from which no figure follows."""
    report["models"]["int8"]["accuracy"] = undefined()
    report["baseline"]["accuracy"] = undefined()
    assert "can't be compared" in render(tmp_path, report).text


def test_missing_models_and_parts_render(report: dict[str, Any], tmp_path: Path) -> None:
    """Catches a template that counts on float32, the baseline, mistakes, refused entries or curves."""
    for part in (report["models"], report["parity"], report["cost"]["bytes"], report["cost"]["latency_ms"]):
        part.pop("float32", None)
    report |= {"baseline": None, "mistakes": no_mistakes(), "label_errors": {"checked": 3, "count": 0, "shown": []}}
    report["data"]["refused"] = []
    del report["robustness"]
    report["models"]["int8"] |= {"reliability": [], "threshold_curve": []}
    page = render(tmp_path, report, history=[])
    assert "float32" not in page.text
    assert "No baseline was measured." in page.text
    assert "no test patch got a wrong label" in page.text
    assert len(page.all("svg")) == 3  # comparison, classes, cost
    assert page.unclosed == []


@pytest.mark.parametrize("released", ["keras", "float32"])
def test_any_model_may_be_the_released_one(report: dict[str, Any], tmp_path: Path, released: str) -> None:
    """Catches int8 written into the page: Keras has neither parity nor latency."""
    report["released"] = released
    kept = {"keras", released}
    report["models"] = {name: metrics for name, metrics in report["models"].items() if name in kept}
    report["models"][released]["accuracy"] = proportion(1, 3)
    assert "Accuracy33.3 %" in render(tmp_path, report).text
    assert any("33.3 %" in line for line in summary_lines(parsed(report)))


def test_drawn_scenes_are_not_passed_off_as_photographs(report: dict[str, Any], tmp_path: Path) -> None:
    """Catches a page that lets figures of drawn scenes stand for real minerals, and one that warns of real ones."""
    assert "say nothing about photographs" in render(tmp_path, report).text
    report["data"]["kind"] = "photographs"
    assert "say nothing about photographs" not in render(tmp_path, report).text


def test_penalties_of_a_linear_head_are_no_epochs(report: dict[str, Any], tmp_path: Path) -> None:
    """Faults: "trained 7 epochs" for seven penalties; "trained 1 epochs"; "the 3th nearest"."""
    report["training"] = {"epochs": 7, "best_epoch": 3, "seconds": 4}
    report["calibration"]["knn_score"] = {
        "pictures": 40,
        "count": 3,
        "middle": 0.8,
        "width": 0.1,
        "slope": 1,
        "offset": 0,
    }
    heads = [{"epoch": n, "loss": 1.0, "val_loss": 1.0, "strength": 10.0**n} for n in range(7)]
    page = render_html(parsed(report), heads, tmp_path)
    assert "<li>fitted a linear head, penalty 3 of 7, in 4 s</li>" in page
    assert "The linear head with penalty 3 was kept" in page and " epoch" not in page
    assert "the 3rd nearest of the 40 training patches" in page
    report["training"] = {"epochs": 1, "best_epoch": 1, "seconds": 4}
    mixed = [{"epoch": 0, "strength": 1.0}, {"epoch": 1, "loss": 1.0}]  # a linear head first, then the network
    for history in ([], mixed):
        assert "<li>trained 1 epoch in 4 s</li>" in render_html(parsed(report), history, tmp_path)


@pytest.mark.parametrize(
    ("number", "text"), [(1, "1st"), (2, "2nd"), (3, "3rd"), (10, "10th"), (11, "11th"), (22, "22nd")]
)
def test_ordinals(number: int, text: str) -> None:
    """Fault: 3th."""
    assert ordinal(number) == text


def test_summary_fits_a_terminal(report: dict[str, Any]) -> None:
    """Catches lines that wrap, more than nine of them, and characters that an ASCII terminal can't show."""
    long = copy.deepcopy(report)
    long |= {"recipe": "r" * 90, "baseline": {"name": "b" * 90, "accuracy": proportion(99_998, 99_999)}}
    for candidate in (report, long):
        lines = summary_lines(parsed(candidate))
        assert 5 <= len(lines) <= 9
        assert max(map(len, lines)) <= 80
        assert "\n".join(lines).isascii()
    assert summary_lines(parsed(long))[2].endswith("n=99999")


def test_summary_shows_figures_with_interval_and_n(report: dict[str, Any]) -> None:
    """Catches a line that shows another figure than its title says."""
    lines = [" ".join(line.split()) for line in summary_lines(parsed(report))]
    rejected = report["models"]["int8"]["rejected_known"]
    assert lines[1:4] == [
        "Accuracy 92.9 % [90.2, 94.9] n=464",
        "HSV histogram with logistic regression 71.3 % [67.1, 75.3] n=464",
        "Keras model 93.5 % [90.9, 95.4] n=464",
    ]
    assert lines[5].startswith(f"Known classes rejected {100 * rejected['value']:.1f} %")
    assert "Calibration error (ECE) 0.031 [0.020, 0.042] n=464" in lines
    assert "Same label as Keras 99.2 % [98.1, 99.6] n=604" in lines
    assert lines[-1] == "Size and time per patch 611 kB, 2.31 ms (p95 2.60), n=200"
