"""Answers of the network, of baselines and to views with hidden parts -> the figures of a control."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from pipeline.evaluation.colour_baseline import compare_colour
from pipeline.metrics.classification import Scores
from pipeline.metrics.intervals import UNDEFINED, Estimate, bootstrap, mean_difference, share_over_photos
from pipeline.sanity import verdict
from pipeline.sanity.occlusion import INSIDE_HIDDEN, OUTSIDE_HIDDEN, WHOLE
from pipeline.sanity.permutation import naming_luck, permutation_test
from pipeline.sanity.sections import Learning, Majority, ViewFigures, ViewRow
from pipeline.sanity.verdict import Findings

BOXES, CENTRE = "boxes", "centre"


def measure_learning(scores: Scores, colour: Mapping[str, np.ndarray], shuffled: np.ndarray | None) -> Learning:
    """Return the accuracies, the permutation test and the verdict.

    Args:
        scores: of the classes' test patches only.
        colour: answers of the colour baselines, by name, str [patches].
        shuffled: answers of the training on shuffled labels, str [patches]; None if it was left out.
    """
    labels, photos = scores.labels, scores.photos
    accuracy = share_over_photos(scores.best == labels, photos)
    most = Counter(labels.tolist()).most_common(1)[0][0]
    majority = share_over_photos(labels == most, photos)
    estimate = None if shuffled is None else share_over_photos(shuffled == labels, photos)
    test = permutation_test(scores.best, labels, photos)
    flawless = permutation_test(labels, labels, photos).p
    findings = Findings(accuracy, majority.value or 0.0, test.p, flawless, estimate)
    return Learning(
        accuracy=accuracy,
        majority=Majority(most, majority),
        colour=compare_colour(colour, scores),
        shuffled=estimate,
        naming_luck=None if shuffled is None else naming_luck(shuffled, labels, scores.classes),
        permutation_test=replace(test, flawless_p=flawless),
        checks=verdict.check(findings),
        learning=verdict.judge_learning(findings),
        large_enough=verdict.is_large_enough(findings),
    )


def measure_views(kind: str, rows: Sequence[ViewRow]) -> ViewFigures:
    """Return the accuracy with parts hidden and, for views with boxes, the share of the Grad-CAM mass inside.

    Args:
        kind: BOXES or CENTRE.
        rows: one for each view.
    """
    photos, labels = (np.array([getattr(row, key) for row in rows], str) for key in ("photo", "label"))
    right = {
        name: np.array([getattr(row, name) for row in rows], str) == labels
        for name in (WHOLE, INSIDE_HIDDEN, OUTSIDE_HIDDEN)
    }
    most = Counter(labels.tolist()).most_common(1)
    figures = ViewFigures(
        kind=kind,
        n=len(rows),
        accuracy={name: share_over_photos(hits, photos) for name, hits in right.items()},
        majority=most[0][1] / len(rows) if rows else None,
        inside_counts=mean_difference(right[OUTSIDE_HIDDEN], right[INSIDE_HIDDEN], photos),
    )
    return _with_evidence(figures, rows) if kind == BOXES else figures


def _with_evidence(figures: ViewFigures, rows: Sequence[ViewRow]) -> ViewFigures:
    """Return the figures with those of the Grad-CAM maps added."""
    ratio = _ratio([(row.mass, row.area, row.photo) for row in rows])
    seen = {row.photo for row in rows if row.mass is not None}
    return replace(
        figures,
        area=float(np.mean([row.area for row in rows])) if rows else None,
        ratio=ratio,
        shuffled_ratio=_ratio([(row.shuffled_mass, row.area, row.photo) for row in rows]),
        look=verdict.judge_look(ratio, figures.inside_counts or UNDEFINED, len(seen)),
    )


def _ratio(rows: Sequence[tuple[float | None, float | None, str]]) -> Estimate:
    """Return the ratio of the share of mass inside to the share of the area: 0.5 of the mass on 0.25 of the area is 2.

    rows: mass, area and photograph of each view.
    """
    known = [row for row in rows if row[0] is not None]
    if not known:
        return UNDEFINED
    mass, area = (np.array([row[column] for row in known], float) for column in (0, 1))

    def ratio(drawn: np.ndarray) -> float:
        return float(mass[drawn].mean() / area[drawn].mean())

    return bootstrap(ratio(np.arange(len(known))), ratio, np.array([photo for *_, photo in known], str))
