"""Finished .tflite files -> the same files with current TFLite Metadata and test vectors; networks are not changed.

python -m export.describe MODEL... [--rejection FILE]

FILE: figures of benchmarks.rejection, of the shares of other pictures that the model answers "unknown". They become
part of the card, which says in words what the model rejects: "about 7 in 10 near rocks".
"""

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from export.metadata import add_metadata
from inference.atomic_file import write_atomically
from inference.errors import InputError, explain
from inference.figures.threshold_words import card_sentences
from inference.model.artefact import Artefact, flatbuffer_sha256, pack_artefact, read_artefact
from inference.model.card import card_files, read_card
from inference.verify.observe import with_vectors
from pipeline.settings.labels import BACKGROUND
from pipeline.settings.run_folder import read_json


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m export.describe",
        description="Write TFLite Metadata and test vectors into finished models, in place; their networks are not "
        "changed. The answers of this machine are taken for the right ones.",
    )
    parser.add_argument("models", nargs="+", type=Path, metavar="MODEL", help="a .tflite written by export")
    parser.add_argument("--rejection", type=Path, metavar="FILE", help="JSON written by benchmarks.rejection")
    options = parser.parse_args(arguments)
    try:
        rejection = read_rejection(options.rejection) if options.rejection else {}
    except (InputError, OSError) as fault:
        print(f"Error: {explain(fault)}", file=sys.stderr)
        return 2
    described = [_describe(path, rejection) for path in options.models]
    return 0 if all(described) else 1 if any(described) else 2


def _describe(path: Path, rejection: Mapping[str, Any]) -> bool:
    """Describe one file in place, or the one that a link leads to; return whether it could be done."""
    try:
        described = describe_artefact(read_artefact(path), str(path), rejection)
        write_atomically(Path(os.path.realpath(path)), pack_artefact(with_vectors(described)))
    except (InputError, OSError) as fault:
        print(f"Error: {explain(fault)}", file=sys.stderr)
        return False
    print(f"described: {path}", file=sys.stderr)
    return True


def describe_artefact(
    artefact: Artefact, name: str = "model", rejection: Mapping[str, Any] = MappingProxyType({})
) -> Artefact:
    """Return the artefact with metadata in its flatbuffer, and a card with the hash of the new flatbuffer.

    The metadata describes only the network, not added classes, since other programs don't support these.
    rejection: figures to add to those of the card, see read_rejection.

    Raises:
        InputError: it has no card, or the card of another network.
    """
    card = read_card(artefact, name)
    title = str(card.training.get("title") or card.recipe)
    flatbuffer = add_metadata(artefact.flatbuffer, title, card.outputs, card.reject_labels)
    measured = {**card.measured, **rejection}
    if rejection:
        measured["in_words"] = card_sentences(measured)
    card = replace(card, flatbuffer_sha256=flatbuffer_sha256(flatbuffer), measured=measured)
    return Artefact(flatbuffer, artefact.files | card_files(card), name)


def read_rejection(path: Path) -> dict[str, Any]:
    """Return the shares for a card from figures of benchmarks.rejection of one run, at the card's threshold.

    accepted: of the classes' test patches. unknown: of each folder of other pictures, by its name.

    Raises:
        InputError: the file holds no such figures, or those of several runs.
    """
    figures = read_json(path, "Write it with: python -m benchmarks.rejection RUN --json FILE.")
    try:
        (accepted,) = figures["accepted_at_card"]["folds"]
        shares = {name: source["unknown_at_card"]["folds"][0] for name, source in figures["sources"].items()}
    except (KeyError, TypeError, ValueError) as fault:
        raise InputError(
            f"{path}: must hold the figures of one run. Received: {fault}. Write it with: python -m "
            "benchmarks.rejection RUN --json FILE."
        ) from fault
    others = {name.replace("_", " "): share for name, share in shares.items() if name != BACKGROUND}
    return {"accepted": accepted, "unknown": others}


if __name__ == "__main__":
    sys.exit(main())
