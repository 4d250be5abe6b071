"""python -m inference MODEL IMAGES... : classify pictures with a .tflite that `python -m export` wrote."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from inference.atomic_file import write_atomically
from inference.classifier import Classifier
from inference.errors import InputError
from inference.run import list_pictures, results_to_json, run_batch

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
    options = _parser().parse_args(arguments)
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
        sys.stdout.write(text)
    else:
        write_atomically(options.out, text)
    where = "standard output" if options.out is None else options.out
    failed = f", {len(outcome.faults)} could not be read" if outcome.faults else ""
    print(f"{len(outcome.results)} pictures classified{failed}; results: {where}", file=sys.stderr)
    return 1 if outcome.faults else 0


def _check_output(out: Path | None, overwrite: bool) -> None:
    if out is not None and out.exists() and not overwrite:
        raise InputError(f"{out}: exists already. Give another --out, or --overwrite to replace it.")


def _parser() -> argparse.ArgumentParser:
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
    value = float(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"must lie between 0 and 1. Received: {text}")
    return value


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be 1 or more. Received: {text}")
    return value


if __name__ == "__main__":
    sys.exit(main())
