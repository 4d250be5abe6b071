"""The sections of an anomaly run's report.json; what reports of earlier versions lack has a default."""

from dataclasses import dataclass

from pipeline.metrics.intervals import Estimate
from pipeline.settings.anomaly import AnomalySettings


@dataclass(frozen=True)
class ReportedSettings(AnomalySettings):
    """The recipe's anomaly section, and the trunk of its network."""

    trunk: str = ""


@dataclass(frozen=True)
class AnomalyData:
    """How many photographs there are: of the memory bank (fit) and only tested, with a mask, and of which kind.

    unknown: nobody said whether they hold anomalies. refused: what could not be read.
    """

    kind: str
    refused: tuple[str, ...]
    fit: int
    test: int
    masks: int
    anomalous: int
    clean: int
    unknown: int


@dataclass(frozen=True)
class AnomalyTraining:
    """What the fit made of the photographs: features of the trunk, reduced to dimensions."""

    epochs: int
    seconds: float
    photographs: int
    features: int
    dimensions: int
    parameters: int


@dataclass(frozen=True)
class AnomalyCalibration:
    """The threshold on raw scores, and what it rests on.

    vectors: of the memory bank. highest: the highest score of each photograph as if it were clean. alignment: pixel
    offset of the feature map. false_positive_rate: share of clean photographs that may be flagged.
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
    """Figures of all pixels of the photographs with a mask; None without an anomaly among them.

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
    """These, the AUROC of the photographs, and which share of the clean and of the anomalous ones is flagged."""

    image_auroc: Estimate
    flagged_clean: Estimate
    found_anomalous: Estimate


@dataclass(frozen=True)
class PhotoLine:
    """One photograph; is_anomaly, true_pixels, aupro and f1 are None where nobody said."""

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
    """How often regions get the right name from a fit without them; see pipeline.anomaly.region_classes.leave_out.

    confusion: counts [true][given] of the first view of each example. by_group: where all examples of a photograph were
    left out together; None where none is known to share one.
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
    """Bytes of the model, and seconds for a photograph of so many megapixels."""

    bytes: int
    seconds: float
    megapixels: float
    threads: int


@dataclass(frozen=True)
class AnomalyReport:
    """What report.json of a run that finds anomalies holds."""

    format: int
    recipe: str
    title: str
    run: str
    machine: str
    seed: int
    released: str
    settings: ReportedSettings
    data: AnomalyData
    training: AnomalyTraining
    calibration: AnomalyCalibration
    metrics: AnomalyMetrics
    photos: tuple[PhotoLine, ...]
    pictures: tuple[PhotoPictures, ...]
    names: NameReport | None
    cost: AnomalyCost
