"""python -m pipeline VERB: from annotated photographs to a trained, exported and evaluated model."""

import argparse
import errno
import io
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from inference.enrollment.command import VERBS as ENROLLMENT
from inference.enrollment.command import add_verbs
from inference.errors import InputError
from inference.option_types import new_parser
from inference.packages import TRAINING, check_packages, explain_import

REQUIREMENTS = "-r requirements.txt"
try:
    from pipeline.commands.audit import audit
    from pipeline.commands.control import control
    from pipeline.commands.crossval import cross_validate
    from pipeline.commands.run import begin, cut_patches, evaluate, fit, list_recipes, resume, run_all
    from pipeline.commands.settings import print_settings
    from pipeline.commands.sweep import sweep
    from pipeline.quiet import set_environment
    from pipeline.run_options import add_engine, add_recipe_options, add_set, setting
except ImportError as fault:  # a package is missing: one line instead of a traceback
    sys.exit(explain_import(fault, REQUIREMENTS))

EPILOG = """\
examples:
  python -m pipeline run minerals
  python -m pipeline run photos --images photos --annotations annotations.json
  python -m pipeline run folders --images pictures --pretrained --title "Trees of our park"
  python -m pipeline run photos --images photos --annotations annotations.json --smoke
  python -m pipeline fit minerals --set fit.epochs=10 --seed 1
  python -m pipeline settings minerals
  python -m pipeline resume runs/minerals/20260101-120000-seed0
  python -m pipeline crossval photos --images photos --annotations annotations.json --folds 5
  python -m pipeline sweep photos --images photos --annotations annotations.json --trials 12
  python -m pipeline enroll model.tflite --name azurite --images azurites --out new.tflite
  python -m pipeline classes new.tflite
  python -m pipeline control runs/minerals/20260101-120000-seed0
  python -m pipeline audit --images photos --annotations annotations.json

Exit codes: 0 done, 1 done but some input was refused, 2 wrong usage or nothing could be done.
"""

_DISK_FAULTS = (errno.ENOSPC, errno.EDQUOT)
AUDIT = "look through a data set before any training: boxes, copies, views of one specimen, leaks, doubtful labels"
CONTROL = "sanity checks: compare a finished run with colour baselines, chance and shuffled labels"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    set_environment()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # names of classes and files that a terminal can't show
    options = make_parser().parse_args(arguments)
    try:
        if options.verb not in ENROLLMENT:  # these need numpy, Pillow and LiteRT alone
            check_packages(TRAINING, REQUIREMENTS)
        return VERBS[options.verb](options)
    except InputError as fault:
        print(f"Error: {fault}", file=sys.stderr)
    except OSError as fault:
        if fault.errno not in _DISK_FAULTS:
            raise
        where = f"{fault.filename}: " if fault.filename else ""
        print(f"Error: {where}{fault.strerror}. Free some space, then go on with: resume RUN", file=sys.stderr)
    return 2


def make_parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    parser = new_parser("python -m pipeline", "Train, calibrate, export and evaluate a small image classifier.", EPILOG)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    verbs.add_parser("list", help="list the recipes")
    for name, text in (
        ("run", "do all stages: patches, training, calibration, export, evaluation"),
        ("patches", "only cut the patches and write index.csv"),
        ("begin", "only start a run and read its data; resume goes on"),
        ("fit", "only cut the patches and train"),
        ("settings", "print every setting that a run with these options would have: value, range and meaning"),
        ("crossval", "do all stages for each fold and pool the results; every photograph is tested once"),
        ("sweep", "search the recipe's settings by validation folds, then run the best"),
    ):
        verb = verbs.add_parser(name, help=text, description=text)
        add_recipe_options(verb)
        if name in ("run", "fit"):
            add_engine(verb)
        if name == "crossval":
            verb.add_argument("--folds", type=int, default=5, metavar="N", help="number of folds (default: 5)")
            text = "train the folds with this many seeds, from the recipe's on (default: 1)"
            verb.add_argument("--seeds", type=int, default=1, metavar="N", help=text)
            add_engine(verb)
        if name == "sweep":
            _add_sweep(verb)
    for name, text in (
        ("resume", "resume a run, cross-validation or sweep"),
        ("evaluate", "evaluate a trained run again and write its report"),
    ):
        verb = verbs.add_parser(name, help=text, description=text)
        verb.add_argument("run", type=Path, metavar="RUN", help="the run's folder")
        if name == "resume":
            add_set(verb, "change a setting of export")
            text = "do only this fold of a cross-validation; may be repeated; several processes may do different folds"
            add_engine(verb, None)
            verb.add_argument("--fold", type=int, action="append", default=[], metavar="N", help=text)
    add_verbs(verbs)
    _add_control(verbs.add_parser("control", help=CONTROL, description=CONTROL))
    _add_audit(verbs.add_parser("audit", help=AUDIT, description=AUDIT))
    return parser


def _add_sweep(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--trials", type=int, default=12, metavar="N", help="settings to try; the first are the recipe's (default: 12)")
    add("--folds", type=int, default=3, metavar="N", help="number of validation folds (default: 3)")
    add(
        "--search",
        type=setting,
        action="append",
        default=[],
        metavar="NAME=VALUES",
        help="try other values, 'network.input_side=96|128' or 'fit.learning_rate=1e-4..1e-2'; without VALUES none",
    )
    add("--no-run", dest="run_best", action="store_false", help="end with the page, without a run of the best settings")
    add_engine(parser)


def _add_audit(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--images", type=Path, required=True, metavar="DIR", help="folder of photographs, or of class folders")
    add("--annotations", type=Path, metavar="FILE", help="boxes: any format that `run` takes; none for class folders")
    add("--groups", type=Path, metavar="FILE", help="known groups, joined with those that are found")
    add("--out", type=Path, metavar="DIR", help="folder of the results (default: runs/audit/NAME-HASH)")
    add_set(parser, "change a setting of network: the frozen trunk and its weights")
    add_engine(parser)


def _add_control(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("run", type=Path, metavar="RUN", help="the folder of a finished run")
    add("--epochs", type=int, metavar="N", help="epochs of the training on shuffled labels (default: the recipe's)")
    add("--shuffle", type=int, metavar="N", help="number of the shuffle (default: 0)")
    add("--lot", type=int, dest="shuffle", help=argparse.SUPPRESS)  # the name in earlier versions
    add("--no-training", action="store_true", help="skip the training on shuffled labels")
    add("--again", action="store_true", help="recompute everything in RUN/control")


VERBS: dict[str, Callable[[argparse.Namespace], int]] = {
    "list": list_recipes,
    "patches": cut_patches,
    "begin": begin,
    "fit": fit,
    "run": run_all,
    "crossval": cross_validate,
    "sweep": sweep,
    "resume": resume,
    "evaluate": evaluate,
    "control": control,
    "audit": audit,
    "settings": print_settings,
    **ENROLLMENT,
}


if __name__ == "__main__":
    sys.exit(main())
