"""Measure how well a run, or each fold of a cross-validation, answers "unknown" for pictures of other objects.

    python -m benchmarks.rejection RUN --folder near_rocks=DIR --folder far_textures=DIR [--json OUT]

RUN: the folder of an exported and evaluated run or cross-validation. The pictures of each folder are classified whole,
nothing rejected, and their confidences are compared with those of the classes' test patches in predictions.csv;
"background" are the test patches without a class. No threshold is chosen here: 90 or 95 % accepted test patches are
points of the curve; the threshold in use is that of the card. For cross-validations every figure is measured in each
fold and then averaged, since confidences of different networks are not comparable.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.folds import classes_of, percent_text, runs_of, show
from inference.errors import InputError
from inference.model.classifier import Classifier
from inference.pictures.listing import list_pictures
from pipeline.evaluation.predictions import read_predictions
from pipeline.metrics.classification import Scores
from pipeline.metrics.intervals import UNDEFINED, Estimate, bootstrap, share_of
from pipeline.quiet import load_tensorflow
from pipeline.settings.labels import BACKGROUND
from pipeline.settings.run_folder import RunFolder, describe_machine

ACCEPTED = (0.9, 0.95)  # shares of the classes' test patches at which rejection is measured
FIGURES = ("auroc", *(f"unknown_at_{share}" for share in ACCEPTED), "unknown_at_card")
_COLUMN = 22


def main(arguments: list[str]) -> int:
    """Print one line per source; return the exit code."""
    options = _make_parser().parse_args(arguments)
    return show(lambda: measure_rejection(options.run, dict(options.folder)), table, options.json)


def measure_rejection(path: Path, folders: dict[str, Path]) -> dict[str, Any]:
    """Return the figures of each source, background and then the folders: in each fold, and their mean.

    Raises:
        InputError: a run is not finished, or a folder holds nothing readable.
    """
    if BACKGROUND in folders:
        raise InputError(f"{BACKGROUND} names the test patches without a class. Give the folder another name.")
    load_tensorflow()  # quietly; only pipeline.calibration.temperature's threshold needs it
    runs = runs_of(path)
    unreadable: dict[str, str] = {}
    measured = [_measure_run(run, folders, unreadable) for run in runs]
    return {
        "machine": describe_machine(),
        "runs": [run.path.name for run in runs],
        "card_threshold": [part["card_threshold"] for part in measured],
        "accepted_at_card": _over_folds([part["accepted_at_card"] for part in measured]),
        "sources": {
            name: {figure: _over_folds([part["sources"][name][figure] for part in measured]) for figure in FIGURES}
            for name in (BACKGROUND, *folders)
        },
        "unreadable": unreadable,
    }


def measure_source(positives: Scores, confidences: np.ndarray, threshold: float) -> dict[str, Any]:
    """Return the figures of one source, each an estimate of pipeline.metrics.intervals.

    Classes' patches at 0.2, 0.4, 0.6, 0.8 and a source at 0.1, 0.3, 0.5, threshold 0.4: AUROC 9/12, unknown 2 of 3.

    Args:
        positives: the classes' test patches.
        confidences: float [pictures], of the best class of each picture of the source.
        threshold: the card's.
    """
    from pipeline.calibration.temperature import highest_threshold

    figures = {"auroc": _auroc(positives, confidences)}
    for share in ACCEPTED:
        figures[f"unknown_at_{share}"] = _below(confidences, highest_threshold(positives.confidences, share))
    return figures | {"unknown_at_card": _below(confidences, threshold)}


def table(report: dict[str, Any]) -> list[str]:
    """Return the report for a terminal: percentages with 95 % intervals, or mean and standard deviation over folds."""
    folds, accepted = len(report["runs"]), report["accepted_at_card"]
    heading = ("AUROC", *(f"unknown at {100 * share:.0f} %" for share in ACCEPTED), "at the card's")
    lines = [
        f"{folds} folds, percent: mean (sd of the folds)" if folds > 1 else "percent [95 % interval]",
        f"classes' test patches accepted at the card's threshold: {_text(accepted)} n = {_numbers(accepted)}",
        f"{'':24}{'n':>6}  " + "".join(f"{title:{_COLUMN}}" for title in heading),
    ]
    for name, figures in report["sources"].items():
        texts = "".join(f"{_text(figures[figure]):{_COLUMN}}" for figure in FIGURES)
        lines.append(f"{name:24}{_numbers(figures['unknown_at_card']):>6}  {texts}".rstrip())
    if report["unreadable"]:
        lines.append(f"left out as unreadable: {len(report['unreadable'])} (named on stderr)")
    return lines


def _measure_run(run: RunFolder, folders: dict[str, Path], unreadable: dict[str, str]) -> dict[str, Any]:
    classifier = Classifier(run.model, threshold=0.0)
    scores = read_predictions(run.predictions, classes_of(classifier))
    positives = scores.take(np.flatnonzero(scores.positive))
    if not len(positives.labels):
        raise InputError(f"{run.predictions}: holds no patch of a class. Give a run with test patches.")
    threshold = classifier.card.threshold
    sources = {BACKGROUND: scores.confidences[~scores.positive]}
    sources |= {name: _classify_folder(classifier, folder, unreadable) for name, folder in folders.items()}
    return {
        "card_threshold": threshold,
        "accepted_at_card": share_of(positives.confidences >= threshold),
        "sources": {name: measure_source(positives, values, threshold) for name, values in sources.items()},
    }


def _classify_folder(classifier: Classifier, folder: Path, unreadable: dict[str, str]) -> np.ndarray:
    """Return the confidences of a folder's pictures, float [readable pictures]; name the unreadable ones once."""
    confidences = []
    for picture in list_pictures([folder]):
        try:
            confidences.append(classifier.classify(picture.path).confidence)
        except InputError as fault:
            if str(picture.path) not in unreadable:
                print(f"left out: {picture.path}: {fault}", file=sys.stderr)
            unreadable[str(picture.path)] = str(fault)
    if not confidences:
        raise InputError(f"{folder}: holds no readable picture. Give a folder with pictures.")
    return np.array(confidences)


def _auroc(positives: Scores, confidences: np.ndarray) -> Estimate:
    """Return the AUROC by confidence; every picture of a source is a separate photograph."""
    if not len(confidences):
        return UNDEFINED
    known = np.repeat([True, False], [len(positives.confidences), len(confidences)])
    values = np.concatenate([positives.confidences, confidences])
    photos = np.concatenate([positives.photos, [f"outside/{number}" for number in range(len(confidences))]])

    def statistic(positions: np.ndarray) -> float | None:
        drawn, ours = values[positions], known[positions]
        return _share_ahead(drawn[ours], drawn[~ours])

    return bootstrap(statistic(np.arange(len(values))), statistic, photos)


def _share_ahead(positives: np.ndarray, others: np.ndarray) -> float | None:
    """Return AUROC, ties counted half; scikit-learn's is too slow for thousands of resamples."""
    if not len(positives) or not len(others):
        return None
    others = np.sort(others)
    positions = [np.searchsorted(others, positives, side).mean() for side in ("left", "right")]
    return float(sum(positions) / 2 / len(others))


def _below(confidences: np.ndarray, threshold: float) -> Estimate:
    return share_of(confidences < threshold)


def _over_folds(estimates: list[Estimate]) -> dict[str, Any]:
    """Return the folds' estimates with mean and standard deviation (n - 1) of their values."""
    values = [estimate.value for estimate in estimates if estimate.value is not None]
    return {
        "mean": float(np.mean(values)) if values else None,
        "sd": float(np.std(values, ddof=1)) if len(values) > 1 else None,
        "folds": estimates,
    }


def _text(figure: dict[str, Any]) -> str:
    if len(figure["folds"]) == 1 or figure["mean"] is None:
        return percent_text(figure["folds"][0])
    spread = "" if figure["sd"] is None else f" ({100 * figure['sd']:.1f})"
    return f"{100 * figure['mean']:>5.1f}{spread}"


def _numbers(figure: dict[str, Any]) -> str:
    """Return n, as a range where the folds differ."""
    counts = sorted({estimate.n for estimate in figure["folds"]})
    return str(counts[0]) if len(counts) == 1 else f"{counts[0]}-{counts[-1]}"


def _make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rejection")
    parser.add_argument("run", type=Path, metavar="RUN", help="a folder of `pipeline run` or `pipeline crossval`")
    parser.add_argument("--folder", type=_named_folder, action="append", default=[], metavar="NAME=DIR")
    parser.add_argument("--json", type=Path, metavar="OUT", help="write the figures here too")
    return parser


def _named_folder(text: str) -> tuple[str, Path]:
    name, _, folder = text.partition("=")
    if not name or not folder:
        raise argparse.ArgumentTypeError(f"must be NAME=DIR. Received: {text!r}.")
    return name, Path(folder)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
