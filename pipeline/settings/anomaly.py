"""The settings of anomaly recipes."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from pipeline.settings.field import NOT_NEGATIVE, ONE_OR_MORE, POSITIVE, Kind, Limits, setting

# anomaly.prevalence=common replaces patchcore and what belongs to it; see pipeline.anomaly.prevalence
_RARE_PATCHCORE = "anomaly.method=patchcore and anomaly.prevalence=rare|auto"
_NOT_REPLACED = "anomaly.prevalence=rare|auto or anomaly.method=padim|gaussian"
_NOT_GAUSSIAN = f"{_RARE_PATCHCORE} or anomaly.method=padim"


@dataclass(frozen=True)
class AnomalySettings:
    """The model of normal features and the decision; pixels are counted after reduction.

    How scores are computed: inference/anomaly/memory_bank.py.
    """

    kinds: ClassVar[tuple[Kind, ...]] = ("anomaly",)

    prevalence: Literal["rare", "common", "auto"] = setting(
        "rare",
        "how much of the photographs is anomalous. rare: little or nothing, the other settings hold. common: most "
        "photographs show anomalies, so gaussian, more levels and colour replace patchcore. auto: estimated from the "
        "photographs, which are taken as rare with anomaly.clean=true or fewer than four of them",
        needs="anomaly.method=patchcore or anomaly.prevalence=rare",
    )
    method: Literal["patchcore", "padim", "gaussian"] = setting(
        "patchcore",
        "patchcore: distance to the nearest of many normal feature vectors. padim: Mahalanobis distance to their mean. "
        "gaussian: the same, fitted again without the farthest vectors, with a threshold from the bulk of all scores",
        needs=_NOT_REPLACED,
    )
    levels: tuple[str, ...] = setting(
        ("4", "8"),
        "strides of the trunk's layers whose features are used",
        Limits(choices=("1", "2", "4", "8", "16", "32")),
        needs=_NOT_REPLACED,
    )
    stride: int = setting(
        4,
        "distance between neighbouring positions of the anomaly map",
        Limits(choices=(2, 4, 8, 16)),
        unit="pixels",
        needs=_NOT_REPLACED,
    )
    dimensions: int = setting(
        64,
        "length of a feature vector after the projection by principal components",
        ONE_OR_MORE,
        needs=_NOT_REPLACED,
    )
    colour: bool = setting(False, "whether colour and contrast count besides the feature maps", needs=_NOT_REPLACED)
    normalize_by_median: bool = setting(
        True,
        "whether scores are divided by the photograph's median score, so that a photograph unlike those of the memory "
        "bank is not flagged as a whole",
        needs=_NOT_REPLACED,
    )
    clean: bool = setting(False, "whether the photographs are known to be free of anomalies")
    candidates: int = setting(12000, "feature vectors sampled from all photographs together", ONE_OR_MORE)
    trim_fraction: float = setting(
        0.02,
        "fraction of the candidates, those least similar to other photographs, that never enters the memory bank",
        Limits(at_least=0, below=0.5),
        needs=_NOT_GAUSSIAN,
    )
    coreset_size: int = setting(2000, "candidates that are kept as the memory bank", ONE_OR_MORE, needs=_RARE_PATCHCORE)
    folds: int = setting(8, "largest number of folds in which photographs are held out", Limits(at_least=2))
    false_positive_rate: float = setting(
        0.05,
        "fraction of clean photographs that may be flagged",
        Limits(above=0, below=0.5),
        needs=f"anomaly.clean or {_NOT_GAUSSIAN}",
    )
    tile: int = setting(512, "side of the network's input", Limits(above=0, multiple_of=32), unit="pixels")
    margin: int = setting(
        64,
        "width cut off on each side of a tile's anomaly map; less than half of anomaly.tile",
        Limits(at_least=0, multiple_of=32),
        unit="pixels",
    )
    smoothing: float = setting(
        4.0,
        "standard deviation of the Gaussian over the anomaly map",
        NOT_NEGATIVE,
        unit="pixels",
        needs=_NOT_REPLACED,
    )
    halo: int = setting(
        16,
        "distance up to which a high score bleeds into its surroundings: a position counts only where it reaches half "
        "of the highest score within it; 0: only the threshold decides",
        NOT_NEGATIVE,
        unit="pixels",
    )
    border: int = setting(0, "width of the photograph's edge that is not judged", NOT_NEGATIVE, unit="pixels")
    local_contrast: int = setting(
        0,
        "side of the window in which brightness and contrast are normalized first; 0: no normalization",
        Limits(at_least=8, or_zero=True),
        unit="pixels",
    )
    score_share: float = setting(
        0.0,
        "share of a photograph's positions, the highest, whose mean is its score; 0: only the highest",
        Limits(at_least=0, below=0.2),
        needs=_NOT_REPLACED,
    )
    smallest_area: int = setting(16, "area of the smallest region that counts", ONE_OR_MORE, unit="square pixels")
    longest_side: int = setting(
        0, "longest side of photographs after reduction; 0: none", Limits(at_least=32, or_zero=True), unit="pixels"
    )
    crop_scale: float = setting(
        1.0, "factor that scales example regions (--crops) to the scale of the photographs", POSITIVE
    )
