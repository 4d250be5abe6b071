"""python -m export RUN: convert a run's network to one self-describing .tflite."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from inference.errors import InputError
from inference.option_types import new_parser
from inference.packages import TRAINING, check_packages, explain_import

REQUIREMENTS = "-r requirements.txt"
try:
    from pipeline.settings.run_folder import RunFolder
except ImportError as fault:  # a package is missing: one line instead of a traceback
    sys.exit(explain_import(fault, REQUIREMENTS))

EPILOG = """\
examples:
  python -m export runs/photos/20260101-120000-seed0
  python -m export runs/photos/20260101-120000-seed0 --mode float16 --out small.tflite
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    options = make_parser().parse_args(arguments)
    try:
        check_packages(TRAINING, REQUIREMENTS)
        return _run(options)
    except InputError as fault:
        print(f"Error: {fault}", file=sys.stderr)
        return 2


def _run(options: argparse.Namespace) -> int:
    from pipeline.quiet import load_tensorflow

    load_tensorflow()
    from export.export_run import export_run
    from export.verify import parity_line

    run = RunFolder(options.run)
    mode = options.mode or run.read_recipe().export.mode
    out = options.out or run.path / f"model_{mode}.tflite"
    if out.is_dir():
        raise InputError(f"{out}: is a folder. Give the name of a file to --out.")
    if out.exists() and not options.overwrite:
        raise InputError(f"{out}: exists already. Give another --out, or --overwrite to replace it.")
    parity = export_run(run, mode, out)
    print(f"{mode}: {parity_line(parity, mode)}, {out.stat().st_size:,} bytes; model: {out}", file=sys.stderr)
    return 0


def make_parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    parser = new_parser(
        "python -m export", "Convert a run's network to one self-describing .tflite and compare it with Keras.", EPILOG
    )
    parser.add_argument("run", type=Path, metavar="RUN", help="a folder made by `python -m pipeline run`")
    parser.add_argument(
        "--mode", choices=("int8", "dynamic", "float16", "float32"), help="numeric type (default: the recipe's)"
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="default: model_MODE.tflite in the run's folder")
    parser.add_argument("--overwrite", action="store_true", help="replace the file at --out")
    return parser


if __name__ == "__main__":
    sys.exit(main())
