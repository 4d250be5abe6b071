"""python -m pipeline VERB : from annotated photographs to a trained, exported and reported classifier."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from inference.atomic_file import write_atomically
from inference.errors import InputError
from pipeline.anomaly.stages import CALIBRATE_BANK, EVALUATE_BANK, FIT_BANK, NAME_REGIONS, PHOTOS, RESULTS_BANK
from pipeline.commands.enroll import add_enroll_verbs, classes, enroll
from pipeline.crossval.folds import CrossvalFolder, complete_folds, missing_folds, start_crossval
from pipeline.data.sources import DataPlace
from pipeline.quiet import load_tensorflow
from pipeline.recipes import RECIPES
from pipeline.settings.recipe import Recipe, override_all, recipe_to_json
from pipeline.settings.run_folder import RunFolder, read_json, write_json
from pipeline.stages import CALIBRATE, EVALUATE, FIT, PATCHES, RESULTS, Stage, complete, prepare_data, start_run

EPILOG = """\
examples:
  python -m pipeline run minerals
  python -m pipeline run minerals --images photos --annotations annotations.json
  python -m pipeline run minerals --smoke
  python -m pipeline fit minerals --set fit.epochs=10 --seed 1
  python -m pipeline resume runs/minerals/20260101-120000-seed0
  python -m pipeline crossval minerals --images photos --annotations annotations.json --folds 5
  python -m pipeline enroll model.tflite --name azurite --images azurites --out new.tflite
  python -m pipeline classes new.tflite
  python -m pipeline control runs/minerals/20260101-120000-seed0

Exit: 0 done, 1 done but some input was refused, 2 wrong usage or nothing could be done.
"""


CONTROL = "did it learn? compare a finished run with colour, luck and shuffled labels"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # TensorFlow's start-up notices are no news to a user
    options = make_parser().parse_args(arguments)
    try:
        return VERBS[options.verb](options)
    except InputError as fault:
        print(f"Error: {fault}", file=sys.stderr)
        return 2


def list_recipes(options: argparse.Namespace) -> int:
    """Print the recipes."""
    for name, recipe in RECIPES.items():
        print(f"{name:20} {recipe.title}")
    return 0


def cut_only(options: argparse.Namespace) -> int:
    """Cut the patches of a recipe without a run."""
    prepared = prepare_data(_place(options), _recipe(options))
    counts = ", ".join(f"{label} {count}" for label, count in prepared.index.counts().items())
    print(f"{len(prepared.index.patches)} patches ({counts}), {prepared.written} of them new")
    print(f"index: {prepared.file}", file=sys.stderr)
    return 1 if prepared.refused else 0


def fit(options: argparse.Namespace) -> int:
    """Start a run and train it."""
    run = start_run(_recipe(options), _place(options))
    print(f"run: {run.path}", file=sys.stderr)
    complete(run, _stages(run)[:2])
    print(f"trained; go on with: python -m pipeline evaluate {run.path}", file=sys.stderr)
    return _exit_code(run)


def run_all(options: argparse.Namespace) -> int:
    """Start a run and do every stage."""
    run = start_run(_recipe(options), _place(options))
    print(f"run: {run.path}", file=sys.stderr)
    return _complete(run)


def cross_validate(options: argparse.Namespace) -> int:
    """Start a cross-validation and do every stage of each fold."""
    recipe = _recipe(options)
    _refuse_surfaces(recipe, "crossval", "Its run holds out every photograph once: use run.")
    folder = start_crossval(recipe, _place(options), options.folds)
    print(f"cross-validation: {folder.path}", file=sys.stderr)
    return _complete_crossval(folder, [])


def resume(options: argparse.Namespace) -> int:
    """Do the stages that a run or cross-validation still lacks; a run's export may be changed before it."""
    crossval = CrossvalFolder(options.run)
    if crossval.settings.is_file():
        if options.set:
            raise InputError("all folds share their settings. Received: --set. Resume the one fold's folder with it.")
        return _complete_crossval(crossval, options.fold)
    if options.fold:
        raise InputError(f"--fold is for a cross-validation. Received: {options.run}. Leave --fold out.")
    run = RunFolder(options.run)
    recipe = run.read_recipe()
    for setting, _ in options.set:
        if not setting.startswith("export."):
            raise InputError(
                f"only settings of export can change in a begun run. Received: {setting}. Start a new run."
            )
    if options.set:
        if run.model.exists():
            raise InputError(f"{run.model}: exists already. Use python -m export {run.path} to convert once more.")
        write_atomically(run.recipe, recipe_to_json(override_all(recipe, options.set)))
    return _complete(run)


def evaluate(options: argparse.Namespace) -> int:
    """Measure a trained run anew; stages before the evaluation are done if they are missing."""
    run = RunFolder(options.run)
    run.read_recipe()
    measured = run.report.is_file()
    stages = _stages(run)
    complete(run, stages)
    if measured:  # measure again; the old report stays until the new one is written
        for stage in stages[-2:]:
            stage.do(run)
    return _finish(run)


def control(options: argparse.Namespace) -> int:
    """Tell whether a finished run learned what it should, or was lucky."""
    if CrossvalFolder(options.run).settings.is_file():
        raise InputError(f"{options.run}: is a cross-validation. Give the folder of one fold: {options.run}/fold-1.")
    load_tensorflow()
    from pipeline.sanity.control import ControlOptions, control_run
    from pipeline.sanity.report import write_control
    from pipeline.sanity.sentences import control_lines, verdict_lines

    run = RunFolder(options.run)
    _refuse_surfaces(run.read_recipe(), "control", "Nothing is trained there; its report measures.")
    report = control_run(run, ControlOptions(options.epochs, options.lot, not options.no_training, options.again))
    _, page = write_control(run.path, report)
    print("\n".join([*control_lines(report), f"page: {page}", "", *verdict_lines(report)]))
    return 0


def _refuse_surfaces(recipe: Recipe, verb: str, remedy: str) -> None:
    if recipe.anomaly is not None:
        raise InputError(f"{verb}: only of recipes that learn classes. Received: {recipe.name}. {remedy}")


def _export_stage(run: RunFolder) -> None:
    from export.export_run import export_run

    export_run(run, run.read_recipe().export.mode, run.model)


EXPORT = Stage("exporting and comparing with Keras", lambda run: run.model, _export_stage)
STAGES = (PATCHES, FIT, CALIBRATE, EXPORT, EVALUATE, RESULTS)


def _convert_stage(run: RunFolder) -> None:
    from export.detector import convert_trunk

    convert_trunk(run)


CONVERT = Stage("converting the trunk", lambda run: run.trunk, _convert_stage)
PACK = Stage("packing trunk and bank", lambda run: run.model, _export_stage)
SURFACE_STAGES = (PHOTOS, FIT_BANK, CONVERT, CALIBRATE_BANK, PACK, NAME_REGIONS, EVALUATE_BANK, RESULTS_BANK)


def _stages(run: RunFolder) -> tuple[Stage, ...]:
    """Return the stages of a run: those of its recipe's kind."""
    return STAGES if run.read_recipe().anomaly is None else SURFACE_STAGES


def _complete_crossval(folder: CrossvalFolder, folds: Sequence[int]) -> int:
    """Do some folds, or all that are missing; pool them once all are done."""
    complete_folds(folder, STAGES, folds)
    missing = missing_folds(folder, STAGES)
    if missing:
        numbers = ", ".join(map(str, missing))
        print(f"not done: fold {numbers}; go on with: python -m pipeline resume {folder.path}", file=sys.stderr)
        return 0
    from pipeline.crossval.report import crossval_lines, pool_folds

    report = pool_folds(folder)
    write_json(folder.report, report)
    print("\n".join(crossval_lines(report)))
    print(f"report: {folder.report}")
    return 1 if report["data"]["refused"] else 0


def _complete(run: RunFolder) -> int:
    complete(run, _stages(run))
    return _finish(run)


def _finish(run: RunFolder) -> int:
    """Print the report's lines and where everything is; return the exit code."""
    from pipeline.anomaly.report import surface_lines
    from pipeline.report.report import summary_lines

    lines = summary_lines if run.read_recipe().anomaly is None else surface_lines
    print("\n".join(lines(read_json(run.report, "Evaluate again."))))
    print(f"report:  {run.report.with_suffix('.html')}")
    print(f"model:   {run.model}")
    print(f"results: {run.results}")
    return _exit_code(run)


def _exit_code(run: RunFolder) -> int:
    refused = read_json(run.data, "Start a new run.")["refused"]
    if refused:
        print(f"{len(refused)} entries of the data were refused; they are listed in {run.data}", file=sys.stderr)
    return 1 if refused else 0


def _recipe(options: argparse.Namespace) -> Recipe:
    """Return the named recipe with the variant's, then the user's overrides."""
    recipe = RECIPES[options.recipe]
    if _place(options).embedded:
        recipe = override_all(recipe, recipe.embedded)
    if options.smoke:
        recipe = override_all(recipe, recipe.smoke)
    seed = () if options.seed is None else (("seed", str(options.seed)),)
    return override_all(recipe, (*options.set, *seed))


def _place(options: argparse.Namespace) -> DataPlace:
    surface = {name: getattr(options, name) for name in ("masks", "test", "crops")}
    return DataPlace(options.images, options.annotations, options.runs, options.groups, **surface)


def _setting(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"must look like fit.epochs=3. Received: {text}")
    return name, value


def make_parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    parser = argparse.ArgumentParser(
        prog="python -m pipeline",
        description="Train, calibrate, export and evaluate a small image classifier.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    verbs.add_parser("list", help="list the recipes")
    for name, text in (
        ("run", "do everything: patches, training, calibration, export, evaluation"),
        ("patches", "only cut the patches and write index.csv"),
        ("fit", "only cut the patches and train"),
        ("crossval", "do everything once for each fold and pool the results: every photograph is tested once"),
    ):
        verb = verbs.add_parser(name, help=text, description=text)
        _add_recipe_options(verb)
        if name == "crossval":
            verb.add_argument("--folds", type=int, default=5, metavar="N", help="number of folds (default: 5)")
    for name, text in (
        ("resume", "go on with a run or cross-validation that was killed"),
        ("evaluate", "measure a trained run anew and write its report"),
    ):
        verb = verbs.add_parser(name, help=text, description=text)
        verb.add_argument("run", type=Path, metavar="RUN", help="the run's folder")
        if name == "resume":
            _add_set(verb, "change a setting of export")
            text = "do only this fold of a cross-validation; may be repeated, and two processes may do different folds"
            verb.add_argument("--fold", type=int, action="append", default=[], metavar="N", help=text)
    add_enroll_verbs(verbs)
    _add_control(verbs.add_parser("control", help=CONTROL, description=CONTROL))
    return parser


def _add_control(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("run", type=Path, metavar="RUN", help="the folder of a finished run")
    add("--epochs", type=int, metavar="N", help="of the training on shuffled labels (default: the recipe's)")
    add("--lot", type=int, metavar="N", help="which shuffle, by number (default: 0)")
    add("--no-training", action="store_true", help="leave the training on shuffled labels out")
    add("--again", action="store_true", help="make everything anew, what lies in RUN/control too")


def _add_set(parser: argparse.ArgumentParser, text: str) -> None:
    parser.add_argument("--set", type=_setting, action="append", default=[], metavar="NAME=VALUE", help=text)


def _add_recipe_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("recipe", choices=sorted(RECIPES), metavar="RECIPE", help="a name that `list` shows")
    add("--images", type=Path, metavar="DIR", help="folder of the photographs")
    add("--annotations", type=Path, metavar="FILE", help="boxes: COCO, Pascal VOC, YOLO or CSV")
    add("--groups", type=Path, metavar="FILE", help="JSON list of lists of photographs that a split may not part")
    add(
        "--masks",
        type=Path,
        metavar="DIR",
        help="anomalies: masks that measure (default: masks/ beside the photographs)",
    )
    add("--test", type=Path, metavar="DIR", help="anomalies: photographs that measure and never enter the bank")
    add("--crops", type=Path, metavar="DIR", help="anomalies: a folder of example regions for each name")
    add("--smoke", action="store_true", help="a few tiny pictures and epochs: tries the whole flow")
    _add_set(parser, "change a setting")
    add("--seed", type=int, metavar="N", help="seed of the training (default: the recipe's)")
    add("--runs", type=Path, default=Path("runs"), metavar="DIR", help="where runs are kept (default: runs)")


VERBS: dict[str, Callable[[argparse.Namespace], int]] = {
    "list": list_recipes,
    "patches": cut_only,
    "fit": fit,
    "run": run_all,
    "crossval": cross_validate,
    "resume": resume,
    "evaluate": evaluate,
    "enroll": enroll,
    "classes": classes,
    "control": control,
}


if __name__ == "__main__":
    sys.exit(main())
