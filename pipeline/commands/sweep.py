"""python -m pipeline sweep: a search of settings by validation folds, and a run of the best."""

import argparse
import sys
from dataclasses import replace

from inference.errors import InputError
from pipeline.cluster import check_engine
from pipeline.commands.options import read_run_recipe
from pipeline.kinds import check_verb, kind_of
from pipeline.recipes import RECIPES
from pipeline.run_options import data_place, given_settings, read_recipe, run_words
from pipeline.settings.recipe import override_all
from pipeline.stages import complete, removed_if_refused, start_run
from pipeline.sweep.folder import SweepFolder, SweepSettings, cut_folds, start_sweep
from pipeline.sweep.space import draw_trials, search_space


def sweep(options: argparse.Namespace) -> int:
    """Start a sweep and do all of it."""
    check_verb("sweep", RECIPES[options.recipe])
    check_engine(options.engine, "ray.tune")
    recipe, place = read_recipe(options), data_place(options)
    space = search_space(recipe, given_settings(options), tuple(options.search))
    trials = draw_trials(recipe, space, options.trials)
    recipe = read_run_recipe(options)
    kind_of(recipe).check(recipe, place)
    settings = SweepSettings(
        recipe,
        place,
        tuple(space),
        tuple(trials),
        options.folds,
        options.engine,
        options.run_best,
        tuple(run_words(options)),
    )
    folder = start_sweep(settings)
    if len(trials) < options.trials:
        print(f"{len(trials)} trials: there are no more different settings", file=sys.stderr)
    print(f"sweep: {folder.path}", file=sys.stderr)
    with removed_if_refused(folder.path):
        cut_folds(settings)
    return _do_missing(folder, settings)


def resume_sweep(folder: SweepFolder, engine: str | None = None) -> int:
    """Do what a sweep lacks: trainings, report, the run of the best; engine: instead of that of the start."""
    settings = folder.read_settings()
    settings = replace(settings, engine=engine or settings.engine)
    if not folder.report.is_file():
        cut_folds(settings)
    return _do_missing(folder, settings)


def _do_missing(folder: SweepFolder, settings: SweepSettings) -> int:
    """Do what a sweep lacks after the cutting of its folds."""
    if not folder.report.is_file():
        _do_trials(folder, settings)
    from pipeline.sweep.report import make_report, sweep_lines, write_report

    report = make_report(folder, settings)
    write_report(folder, report)
    print("\n".join(sweep_lines(report)))
    print(f"page: {folder.page}", flush=True)
    if not settings.run_best:
        return 0
    best = next(trial for trial in settings.trials if trial.number == report.best.number)
    return _run_best(folder, settings, best.overrides)


def _do_trials(folder: SweepFolder, settings: SweepSettings) -> None:
    if settings.engine == "local":
        from pipeline.sweep.one_machine import do_trials

        do_trials(folder, settings)
        return
    from pipeline.cluster import pipeline_cluster

    with pipeline_cluster("ray.tune"):
        from pipeline.sweep import on_ray

        on_ray.do_trials(folder, settings)


def _run_best(folder: SweepFolder, settings: SweepSettings, overrides: tuple[tuple[str, str], ...]) -> int:
    """Do all stages of a run with the best settings and the recipe's own split; print its summary."""
    run = folder.best
    recipe = override_all(settings.recipe, overrides)
    if not run.source.is_file():
        start_run(recipe, settings.place, run.path)
    elif run.read_recipe() != recipe:
        raise InputError(f"{run.path}: is a run of other settings than the best. Remove this folder, then resume.")
    complete(run, kind_of(recipe).stages)
    print("\n".join(kind_of(recipe).summary_lines(run)))
    print(f"report: {run.report.with_suffix('.html')}\nmodel:  {run.model}")
    return 0
