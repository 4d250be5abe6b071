"""The figures of a control -> a verdict in words: did the network learn, is it more than colour, where does it look?

Did it learn? Three things must hold:

- the permutation test's p is below 0.01;
- the accuracy's 95 % interval lies above the share of the test's most frequent class;
- it lies above the interval of the same training on shuffled labels (left out with --no-training).

"learned": all hold. "did not learn": p is 0.05 or more, or the accuracy is no higher than that of the shuffled
training; and the test is large enough to tell, that is: the accuracy's interval ends below the middle between the most
frequent class's share and 100 %, and flawless answers would have had a p below 0.01. "doubtful": all else, few test
photographs above all.

More than colour? By the difference to the better one of the colour histograms on the same patches: its interval over
resampled photographs lies above 0 (yes), below 0 (no: colour alone does better), or neither (not shown).

Does it look at the specimen? Two things must hold: Grad-CAM's mass inside the box is more than the box's share of the
area, and hiding the specimen costs more than hiding what lies around it; each with an interval that lies on that side.
If one of them lies on the other side, it looks elsewhere; else, and with fewer than 10 views, it can't be told. Where
it is right with the specimen hidden more often than by the views' most frequent class, the surroundings tell it
something.
"""

from dataclasses import dataclass

from pipeline.metrics.intervals import Estimate

LEARNED, NOT_LEARNED, DOUBTFUL = "learned", "did not learn", "doubtful"
BEYOND_COLOUR, NOT_SHOWN, BEHIND_COLOUR = "beyond colour", "not shown to be beyond colour", "behind colour"
AT_SPECIMEN, ELSEWHERE, UNTOLD = "at the specimen", "elsewhere", "can't be told"

SURE_P, LEAST_P_WITHOUT = 0.01, 0.05
FEWEST_VIEWS = 10


@dataclass(frozen=True)
class Findings:
    """What the first question is decided by; shuffled is None where that training was left out.

    majority: share of the most frequent class. flawless_p: the p that answers without a mistake would have.
    """

    accuracy: Estimate
    majority: float
    p: float
    flawless_p: float
    shuffled: Estimate | None


@dataclass(frozen=True)
class Checks:
    """Which of the three conditions hold; shuffled is None where that training was left out."""

    p: bool
    majority: bool
    shuffled: bool | None


def check(findings: Findings) -> Checks:
    """Return which conditions of "learned" hold."""
    accuracy, shuffled = findings.accuracy, findings.shuffled
    return Checks(
        p=findings.p < SURE_P,
        majority=accuracy.is_above(findings.majority),
        shuffled=None if shuffled is None else accuracy.is_above(shuffled.high),
    )


def judge_learning(findings: Findings) -> str:
    """Return LEARNED, NOT_LEARNED or DOUBTFUL; see the module."""
    checks = check(findings)
    if checks.p and checks.majority and checks.shuffled is not False:
        return LEARNED
    no_better = findings.shuffled is not None and _value(findings.accuracy) <= _value(findings.shuffled)
    if (findings.p >= LEAST_P_WITHOUT or no_better) and is_large_enough(findings):
        return NOT_LEARNED
    return DOUBTFUL


def is_large_enough(findings: Findings) -> bool:
    """Tell whether the test would have shown a network that learned: see the module."""
    middle = (findings.majority + 1) / 2
    return findings.accuracy.is_below(middle) and findings.flawless_p < SURE_P


def judge_colour(difference: Estimate) -> str:
    """Return whether a network is beyond colour, from its accuracy less that of a colour histogram."""
    if difference.is_above(0):
        return BEYOND_COLOUR
    return BEHIND_COLOUR if difference.is_below(0) else NOT_SHOWN


def judge_look(ratio: Estimate, specimen_counts: Estimate) -> str:
    """Return where a network looks.

    ratio: of Grad-CAM's mass inside the box to the box's share of the area. specimen_counts: the accuracy with the
    surroundings hidden less that with the specimen hidden.
    """
    if ratio.n < FEWEST_VIEWS or not ratio.ends or not specimen_counts.ends:
        return UNTOLD
    if ratio.is_above(1) and specimen_counts.is_above(0):
        return AT_SPECIMEN
    return ELSEWHERE if ratio.is_below(1) or specimen_counts.is_below(0) else UNTOLD


def _value(estimate: Estimate) -> float:
    assert estimate.value is not None  # a run that can be controlled was tested on patches of the classes
    return estimate.value
