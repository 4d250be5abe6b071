"""python -m inference enroll, classes: add classes to a finished model, list and remove them."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from inference.batch.progress import track
from inference.batch.result_files import check_output
from inference.errors import InputError
from inference.pictures.listing import Listing

ENROLL = """\
Add a class to a finished model from a few pictures, in seconds and without training: 10 to 50 pictures like
those it was trained on (tight patches for a model of patches). The network is not changed, so accuracy is lower
for a class unlike those of the training. The threshold is chosen again.
"""
CLASSES = "list a model's classes, or remove an added one"


def main(words: Sequence[str]) -> int:
    """Run `enroll` or `classes`, the first of the words; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m inference")
    verbs = parser.add_subparsers(dest="verb", required=True)
    add_verbs(verbs)
    options = parser.parse_args(words)
    try:
        return VERBS[options.verb](options)
    except InputError as fault:
        print(f"Error: {fault}", file=sys.stderr)
        return 2


def add_verbs(verbs: Any) -> None:
    """Add the parsers of both verbs to argparse's subparsers."""
    enroll = verbs.add_parser("enroll", help="add a class to a finished model from a few pictures", description=ENROLL)
    enroll.add_argument("model", type=Path, metavar="MODEL", help="a .tflite made with calibrate.kind=neighbours")
    enroll.add_argument("--name", required=True, metavar="LABEL", help="name of the new class")
    enroll.add_argument(
        "--images", required=True, action="append", metavar="DIR", help="folder, zip or pictures; may be repeated"
    )
    _add_out(enroll, required=True)
    classes = verbs.add_parser("classes", help=CLASSES, description=CLASSES)
    classes.add_argument("model", type=Path, metavar="MODEL")
    classes.add_argument("--remove", metavar="LABEL", help="the added class to remove")
    _add_out(classes, required=False)


def _add_out(parser: argparse.ArgumentParser, required: bool) -> None:
    parser.add_argument("--out", type=Path, required=required, metavar="NEW.tflite", help="the model to write")
    parser.add_argument("--overwrite", action="store_true", help="replace an existing --out")


def enroll(options: argparse.Namespace) -> int:
    """Add a class; return the exit code."""
    from inference.enrollment.enroll import add_class, compute_vectors, open_model, write_model

    check_output("--out", options.out, options.overwrite)
    model = open_model(options.model)
    listing = Listing(options.images)
    found = compute_vectors(model, track(listing, len(listing), "pictures"))
    for picture, fault in found.faults.items():
        print(f"{picture}: {fault}", file=sys.stderr)
    extended = add_class(model, options.name, found.vectors)
    write_model(extended, options.out)
    print(f"{options.name}: added from {len(found.vectors)} pictures")
    for line in _accuracy_lines(extended.card.measured):
        print(line)
    print(f"threshold: {model.card.threshold:.3f} before, {extended.card.threshold:.3f} now")
    print(f"model: {options.out}")
    return 1 if found.faults else 0


def _accuracy_lines(measured: dict[str, Any]) -> list[str]:
    """Return the accuracy without and with added classes, and the recall of each, for a terminal."""
    trained = measured["trained"].get("accuracy")
    figures = {"accuracy, trained classes on test": trained} if trained else {}
    figures |= {"accuracy with added classes, about": measured["accuracy"]}
    figures |= {f"  {name}, its pictures found": one for name, one in measured["added"].items()}
    return [f"{title:36}{_percent(one)}" for title, one in figures.items()]


def _percent(estimate: dict[str, Any]) -> str:
    low, high = (100 * estimate[end] for end in ("low", "high"))
    return f"{100 * estimate['value']:5.1f} %  [{low:.1f}, {high:.1f}]  n = {estimate['n']}"


def classes(options: argparse.Namespace) -> int:
    """List the classes or remove one; return the exit code."""
    from inference.enrollment.enroll import open_model, remove_class, write_model
    from inference.model.classifier import Classifier

    if options.remove is None:
        if options.out is not None:
            raise InputError("--out belongs to --remove. Give both, or neither for a list.")
        _print_classes(Classifier(options.model))
        return 0
    if options.out is None:
        raise InputError("--remove needs --out, the model to write.")
    check_output("--out", options.out, options.overwrite)
    write_model(remove_class(open_model(options.model), options.remove), options.out)
    print(f"{options.remove}: removed")
    print(f"model: {options.out}")
    return 0


def _print_classes(classifier: Any) -> None:
    """Print each label with its kind; print the threshold to stderr."""
    card = classifier.card
    added = classifier.enrolled.classes if classifier.enrolled else ()
    counts = {name: f"added, {len(one.vectors)} pictures" for name, one in zip(card.enrolled, added, strict=True)}
    for label in card.labels:
        kind = "answered unknown" if label in card.reject_labels else "trained"
        print(f"{label:24} {counts.get(label, kind)}")
    print(f"threshold {card.threshold:.3f}", file=sys.stderr)


VERBS = {"enroll": enroll, "classes": classes}
