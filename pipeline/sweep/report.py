"""The trials of a sweep -> sweep.json, sweep.html and the lines of a terminal."""

import shlex
from pathlib import Path

from inference.atomic_file import write_atomically
from pipeline.metrics.intervals import proportion
from pipeline.report.page import render_page
from pipeline.report.plots import svg_text
from pipeline.report.stored import section_text
from pipeline.report.style import columns
from pipeline.settings.run_folder import describe_machine
from pipeline.sweep.folder import SweepFolder, SweepSettings
from pipeline.sweep.measure import TrialMeasure, best_first, trial_history
from pipeline.sweep.plot import draw_coordinates
from pipeline.sweep.sections import SweepReport, TrialRow
from pipeline.sweep.space import Trial

REPORT_FORMAT = 1
_SHOWN = 5  # trials on the terminal


def make_report(folder: SweepFolder, settings: SweepSettings) -> SweepReport:
    """Return the report of a sweep whose trainings are done."""
    histories = {trial.number: trial_history(folder, settings, trial) for trial in settings.trials}
    measures = {number: history[-1] for number, history in histories.items() if history}
    trials = {trial.number: trial for trial in settings.trials}
    return SweepReport(
        format=REPORT_FORMAT,
        recipe=settings.recipe.name,
        title=settings.recipe.title,
        run=folder.path.name,
        command=run_command(settings),
        machine=describe_machine(),
        engine=settings.engine,
        seed=settings.recipe.seed,
        folds=settings.folds,
        dimensions=tuple(one.name for one in settings.space),
        rows=tuple(_row(trials[number], measures[number]) for number in best_first(measures)),
        epochs=sum(one.epochs for one in measures.values()),
        seconds=round(sum(one.seconds for one in measures.values()), 1),
    )


def write_report(folder: SweepFolder, report: SweepReport) -> None:
    """Write sweep.json and sweep.html."""
    text = section_text(report)  # first, since it refuses NaN and infinity
    plot = svg_text(draw_coordinates(report), "sweep", "Parallel coordinates: the settings and accuracy of each trial")
    write_atomically(folder.page, render_page("sweep.html.jinja", report=report, plot=plot))
    write_atomically(folder.report, text)


def sweep_lines(report: SweepReport) -> list[str]:
    """Return the report for a terminal."""
    lines = [f"{report.recipe}: {len(report.rows)} trials, {report.folds} validation folds, 95 % intervals"]
    lines += [_line(row) for row in report.rows[:_SHOWN]]
    if report.own not in report.rows[:_SHOWN]:
        lines.append(_line(report.own))
    epochs = f"{report.epochs} epochs, " if report.epochs else ""  # linear heads have none
    lines.append(f"  {epochs}{report.seconds / 60:.1f} minutes of training")
    lines.append(f"best settings: {report.best.options or 'those of the recipe'}")
    return lines


def _line(row: TrialRow) -> str:
    mark = " (the recipe's own)" if row.number == 1 else ""
    figure = columns(row.accuracy) if row.accuracy.n else f"{100 * row.estimate:.1f} %, first fold not ended"
    return f"  trial {row.number:>2}  {row.folds} folds  {figure}{mark}"


def _row(trial: Trial, measure: TrialMeasure) -> TrialRow:
    return TrialRow(
        number=trial.number,
        settings=trial.shown,
        options=shlex.join(word for name, value in trial.overrides for word in ("--set", f"{name}={value}")),
        accuracy=proportion(measure.right, measure.n),
        estimate=measure.accuracy,
        loss=measure.loss,
        folds=measure.folds,
        epochs=measure.epochs,
        seconds=round(measure.seconds, 1),
    )


def run_command(settings: SweepSettings) -> str:
    """Return the start of the command that repeats the best run, up to its settings."""
    if settings.words:
        return shlex.join(["python", "-m", "pipeline", "run", *settings.words])
    place = settings.place
    given: dict[str, Path | None] = {"images": place.images, "annotations": place.annotations, "groups": place.groups}
    words = [word for name, path in given.items() if path is not None for word in (f"--{name}", str(path))]
    return shlex.join(["python", "-m", "pipeline", "run", settings.recipe.name, *words])
