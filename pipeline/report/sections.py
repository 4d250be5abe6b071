"""The sections of a classifier's report.json; fields that earlier versions did not write have defaults."""

from dataclasses import dataclass

from inference.figures.threshold_words import RiskLimit
from pipeline.metrics.classification import Metrics
from pipeline.metrics.intervals import UNDEFINED, Estimate


@dataclass(frozen=True, kw_only=True)
class ReportHead:
    """What every report of a run begins with. run: name of its folder; released: kind of the released file.

    title is None in classifiers' reports of format 1. version: of the program that wrote it; None before 0.2.0.
    """

    format: int
    recipe: str
    title: str | None = None
    run: str
    machine: str
    seed: int
    released: str
    version: str | None = None


@dataclass(frozen=True)
class DataSummary:
    """Photographs of each split, patches of each split by class, and entries that could not be read.

    clipped_boxes: number of boxes cut at the edge of their photograph.
    """

    kind: str
    photos: dict[str, int]
    patches: dict[str, dict[str, int]]
    clipped_boxes: int
    refused: tuple[str, ...]


@dataclass(frozen=True)
class Training:
    """The length of the training; best_epoch, from 1, is the epoch of the kept weights.

    With fit.kind=frozen both count the penalties of the linear head, from the strongest to the weakest.
    """

    epochs: int
    best_epoch: int
    seconds: float
    finished: str | None = None


@dataclass(frozen=True)
class KnnScore:
    """How confidences depend on the cosine to the count-th nearest training picture stored in the file.

    A logistic function of that cosine, 0.5 at middle, with a width, followed by Platt scaling with slope and offset.
    note: which classes have few such pictures, a sentence; "" if none has, None in earlier reports.
    """

    pictures: int
    count: int
    middle: float
    width: float
    slope: float
    offset: float
    note: str | None = None


@dataclass(frozen=True)
class OodFigures:
    """How well a score separates n_known patches of the classes from n_unknown unknown objects.

    fpr95: share of unknown objects that are accepted when 95 % of the known patches are.
    """

    auroc: float
    fpr95: float
    n_known: int
    n_unknown: int


@dataclass(frozen=True)
class OodScores:
    """Out-of-distribution scores by name, against "near" and "far" unknown objects. decided_by: the one in use."""

    decided_by: str
    scores: dict[str, dict[str, OodFigures]]


@dataclass(frozen=True)
class Calibration:
    """Temperature and threshold, and their figures on validation patches.

    accepted, rejected_background: shares at the threshold. target_accepted: the accepted share that the threshold was
    chosen for. accuracy: with nothing rejected.
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
    risk: RiskLimit | None = None


@dataclass(frozen=True)
class Baseline:
    """A classifier of colour histograms, on the same patches.

    ahead: the network's accuracy minus the baseline's, patch by patch; verdict: what follows, see report.comparison.
    Reports of earlier versions have neither.
    """

    name: str
    accuracy: Estimate
    ahead: Estimate | None = None
    verdict: str | None = None

    @property
    def lead(self) -> Estimate:
        """Return `ahead`, undefined where it was not measured."""
        return self.ahead or UNDEFINED


@dataclass(frozen=True)
class Latency:
    """Milliseconds per picture, median and 95th percentile of n pictures, one at a time on one thread."""

    median: float
    p95: float
    n: int


@dataclass(frozen=True)
class Cost:
    """The cost of a network: parameters, multiply-adds per picture, bytes and time of each of its files."""

    parameters: int
    macs: int
    bytes: dict[str, int]
    latency_ms: dict[str, Latency]


@dataclass(frozen=True)
class Shift:
    """A share of the same patches by Keras and by a converted file, and whether chance does not explain its change."""

    keras: Estimate
    converted: Estimate
    beyond_chance: bool


@dataclass(frozen=True)
class Gate:
    """A converted file and Keras on the validation patches, by which a file is refused.

    accuracy: on the classes' patches, nothing rejected. unknown: share of them answered "unknown"; unknown_background:
    of the background patches.
    """

    accuracy: Shift
    unknown: Shift
    unknown_background: Shift


@dataclass(frozen=True)
class Parity:
    """A converted file compared with Keras on the test patches: same label, and differences of probability.

    validation: what decided about the file; None in reports of earlier versions, where the test patches did, and of
    files that were written for comparison alone.
    """

    agreement: Estimate
    mean_difference: float
    max_difference: float
    accuracy: Estimate | None = None
    rejected_background: Estimate | None = None
    latency_ms: Latency | None = None
    validation: Gate | None = None


@dataclass(frozen=True)
class ConfusedPair:
    """The count of n patches of a label that were given another label; rejected: those of them answered "unknown"."""

    label: str
    given: str
    count: int
    n: int
    rejected: int


@dataclass(frozen=True)
class EvidenceMap:
    """The file of a heat map for a label; empty: the map is 0 everywhere."""

    label: str
    file: str
    empty: bool


@dataclass(frozen=True)
class NearestPatch:
    """A training patch, and the cosine of its features to those of a mistake."""

    file: str
    photo: str
    label: str
    cosine: float


@dataclass(frozen=True)
class Mistake:
    """A wrong answer. truth: probability of the true label. rejected: it was answered "unknown"."""

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
    """The number of training patches that were searched, of how many in all."""

    patches: int
    of: int


@dataclass(frozen=True)
class MistakeCounts:
    """Numbers of wrong patches, of those among them answered "unknown", and of tested patches.

    right_rejected: number of patches with the right label that were answered "unknown".
    """

    count: int
    rejected: int
    right_rejected: int
    tested: int
    pairs: tuple[ConfusedPair, ...]


@dataclass(frozen=True)
class Mistakes(MistakeCounts):
    """Counts, and the worst mistakes. fields: rows and columns of the network's last feature map."""

    shown: tuple[Mistake, ...]
    searched: Searched
    fields: tuple[int, ...]


@dataclass(frozen=True)
class DoubtfulLabel:
    """A patch with a possibly wrong label. quality: probability of its label among the classes."""

    file: str
    photo: str
    label: str
    suggested: str
    quality: float
    split: str


@dataclass(frozen=True)
class LabelErrors:
    """Numbers of checked and of suspect labels, and the most doubtful ones, lowest quality first."""

    checked: int
    count: int
    shown: tuple[DoubtfulLabel, ...]


@dataclass(frozen=True)
class ChangedAccuracy:
    """The accuracy on changed pictures, and its difference to that on the same pictures unchanged."""

    change: str
    strength: str
    accuracy: Estimate
    difference: Estimate


@dataclass(frozen=True)
class Robustness:
    """The released file on test patches of the classes, as they are and changed, weaker changes before stronger ones.

    of: number of test patches that the tested ones were sampled from.
    """

    of: int
    unchanged: Estimate
    changes: tuple[ChangedAccuracy, ...]


@dataclass(frozen=True)
class Advice:
    """Why something should be done next, and the command that does it."""

    text: str
    command: str


@dataclass(frozen=True, kw_only=True)
class ClassificationReport(ReportHead):
    """The content of a classifier's report.json; models and parity are by kind of file, released is one of the kinds.

    mistakes and label_errors are None in reports of format 1, robustness and advice in earlier ones of format 2.
    """

    data: DataSummary
    training: Training
    calibration: Calibration
    models: dict[str, Metrics]
    baseline: Baseline | None
    cost: Cost
    parity: dict[str, Parity]
    mistakes: Mistakes | None = None
    label_errors: LabelErrors | None = None
    robustness: Robustness | None = None
    advice: tuple[Advice, ...] | None = None

    @property
    def metrics(self) -> Metrics:
        """Return the figures of the released model."""
        return self.models[self.released]
