"""A data set -> its audit: features, pairs, groups, the probe and the labels that it doubts."""

import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.audit.features import Examine, Features, FrozenNetwork, compute_features
from pipeline.audit.pairs import Evidence, compare_photos, group_numbers, group_photos
from pipeline.audit.photos import Box, DataSet, Photo
from pipeline.audit.probe import ProbedBoxes, choose_boxes, cross_validate, reduce_features
from pipeline.audit.sections import (
    AuditReport,
    BlindSplit,
    BoxFinding,
    ClassFigures,
    LeakFigures,
    PairFinding,
    SuspectLabel,
)
from pipeline.data.groups import PhotoGroups, groups_of
from pipeline.evaluation.label_errors import find_suspects
from pipeline.metrics.intervals import Estimate, bootstrap, mean_difference, share_of
from pipeline.settings.run_folder import describe_machine

NEARLY_EQUAL = 0.85  # intersection over union of two boxes of one photograph
_TINY = 1e-9


@dataclass(frozen=True)
class _BoxTable:
    """The boxes of the photographs that could be read. photos: positions, int [n]; vectors: float [n, length]."""

    photos: np.ndarray
    boxes: tuple[Box, ...]
    vectors: np.ndarray


def audit_data(
    data: DataSet, network: FrozenNetwork, folder: Path, known: PhotoGroups, examine: Examine | None = None
) -> AuditReport:
    """Return the audit; features are kept in the folder, known groups are joined with those that are found.

    examine: computes the features; default: this process.
    """
    begun = time.monotonic()
    features = compute_features(data, network, folder, examine)
    evidence = compare_photos(features)
    pairs = [_finding(one, data.photos) for one in evidence]
    linked = [(one.first, one.second) for one in evidence]
    groups = group_photos(len(data.photos), [*linked, *_known_pairs(data, known)])
    suspects, blind, checked = _probe(data, _box_table(features), group_numbers(len(data.photos), groups))
    return AuditReport(
        **_describe(data),
        refused=(*data.refused, *features.faults.values()),
        pairs=tuple(sorted(pairs, key=lambda one: (not one.leak, one.kind, -one.inliers, -one.edges))),
        groups=tuple(tuple(data.photos[position].name for position in group) for group in groups),
        leaks=_leaks(pairs, data, groups),
        labels_checked=checked,
        suspects=suspects,
        blind=blind,
        network=network.name,
        machine=describe_machine(),
        seconds=round(time.monotonic() - begun, 1),
    )


def _describe(data: DataSet) -> dict[str, Any]:
    """Return the fields of the report that need no pixels."""
    return {
        "title": data.place.title,
        "images": str(data.place.images),
        "annotations": None if data.place.annotations is None else str(data.place.annotations),
        "format": data.format,
        "photos": len(data.photos),
        "boxes": sum(len(photo.boxes) for photo in data.photos),
        "splits": dict(sorted(Counter(photo.split for photo in data.photos if photo.split).items())),
        "classes": tuple(_class_figures(data)),
        "notes": data.notes,
        "outside": tuple(_box_finding(photo, box) for photo, box in data.outside),
        "overlapping": tuple(_overlapping(data)),
    }


def _class_figures(data: DataSet) -> Iterator[ClassFigures]:
    for label in data.labels:
        boxes = [box for photo in data.photos for box in photo.boxes if box.label == label]
        photos = sum(any(box.label == label for box in photo.boxes) for photo in data.photos)
        sides = np.array([min(box.width, box.height) for box in boxes])
        yield ClassFigures(label, photos, len(boxes), (int(sides.min()), int(np.median(sides)), int(sides.max())))


def _overlapping(data: DataSet) -> Iterator[BoxFinding]:
    """Yield the boxes that are nearly equal to an earlier one of their photograph."""
    for photo in data.photos:
        for first, second in combinations(photo.boxes, 2):
            overlap = first.overlap(second)
            if overlap >= NEARLY_EQUAL:
                yield _box_finding(photo.name, second, first.label, round(overlap, 3))


def _box_finding(photo: str, box: Box, other: str = "", overlap: float | None = None) -> BoxFinding:
    return BoxFinding(photo=photo, **vars(box), other_label=other, overlap=overlap)


def _finding(one: Evidence, photos: tuple[Photo, ...]) -> PairFinding:
    both = photos[one.first], photos[one.second]
    return PairFinding(
        first=both[0].name,
        second=both[1].name,
        kind=one.kind() or "",
        mirrored=one.mirrored,
        inliers=one.inliers,
        spread=round(one.spread, 3),
        edges=round(one.edges, 3),
        labels=tuple(", ".join(sorted({box.label for box in photo.boxes})) for photo in both),
        splits=tuple(photo.split for photo in both),
    )


def _known_pairs(data: DataSet, known: PhotoGroups) -> Iterator[tuple[int, int]]:
    """Yield each photograph of a user's group with the first of that group."""
    numbers = known.numbers()
    first: dict[int, int] = {}
    for position, photo in enumerate(data.photos):
        for number in groups_of(photo.name, numbers):
            yield first.setdefault(number, position), position


def _leaks(pairs: Iterable[PairFinding], data: DataSet, groups: Iterable[Iterable[int]]) -> LeakFigures:
    kinds = Counter(one.kind for one in pairs if one.leak)
    shown: set[int] = set()
    for group in groups:
        members = list(group)
        if any(data.photos[position].split == "train" for position in members):
            shown.update(members)
    tested = [position for position, photo in enumerate(data.photos) if photo.split not in ("", "train")]
    return LeakFigures(kinds["copy"], kinds["view"], share_of(np.array([one in shown for one in tested], bool)))


def _box_table(features: Features) -> _BoxTable:
    owners = [
        (position, box, position not in features.faults)
        for position, photo in enumerate(features.photos)
        for box in photo.boxes
    ]
    rows = [row for row, (_, _, readable) in enumerate(owners) if readable]
    positions = np.array([owners[row][0] for row in rows], int)
    return _BoxTable(positions, tuple(owners[row][1] for row in rows), np.asarray(features.vectors)[rows])


def _probe(
    data: DataSet, table: _BoxTable, group_of: np.ndarray
) -> tuple[tuple[SuspectLabel, ...], BlindSplit | None, int]:
    """Return the doubtful labels, what a blind split would flatter, and the number of labels that were checked."""
    groups = group_of[table.photos] if len(table.photos) else np.zeros(0, int)
    chosen = choose_boxes(np.array([box.label for box in table.boxes]), groups)
    if len(chosen.classes) < 2 or chosen.folds < 2:
        return (), None, 0
    vectors = reduce_features(table.vectors[chosen.rows])
    photos, groups = table.photos[chosen.rows], groups[chosen.rows]
    probabilities, grouped = cross_validate(vectors, chosen, groups)
    _, by_photo = cross_validate(vectors, chosen, photos)
    _, by_box = cross_validate(vectors, chosen, np.arange(len(photos)))
    shared = np.bincount(group_of, minlength=len(data.photos))[groups] > 1
    blind = BlindSplit(
        boxes=_accuracy(by_box, groups),
        photos=_accuracy(by_photo, groups),
        groups=_accuracy(grouped, groups),
        flattery=mean_difference(by_box, grouped, groups),
        in_groups=mean_difference(by_box[shared], grouped[shared], groups[shared]),
        folds=chosen.folds,
        left_out=chosen.left_out,
    )
    return tuple(_suspects(data, table, chosen, probabilities)), blind, len(photos)


def _accuracy(right: np.ndarray, groups: np.ndarray) -> Estimate:
    """Return the mean of how often each box was right, with groups resampled."""
    return bootstrap(float(right.mean()), lambda rows: float(right[rows].mean()), groups)


def _suspects(
    data: DataSet, table: _BoxTable, chosen: ProbedBoxes, probabilities: np.ndarray
) -> Iterator[SuspectLabel]:
    """Yield the doubtful labels, the lowest probability of the label first."""
    rows = (probabilities + _TINY) / (probabilities + _TINY).sum(axis=1, keepdims=True)
    for number in find_suspects(rows, chosen.labels):
        position = chosen.rows[number]
        yield SuspectLabel(
            photo=data.photos[table.photos[position]].name,
            **vars(table.boxes[position]),
            suggested=chosen.classes[int(rows[number].argmax())],
            quality=round(float(rows[number, chosen.labels[number]]), 4),
        )
