"""python -m pipeline control: sanity checks of a finished run."""

import argparse

from inference.errors import InputError
from pipeline.crossval.folds import CrossvalFolder
from pipeline.kinds import check_verb
from pipeline.quiet import load_tensorflow
from pipeline.settings.run_folder import RunFolder


def control(options: argparse.Namespace) -> int:
    """Compare a finished run with colour baselines, chance and shuffled labels; print the verdict."""
    if CrossvalFolder(options.run).settings.is_file():
        raise InputError(f"{options.run}: is a cross-validation. Give the folder of one fold: {options.run}/fold-1.")
    run = RunFolder(options.run)
    check_verb("control", run.read_recipe())
    load_tensorflow()
    from pipeline.sanity.control import ControlOptions, control_run
    from pipeline.sanity.report import write_control
    from pipeline.sanity.sentences import control_lines, verdict_lines

    report = control_run(run, ControlOptions(options.epochs, options.shuffle, not options.no_training, options.again))
    _, page = write_control(run.path, report)
    print("\n".join([*control_lines(report), f"page: {page}", "", *verdict_lines(report)]))
    return 0
