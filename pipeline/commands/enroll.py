"""python -m pipeline enroll, classes: add classes to a finished model, list and remove them."""

import argparse
import sys
from typing import Any

from inference.batch.result_files import check_output
from inference.errors import InputError
from inference.pictures.listing import Listing


def enroll(options: argparse.Namespace) -> int:
    """Add a class; return the exit code."""
    from pipeline.enrollment.enroll import add_class, compute_vectors, open_model, write_model

    check_output("--out", options.out, options.overwrite)
    model = open_model(options.model)
    found = compute_vectors(model, Listing(options.images))
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
    from pipeline.metrics.intervals import Estimate
    from pipeline.report.stored import parse_section
    from pipeline.report.style import columns

    trained = measured["trained"].get("accuracy")
    figures = {"accuracy, trained classes on test": trained} if trained else {}
    figures |= {"accuracy with added classes, about": measured["accuracy"]}
    figures |= {f"  {name}, its pictures found": one for name, one in measured["added"].items()}
    return [f"{title:36}{columns(parse_section(Estimate, one))}" for title, one in figures.items()]


def classes(options: argparse.Namespace) -> int:
    """List the classes or remove one; return the exit code."""
    from inference.model.classifier import Classifier
    from pipeline.enrollment.enroll import open_model, remove_class, write_model

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
