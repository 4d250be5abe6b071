"""python -m pipeline enroll, classes: add classes to a finished model, list them, take them away."""

import argparse
import sys
from pathlib import Path
from typing import Any

from inference.batch.result_files import check_output
from inference.errors import InputError
from inference.pictures.listing import Listing

_ENROLL = """\
Teach a finished model one more class from a few pictures, in seconds and without training: 10 to 50 pictures like
those it was trained on (tight patches for a model of patches). The network stays as it is; a class that looks
like nothing it learned to tell apart will be told apart less well. The threshold is set anew.
"""


def add_enroll_verbs(verbs: Any) -> None:
    """Add the two verbs to the subparsers of the command line."""
    enroll = verbs.add_parser("enroll", help="add a class to a finished model from a few pictures", description=_ENROLL)
    enroll.add_argument("model", type=Path, metavar="MODEL", help="a .tflite made with calibrate.kind=neighbours")
    enroll.add_argument("--name", required=True, metavar="LABEL", help="name of the new class")
    enroll.add_argument(
        "--images", required=True, action="append", metavar="DIR", help="folder, zip or pictures; may be repeated"
    )
    _add_out(enroll, required=True)
    text = "list a model's classes, or take an added one away"
    classes = verbs.add_parser("classes", help=text, description=text)
    classes.add_argument("model", type=Path, metavar="MODEL")
    classes.add_argument("--remove", metavar="LABEL", help="an added class to take away")
    _add_out(classes, required=False)


def _add_out(parser: argparse.ArgumentParser, required: bool) -> None:
    parser.add_argument("--out", type=Path, required=required, metavar="NEW.tflite", help="the model to write")
    parser.add_argument("--overwrite", action="store_true", help="replace an existing --out")


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
    print(f"threshold: {model.card.threshold:.3f} before, {extended.card.threshold:.3f} now")
    print(f"model: {options.out}")
    return 1 if found.faults else 0


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
    """Print each label with what it is; the threshold goes to stderr, beside the data."""
    card = classifier.card
    added = classifier.enrolled.classes if classifier.enrolled else ()
    counts = {name: f"added, {len(one.vectors)} pictures" for name, one in zip(card.enrolled, added, strict=True)}
    for label in card.labels:
        kind = "answered unknown" if label in card.reject_labels else "trained"
        print(f"{label:24} {counts.get(label, kind)}")
    print(f"threshold {card.threshold:.3f}", file=sys.stderr)
