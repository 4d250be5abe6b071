"""The report of a run that looks for anomalies -> report.json for programs, report.html for people, a few lines."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from inference.atomic_file import write_atomically
from pipeline.report.mistakes import picture_uri
from pipeline.report.page import render_page
from pipeline.report.report import TERMINAL_COLUMNS, TITLE_COLUMNS, Card
from pipeline.report.style import THIN, Report, decimal, share, size, spread

# title, key of the metrics, what it means
PIXEL_FIGURES = (
    ("AUPRO", "aupro", "mean overlap with each region, up to 30 % of the normal area flagged; 1 is best"),
    ("F1 of pixels", "f1", "at the file's own threshold, set without masks"),
    ("Best F1 of pixels", "best_f1", "at the threshold that the masks would choose: an upper bound"),
    ("AUROC of pixels", "pixel_auroc", "high wherever anomalies are small"),
)


def write_surface_report(folder: Path, report: dict[str, Any]) -> tuple[Path, Path]:
    """Write folder/report.json and folder/report.html and return both paths.

    Raises:
        ValueError: the report holds NaN or infinity, which JSON has no word for; undefined values are None.
    """
    json_path, html_path = folder / "report.json", folder / "report.html"
    text = json.dumps(report, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
    write_atomically(html_path, render_surface_report(report, folder))
    write_atomically(json_path, text + "\n")  # last: it marks the evaluation as done
    return json_path, html_path


def render_surface_report(report: Report, folder: Path) -> str:
    """Return the page as one self-contained text; pictures are read from paths relative to folder."""
    lines = {one["name"]: one for one in report["photos"]}
    pictures = [
        {**lines[one["name"]], **{kind: picture_uri(folder / one[kind]) for kind in ("found", "heat")}}
        for one in report["pictures"]
    ]
    return render_page(
        "anomaly.html.jinja",
        report=report,
        verdict=verdict(report),
        cards=list(key_cards(report)),
        pictures=pictures,
    )


def surface_lines(report: Report) -> list[str]:
    """Return the report for a terminal: lines of at most 80 columns."""
    metrics = report["metrics"]
    lines = [f"{report['recipe']}: {report['released']}, {_counted(report)}"]
    for title, key in (("Clean photographs flagged", "flagged_clean"), ("Anomalous ones flagged", "found_anomalous")):
        if metrics[key]["n"]:
            lines.append(_aligned(title, f"{share(metrics[key]['value'])} ({spread(metrics[key])})"))
    auroc = metrics["image_auroc"]
    if auroc["value"] is not None:
        lines.append(_aligned("AUROC of photographs", f"{decimal(auroc['value'])} ({spread(auroc, 'decimal')})"))
    lines += [_aligned(title, decimal(metrics[key])) for title, key, _ in PIXEL_FIGURES if metrics[key] is not None]
    if report["names"]:
        lines.append(_aligned("Names of regions, balanced", share(report["names"]["balanced_accuracy"]["value"])))
    lines.append(_aligned("Size, time a photograph", cost_text(report)))
    return [line.replace(THIN, " ")[:TERMINAL_COLUMNS].rstrip() for line in lines]


def verdict(report: Report) -> str:
    """Return the run in one sentence of counts."""
    metrics = report["metrics"]
    flagged, found = metrics["flagged_clean"], metrics["found_anomalous"]
    if not flagged["n"] and not found["n"]:
        count = sum(one["result"] == "anomaly" for one in report["photos"])
        return f"Flags {count} of {len(report['photos'])} photographs; whether rightly, no mask tells."
    parts = []
    if found["n"]:
        parts.append(f"Finds {_of(found)} photographs with anomalies")
    if flagged["n"]:
        parts.append(f"{'flags' if parts else 'Flags'} {_of(flagged)} clean ones")

    return ", ".join(parts) + "."


def key_cards(report: Report) -> Iterator[Card]:
    """Yield the key figures; what was not measured has no card."""
    metrics = report["metrics"]
    auroc, flagged = metrics["image_auroc"], metrics["flagged_clean"]
    if flagged["n"]:
        yield Card("Clean ones flagged", share(flagged["value"]), spread(flagged), "fewer is better")
    if auroc["value"] is not None:
        meaning = "an anomalous photograph's score is higher than a clean one's"
        yield Card("AUROC of photographs", decimal(auroc["value"]), spread(auroc, "decimal"), meaning)
    for title, key, meaning in PIXEL_FIGURES:
        if metrics[key] is not None:
            yield Card(title, decimal(metrics[key]), f"n{THIN}={THIN}{report['data']['masks']} masks", meaning)
    if report["names"]:
        accuracy = report["names"]["balanced_accuracy"]
        yield Card("Names of regions", share(accuracy["value"]), spread(accuracy), "balanced over the names")
    yield Card("Size", size(report["cost"]["bytes"]), "", "one file")
    yield Card("Time", f"{report['cost']['seconds']:.2f}{THIN}s", "", time_text(report))


def cost_text(report: Report) -> str:
    """Return bytes and time as one text."""
    return f"{report['cost']['bytes']:,} bytes, {report['cost']['seconds']:.2f} s for {time_text(report)}"


def time_text(report: Report) -> str:
    """Return what the time is of."""
    cost = report["cost"]
    return f"{cost['megapixels']:.1f} megapixels, {cost['threads']} threads"


def _counted(report: Report) -> str:
    data = report["data"]
    return f"{data['fit']} photographs in the bank, {data['masks']} masks"


def _of(estimate: Report) -> str:
    return f"{round(estimate['value'] * estimate['n'])} of {estimate['n']}"


def _aligned(title: str, text: str) -> str:
    return f"  {title:<{TITLE_COLUMNS - 14}}{text}"
