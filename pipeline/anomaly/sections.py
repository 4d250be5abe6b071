"""The sections of an anomaly run's report.json; fields that earlier versions did not write have defaults."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from pipeline.anomaly.photos import FIT
from pipeline.anomaly.prevalence import Prevalence
from pipeline.metrics.intervals import Estimate, share_of
from pipeline.report.sections import ReportHead
from pipeline.settings.anomaly import AnomalySettings


@dataclass(frozen=True)
class ReportedSettings(AnomalySettings):
    """The recipe's anomaly section, and the trunk of its network."""

    trunk: str = ""


@dataclass(frozen=True)
class AnomalyData:
    """Numbers of photographs: in the memory bank (fit), in the test, with a mask, and of each kind.

    unknown: without ground truth. refused: files that could not be read. notes: what else was found in the data.
    """

    kind: str
    refused: tuple[str, ...]
    fit: int
    test: int
    masks: int
    anomalous: int
    clean: int
    unknown: int
    notes: tuple[str, ...] | None = None


@dataclass(frozen=True)
class AnomalyTraining:
    """The size of the fit: features of the trunk, reduced to dimensions."""

    epochs: int
    seconds: float
    photographs: int
    features: int
    dimensions: int
    parameters: int


@dataclass(frozen=True)
class AnomalyCalibration:
    """The threshold on raw scores, and what it is based on.

    vectors: number in the memory bank. highest: expected highest score of each photograph if it is clean. alignment:
    pixel offset of the feature map. false_positive_rate: share of clean photographs that may be flagged.
    """

    threshold: float
    temperature: float
    score_threshold: float
    score_width: float
    vectors: int
    highest: dict[str, float]
    clean: bool
    false_positive_rate: float
    alignment: int = 0


@dataclass(frozen=True)
class PixelFigures:
    """Figures of all pixels of the photographs with a mask; None if no mask has an anomaly.

    f1: at the model's own threshold. best_f1: at the threshold that the masks would choose.
    """

    pixel_auroc: float | None
    aupro: float | None
    best_f1: float | None
    best_f1_threshold: float | None
    f1: float | None
    pixels: int | None


@dataclass(frozen=True, kw_only=True)
class AnomalyMetrics(PixelFigures):
    """Pixel figures, the AUROC of photographs, and the shares of clean and anomalous ones that are flagged.

    flagged_clean: as share_of_clean returns it; reports of earlier versions pooled the photographs of fit and test.
    """

    image_auroc: Estimate
    flagged_clean: Estimate
    found_anomalous: Estimate


def share_of_clean(flagged: Iterable[bool], splits: Iterable[str]) -> Estimate:
    """Return the share of clean test photographs that are flagged, from all clean ones.

    Without any, that of the fit's, which has no interval: these set the threshold, so it says little of new ones.
    """
    hits, fitted = np.array(list(flagged), bool), np.array([split == FIT for split in splits], bool)
    if not fitted.all():
        return share_of(hits[~fitted])
    return replace(share_of(hits), low=None, high=None)


@dataclass(frozen=True)
class CurvePoint:
    """What --threshold with this probability would do: photographs flagged, and the share of all pixels found."""

    threshold: float
    flagged: int
    found: float


@dataclass(frozen=True)
class PhotoLine:
    """One photograph; is_anomaly, true_pixels, aupro and f1 are None without ground truth."""

    name: str
    split: str
    score: float
    result: str
    confidence: float
    is_anomaly: bool | None
    found_pixels: int
    true_pixels: int | None
    aupro: float | None
    f1: float | None


@dataclass(frozen=True)
class PhotoPictures:
    """The files of a photograph with outlines and of its anomaly map, relative to the run's folder."""

    name: str
    found: str
    heat: str


@dataclass(frozen=True)
class NameReport:
    """Leave-one-out accuracy of the names of regions; see pipeline.anomaly.region_classes.leave_out.

    confusion: counts [true][given] of the first view of each example. by_group: with all examples of a photograph left
    out together; None if no examples are known to share a photograph.
    """

    labels: tuple[str, ...]
    examples: int
    views: int
    balanced_accuracy: Estimate
    confusion: tuple[tuple[int, ...], ...]
    wrong: tuple[str, ...]
    by_group: Estimate | None


@dataclass(frozen=True)
class AnomalyCost:
    """Bytes of the model, and seconds per photograph of the given megapixels."""

    bytes: int
    seconds: float
    megapixels: float
    threads: int


@dataclass(frozen=True, kw_only=True)
class AnomalyReport(ReportHead):
    """The content of an anomaly run's report.json."""

    settings: ReportedSettings
    data: AnomalyData
    training: AnomalyTraining
    calibration: AnomalyCalibration
    metrics: AnomalyMetrics
    photos: tuple[PhotoLine, ...]
    pictures: tuple[PhotoPictures, ...]
    names: NameReport | None
    cost: AnomalyCost
    prevalence: Prevalence | None = None
    curve: tuple[CurvePoint, ...] | None = None
