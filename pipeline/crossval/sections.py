"""The sections of crossval.json."""

from dataclasses import dataclass

from pipeline.metrics.classification import Metrics
from pipeline.metrics.intervals import Estimate
from pipeline.report.sections import ReportHead


@dataclass(frozen=True)
class OverFolds:
    """A figure per fold, None where undefined; mean and standard deviation (n - 1) of the defined ones."""

    mean: float | None
    sd: float | None
    folds: tuple[float | None, ...]


@dataclass(frozen=True, kw_only=True)
class PooledMetrics(Metrics):
    """Metrics of all folds' test patches pooled; each fold uses its own threshold.

    accuracy_over_photos: accuracy with an interval over resampled photographs. accuracy_each_photo: every photograph
    with the same weight. accepted: share of the classes' patches that are not answered "unknown".
    """

    accuracy_over_photos: Estimate
    accuracy_each_photo: Estimate
    accepted: Estimate


@dataclass(frozen=True)
class PooledData:
    """Number of photographs and, by class, of patches tested in all folds; entries that could not be read."""

    kind: str
    photos: int
    patches: dict[str, int]
    refused: tuple[str, ...]


@dataclass(frozen=True)
class BaselineComparison:
    """The baseline on the same folds; difference: the network's accuracy minus the baseline's."""

    name: str
    accuracy: Estimate
    over_folds: OverFolds
    difference: OverFolds


@dataclass(frozen=True, kw_only=True)
class CrossvalReport(ReportHead):
    """The content of crossval.json.

    models: accuracy of each kind of file. over_folds: figures that can't be pooled, since confidences of different
    folds are not comparable.
    """

    folds: int
    data: PooledData
    pooled: PooledMetrics
    models: dict[str, Estimate]
    over_folds: dict[str, OverFolds]
    baseline: BaselineComparison


@dataclass(frozen=True)
class OverSeeds:
    """The content of seeds.json: figures of the pooled predictions of each seed, on the same n patches of the classes.

    figures: by the names of PooledMetrics; `folds` of each are the seeds, in their order.
    """

    format: int
    recipe: str
    folds: int
    seeds: tuple[int, ...]
    n: int
    figures: dict[str, OverFolds]
