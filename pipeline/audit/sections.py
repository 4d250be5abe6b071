"""The sections of audit.json."""

from dataclasses import dataclass

from pipeline.metrics.intervals import Estimate


@dataclass(frozen=True)
class ClassFigures:
    """What there is of a class. sides: shorter side of its boxes in pixels: smallest, median, largest."""

    label: str
    photos: int
    boxes: int
    sides: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class FoundBox:
    """A labelled box of a photograph in whole pixels, origin top left."""

    photo: str
    label: str
    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, kw_only=True)
class BoxFinding(FoundBox):
    """A box, and for two nearly equal ones the label of the other and their intersection over union."""

    other_label: str = ""
    overlap: float | None = None


@dataclass(frozen=True)
class PairFinding:
    """Two photographs that show the same thing. kind: "copy" or "view", see pipeline.audit.pairs.

    inliers, spread, edges: the evidence. labels, splits: of the first and of the second, "" where there is none.
    """

    first: str
    second: str
    kind: str
    mirrored: bool
    inliers: int
    spread: float
    edges: float
    labels: tuple[str, ...]
    splits: tuple[str, ...]

    @property
    def leak(self) -> bool:
        """Return whether the pair lies in two given splits."""
        return len(set(self.splits)) > 1

    @property
    def conflict(self) -> bool:
        """Return whether the two have labels, and none in common."""
        first, second = (set(filter(None, text.split(", "))) for text in self.labels)
        return bool(first and second) and not first & second


@dataclass(frozen=True)
class LeakFigures:
    """Leaks across given splits. tested: share of the photographs outside of train that show what train shows."""

    copies: int
    views: int
    tested: Estimate


@dataclass(frozen=True, kw_only=True)
class SuspectLabel(FoundBox):
    """A label that may be wrong. quality: the probe's probability of it."""

    suggested: str
    quality: float


@dataclass(frozen=True)
class BlindSplit:
    """Accuracy of the probe: boxes split at random, photographs kept together, groups kept together.

    flattery: accuracy of the blind split less that of the grouped one. in_groups: the same on the boxes of photographs
    that are in a group. left_out: classes with too few photographs.
    """

    boxes: Estimate
    photos: Estimate
    groups: Estimate
    flattery: Estimate
    in_groups: Estimate
    folds: int
    left_out: tuple[str, ...]


@dataclass(frozen=True)
class AuditReport:
    """All that an audit found. Sorted: the strongest finding first."""

    title: str
    images: str
    annotations: str | None
    format: str
    photos: int
    boxes: int
    splits: dict[str, int]
    classes: tuple[ClassFigures, ...]
    refused: tuple[str, ...]
    notes: tuple[str, ...]
    outside: tuple[BoxFinding, ...]
    overlapping: tuple[BoxFinding, ...]
    pairs: tuple[PairFinding, ...]
    groups: tuple[tuple[str, ...], ...]
    leaks: LeakFigures
    labels_checked: int
    suspects: tuple[SuspectLabel, ...]
    blind: BlindSplit | None
    network: str
    machine: str
    seconds: float
