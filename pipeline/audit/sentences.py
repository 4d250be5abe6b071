"""An audit -> the sentences of its page and of the terminal."""

from collections import Counter

from pipeline.audit.sections import AuditReport, BlindSplit, PairFinding
from pipeline.metrics.intervals import Estimate
from pipeline.report.style import interval, percent


def opening(report: AuditReport) -> str:
    """Return the most important finding in one sentence."""
    leaks = report.leaks
    if leaks.copies + leaks.views:
        return (
            f"{_count(leaks.copies + leaks.views, 'pair')} of photographs that show the same lie in different splits."
        )
    if report.groups:
        together = sum(map(len, report.groups))
        return f"{together:,} of {report.photos:,} photographs show what another one shows: split them by group."
    return "No two photographs were found to show the same."


def leak_sentence(report: AuditReport) -> str:
    """Return what was found across the given splits."""
    if not report.splits:
        return "The data give no splits. With --groups GROUPS.json the program's own keeps each group together."
    leaks, tested = report.leaks, report.leaks.tested
    counts = ", ".join(f"{name} {count:,}" for name, count in report.splits.items())
    found = f"{_count(leaks.copies, 'copy', 'copies')} and {_count(leaks.views, 'further view')} across them"
    return f"Given splits: {counts}. Found: {found}; {_share(tested)} of the photographs outside of train are affected."


def blind_sentence(blind: BlindSplit | None) -> str:
    """Return by how much a random split of the boxes overstates the accuracy."""
    if blind is None:
        return "Not measured: it needs two classes with at least two photographs each that do not show the same."
    points = _points(blind.flattery)
    if blind.flattery.is_above(0):
        return f"Splitting boxes at random overstates the accuracy of a simple classifier by {points}."
    return f"With this probe no difference can be told between boxes split at random and by group: {points}."


def label_sentence(report: AuditReport) -> str:
    """Return how many labels are doubtful."""
    if report.blind is None:
        return "Labels were not checked: that needs two classes with at least two photographs each."
    doubtful = f"{len(report.suspects):,} of {report.labels_checked:,} labels are doubtful"
    right = percent(report.blind.groups.value)
    return f"{doubtful} to a simple classifier that is itself right on {right}; look at them before training."


def pair_line(pair: PairFinding) -> str:
    """Return what ties two photographs together."""
    words = ["mirrored"] if pair.mirrored else []
    words += [f"{pair.inliers} keypoints agree"] if pair.inliers else []
    words += [f"edges correlate {pair.edges:.2f}"] if pair.edges else []
    return ", ".join(words)


def audit_lines(report: AuditReport) -> list[str]:
    """Return the summary for a terminal."""
    kinds = Counter(pair.kind for pair in report.pairs)
    classes = ", ".join(f"{one.label} {one.boxes}" for one in report.classes)
    together = sum(map(len, report.groups))
    lines = [
        f"{report.photos:,} photographs, {report.boxes:,} boxes, {len(report.classes)} classes: {classes}",
        f"boxes out of the picture: {len(report.outside)}; nearly equal: {len(report.overlapping)}; "
        f"refused: {len(report.refused)}",
        f"pairs: {_count(kinds['copy'], 'copy', 'copies')}, {_count(kinds['view'], 'further view')}; "
        f"{_count(len(report.groups), 'group')} of {together:,} photographs",
        leak_sentence(report),
        label_sentence(report),
        blind_sentence(report.blind),
    ]
    conflicts = sum(pair.conflict for pair in report.pairs)
    return [*lines, f"{_count(conflicts, 'pair')} with different labels"] if conflicts else lines


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def _share(estimate: Estimate) -> str:
    return f"{percent(estimate.value)} ({interval(estimate)} %)" if estimate.n else "none"


def _points(estimate: Estimate) -> str:
    if estimate.value is None or estimate.low is None or estimate.high is None:
        return "no interval"
    return f"{100 * estimate.value:.1f} points ({100 * estimate.low:.1f} to {100 * estimate.high:.1f})"
