"""python -m pipeline crossval: all stages of each fold, and the pooled figures."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from inference.errors import InputError
from pipeline.cluster import check_engine
from pipeline.commands.options import read_run_recipe
from pipeline.crossval.folds import (
    CrossvalFolder,
    CrossvalSettings,
    check_crossval,
    complete_folds,
    missing_folds,
    start_crossval,
)
from pipeline.crossval.sections import CrossvalReport
from pipeline.crossval.seeds import SeedsFolder, report_seeds, seeds_lines, start_seeds
from pipeline.data.sources import DataPlace
from pipeline.kinds import check_verb, kind_of
from pipeline.recipes import RECIPES
from pipeline.run_options import DECIDED_BY_CROSSVAL, data_place, given_settings, read_recipe
from pipeline.settings.paths import FOLD
from pipeline.settings.recipe import Recipe
from pipeline.settings.run_folder import write_json
from pipeline.stages import Stage, removed_if_refused

_TOLERATED = ("export.max_accuracy_loss",)  # accepted by earlier versions, and in commands that people keep


def cross_validate(options: argparse.Namespace) -> int:
    """Start a cross-validation, or one for each seed, and do all stages of each fold."""
    check_verb("crossval", RECIPES[options.recipe])
    check_engine(options.engine)
    place = data_place(options)
    _check_effect(given_settings(options))
    check_crossval(read_recipe(options), place, options.folds)
    recipe = read_run_recipe(options)
    _check_training(recipe, place, options.folds)
    if options.seeds == 1:
        folder = start_crossval(recipe, place, options.folds)
        print(f"cross-validation: {folder.path}", file=sys.stderr)
        read_folds(folder.path, folder, options.engine)
        return resume_crossval(folder, [], options.engine)
    seeds = start_seeds(recipe, place, options.folds, options.seeds)
    print(f"cross-validations: {seeds.path}", file=sys.stderr)
    read_folds(seeds.path, seeds.crossvals()[0], options.engine)
    return resume_seeds(seeds, [], options.engine)


def _check_training(recipe: Recipe, place: DataPlace, folds: int) -> None:
    """Check what the trainings need besides their data; the teacher of every fold, if each has its own."""
    settings = CrossvalSettings(folds, recipe, place)
    for number in range(1, folds + 1) if FOLD in recipe.fit.teacher else (1,):
        kind_of(recipe).check(settings.fold_recipe(number), place)


def _check_effect(given: set[str]) -> None:
    """Refuse settings that a cross-validation decides itself, or say that they have no effect."""
    for setting in (name for name in DECIDED_BY_CROSSVAL if name in given):
        rule = f"{setting} has no effect in a cross-validation: {DECIDED_BY_CROSSVAL[setting]}."
        if setting not in _TOLERATED:
            raise InputError(f"{rule} Leave it out.")
        print(f"note: {rule}", file=sys.stderr)


def resume_crossval(folder: CrossvalFolder, folds: Sequence[int], engine: str) -> int:
    """Do the given folds, or all missing ones; pool them when all are done."""
    _complete([folder], folds, engine, _stages(folder))
    if _say_missing([folder], folder.path):
        return 0
    report = _pool(folder)
    from pipeline.crossval.report import crossval_lines

    print("\n".join(crossval_lines(report)))
    print(f"report: {folder.report}")
    return 1 if report.data.refused else 0


def resume_seeds(folder: SeedsFolder, folds: Sequence[int], engine: str) -> int:
    """Do the given folds, or all missing ones, of all seeds; pool each seed's when all are done."""
    crossvals = folder.crossvals()
    _complete(crossvals, folds, engine, _stages(crossvals[0]))
    if _say_missing(crossvals, folder.path):
        return 0
    reports = [_pool(one) for one in crossvals]
    report = report_seeds(reports)
    write_json(folder.report, report)
    print("\n".join(seeds_lines(report)))
    print(f"report: {folder.report}")
    return 1 if any(one.data.refused for one in reports) else 0


def read_folds(path: Path, folder: CrossvalFolder, engine: str) -> None:
    """Read the data of every fold, so that one that can't be used is said before the first is trained."""
    with removed_if_refused(path):
        _complete([folder], [], engine, _stages(folder)[:1])


def _stages(folder: CrossvalFolder) -> Sequence[Stage]:
    return kind_of(folder.read_settings().recipe).stages


def _complete(folders: Sequence[CrossvalFolder], folds: Sequence[int], engine: str, stages: Sequence[Stage]) -> None:
    if engine == "ray":
        from pipeline.crossval.on_ray import complete_folds_on_ray

        complete_folds_on_ray(folders, stages, folds)
        return
    for folder in folders:
        complete_folds(folder, stages, folds)


def _say_missing(folders: Sequence[CrossvalFolder], path: object) -> bool:
    """Return whether folds are missing; name them and the remedy."""
    stages = _stages(folders[0])
    missing = sorted({number for folder in folders for number in missing_folds(folder, stages)})
    if missing:
        numbers = ", ".join(map(str, missing))
        print(f"not done: fold {numbers}; continue with: python -m pipeline resume {path}", file=sys.stderr)
    return bool(missing)


def _pool(folder: CrossvalFolder) -> CrossvalReport:
    from pipeline.crossval.report import pool_folds

    report = pool_folds(folder)
    write_json(folder.report, report)
    return report
