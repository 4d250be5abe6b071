"""python -m inference enroll, classes: add classes to a finished model, list and remove them."""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..batch.progress import track
from ..batch.result_files import check_output, write_pieces
from ..errors import InputError, explain, printable
from ..option_types import amount
from ..options import add_limits
from ..packages import RUNNER, check_packages
from ..pictures.limits import limits_of
from ..pictures.listing import Listing
from ..pictures.own_files import OwnFiles
from ..program import PROGRAM, requirements
from ..streams import say

if TYPE_CHECKING:
    from ..model.artefact import Artefact

ENROLL = """\
Add a class to a finished model from a few pictures, in seconds and without training: 5 to 50 pictures like
those it was trained on (tight patches for a model of patches). The network is not changed, so accuracy is lower
for a class unlike those of the training. The threshold is chosen again.

A model for anomalies takes examples of a name of regions instead: cut-outs with one anomaly each, two or more.
"""
CLASSES = "list a model's classes, or remove an added one"


def main(words: Sequence[str]) -> int:
    """Run `enroll` or `classes`, the first of the words; return the exit code."""
    parser = argparse.ArgumentParser(prog=PROGRAM)
    verbs = parser.add_subparsers(dest="verb", required=True)
    add_verbs(verbs)
    options = parser.parse_args(words)
    try:
        check_packages(RUNNER, requirements())
        return VERBS[options.verb](options)
    except (InputError, OSError) as fault:
        say(f"Error: {explain(fault)}")
        return 2


def add_verbs(verbs: Any) -> None:
    """Add the parsers of both verbs to argparse's subparsers."""
    enroll = verbs.add_parser("enroll", help="add a class to a finished model from a few pictures", description=ENROLL)
    enroll.add_argument(
        "model", type=Path, metavar="MODEL", help="a .tflite made with calibrate.kind=neighbours, or for anomalies"
    )
    enroll.add_argument("--name", required=True, metavar="LABEL", help="name of the new class, or of regions")
    enroll.add_argument(
        "--images", required=True, action="append", metavar="DIR", help="folder, zip or pictures; may be repeated"
    )
    enroll.add_argument(
        "--scale",
        type=amount,
        metavar="FACTOR",
        help="scales example regions to the scale of the photographs (default: as the model's own examples, or 1)",
    )
    add_limits(enroll)
    _add_out(enroll, required=True)
    classes = verbs.add_parser("classes", help=CLASSES, description=CLASSES)
    classes.add_argument("model", type=Path, metavar="MODEL")
    classes.add_argument("--remove", metavar="LABEL", help="the added class to remove")
    _add_out(classes, required=False)


def _add_out(parser: argparse.ArgumentParser, required: bool) -> None:
    parser.add_argument("--out", type=Path, required=required, metavar="NEW.tflite", help="the model to write")
    parser.add_argument("--overwrite", action="store_true", help="replace an existing --out")


def enroll(options: argparse.Namespace) -> int:
    """Add a class, or examples of a name of regions; return the exit code."""
    from ..anomaly.memory_bank import BANK_NAME
    from ..model.artefact import read_artefact
    from .enroll import add_class, compute_vectors, open_model

    _check_out(options)
    artefact = read_artefact(options.model)
    if BANK_NAME in artefact.files:
        return _enroll_regions(artefact, options)
    if options.scale is not None:
        raise InputError("--scale: only for models of anomalies. Pictures of a class need none; leave it out.")
    model = open_model(options.model)
    listing, limits = _list_pictures(options), limits_of(options)
    found = compute_vectors(model, track(listing, len(listing), "pictures"), limits)
    _say_faults(found.faults)
    extended = add_class(model, options.name, found.vectors)
    _write(extended.artefact, options.out)
    print(f"{options.name}: added from {len(found.vectors)} pictures")
    for line in _accuracy_lines(extended.card.measured):
        print(line)
    print(f"threshold: {model.card.threshold:.3f} before, {extended.card.threshold:.3f} now")
    print(f"model: {printable(str(options.out))}")
    return 1 if found.faults else 0


def _enroll_regions(artefact: "Artefact", options: argparse.Namespace) -> int:
    """Add examples of a name of regions; return the exit code."""
    from ..anomaly.detector import Detector
    from .regions import add_examples, describe_pictures, read_examples, with_examples

    detector, examples = Detector(artefact), read_examples(artefact)
    scale = options.scale if options.scale is not None else examples.scale
    listing, limits = _list_pictures(options), limits_of(options)
    found = describe_pictures(detector, track(listing, len(listing), "examples"), scale, limits)
    _say_faults(found.faults)
    extended = add_examples(replace(examples, scale=scale), options.name, found.views)
    _write(with_examples(artefact, detector, extended), options.out)
    print(f"{options.name}: added {len(found.views)} example regions; names: {', '.join(extended.labels)}")
    if len(extended.labels) < 2:
        print("Regions get names once another name has examples too; examples named clean do as well.")
    print(f"model: {printable(str(options.out))}")
    return 1 if found.faults else 0


def _list_pictures(options: argparse.Namespace) -> Listing:
    listing = Listing(options.images, own=OwnFiles([options.out]))
    for remark in listing.own.remarks():
        say(remark)
    return listing


def _say_faults(faults: dict[str, str]) -> None:
    for picture, fault in faults.items():
        say(f"{picture}: {fault}")


def _check_out(options: argparse.Namespace) -> None:
    """Refuse an --out that can't be written, or would replace what is no model: a picture of the class."""
    from ..model.artefact import FLATBUFFER_MAGIC

    check_output("--out", options.out, options.overwrite)
    start = b""
    if options.out.exists():
        with options.out.open("rb") as file:
            start = file.read(8)
    if start and start[4:] != FLATBUFFER_MAGIC:
        raise InputError(f"{options.out}: is not replaced, because it is no model. Give another --out.")


def _write(artefact: "Artefact", out: Path) -> None:
    from ..model.artefact import pack_artefact

    write_pieces(out, [pack_artefact(artefact)], "--out")


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
    from ..anomaly.memory_bank import BANK_NAME
    from ..model.artefact import read_artefact
    from ..model.classifier import Classifier
    from .enroll import open_model, remove_class

    _check_pair(options)
    artefact = read_artefact(options.model)
    if BANK_NAME in artefact.files:
        return _list_or_remove_names(artefact, options)
    if options.remove is None:
        _print_classes(Classifier(artefact))
        return 0
    _write(remove_class(open_model(options.model), options.remove).artefact, options.out)
    print(f"{options.remove}: removed")
    print(f"model: {printable(str(options.out))}")
    return 0


def _check_pair(options: argparse.Namespace) -> None:
    if options.remove is None and options.out is not None:
        raise InputError("--out belongs to --remove. Give both, or neither for a list.")
    if options.remove is not None and options.out is None:
        raise InputError("--remove needs --out, the model to write.")
    if options.out is not None:
        _check_out(options)


def _list_or_remove_names(artefact: "Artefact", options: argparse.Namespace) -> int:
    """List the names of regions, or remove one; return the exit code."""
    from ..anomaly.detector import Detector
    from .regions import count_examples, read_examples, remove_examples, with_examples

    detector = Detector(artefact)
    if options.remove is None:
        for label, count in count_examples(artefact, detector.card).items():
            print(f"{label:24} {count} example regions")
        return 0
    named = with_examples(artefact, detector, remove_examples(read_examples(artefact), options.remove))
    _write(named, options.out)
    print(f"{options.remove}: removed")
    print(f"model: {printable(str(options.out))}")
    return 0


def _print_classes(classifier: Any) -> None:
    """Print each label with its kind; print the threshold to stderr."""
    card = classifier.card
    added = classifier.enrolled.classes if classifier.enrolled else ()
    counts = {name: f"added, {len(one.vectors)} pictures" for name, one in zip(card.enrolled, added, strict=True)}
    for label in card.labels:
        kind = "answered unknown" if label in card.reject_labels else "trained"
        print(f"{label:24} {counts.get(label, kind)}")
    say(f"threshold {card.threshold:.3f}")


VERBS = {"enroll": enroll, "classes": classes}
