"""The figures of a control -> the verdicts: did the network learn, does it use more than colour, where does it look?

Did the network learn? Three conditions:

- the permutation test's p is below 0.01;
- the accuracy's 95 % interval lies above the share of the test's most frequent class;
- it lies above the interval of the same training on shuffled labels (left out with --no-training).

"learned": all hold. "did not learn": p is 0.05 or more, or the accuracy is no higher than that of the training on
shuffled labels; and the test is large enough: the accuracy's interval ends below the middle between the most frequent
class's share and 100 %, and answers without a mistake would have a p below 0.01. "doubtful": all other cases, most
often because there are few test photographs.

Does it use more than colour? The interval of the difference to the better colour baseline on the same patches, over
resampled photographs, is above 0 (yes), below 0 (no: colour alone does better), or contains 0 (not shown). With fewer
than 10 photographs it is not shown either: their resamples give too narrow an interval.

Does it look at the specimen? Two conditions: the Grad-CAM mass inside the box is more than the box's share of the area,
and hiding the specimen costs more accuracy than hiding the surroundings; the whole interval must be on that side. If
one interval is on the other side, the network looks elsewhere; otherwise, and with views of fewer than 10 photographs,
it is unknown. If the accuracy with the specimen hidden is above the share of the most frequent class, the network also
uses the surroundings.
"""

from dataclasses import dataclass

from pipeline.metrics.intervals import FEWEST_PHOTOS, Estimate

LEARNED, NOT_LEARNED, DOUBTFUL = "learned", "did not learn", "doubtful"
AT_SPECIMEN, ELSEWHERE, UNTOLD = "at the specimen", "elsewhere", "can't be told"

SURE_P, LEAST_P_WITHOUT = 0.01, 0.05


@dataclass(frozen=True)
class Findings:
    """The figures that decide whether the network learned; shuffled is None if that training was left out.

    majority: share of the most frequent class. flawless_p: the p-value of answers without a mistake.
    """

    accuracy: Estimate
    majority: float
    p: float
    flawless_p: float
    shuffled: Estimate | None


@dataclass(frozen=True)
class Checks:
    """Whether each of the three conditions holds; shuffled is None if that training was left out."""

    p: bool
    majority: bool
    shuffled: bool | None


def check(findings: Findings) -> Checks:
    """Return whether each condition of "learned" holds."""
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
    """Return whether the test is large enough to show that a network did not learn; see the module."""
    middle = (findings.majority + 1) / 2
    return findings.accuracy.is_below(middle) and findings.flawless_p < SURE_P


def judge_look(ratio: Estimate, specimen_counts: Estimate, photos: int) -> str:
    """Return where a network looks.

    ratio: share of the Grad-CAM mass inside the box divided by the box's share of the area. specimen_counts: accuracy
    with the surroundings hidden minus accuracy with the specimen hidden. photos: number of photographs with a map.
    """
    if photos < FEWEST_PHOTOS or not ratio.ends or not specimen_counts.ends:
        return UNTOLD
    if ratio.is_above(1) and specimen_counts.is_above(0):
        return AT_SPECIMEN
    return ELSEWHERE if ratio.is_below(1) or specimen_counts.is_below(0) else UNTOLD


def _value(estimate: Estimate) -> float:
    assert estimate.value is not None  # control_run refuses runs without test patches of the classes
    return estimate.value
