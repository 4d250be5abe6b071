"""Answers of the network, of colour, of the shuffled training and of hidden views -> the figures of a control."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pipeline.metrics.classification import Scores
from pipeline.metrics.intervals import bootstrap, mean_difference, share_over_photos
from pipeline.sanity import verdict
from pipeline.sanity.occlusion import INSIDE_HIDDEN, OUTSIDE_HIDDEN, WHOLE
from pipeline.sanity.permutation import naming_luck, permutation_test
from pipeline.sanity.verdict import Findings

BOXES, CENTRE = "boxes", "centre"


def measure_learning(scores: Scores, colour: Mapping[str, np.ndarray], shuffled: np.ndarray | None) -> dict[str, Any]:
    """Return the accuracies, the permutation test, and the verdict on them.

    Args:
        scores: of the classes' test patches alone.
        colour: the answers of classifiers that see colour alone, by name, str [patches].
        shuffled: the answers of the training on shuffled labels, str [patches]; None where it was left out.
    """
    labels, photos = scores.labels, scores.photos
    accuracy = share_over_photos(scores.best == labels, photos)
    most = Counter(labels.tolist()).most_common(1)[0][0]
    majority = share_over_photos(labels == most, photos)
    estimate = None if shuffled is None else share_over_photos(shuffled == labels, photos)
    test = permutation_test(scores.best, labels, photos)
    flawless = permutation_test(labels, labels, photos)["p"]
    findings = Findings(accuracy, majority["value"], test["p"], flawless, estimate)
    checks = verdict.check(findings)
    return {
        "accuracy": accuracy,
        "majority": {"label": most, "accuracy": majority},
        "colour": [_measure_colour(name, answers, scores) for name, answers in colour.items()],
        "shuffled": estimate,
        "naming_luck": None if shuffled is None else naming_luck(shuffled, labels, scores.classes),
        "permutation_test": test | {"flawless_p": flawless},
        "checks": {"p": checks.p, "majority": checks.majority, "shuffled": checks.shuffled},
        "learning": verdict.judge_learning(findings),
        "large_enough": verdict.is_large_enough(findings),
    }


def best_colour(colour: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return the entry of the classifier that does best by colour alone; of two alike, the one harder to beat."""
    return max(colour, key=lambda one: (one["accuracy"]["value"], -(one["ahead"]["low"] or 0)))


def measure_views(kind: str, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what hiding parts does to the accuracy and, where there are boxes, how much of Grad-CAM lies in them.

    Args:
        kind: BOXES or CENTRE.
        rows: a mapping for each view: photo, label, the answers by the names of sanity.occlusion, and of boxes mass
            and shuffled_mass (the shares inside, None where a map is empty, or there is none) and area.
    """
    photos, labels = (np.array([row[key] for row in rows], str) for key in ("photo", "label"))
    right = {
        name: np.array([row[name] for row in rows], str) == labels for name in (WHOLE, INSIDE_HIDDEN, OUTSIDE_HIDDEN)
    }
    most = Counter(labels.tolist()).most_common(1)
    figures: dict[str, Any] = {
        "kind": kind,
        "n": len(rows),
        "accuracy": {name: share_over_photos(hits, photos) for name, hits in right.items()},
        "majority": most[0][1] / len(rows) if rows else None,
        "inside_counts": mean_difference(right[OUTSIDE_HIDDEN], right[INSIDE_HIDDEN], photos),
    }
    if kind == BOXES:
        figures["area"] = float(np.mean([row["area"] for row in rows])) if rows else None
        figures["ratio"] = _ratio(rows, "mass")
        figures["shuffled_ratio"] = _ratio(rows, "shuffled_mass")
        figures["look"] = verdict.judge_look(figures["ratio"], figures["inside_counts"])
    return figures


def _measure_colour(name: str, answers: np.ndarray, scores: Scores) -> dict[str, Any]:
    right, own = answers == scores.labels, scores.best == scores.labels
    difference = mean_difference(own, right, scores.photos)
    return {
        "name": name,
        "accuracy": share_over_photos(right, scores.photos),
        "ahead": difference,
        "verdict": verdict.judge_colour(difference),
    }


def _ratio(rows: Sequence[Mapping[str, Any]], key: str) -> dict[str, Any]:
    """Return how many times as much mass lies inside as the area would give: 0.5 of the mass on 0.25 of it is 2."""
    known = [row for row in rows if row[key] is not None]
    if not known:
        return {"value": None, "low": None, "high": None, "n": 0}
    mass, area = (np.array([row[name] for row in known], float) for name in (key, "area"))

    def ratio(places: np.ndarray) -> float:
        return float(mass[places].mean() / area[places].mean())

    return bootstrap(ratio(np.arange(len(known))), ratio, np.array([row["photo"] for row in known], str))
