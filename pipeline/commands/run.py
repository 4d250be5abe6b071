"""python -m pipeline list, patches, fit, run, resume, evaluate."""

import argparse
import sys
from contextlib import nullcontext

from inference.atomic_file import write_atomically
from inference.errors import InputError
from pipeline.child_process import explained, is_child, repeat_in_child
from pipeline.classification.stages import prepare_data, run_index
from pipeline.cluster import check_engine
from pipeline.commands.crossval import resume_crossval, resume_seeds
from pipeline.commands.options import read_run_recipe
from pipeline.commands.sweep import resume_sweep
from pipeline.crossval.folds import CrossvalFolder
from pipeline.crossval.seeds import SeedsFolder
from pipeline.distributed import joined, processes, trains_with_jax
from pipeline.kinds import check_verb, kind_of
from pipeline.recipes import RECIPES
from pipeline.run_options import data_place
from pipeline.settings.recipe import override_all, recipe_to_json
from pipeline.settings.run_folder import RunFolder, read_json
from pipeline.stages import complete, is_complete, removed_if_refused, start_run
from pipeline.sweep.folder import SweepFolder


def list_recipes(options: argparse.Namespace) -> int:
    """Print the recipes."""
    for name, recipe in RECIPES.items():
        print(f"{name:20} {recipe.title}")
    return 0


def cut_patches(options: argparse.Namespace) -> int:
    """Cut the patches of a recipe without a run."""
    check_verb("patches", RECIPES[options.recipe])
    recipe = read_run_recipe(options)
    prepared = prepare_data(data_place(options), recipe)
    counts = ", ".join(f"{label} {count}" for label, count in prepared.index.counts().items())
    print(f"{len(prepared.index.patches)} patches ({counts}), {prepared.written} of them new")
    print(f"index: {prepared.file}", file=sys.stderr)
    return 1 if prepared.refused else 0


def begin(options: argparse.Namespace) -> int:
    """Start a run and do its first stage, which reads the data."""
    run = _start(options)
    print(f"begun; continue with: python -m pipeline resume {run.path}", file=sys.stderr)
    return _exit_code(run)


def fit(options: argparse.Namespace) -> int:
    """Start a run and train it."""
    check_engine(options.engine, "ray.data")
    run = _start(options)
    _prepare_on_ray(run, options.engine)
    kind = kind_of(run.read_recipe())
    complete(run, kind.stages[: kind.fit_stages])
    print(f"trained; continue with: python -m pipeline evaluate {run.path}", file=sys.stderr)
    return _exit_code(run)


def run_all(options: argparse.Namespace) -> int:
    """Start a run and do every stage."""
    check_engine(options.engine, "ray.data")
    if trains_with_jax():
        raise InputError("run: with KERAS_BACKEND=jax there is no export. Use begin and then resume, or unset it.")
    run = _start(options)
    _prepare_on_ray(run, options.engine)
    return _complete(run)


def _prepare_on_ray(run: RunFolder, engine: str | None) -> None:
    """Let a cluster compute the features of a frozen trunk, if it is asked for and they are not used already."""
    if engine != "ray" or run.fit.is_file():
        return
    from pipeline.training.on_ray import cache_features

    with run.locked():
        cache_features(run, run_index(run), run.read_recipe())


def resume(options: argparse.Namespace) -> int:
    """Do what a run, cross-validation or sweep lacks; settings of stages that are not done may be changed."""
    crossval, seeds, sweep = CrossvalFolder(options.run), SeedsFolder(options.run), SweepFolder(options.run)
    several = sweep.settings.is_file() or crossval.settings.is_file() or bool(seeds.crossvals())
    if several and options.set:
        raise InputError("all folds and trials share their settings. Received: --set. Resume the run of one with it.")
    if crossval.settings.is_file():
        return resume_crossval(crossval, options.fold, options.engine or "local")
    if seeds.crossvals():
        return resume_seeds(seeds, options.fold, options.engine or "local")
    if options.fold:
        raise InputError(f"--fold is for a cross-validation. Received: {options.run}. Leave --fold out.")
    if sweep.settings.is_file():
        return resume_sweep(sweep, options.engine)
    run = RunFolder(options.run)
    run.read_recipe()
    if trains_with_jax():
        return _train_with_jax(run)
    if options.set:
        with run.locked():
            _change_settings(run, options.set)
    if options.engine == "ray":
        check_engine("ray", "ray.data")
        complete(run, kind_of(run.read_recipe()).stages[:1])
        _prepare_on_ray(run, "ray")
    return _complete(run)


def _train_with_jax(run: RunFolder) -> int:
    """Train a run that is begun, perhaps as one of several processes, see pipeline.distributed."""
    if not run.index.is_file():
        raise InputError(
            f"{run.path}: its patches are not cut. Begin the run with one process: python -m pipeline begin."
        )
    kind = kind_of(run.read_recipe())
    stages = kind.stages[: kind.fit_stages]
    if not is_complete(run, stages):
        if processes().count > 1 and not is_child():
            return repeat_in_child(f"Start all processes again: python -m pipeline resume {run.path}.")
        with explained() if is_child() else nullcontext(), joined(run) as own:
            complete(own, stages)
    print(f"trained; without KERAS_BACKEND=jax continue with: python -m pipeline resume {run.path}", file=sys.stderr)
    return 0


def evaluate(options: argparse.Namespace) -> int:
    """Evaluate a trained run again; missing earlier stages are done first."""
    run = RunFolder(options.run)
    stages = kind_of(run.read_recipe()).stages
    measured = run.report.is_file()
    complete(run, stages)
    if measured:  # the old report stays until the new one is written
        with run.locked():
            for stage in stages[-2:]:
                stage.do(run)
    return _finish(run)


def _start(options: argparse.Namespace) -> RunFolder:
    recipe, place = read_run_recipe(options), data_place(options)
    kind_of(recipe).check(recipe, place)
    run = start_run(recipe, place)
    print(f"run: {run.path}", file=sys.stderr)
    _do_first_stage(run)
    return run


def _do_first_stage(run: RunFolder) -> None:
    """Do the stage that reads the data; where these can't be used, no folder of a run remains."""
    with removed_if_refused(run.path):
        complete(run, kind_of(run.read_recipe()).stages[:1])


def _change_settings(run: RunFolder, overrides: list[tuple[str, str]]) -> None:
    """Change settings of stages that the run has not done: those of calibrate and export."""
    files = {"calibrate": run.calibration, "export.flips": run.calibration, "export": run.model}
    for setting, _ in overrides:
        done = files.get(setting) or files.get(setting.partition(".")[0])
        if done is None:
            raise InputError(
                f"only settings of calibrate and export can be changed in an existing run. Received: {setting}. Start "
                "a new run."
            )
        if done.exists():
            remedy = f"Use python -m export {run.path} to convert once more" if done == run.model else "Start a new run"
            raise InputError(f"{done}: exists already. Received: {setting}. {remedy}.")
    write_atomically(run.recipe, recipe_to_json(override_all(run.read_recipe(), tuple(overrides))))


def _complete(run: RunFolder) -> int:
    complete(run, kind_of(run.read_recipe()).stages)
    return _finish(run)


def _finish(run: RunFolder) -> int:
    """Print the summary and the paths of the results; return the exit code."""
    print("\n".join(kind_of(run.read_recipe()).summary_lines(run)))
    print(f"report:  {run.report.with_suffix('.html')}")
    print(f"model:   {run.model}")
    print(f"results: {run.results}")
    return _exit_code(run)


def _exit_code(run: RunFolder) -> int:
    refused = read_json(run.data, "Start a new run.")["refused"]
    if refused:
        print(f"{len(refused)} entries of the data were refused; they are listed in {run.data}", file=sys.stderr)
    return 1 if refused else 0
