"""Compare CIFAR-10 classifiers on the same pictures: accuracy, milliseconds, bytes, parameters.

    python -m benchmarks.cifar10 PICTURES MODEL.tflite ... [--scaling FILE RULE] ... [--json OUT]

PICTURES holds a folder for each class. Every model is run by the runner's code; a model without labels gets those of
CIFAR-10 in the usual order. Accuracy is of the best label, nothing rejected. Timings of the models are interleaved, so
that other load on the machine affects all equally; times are on one thread, without decoding.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from inference.errors import InputError
from inference.model.artefact import read_artefact
from inference.model.card import CARD_NAME
from inference.model.classifier import Classifier
from inference.pictures.image_io import read_image
from pipeline.metrics.intervals import proportion
from pipeline.recipes import RECIPES
from pipeline.report.style import interval
from pipeline.settings.run_folder import describe_machine, write_json

LABELS = RECIPES["cifar10"].labels
_TURNS = 20
_PICTURES_A_TURN = 25


@dataclass(frozen=True)
class LabelledPicture:
    """One picture of 32 pixels, uint8 [32, 32, 3], and the name of its class."""

    pixels: np.ndarray
    label: str


def main(arguments: Sequence[str] | None = None) -> int:
    """Print one line per model; return the exit code."""
    options = _make_parser().parse_args(arguments)
    try:
        pictures = read_pictures(options.pictures)
        scalings = {Path(file): rule for file, rule in options.scaling}
        with tempfile.TemporaryDirectory() as folder:
            labels = Path(folder) / "labels.txt"
            labels.write_text("".join(f"{label}\n" for label in LABELS), encoding="utf-8")
            models = {path: load(path, labels, scalings.get(path)) for path in options.models}
        figures = {str(path): {"bytes": path.stat().st_size} | score(model, pictures) for path, model in models.items()}
    except InputError as fault:
        print(f"Error: {fault}", file=sys.stderr)
        return 2
    for path, times in time_in_turns(models, pictures).items():
        figures[str(path)]["ms"] = {"median": float(np.median(times)), "p95": float(np.percentile(times, 95))}
    report = {"machine": describe_machine(), "pictures": len(pictures), "models": figures}
    print("\n".join(table(report)))
    if options.json:
        write_json(options.json, report)
    return 0


def read_pictures(folder: Path) -> list[LabelledPicture]:
    """Read every picture of the class folders, in a fixed order.

    Raises:
        InputError: a class has no folder with pictures.
    """
    pictures = []
    for label in LABELS:
        files = sorted(path for path in (folder / label).glob("*") if path.is_file())
        if not files:
            raise InputError(f"{folder / label}: must hold pictures of the class. None was found.")
        pictures += [LabelledPicture(read_image(path), label) for path in files]
    return pictures


def load(path: Path, labels: Path, scaling: str | None) -> Classifier:
    """Return the classifier of a file, with the given labels if it has none.

    Raises:
        InputError: it is not a classifier of these classes.
    """
    ours = CARD_NAME in read_artefact(path).files
    model = Classifier(path, threads=1, labels=None if ours else labels, scaling=scaling)
    if set(model.card.labels) - set(model.card.reject_labels) != set(LABELS):
        raise InputError(f"{path}: must have the classes of CIFAR-10. Received: {', '.join(model.card.labels)}.")
    return model


def score(model: Classifier, pictures: list[LabelledPicture]) -> dict[str, Any]:
    """Return top-1 and top-2 accuracy, nothing rejected: an output for none of the classes is left out."""
    classes = [number for number, label in enumerate(model.card.labels) if label not in model.card.reject_labels]
    names, answers = np.array(model.card.labels)[classes], (model.probabilities(one.pixels) for one in pictures)
    order = np.array([names[np.argsort(-answer[classes], kind="stable")[:2]] for answer in answers])
    truth = np.array([one.label for one in pictures])
    first, second = (order == truth[:, np.newaxis]).sum(axis=0)
    return {
        "accuracy": proportion(int(first), len(pictures)),
        "top2_accuracy": proportion(int(first + second), len(pictures)),
    }


def time_in_turns(models: dict[Path, Classifier], pictures: list[LabelledPicture]) -> dict[Path, list[float]]:
    """Return the milliseconds per picture of each model."""
    times: dict[Path, list[float]] = {path: [] for path in models}
    for turn in range(_TURNS + 1):
        for path, model in models.items():
            for one in pictures[:_PICTURES_A_TURN]:
                begun = time.perf_counter()
                model.probabilities(one.pixels)
                if turn:  # the first one warms up
                    times[path].append((time.perf_counter() - begun) * 1000)
    return times


def table(report: dict[str, Any]) -> list[str]:
    """Return the lines that are printed."""
    lines = [f"{report['pictures']:,} pictures, {report['machine']}"]
    lines.append(f"{'file':34}{'top-1':>7}  {'95 % interval':14}{'top-2':>7}{'ms':>8}{'p95':>7}{'kB':>7}")
    for name, row in report["models"].items():
        first, ms = row["accuracy"], row["ms"]
        between = f"[{interval(first, between=', ')}]"
        shares = f"{100 * first.value:>6.1f}%  {between:14}{100 * row['top2_accuracy'].value:>6.1f}%"
        lines.append(f"{Path(name).name:34}{shares}{ms['median']:>8.2f}{ms['p95']:>7.2f}{row['bytes'] / 1000:>7.0f}")
    return lines


def _make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", type=Path, metavar="PICTURES")
    parser.add_argument("models", type=Path, nargs="+", metavar="MODEL")
    parser.add_argument(
        "--scaling", nargs=2, action="append", default=[], metavar=("FILE", "RULE"), help="scaling of a foreign model"
    )
    parser.add_argument("--json", type=Path, metavar="OUT")
    return parser


if __name__ == "__main__":
    sys.exit(main())
