"""Print README.txt's table of results from the reports in docs/results and models/released, so that none is typed.

    python -m benchmarks.results_table

A report gets there by copying a run's report.json, or a cross-validation's crossval.json, under the name of what was
measured.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
REPORTS = ("docs/results/*.json", "models/released/*/report.json")
_ROWS = (
    ("accuracy, nothing rejected", lambda report: report["models"][report["released"]]["accuracy"]),
    ("  one of the two best labels", lambda report: report["models"][report["released"]].get("top2_accuracy")),
    ("  colour histogram instead", lambda report: report["baseline"]["accuracy"]),
    ("  Keras instead of the file", lambda report: report["models"]["keras"]["accuracy"]),
    ("background answered unknown", lambda report: report["models"][report["released"]]["rejected_background"]),
    ("classes answered unknown", lambda report: report["models"][report["released"]]["rejected_minerals"]),
    ("same label as Keras", lambda report: report["parity"][report["released"]]["agreement"]),
)


_CROSSVAL_ROWS = (
    ("accuracy, nothing rejected", lambda report: report["pooled"]["accuracy"]),
    ("  every photograph alike", lambda report: report["pooled"]["accuracy_each_photo"]),
    ("  colour histogram instead", lambda report: report["baseline"]["accuracy"]),
    ("  Keras instead of the file", lambda report: report["models"]["keras"]),
    ("background answered unknown", lambda report: report["pooled"]["rejected_background"]),
    ("classes answered unknown", lambda report: report["pooled"]["rejected_minerals"]),
)


_PIXEL_ROWS = (
    ("AUPRO (up to 30 % false)", "aupro"),
    ("F1 of pixels, own threshold", "f1"),
    ("  at the best threshold", "best_f1"),
    ("AUROC of pixels", "pixel_auroc"),
)


def results_table() -> str:
    """Return the table: one block a report, values with 95 % intervals and n."""
    paths = [path for pattern in REPORTS for path in sorted(ROOT.glob(pattern))]
    reports = {path.relative_to(ROOT).as_posix(): json.loads(path.read_text(encoding="utf-8")) for path in paths}
    return "\n\n".join(_block_of(report)(name, report) for name, report in reports.items())


def _block_of(report: dict[str, Any]) -> Callable[[str, dict[str, Any]], str]:
    """Return what writes the block of a report of its kind."""
    if "folds" in report:
        return _crossval_block
    return _surface_block if "metrics" in report else _block


def _crossval_block(name: str, report: dict[str, Any]) -> str:
    lines = [
        f"{report['title']}: {report['data']['kind']}",
        f"  {'report':29}{name}",
        f"  {'test':29}every photograph once, in {report['folds']} folds",
    ]
    lines += [f"  {title:29}{_estimate(choose(report))}" for title, choose in _CROSSVAL_ROWS]
    lines.append(f"  {'machine':29}{report['machine']}")
    return "\n".join(lines)


def _block(name: str, report: dict[str, Any]) -> str:
    released = report["released"]
    cost, training = report["cost"], report["training"]
    latency = cost["latency_ms"][released]["median"]
    lines = [f"{report['title']}: {report['data']['kind']}", f"  {'report':29}{name}"]
    figures = [(title, choose(report)) for title, choose in _ROWS]
    lines += [f"  {title:29}{_estimate(figure)}" for title, figure in figures if figure and figure["value"] is not None]
    lines += [
        f"  {'parameters':29}{cost['parameters']:,}",
        f"  {'size, time a patch':29}{cost['bytes'][released]:,} bytes, {latency:.2f} ms on one thread",
        f"  {'training':29}{training['epochs']} epochs, {training['seconds'] / 60:.1f} minutes",
        f"  {'machine':29}{report['machine']}",
    ]
    return "\n".join(lines)


def _surface_block(name: str, report: dict[str, Any]) -> str:
    metrics, cost, data = report["metrics"], report["cost"], report["data"]
    lines = [f"{report['title']}: {data['kind']}", f"  {'report':29}{name}"]
    lines.append(f"  {'photographs':29}{data['fit']} in the bank, {data['test']} more, {data['masks']} masks")
    shares = [("clean ones flagged", metrics["flagged_clean"]), ("anomalous ones flagged", metrics["found_anomalous"])]
    if report["names"]:
        shares.append(("names of regions, balanced", report["names"]["balanced_accuracy"]))
    lines += [f"  {title:29}{_estimate(share)}" for title, share in shares if share["n"]]
    if metrics["image_auroc"]["value"] is not None:
        value, low, high = (f"{metrics['image_auroc'][key]:.3f}" for key in ("value", "low", "high"))
        lines.append(f"  {'AUROC of photographs':29} {value}   [{low}, {high}]  n = {metrics['image_auroc']['n']}")
    lines += [f"  {title:29} {metrics[key]:.3f}" for title, key in _PIXEL_ROWS if metrics[key] is not None]
    size = f"{cost['bytes']:,} bytes, {cost['seconds']:.2f} s for {cost['megapixels']:.1f} megapixels"
    return "\n".join([*lines, f"  {'size, time a photograph':29}{size}", f"  {'machine':29}{report['machine']}"])


def _estimate(estimate: dict[str, Any]) -> str:
    percent = (f"{100 * estimate[key]:.1f}" for key in ("value", "low", "high"))
    value, low, high = percent
    return f"{value:>5} %  [{low}, {high}]  n = {estimate['n']}"


if __name__ == "__main__":
    print(results_table())
