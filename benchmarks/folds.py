"""The folder of a run or cross-validation -> its runs; and the output of benchmarks on them."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from inference.errors import InputError
from inference.model.classifier import Classifier
from pipeline.crossval.folds import CrossvalFolder
from pipeline.metrics.intervals import Estimate
from pipeline.report.style import interval
from pipeline.settings.run_folder import RunFolder, read_json, write_json


def runs_of(path: Path) -> list[RunFolder]:
    """Return the run at a path, or the run of each fold in order for a cross-validation.

    Raises:
        InputError: the path, or a fold of it, has no exported model.
    """
    crossval = CrossvalFolder(path)
    folds = range(1, read_json(crossval.settings, "")["folds"] + 1) if crossval.settings.is_file() else ()
    runs = [crossval.fold(number) for number in folds] or [RunFolder(path)]
    for run in runs:
        if not run.model.is_file():
            raise InputError(f"{run.model}: does not exist. Finish the run: python -m pipeline resume {path}.")
    return runs


def classes_of(classifier: Classifier) -> tuple[str, ...]:
    """Return the labels that a model may answer with, in the order of its outputs."""
    card = classifier.card
    return tuple(label for label in card.labels if label not in card.reject_labels)


def percent_text(estimate: Estimate) -> str:
    """Return an estimate in percent: "80.0 [49.0, 94.3]"."""
    if estimate.value is None:
        return "not defined"
    ends = f"[{interval(estimate, between=', ')}]"
    return f"{100 * estimate.value:>5.1f} {ends:<14}"


def show(measure: Callable[[], dict[str, Any]], table: Callable[[dict[str, Any]], list[str]], out: Path | None) -> int:
    """Print the figures as a table and write them as JSON if a file is given; return the exit code."""
    try:
        report = measure()
    except InputError as fault:
        print(f"Error: {fault}", file=sys.stderr)
        return 2
    print("\n".join(table(report)))
    if out:
        write_json(out, report)
    return 0
