"""The figures of a control -> sentences for people: the verdict, and a few lines for the terminal."""

import textwrap
from collections.abc import Iterator

from pipeline.metrics.intervals import Estimate
from pipeline.report import comparison
from pipeline.report.comparison import best_colour, describe_lead
from pipeline.report.style import columns, interval, percent
from pipeline.sanity.measure import BOXES
from pipeline.sanity.occlusion import INSIDE_HIDDEN, OUTSIDE_HIDDEN, WHOLE
from pipeline.sanity.sections import ControlReport, ShuffledTraining, ViewReport
from pipeline.sanity.verdict import AT_SPECIMEN, DOUBTFUL, ELSEWHERE, SURE_P

_COLUMNS = 80
_TITLE_COLUMNS = 40
_LONGEST_LABEL = 20
LUCK = 0.05  # share of namings above which a good result may be chance


def opening(report: ControlReport) -> str:
    """Return the verdict in one sentence, for example: Learned: right on 87 of 100 test patches."""
    return f"{report.learning.capitalize()}: right on {_right(report)} test patches."


def reasons(report: ControlReport) -> str:
    """Return the figures that the verdict is based on."""
    test, majority = report.permutation_test, report.majority
    parts = [
        f"{_with_interval(report.accuracy)} against {percent(majority.accuracy.value)} for always {majority.label}",
        f"permuted labels do as well in {test.as_good:,} of {test.permutations:,} permutations, p = {test.p:.4f}",
    ]
    if report.shuffled and report.training:
        reached = _with_interval(report.shuffled)
        parts.append(f"the same training on shuffled labels ({length(report.training)}) reaches {reached}")
    text = "; ".join(parts) + "."
    if not report.shuffled:
        text += " One condition was not checked: the training on shuffled labels was left out."
    return text + _what_fails(report)


def length(training: ShuffledTraining) -> str:
    """Return the lengths of the training on shuffled labels and of the run's: 6 epochs, the run 60."""
    if training.frozen:
        views = f"{training.planned_epochs} view{'s' if training.planned_epochs != 1 else ''} of each patch"
        return f"{views}, the run {training.run_planned_epochs}"
    return f"{training.epochs} epoch{'s' if training.epochs != 1 else ''}, the run {training.run_epochs}"


def colour_sentence(report: ControlReport) -> str:
    """Return whether the network is better than a colour histogram."""
    return comparison.colour_sentence(best_colour(report.colour))


def lead(ahead: Estimate) -> str:
    """Return the network's lead over a baseline: "the network is 12.3 points (4.0 to 20.1) ahead of it"."""
    return f"the network is {describe_lead(ahead, 'it')}"


def look_sentence(report: ControlReport) -> str:
    """Return whether the network looks at the specimen."""
    views = report.views
    if views.kind != BOXES:
        reason = "there are no boxes." if views.kind else views.reason or ""
        return f"It is not known whether the network looks at the specimen: {reason}"
    starts = {AT_SPECIMEN: "The network looks at the specimen", ELSEWHERE: "The network does not look at the specimen"}
    start = starts.get(views.look or "", "It is not known whether the network looks at the specimen")
    if not views.n or views.ratio is None or views.ratio.value is None:
        return f"{start}: no view has a Grad-CAM map."
    between = f"{interval(views.ratio, 'ratio')}, " if views.ratio.ends else ""
    text = (
        f"{start}: the box holds {views.ratio.value:.2f} times as much of the Grad-CAM map as its area would "
        f"give ({between}{views.n} view{'s' if views.n != 1 else ''}). {_hidden(views)}"
    )
    return text + _surroundings(views)


def parts_of(views: ViewReport) -> tuple[str, str]:
    """Return the names of the inside and the outside of the views."""
    return ("specimen", "surroundings") if views.kind == BOXES else ("centre", "border")


def control_lines(report: ControlReport) -> list[str]:
    """Return the report for a terminal, without the verdict."""
    heading = f"{report.recipe}: {report.released} on test patches, 95 % intervals"
    return [heading, *(f"  {title:{_TITLE_COLUMNS}}{text}" for title, text in _rows(report))]


def verdict_lines(report: ControlReport) -> list[str]:
    """Return the verdict for a terminal, with the answer in the last line."""
    sentences = (look_sentence(report), colour_sentence(report), reasons(report))
    lines = [line for sentence in sentences for line in textwrap.wrap(sentence, _COLUMNS)]
    return [*lines, f"Verdict: {report.learning}. Right on {_right(report)} test patches."]


def _right(report: ControlReport) -> str:
    accuracy = report.accuracy
    return f"{round((accuracy.value or 0) * accuracy.n):,} of {accuracy.n:,}"


def _with_interval(estimate: Estimate) -> str:
    return f"{percent(estimate.value)} ({interval(estimate)})"


def _what_fails(report: ControlReport) -> str:
    """Return the conditions that a doubtful run does not meet."""
    if report.learning != DOUBTFUL:
        return ""
    words = {
        "p": f"p is not below {SURE_P}",
        "majority": "the interval is not above the share of the most frequent class",
        "shuffled": "the interval is not above that of the training on shuffled labels",
    }
    failed = [words[name] for name, holds in vars(report.checks).items() if holds is False]
    text = f" Doubtful, because {'; '.join(failed)}"
    text += "." if report.large_enough else ", and the test is too small to show that it learned nothing."
    if report.training and report.checks.shuffled is False and (report.naming_luck or 0) > LUCK:
        text += (
            f" The training on shuffled labels may be right by chance: {percent(report.naming_luck)} of the ways to "
            "name its answers do as well. Repeat with another shuffle: "
            f"--again --shuffle {report.training.shuffle_seed + 1}."
        )
    return text


def _hidden(views: ViewReport) -> str:
    whole, inside, outside = (percent(views.accuracy[one].value) for one in (WHOLE, INSIDE_HIDDEN, OUTSIDE_HIDDEN))
    hidden = f"on {inside} with the specimen hidden, on {outside} with the surroundings hidden"
    return f"Right on {whole} of the views, {hidden}."


def _surroundings(views: ViewReport) -> str:
    if views.accuracy[INSIDE_HIDDEN].is_above(views.majority):
        return " So the network also uses the surroundings."
    return ""


def _rows(report: ControlReport) -> Iterator[tuple[str, str]]:
    yield "Accuracy, nothing rejected", columns(report.accuracy)
    yield f"  always {report.majority.label[:_LONGEST_LABEL]}", columns(report.majority.accuracy)
    for one in report.colour:
        yield f"  {one.name}", columns(one.accuracy)
    if report.shuffled and report.training:
        yield "  same training, shuffled labels", columns(report.shuffled)
        yield "    its length", length(report.training)
    test = report.permutation_test
    yield "Permuted labels", f"p = {test.p:.4f}, {test.as_good:,} of {test.permutations:,} as good"
    views = report.views
    if views.kind and views.n:
        inside, outside = parts_of(views)
        yield "Views, whole", columns(views.accuracy[WHOLE])
        yield f"  {inside} hidden", columns(views.accuracy[INSIDE_HIDDEN])
        yield f"  {outside} hidden", columns(views.accuracy[OUTSIDE_HIDDEN])
