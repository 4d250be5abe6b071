"""python -m inference MODEL IMAGES... : classify pictures with a .tflite that `python -m export` wrote."""

import argparse
import os
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

from inference.atomic_file import write_atomically
from inference.classifier import Classifier
from inference.errors import InputError
from inference.pictures import list_pictures
from inference.run import results_to_json, run_batch

EPILOG = """\
examples:
  python -m inference model.tflite patches/
  python -m inference model.tflite patches/ --out results.json
  python -m inference model.tflite a.jpg b.png --threshold 0

The JSON is {"a/b.jpg": {"confidence": 0.93, "result": "pyrite"}}, keys relative to the given folder.
"unknown" means none of the model's classes. Exit: 0 done, 1 some pictures could not be read, 2 wrong usage.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    options = make_parser().parse_args(arguments)
    warnings.filterwarnings("ignore", module=r"PIL\.")  # remarks on odd metadata, each with a line of Pillow's code
    try:
        return _run(options)
    except InputError as fault:
        print(f"Error: {fault}", file=sys.stderr)
        return 2


def _run(options: argparse.Namespace) -> int:
    _check_output(options.out, options.overwrite)
    pictures = list_pictures(options.images)
    classifier = Classifier(options.model, options.threads, options.threshold)
    outcome = run_batch(classifier, pictures)
    text = results_to_json(outcome.results)
    if options.out is None:
        sys.stdout.buffer.write(text.encode())  # JSON is UTF-8 in every locale
        sys.stdout.buffer.flush()
    else:
        _write(options.out, text)
    where = "standard output" if options.out is None else options.out
    total = len(outcome.results) + len(outcome.faults)
    print(f"classified {len(outcome.results)} of {total} pictures; results: {where}", file=sys.stderr)
    return 1 if outcome.faults else 0


def _check_output(out: Path | None, overwrite: bool) -> None:
    """Refuse before the work what could only fail after it."""
    if out is None:
        return
    if out.is_dir():
        raise InputError(f"{out}: is a folder. Give the name of a file to --out.")
    if out.exists() and not overwrite:
        raise InputError(f"{out}: exists already. Give another --out, or --overwrite to replace it.")
    nearest = next(folder for folder in out.absolute().parents if folder.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK):
        raise InputError(f"{out}: cannot be written: {nearest} is no folder that you may write to. Give another --out.")


def _write(out: Path, text: str) -> None:
    try:
        write_atomically(out, text)
    except OSError as fault:
        raise InputError(f"{out}: cannot be written: {fault.strerror or fault}. Give another --out.") from fault


def make_parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    parser = argparse.ArgumentParser(
        prog="python -m inference",
        description="Classify pictures with a .tflite model; write {filename: {confidence, result}} as JSON.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", type=Path, metavar="MODEL", help="the .tflite file")
    parser.add_argument("images", type=Path, nargs="+", metavar="IMAGES", help="picture files or folders (recursive)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the JSON here instead of to standard output")
    parser.add_argument("--overwrite", action="store_true", help="replace the file at --out")
    parser.add_argument("--threshold", type=_share, help="reject below this (default: the model's own; 0: never)")
    parser.add_argument("--threads", type=_positive, default=1, help="CPU threads for one picture (default 1)")
    return parser


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"must be a number between 0 and 1. Received: {text}")
    return value


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number, 1 or more. Received: {text}")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
