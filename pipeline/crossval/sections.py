"""The sections of crossval.json."""

from dataclasses import dataclass

from pipeline.metrics.classification import Metrics
from pipeline.metrics.intervals import Estimate


@dataclass(frozen=True)
class OverFolds:
    """A figure of each fold, None where it is undefined; mean and standard deviation (n - 1) of the others."""

    mean: float | None
    sd: float | None
    folds: tuple[float | None, ...]


@dataclass(frozen=True, kw_only=True)
class PooledMetrics(Metrics):
    """The metrics of all folds' patches as if of one test; thresholds are each fold's own.

    accuracy_over_photos: its interval over resampled photographs. accuracy_each_photo: every photograph with the same
    weight. accepted: the share of the classes' patches that is not answered "unknown".
    """

    accuracy_over_photos: Estimate
    accuracy_each_photo: Estimate
    accepted: Estimate


@dataclass(frozen=True)
class PooledData:
    """How many photographs and, by class, patches were tested in all folds; what could not be read."""

    kind: str
    photos: int
    patches: dict[str, int]
    refused: tuple[str, ...]


@dataclass(frozen=True)
class BaselineComparison:
    """The baseline on the same folds; difference: by how much the network is ahead of it."""

    name: str
    accuracy: Estimate
    over_folds: OverFolds
    difference: OverFolds


@dataclass(frozen=True)
class CrossvalReport:
    """What crossval.json holds.

    models: the accuracy of each kind of file. over_folds: figures whose confidences can't be compared between folds.
    """

    format: int
    recipe: str
    title: str
    run: str
    machine: str
    seed: int
    folds: int
    released: str
    data: PooledData
    pooled: PooledMetrics
    models: dict[str, Estimate]
    over_folds: dict[str, OverFolds]
    baseline: BaselineComparison
