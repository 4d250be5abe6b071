"""The network against baselines of colour on the same test patches: one comparison for report.html and control.html."""

from collections.abc import Sequence
from dataclasses import replace

from pipeline.metrics.intervals import FEWEST_PHOTOS, Estimate
from pipeline.report.sections import Baseline
from pipeline.report.style import interval

BEYOND_COLOUR, NOT_SHOWN, BEHIND_COLOUR = "beyond colour", "not shown to be beyond colour", "behind colour"


def judge_colour(difference: Estimate, photos: int) -> str:
    """Return whether a network uses more than colour, from its accuracy minus that of a colour baseline.

    photos: number of photographs that the patches are of.
    """
    if photos < FEWEST_PHOTOS:
        return NOT_SHOWN
    if difference.is_above(0):
        return BEYOND_COLOUR
    return BEHIND_COLOUR if difference.is_below(0) else NOT_SHOWN


def best_colour(colour: Sequence[Baseline]) -> Baseline:
    """Return the better colour baseline; of two equal ones, that with the smaller lead of the network."""
    return max(colour, key=lambda one: (one.accuracy.value or 0, -(one.lead.low or 0)))


def describe_lead(ahead: Estimate, other: str) -> str:
    """Return who leads by how much: "12.3 points (4.0 to 20.1) ahead of a colour histogram".

    -0.3, from -0.53 to -0.03, is "30.0 points (3.0 to 53.0) behind a colour histogram".
    """
    if ahead.value is None:
        return f"not compared with {other}"
    behind = ahead.value < 0
    shown = replace(ahead, low=_negative(ahead.high), high=_negative(ahead.low)) if behind else ahead
    text = f" ({interval(shown)})" if shown.ends else ""
    return f"{100 * abs(ahead.value):.1f} points{text} {'behind' if behind else 'ahead of'} {other}"


def colour_sentence(best: Baseline) -> str:
    """Return whether the network is better than the better colour baseline."""
    lead = describe_lead(best.lead, best.name)
    if best.verdict == BEYOND_COLOUR:
        return f"The network uses more than colour: it is {lead} on the same patches."
    if best.verdict == BEHIND_COLOUR:
        return f"Colour alone does better: the network is {lead} on the same patches."
    few = best.lead.is_above(0) or best.lead.is_below(0)  # an interval on one side is not enough, see judge_colour
    why = f", which are of fewer than {FEWEST_PHOTOS} photographs" if few else ""
    return f"The network is not shown to use more than colour: it is {lead} on the same patches{why}."


def _negative(value: float | None) -> float | None:
    return None if value is None else 0.0 - value
