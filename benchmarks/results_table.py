"""Print the figures of docs/results.md, or README.txt's few of them, from docs/results and models/released.

    python -m benchmarks.results_table
    python -m benchmarks.results_table --short

The reports are copies of a run's report.json, or a cross-validation's crossval.json, named after the measurement.
"""

import argparse
import json
from pathlib import Path
from typing import Any

from pipeline.anomaly.report import flagged_clean
from pipeline.anomaly.sections import AnomalyReport
from pipeline.crossval.sections import CrossvalReport
from pipeline.metrics.intervals import Estimate
from pipeline.report.sections import ClassificationReport, Training
from pipeline.report.stored import parse_section
from pipeline.report.style import interval
from pipeline.settings.recipe import recipe_from_json

ROOT = Path(__file__).parent.parent
REPORTS = ("docs/results/*.json", "models/released/*/report.json")
_PIXEL_ROWS = (
    ("AUPRO (up to 30 % false)", "aupro"),
    ("F1 of pixels, own threshold", "f1"),
    ("  at the best threshold", "best_f1"),
    ("AUROC of pixels", "pixel_auroc"),
)
# README.txt's rows: title > the report
_SHORT = {
    "Minerals, own network, five folds": "docs/results/minerals_crossval.json",
    "Minerals, own, with a teacher": "docs/results/minerals_taught_crossval.json",
    "Minerals, pretrained, five folds": "docs/results/minerals_two_trunks_crossval.json",
    "CIFAR-10, 823,667 parameters": "models/released/cifar10/report.json",
    "Memes of two games, drawn": "docs/results/memes_drawn.json",
}


def short_table() -> str:
    """Return README.txt's table: the accuracy of a few reports, and what colour alone reaches."""
    lines = [f"{'':35}{'accuracy':32}colour"]
    for title, name in _SHORT.items():
        accuracy, colour = _accuracy_and_colour(json.loads((ROOT / name).read_text(encoding="utf-8")))
        lines.append(f"{title:33}{_estimate(accuracy):34}{100 * (colour.value or 0):.1f} %")
    return "\n".join(lines)


def _accuracy_and_colour(values: dict[str, Any]) -> tuple[Estimate, Estimate]:
    """Return the accuracy of a report, and that of the colour histogram on the same pictures."""
    if "folds" in values:
        pooled = parse_section(CrossvalReport, values)
        return pooled.pooled.accuracy, pooled.baseline.accuracy
    report = parse_section(ClassificationReport, values)
    if report.baseline is None:
        raise ValueError(f"the report of {report.run} has no baseline")
    return report.metrics.accuracy, report.baseline.accuracy


def results_table() -> str:
    """Return the table: one block per report, values with 95 % intervals and n."""
    paths = [path for pattern in REPORTS for path in sorted(ROOT.glob(pattern))]
    reports = {path.relative_to(ROOT).as_posix(): json.loads(path.read_text(encoding="utf-8")) for path in paths}
    return "\n\n".join(_block_of(name, values) for name, values in reports.items())


def _block_of(name: str, values: dict[str, Any]) -> str:
    """Return the block of a report of its kind."""
    if "folds" in values:
        return _crossval_block(name, parse_section(CrossvalReport, values))
    if "metrics" in values:
        return _anomaly_block(name, parse_section(AnomalyReport, values))
    return _block(name, parse_section(ClassificationReport, values))


def _crossval_block(name: str, report: CrossvalReport) -> str:
    pooled = report.pooled
    rows = (
        ("accuracy, nothing rejected", pooled.accuracy),
        ("  every photograph alike", pooled.accuracy_each_photo),
        ("  colour histogram instead", report.baseline.accuracy),
        ("  Keras instead of the file", report.models["keras"]),
        ("background answered unknown", pooled.rejected_background),
        ("classes answered unknown", pooled.rejected_known),
    )
    lines = [
        f"{report.title}: {report.data.kind}",
        f"  {'report':29}{name}",
        f"  {'test':29}every photograph once, in {report.folds} folds",
        *(f"  {title:29}{_estimate(figure)}" for title, figure in rows if figure),
    ]
    return "\n".join([*lines, f"  {'machine':29}{report.machine}"])


def _block(name: str, report: ClassificationReport) -> str:
    released, metrics, cost, training = report.released, report.metrics, report.cost, report.training
    latency = cost.latency_ms[released].median
    rows = (
        ("accuracy, nothing rejected", metrics.accuracy),
        ("  one of the two best labels", metrics.top2_accuracy),
        ("  colour histogram instead", report.baseline.accuracy if report.baseline else None),
        ("  Keras instead of the file", report.models["keras"].accuracy),
        ("background answered unknown", metrics.rejected_background),
        ("classes answered unknown", metrics.rejected_known),
        ("same label as Keras", report.parity[released].agreement),
    )
    lines = [
        f"{report.title}: {report.data.kind}",
        f"  {'report':29}{name}",
        *(f"  {title:29}{_estimate(figure)}" for title, figure in rows if figure and figure.value is not None),
        f"  {'parameters':29}{cost.parameters:,}",
        f"  {'size, time a patch':29}{cost.bytes[released]:,} bytes, {latency:.2f} ms on one thread",
        f"  {_training(name, training)}, {training.seconds / 60:.1f} minutes",
    ]
    return "\n".join([*lines, f"  {'machine':29}{report.machine}"])


def _training(name: str, training: Training) -> str:
    """Return the row of the epochs, or of a linear head's penalty; name: of a report, perhaps with its recipe."""
    recipe = (ROOT / name).with_name("recipe.json")
    if recipe.is_file() and recipe_from_json(recipe.read_text(encoding="utf-8")).fit.kind == "frozen":
        return f"{'training, linear head':29}penalty {training.best_epoch} of {training.epochs}"
    return f"{'training':29}{training.epochs} epochs"


def _anomaly_block(name: str, report: AnomalyReport) -> str:
    metrics, cost, data = report.metrics, report.cost, report.data
    lines = [f"{report.title}: {data.kind}", f"  {'report':29}{name}"]
    lines.append(f"  {'photographs':29}{data.fit} in the bank, {data.test} more, {data.masks} masks")
    clean = flagged_clean(report)
    shares = [("clean ones flagged", clean), ("anomalous ones flagged", metrics.found_anomalous)]
    if report.names:
        shares.append(("names of regions, balanced", report.names.balanced_accuracy))
    if clean.n and not clean.ends:  # of the photographs that set the threshold
        shares[0] = ("clean ones in bank flagged", clean)
    lines += [f"  {title:29}{_estimate(share)}" for title, share in shares if share.n]
    auroc = metrics.image_auroc
    if auroc.ends:  # of a few photographs there is none, and the figure says little
        ends = interval(auroc, "decimal", ", ")
        lines.append(f"  {'AUROC of photographs':29} {auroc.value:.3f}   [{ends}]  n = {auroc.n}")
    figures = [(title, getattr(metrics, key)) for title, key in _PIXEL_ROWS]
    lines += [f"  {title:29} {value:.3f}" for title, value in figures if value is not None]
    size = f"{cost.bytes:,} bytes, {cost.seconds:.2f} s for {cost.megapixels:.1f} megapixels"
    return "\n".join([*lines, f"  {'size, time a photograph':29}{size}", f"  {'machine':29}{report.machine}"])


def _estimate(estimate: Estimate) -> str:
    ends = f"  [{interval(estimate, between=', ')}]" if estimate.ends else ""
    return f"{100 * (estimate.value or 0):>5.1f} %{ends}  n = {estimate.n}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true", help="README.txt's rows alone")
    print(short_table() if parser.parse_args().short else results_table())
