"""Print README.txt's table of results from the reports in docs/results and models/released, so that none is typed.

    python -m benchmarks.results_table

A report gets there by copying a run's report.json, or a cross-validation's crossval.json, under the name of what was
measured.
"""

import json
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


def results_table() -> str:
    """Return the table: one block a report, values with 95 % intervals and n."""
    paths = [path for pattern in REPORTS for path in sorted(ROOT.glob(pattern))]
    reports = {path.relative_to(ROOT).as_posix(): json.loads(path.read_text(encoding="utf-8")) for path in paths}
    return "\n\n".join(
        _crossval_block(name, report) if "folds" in report else _block(name, report) for name, report in reports.items()
    )


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


def _estimate(estimate: dict[str, Any]) -> str:
    percent = (f"{100 * estimate[key]:.1f}" for key in ("value", "low", "high"))
    value, low, high = percent
    return f"{value:>5} %  [{low}, {high}]  n = {estimate['n']}"


if __name__ == "__main__":
    print(results_table())
