"""python -m export RUN: convert a run's network to one self-describing .tflite, or to ONNX."""

import argparse
import os
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

from inference.batch.result_files import check_output
from inference.errors import InputError, explain
from inference.model.artefact import FLATBUFFER_MAGIC
from inference.option_types import new_parser
from inference.packages import ONNX, TRAINING, check_packages, explain_import

REQUIREMENTS = "-r requirements.txt"
_ONNX_START = b"\x08"  # the tag of its version, the first field of an ONNX file
try:
    from pipeline.settings.recipe import Recipe
    from pipeline.settings.run_folder import RunFolder
except ImportError as fault:  # a package is missing: one line instead of a traceback
    sys.exit(explain_import(fault, REQUIREMENTS))

EPILOG = """\
examples:
  python -m export runs/photos/20260101-120000-seed0
  python -m export runs/photos/20260101-120000-seed0 --mode float16 --out small.tflite
  python -m export runs/photos/20260101-120000-seed0 --mode onnx --out model.onnx
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    options = make_parser().parse_args(arguments)
    try:
        check_packages(TRAINING, REQUIREMENTS)
        return _run(options)
    except (InputError, OSError) as fault:
        print(f"Error: {explain(fault)}", file=sys.stderr)
        return 2


def _run(options: argparse.Namespace) -> int:
    run = RunFolder(options.run)
    recipe = run.read_recipe()
    mode = options.mode or recipe.export.mode
    out = options.out or run.path / ("model.onnx" if mode == "onnx" else f"model_{mode}.tflite")
    check_output("--out", out, options.overwrite)
    _check_replaced(out, mode, run, recipe)
    if mode == "onnx":
        _check_onnx(recipe)
    with run.locked() if mode != "onnx" else nullcontext():  # drafts and parity.json are in the run's folder
        compared = _export(run, mode, Path(os.path.realpath(out)))  # a link stays, as with a shell's >
    print(f"{mode}: {compared}, {out.stat().st_size:,} bytes; model: {out}", file=sys.stderr)
    return 0


def _check_replaced(out: Path, mode: str, run: RunFolder, recipe: Recipe) -> None:
    """Refuse to replace what is no model, and the run's own files by one of another numeric type."""
    for own, kind in ((run.model, recipe.export.mode), (run.float_model, "float32")):
        if kind != mode and os.path.realpath(out) == os.path.realpath(own):
            raise InputError(f"{out}: is the run's {kind} file, which its report is about. Give another --out.")
    start = b""
    if out.exists():
        with out.open("rb") as file:
            start = file.read(8)
    is_model = start.startswith(_ONNX_START) if mode == "onnx" else start[4:] == FLATBUFFER_MAGIC
    if start and not is_model:
        raise InputError(f"{out}: is not replaced, because it is no such model. Give another --out.")


def _check_onnx(recipe: Recipe) -> None:
    if recipe.kind == "anomaly":
        raise InputError(
            "--mode onnx: only networks that classify are written as ONNX. Received: a run that finds anomalies, whose "
            "scores come from its memory of normal surfaces, outside of the network. Use its model.tflite."
        )
    check_packages(ONNX, "-r requirements-optional.txt")


def _export(run: RunFolder, mode: str, out: Path) -> str:
    """Write the file and return how it compares with Keras, as text."""
    from pipeline.quiet import load_tensorflow

    load_tensorflow()
    from export.verify import parity_line

    if mode == "onnx":
        from export.onnx_file import export_onnx

        parity = export_onnx(run, out)
    else:
        from export.export_run import export_run
        from export.gate import GateError

        try:
            parity = export_run(run, mode, out)
        except GateError as fault:
            raise InputError(f"{fault} Choose another numeric type by --mode.") from fault
    return parity_line(parity, mode) if parity else "not compared with Keras, since onnxruntime is not installed"


def make_parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    parser = new_parser(
        "python -m export",
        "Convert a run's network to one self-describing .tflite, or to ONNX, and compare it with Keras.",
        EPILOG,
    )
    parser.add_argument("run", type=Path, metavar="RUN", help="a folder made by `python -m pipeline run`")
    parser.add_argument(
        "--mode",
        choices=("int8", "dynamic", "float16", "float32", "onnx"),
        help="numeric type (default: the recipe's), or onnx: float32 for programs that need ONNX",
    )
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="default: in the run's folder, model_MODE.tflite or model.onnx"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace the file at --out")
    return parser


if __name__ == "__main__":
    sys.exit(main())
