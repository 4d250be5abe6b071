"""python -m pipeline crossval: all stages of each fold, and the pooled figures."""

import argparse
import sys
from collections.abc import Sequence

from pipeline.commands.options import data_place, read_recipe, read_run_recipe
from pipeline.crossval.folds import CrossvalFolder, CrossvalSettings, complete_folds, missing_folds, start_crossval
from pipeline.kinds import check_verb, kind_of
from pipeline.recipes import RECIPES
from pipeline.settings.run_folder import write_json


def cross_validate(options: argparse.Namespace) -> int:
    """Start a cross-validation and do all stages of each fold."""
    check_verb("crossval", RECIPES[options.recipe])
    place = data_place(options)
    CrossvalSettings(options.folds, read_recipe(options), place).fold_recipe(1)  # refuses an invalid number of folds
    recipe = read_run_recipe(options)
    kind_of(recipe).check(recipe, place)
    folder = start_crossval(recipe, place, options.folds)
    print(f"cross-validation: {folder.path}", file=sys.stderr)
    return resume_crossval(folder, [])


def resume_crossval(folder: CrossvalFolder, folds: Sequence[int]) -> int:
    """Do the given folds, or all missing ones; pool them when all are done."""
    stages = kind_of(folder.read_settings().recipe).stages
    complete_folds(folder, stages, folds)
    missing = missing_folds(folder, stages)
    if missing:
        numbers = ", ".join(map(str, missing))
        print(f"not done: fold {numbers}; continue with: python -m pipeline resume {folder.path}", file=sys.stderr)
        return 0
    from pipeline.crossval.report import crossval_lines, pool_folds

    report = pool_folds(folder)
    write_json(folder.report, report)
    print("\n".join(crossval_lines(report)))
    print(f"report: {folder.report}")
    return 1 if report.data.refused else 0
