"""Finished .tflite files -> the same files with current TFLite Metadata and test vectors; networks are not changed.

python -m export.describe MODEL...
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from export.metadata import add_metadata
from inference.atomic_file import write_atomically
from inference.errors import InputError
from inference.model.artefact import Artefact, flatbuffer_sha256, pack_artefact, read_artefact
from inference.model.card import card_files, read_card
from inference.verify.observe import with_vectors


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m export.describe",
        description="Write TFLite Metadata and test vectors into finished models, in place; their networks are not "
        "changed. The answers of this machine are taken for the right ones.",
    )
    parser.add_argument("models", nargs="+", type=Path, metavar="MODEL", help="a .tflite written by export")
    options = parser.parse_args(arguments)
    try:
        for path in options.models:
            write_atomically(path, pack_artefact(with_vectors(describe_artefact(read_artefact(path), str(path)))))
            print(f"described: {path}", file=sys.stderr)
    except InputError as fault:
        print(f"Error: {fault}", file=sys.stderr)
        return 2
    return 0


def describe_artefact(artefact: Artefact, name: str = "model") -> Artefact:
    """Return the artefact with metadata in its flatbuffer, and a card with the hash of the new flatbuffer.

    The metadata describes only the network, not added classes, since other programs don't support these.

    Raises:
        InputError: it has no card, or the card of another network.
    """
    card = read_card(artefact, name)
    title = str(card.training.get("title") or card.recipe)
    flatbuffer = add_metadata(artefact.flatbuffer, title, card.outputs, card.reject_labels)
    card = replace(card, flatbuffer_sha256=flatbuffer_sha256(flatbuffer))
    return Artefact(flatbuffer, artefact.files | card_files(card), name)


if __name__ == "__main__":
    sys.exit(main())
