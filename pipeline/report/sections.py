"""The sections of a classifier's report.json; what reports of earlier versions lack has a default."""

from dataclasses import dataclass

from pipeline.metrics.classification import Metrics
from pipeline.metrics.intervals import Estimate


@dataclass(frozen=True)
class DataSummary:
    """Photographs of each split, patches of each split by class, and what could not be read.

    clipped_boxes: how many boxes were cut at the edge of their photograph.
    """

    kind: str
    photos: dict[str, int]
    patches: dict[str, dict[str, int]]
    clipped_boxes: int
    refused: tuple[str, ...]


@dataclass(frozen=True)
class Training:
    """How long the training was; best_epoch, from 1, is the one whose weights were kept."""

    epochs: int
    best_epoch: int
    seconds: float
    finished: str | None = None


@dataclass(frozen=True)
class KnnScore:
    """How confidences depend on the cosine to the count-th nearest of the training pictures that the file carries.

    A logistic curve of that cosine, half at middle, with a width; Platt scaling with slope and offset follows.
    """

    pictures: int
    count: int
    middle: float
    width: float
    slope: float
    offset: float


@dataclass(frozen=True)
class OodFigures:
    """How well a score tells n_known patches of the classes from n_unknown unknown objects.

    fpr95: the share of unknown objects that is accepted where 95 % of the known patches are.
    """

    auroc: float
    fpr95: float
    n_known: int
    n_unknown: int


@dataclass(frozen=True)
class OodScores:
    """Out-of-distribution scores by name: figures against "near" and "far" unknown objects. decided_by: one of them."""

    decided_by: str
    scores: dict[str, dict[str, OodFigures]]


@dataclass(frozen=True)
class Calibration:
    """Temperature and threshold, and what validation patches show of them.

    accepted, rejected_background: shares at the threshold. target_accepted: the share that it was chosen for.
    accuracy: with nothing rejected.
    """

    temperature: float
    threshold: float
    target_accepted: float
    accepted: Estimate
    accuracy: Estimate | None = None
    rejected_background: Estimate | None = None
    auroc_background: float | None = None
    knn_score: KnnScore | None = None
    ood_scores: OodScores | None = None


@dataclass(frozen=True)
class Baseline:
    """A classifier that sees colour alone, on the same patches."""

    name: str
    accuracy: Estimate


@dataclass(frozen=True)
class Latency:
    """Milliseconds of n pictures, one after another on one thread: median and 95th percentile."""

    median: float
    p95: float
    n: int


@dataclass(frozen=True)
class Cost:
    """What a network costs: parameters, multiply-adds of one picture, bytes and time of each of its files."""

    parameters: int
    macs: int
    bytes: dict[str, int]
    latency_ms: dict[str, Latency]


@dataclass(frozen=True)
class Parity:
    """A converted file beside the Keras model on the same patches: same label, and differences of a probability."""

    agreement: Estimate
    mean_difference: float
    max_difference: float
    accuracy: Estimate | None = None
    rejected_background: Estimate | None = None
    latency_ms: Latency | None = None


@dataclass(frozen=True)
class ConfusedPair:
    """How many of n patches of a label were given another; rejected: how many of the count were answered "unknown"."""

    label: str
    given: str
    count: int
    n: int
    rejected: int


@dataclass(frozen=True)
class EvidenceMap:
    """The file of a heat map for a label; empty where the network saw no evidence for it."""

    label: str
    file: str
    empty: bool


@dataclass(frozen=True)
class NearestPatch:
    """A training patch with features like a mistake's, and their cosine."""

    file: str
    photo: str
    label: str
    cosine: float


@dataclass(frozen=True)
class Mistake:
    """A wrong answer. truth: the probability of the true label. rejected: it was answered "unknown"."""

    file: str
    photo: str
    label: str
    given: str
    confidence: float
    truth: float
    loss: float
    rejected: bool
    maps: tuple[EvidenceMap, ...]
    nearest: tuple[NearestPatch, ...]


@dataclass(frozen=True)
class Searched:
    """Among how many of how many training patches the nearest ones were searched."""

    patches: int
    of: int


@dataclass(frozen=True)
class MistakeCounts:
    """How many patches are wrong, how many of these were answered "unknown", and how many were tested.

    right_rejected: patches with the right label that were answered "unknown".
    """

    count: int
    rejected: int
    right_rejected: int
    tested: int
    pairs: tuple[ConfusedPair, ...]


@dataclass(frozen=True)
class Mistakes(MistakeCounts):
    """All of that, and the worst mistakes. fields: rows and columns of the network's last feature map."""

    shown: tuple[Mistake, ...]
    searched: Searched
    fields: tuple[int, ...]


@dataclass(frozen=True)
class DoubtfulLabel:
    """A patch whose label may be wrong. quality: the probability of its label among the classes."""

    file: str
    photo: str
    label: str
    suggested: str
    quality: float
    split: str


@dataclass(frozen=True)
class LabelErrors:
    """How many labels were checked and how many are suspect, the most doubtful ones among these first."""

    checked: int
    count: int
    shown: tuple[DoubtfulLabel, ...]


@dataclass(frozen=True)
class ClassificationReport:
    """What report.json of a classifier holds; models and parity by the kind of file, released: one of these.

    mistakes and label_errors are None in reports of format 1.
    """

    format: int
    recipe: str
    run: str
    machine: str
    seed: int
    data: DataSummary
    training: Training
    calibration: Calibration
    released: str
    models: dict[str, Metrics]
    baseline: Baseline | None
    cost: Cost
    parity: dict[str, Parity]
    mistakes: Mistakes | None = None
    label_errors: LabelErrors | None = None
    title: str | None = None

    @property
    def metrics(self) -> Metrics:
        """Return the figures of the released model."""
        return self.models[self.released]
