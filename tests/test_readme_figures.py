"""The figures of docs/results.md and README.txt, number by number, against the reports.

They are read from the texts and not made anew: a program that prints the wrong field is noticed too.
"""

import json
import re
from dataclasses import asdict
from functools import cache, reduce
from pathlib import Path
from typing import Any

import pytest

from pipeline.metrics.intervals import proportion
from pipeline.report.old_names import modern

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.txt").read_text(encoding="utf-8")
SHORT = README.split("\nRESULTS\n", 1)[1].split("\nWHERE THINGS ARE\n", 1)[0]
MEASURED = (ROOT / "docs" / "results.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^    \S.*\n(?:      .*\n)+", MEASURED, re.MULTILINE)
ESTIMATE = re.compile(r"(\d+\.\d) %  \[(\d+\.\d), (\d+\.\d)\]  n = (\d+)")

# what a row means > where a report, or a cross-validation's, has it; {released} is the released file's kind
SHARES = {
    "accuracy, nothing rejected": ("models.{released}.accuracy", "pooled.accuracy"),
    "one of the two best labels": ("models.{released}.top2_accuracy", None),
    "every photograph alike": (None, "pooled.accuracy_each_photo"),
    "colour histogram instead": ("baseline.accuracy", "baseline.accuracy"),
    "Keras instead of the file": ("models.keras.accuracy", "models.keras"),
    "background answered unknown": ("models.{released}.rejected_background", "pooled.rejected_background"),
    "classes answered unknown": ("models.{released}.rejected_known", "pooled.rejected_known"),
    "same label as Keras": ("parity.{released}.agreement", None),
    "clean ones flagged": ("clean.test", None),
    "anomalous ones flagged": ("metrics.found_anomalous", None),
    "names of regions, balanced": ("names.balanced_accuracy", None),
}
# rows of several numbers: their form > the report's figure for each of them, with what it is multiplied by
NUMBERS = {
    "test": (r"every photograph once, in ([\d]+) folds", [("folds", 1)]),
    "parameters": (r"([\d,]+)", [("cost.parameters", 1)]),
    "size, time a patch": (
        r"([\d,]+) bytes, ([\d.]+) ms on one thread",
        [("cost.bytes.{released}", 1), ("cost.latency_ms.{released}.median", 1)],
    ),
    "photographs": (
        r"(\d+) in the bank, (\d+) more, (\d+) masks",
        [("data.fit", 1), ("data.test", 1), ("data.masks", 1)],
    ),
    "AUROC of photographs": (
        r"([\d.]+)   \[([\d.]+), ([\d.]+)\]  n = (\d+)",
        [(f"metrics.image_auroc.{key}", 1) for key in ("value", "low", "high", "n")],
    ),
    "AUPRO (up to 30 % false)": (r"([\d.]+)", [("metrics.aupro", 1)]),
    "F1 of pixels, own threshold": (r"([\d.]+)", [("metrics.f1", 1)]),
    "at the best threshold": (r"([\d.]+)", [("metrics.best_f1", 1)]),
    "AUROC of pixels": (r"([\d.]+)", [("metrics.pixel_auroc", 1)]),
    "size, time a photograph": (
        r"([\d,]+) bytes, ([\d.]+) s for ([\d.]+) megapixels",
        [("cost.bytes", 1), ("cost.seconds", 1), ("cost.megapixels", 1)],
    ),
    "clean ones in bank flagged": (r"([\d.]+) %  n = (\d+)", [("clean.fit.value", 100), ("clean.fit.n", 1)]),
    "training, linear head": (
        r"penalty (\d+) of (\d+), ([\d.]+) minutes",
        [("training.best_epoch", 1), ("training.epochs", 1), ("training.seconds", 1 / 60)],
    ),
    "training": (r"(\d+) epochs, ([\d.]+) minutes", [("training.epochs", 1), ("training.seconds", 1 / 60)]),
}


@cache
def report_of(name: str) -> dict[str, Any]:
    """Return the report of a path in the repository, {} where there is none."""
    path = ROOT / name
    report = modern(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else {}
    if isinstance(report.get("photos"), list):  # of anomalies
        report["clean"] = {split: clean_of(report["photos"], split) for split in ("fit", "test")}
    return report


def clean_of(photos: list[dict[str, Any]], split: str) -> dict[str, Any]:
    """Return the share of a split's clean photographs that are flagged."""
    flagged = [one["result"] == "anomaly" for one in photos if one["is_anomaly"] is False and one["split"] == split]
    return asdict(proportion(sum(flagged), len(flagged)))


def look_up(report: dict[str, Any], place: str) -> Any:
    """Return what a report holds at a dotted place; None where it holds nothing."""
    keys = place.format(released=report["released"]).split(".")
    return reduce(lambda found, key: found.get(key) if isinstance(found, dict) else None, keys, report)


def agrees(text: str, value: Any) -> bool:
    """Tell whether a printed number is a value, rounded to the digits that are printed."""
    digits = len(text.partition(".")[2])
    return isinstance(value, int | float) and abs(float(text.replace(",", "")) - value) <= 0.5 * 10**-digits + 1e-9


def is_right(label: str, text: str, report: dict[str, Any]) -> bool:
    """Tell whether all of a row is in the report."""
    if label == "machine":
        return text == report["machine"]
    if label in SHARES:
        place, printed = SHARES[label]["folds" in report], ESTIMATE.fullmatch(text)
        found = look_up(report, place) if place else None
        if not printed or not isinstance(found, dict):
            return False
        values = [100 * found["value"], 100 * found["low"], 100 * found["high"], found["n"]]
        return all(map(agrees, printed.groups(), values))
    form, places = NUMBERS.get(label, ("", []))
    numbers = re.fullmatch(form, text)
    if not numbers:
        return False
    pairs = zip(numbers.groups(), places, strict=True)
    return all(agrees(number, (look_up(report, place) or 0) * factor) for number, (place, factor) in pairs)


def faults(block: str) -> list[str]:
    """Return the lines of a block that its report does not hold."""
    title, *lines = block.splitlines()
    rows = [(line, line[:35].strip(), line[35:].strip()) for line in lines]
    report = report_of(rows[0][2])
    if rows[0][1] != "report" or not report:
        return [rows[0][0]]
    wrong = [line for line, label, text in rows[1:] if not is_right(label, text, report)]
    return wrong if title.strip() == f"{report['title']}: {report['data']['kind']}" else [title, *wrong]


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.split("report ")[1].split()[0])
def test_every_number_of_the_table_is_in_its_report(block: str) -> None:
    """Faults: a figure that was typed, one of another run, another row's, a row that no report has, a lost report."""
    assert faults(block) == []


def test_the_table_is_all_that_stands_there() -> None:
    """Faults: a block or row that is set in otherwise, so that the test above overlooks it."""
    indented = [line for line in MEASURED.splitlines() if line.startswith("    ")]
    assert indented == [line for block in BLOCKS for line in block.splitlines()]
    reports = [*ROOT.glob("docs/results/*.json"), *ROOT.glob("models/released/*/report.json")]
    assert len(BLOCKS) == len(reports) > 0


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.split("report ")[1].split()[0])
def test_a_single_wrong_digit_is_noticed(block: str) -> None:
    """Faults: a number, of whatever row, that the comparison above passes over."""
    for place, letter in enumerate(block):
        if letter.isdigit():
            other = "5" if letter == "0" else str(int(letter) - 1)
            assert faults(block[:place] + other + block[place + 1 :]), block[: place + 1].splitlines()[-1]


def test_the_figures_in_the_text_are_the_reports() -> None:
    """Faults: other photographs, folds or networks than those that the sentences around the table speak of."""
    photos = re.search(r"the minerals \((\d+), from the web\)", " ".join(MEASURED.split()))
    assert photos
    for name in ("minerals", "minerals_transfer"):
        assert report_of(f"docs/results/{name}_crossval.json")["data"]["photos"] == int(photos[1])
    parameters = report_of("models/released/cifar10/report.json")["cost"]["parameters"]
    assert parameters < 1_000_000, "the README says: under a million"
    assert f"CIFAR-10, {parameters:,} parameters" in SHORT
    released = (ROOT / "models" / "released" / "README.txt").read_text(encoding="utf-8")
    assert f"{parameters:,} parameters" in " ".join(released.split())


SHORT_ROW = re.compile(r"    (\S.*\S)\s+(\d+\.\d %  \[.*\]  n = \d+)\s+(\d+\.\d) %")
SHORT_REPORTS = {
    "Minerals, own network, five folds": "docs/results/minerals_crossval.json",
    "Minerals, own, with a teacher": "docs/results/minerals_taught_crossval.json",
    "Minerals, pretrained, five folds": "docs/results/minerals_two_trunks_crossval.json",
    "CIFAR-10, 823,667 parameters": "models/released/cifar10/report.json",
    "Memes of two games, drawn": "docs/results/memes_drawn.json",
}


def test_every_number_of_the_short_table_is_in_its_report() -> None:
    """Faults: a typed figure in the README, one of another report, a row that this test overlooks."""
    lines = [line for line in SHORT.splitlines() if line.startswith("    ")][1:]
    rows = [SHORT_ROW.fullmatch(line) for line in lines]
    assert {row[1] for row in rows if row} == set(SHORT_REPORTS)
    assert all(rows)
    for row in filter(None, rows):
        report = report_of(SHORT_REPORTS[row[1]])
        assert is_right("accuracy, nothing rejected", row[2], report), row[0]
        assert agrees(row[3], 100 * look_up(report, "baseline.accuracy.value")), row[0]
