"""The sections of a recipe; docs/settings.md is made of what stands here."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from pipeline.settings.field import NOT_NEGATIVE, ONE_OR_MORE, POSITIVE, SEED, SHARE, Kind, Limits, setting

_CLASSIFICATION: tuple[Kind, ...] = ("classification",)
_BOXES = "source.kind=annotated_photos"
_DRAWN = "source.kind=annotated_photos|memes|surfaces"
_NEGATIVES = f"{_BOXES} and patches.negatives"
_TWO_STAGE = "fit.kind=two_stage"
_BELOW_ONE = Limits(at_least=0, below=1)
_INSIDE = Limits(above=0, below=1)


@dataclass(frozen=True)
class SourceSettings:
    """Where the pictures come from."""

    kind: Literal["annotated_photos", "class_folders", "cifar10", "memes", "surfaces"] = setting(
        "annotated_photos",
        "annotated_photos: photographs with boxes, by default drawn scenes. class_folders: a folder or zip with a "
        "folder of pictures for each class. cifar10: the same, by default what Keras downloads. memes: the same, by "
        "default drawn memes of the styles that the labels name. surfaces: photographs of a surface, without labels, "
        "by default drawn planks",
    )
    count: int = setting(700, "how many pictures are drawn where no data is given", ONE_OR_MORE, needs=_DRAWN)
    seed: int = setting(0, "decides what is drawn where no data is given", SEED, needs=_DRAWN)


@dataclass(frozen=True)
class PatchSettings:
    """How photographs and boxes become patches."""

    kinds: ClassVar[tuple[Kind, ...]] = _CLASSIFICATION

    margin: float = setting(
        0.04, "what is added on each side of a box", NOT_NEGATIVE, unit="share of the box's side", needs=_BOXES
    )
    jitters: int = setting(2, "extra copies of each training box, with its edges moved", NOT_NEGATIVE, needs=_BOXES)
    jitter: float = setting(
        0.12,
        "how far each edge of an extra copy is moved at most",
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
        "largest share of either area by which a background window may lie in a box or around it",
        SHARE,
        needs=_NEGATIVES,
    )
    min_side: float = setting(
        0.2,
        "least root of a background window's area; between min_side and max_side it is log-uniform",
        POSITIVE,
        unit="share of the photograph's shorter side",
        needs=_NEGATIVES,
    )
    max_side: float = setting(
        0.7,
        "largest root of a background window's area",
        POSITIVE,
        unit="share of the photograph's shorter side",
        needs=_NEGATIVES,
    )
    longest_side: int = setting(
        256, "larger patches are reduced to it when they are stored", ONE_OR_MORE, unit="pixels", needs=_BOXES
    )
    outliers: int = setting(
        0,
        "drawn pictures of no particular object that are added to the background of the training",
        NOT_NEGATIVE,
        needs=f"{_BOXES} or network.background=output",
    )
    seed: int = setting(
        0,
        "decides the moved edges, the background windows and the outliers",
        SEED,
        needs=f"{_BOXES} or patches.outliers",
    )


@dataclass(frozen=True)
class SplitSettings:
    """How photographs are split; what validation and test leave is for training. Given splits are kept."""

    validation: float = setting(0.15, "share of the photographs for validation", _INSIDE, used_by=_CLASSIFICATION)
    test: float = setting(
        0.25, "share of the photographs for the test", _INSIDE, used_by=_CLASSIFICATION, needs="split.folds=0"
    )
    near_duplicate_distance: int = setting(
        6,
        "photographs whose perceptual hashes differ by at most this much are kept together, in one split or fold",
        NOT_NEGATIVE,
        unit="bits of 64",
    )
    seed: int = setting(0, "decides which photographs each split gets", SEED, used_by=_CLASSIFICATION)
    folds: int = setting(
        0,
        "folds of a cross-validation, of which one is the test; 0: one split by shares",
        Limits(at_least=2, or_zero=True),
        used_by=_CLASSIFICATION,
    )
    fold: int = setting(
        0, "the fold that is the test, counted from 1", NOT_NEGATIVE, used_by=_CLASSIFICATION, needs="split.folds"
    )

    @property
    def test_share(self) -> float:
        """Return the share of the photographs that the test gets."""
        return 1 / self.folds if self.folds else self.test


@dataclass(frozen=True)
class AugmentSettings:
    """The largest random changes of a training picture; 0 turns a change off."""

    kinds: ClassVar[tuple[Kind, ...]] = _CLASSIFICATION

    flip: Literal["none", "horizontal", "horizontal_and_vertical"] = setting(
        "horizontal_and_vertical", "axes along which half of the pictures are mirrored"
    )
    crop: float = setting(0.65, "largest part that is cut away", _BELOW_ONE, unit="share of the area")
    detail: float = setting(
        0.33, "by how much pictures are kept larger than the network's input, so that crops are sharp", NOT_NEGATIVE
    )
    aspect: float = setting(0.25, "largest change of the ratio of the sides", NOT_NEGATIVE, unit="natural logarithm")
    shift: float = setting(
        0.0,
        "largest shift along either side, by whole pixels where nothing else is warped",
        Limits(at_least=0, below=0.5),
        unit="share of the side",
    )
    rotation: float = setting(0.15, "largest rotation", NOT_NEGATIVE, unit="full turns")
    brightness: float = setting(0.15, "largest change of brightness", _BELOW_ONE, unit="share of 255")
    contrast: float = setting(0.3, "largest change of contrast", NOT_NEGATIVE, unit="natural logarithm")
    saturation: float = setting(0.4, "largest change of saturation", NOT_NEGATIVE, unit="share of the picture's own")
    hue: float = setting(0.03, "largest rotation of hue", NOT_NEGATIVE, unit="full turns")
    erasing: float = setting(0.0, "share of the pictures of which a square is erased", SHARE)
    mixup: float = setting(0.25, "share of the pictures that are blended with another (MixUp)", SHARE)
    cutmix: float = setting(0.25, "share of the pictures that get a piece of another (CutMix)", SHARE)


@dataclass(frozen=True)
class NetworkSettings:
    """The network and its first weights."""

    trunk: Literal[
        "patch_net",
        "patch_net_32",
        "mobilenet_v3_large",
        "mobilenet_v3_large_minimalistic",
        "mobilenet_v3_small",
        "mobilenet_v2",
        "mobilenet_v1",
    ] = setting("patch_net", "the layers that turn pixels into features; see models/build.py")
    head: Literal["classifier", "normalised"] = setting(
        "classifier",
        "the layers that turn features into classes; normalised: features are normalised first, for pretrained trunks",
        used_by=_CLASSIFICATION,
    )
    weights: str = setting(
        "none",
        "first weights. none: random. imagenet: Keras downloads them (not for patch_net). drawn: learned from drawn "
        "scenes, part of the program (for patch_net). Else a .weights.h5 or .keras file of a network with the same "
        "trunk, for example best.keras of an earlier run",
    )
    input_side: int = setting(
        96, "side of the square input", Limits(at_least=16), unit="pixels", used_by=_CLASSIFICATION
    )
    dropout: float = setting(
        0.2, "share of the features that are dropped in training", _BELOW_ONE, used_by=_CLASSIFICATION
    )
    background: Literal["output", "confidence"] = setting(
        "output",
        "how background is told from the classes. output: the network learns it as one more class. confidence: by a "
        "low confidence alone, which needs no pictures of background",
        used_by=_CLASSIFICATION,
    )


@dataclass(frozen=True)
class FitSettings:
    """The training: linear warm-up, then a cosine."""

    kinds: ClassVar[tuple[Kind, ...]] = _CLASSIFICATION

    kind: Literal["gradient", "two_stage"] = setting(
        "gradient", "gradient: the whole network learns at once. two_stage: first the head alone, then the trunk too"
    )
    optimizer: Literal["adamw", "adam", "sgd"] = setting("adamw", "the optimizer; sgd has a Nesterov momentum of 0.9")
    epochs: int = setting(40, "most epochs, of both stages together", ONE_OR_MORE)
    head_epochs: int = setting(
        5, "epochs, of all, in which the head alone learns", ONE_OR_MORE, unit="less than fit.epochs", needs=_TWO_STAGE
    )
    head_learning_rate: float = setting(
        1e-3, "constant learning rate while the head alone learns", POSITIVE, needs=_TWO_STAGE
    )
    trainable_from: str = setting(
        "", "name of the trunk's first layer that learns in the second stage; empty: all of it learns", needs=_TWO_STAGE
    )
    patience: int = setting(
        15, "epochs without a lower validation loss after which the training stops", NOT_NEGATIVE, unit="epochs"
    )
    batch_size: int = setting(64, "pictures per step", ONE_OR_MORE)
    learning_rate: float = setting(2e-3, "highest learning rate, after the warm-up", POSITIVE)
    warmup_epochs: float = setting(1.0, "how long the learning rate rises from 0", NOT_NEGATIVE, unit="epochs")
    weight_decay: float = setting(
        1e-4, "decoupled weight decay, not of biases and normalisation", NOT_NEGATIVE, needs="fit.optimizer=adamw|sgd"
    )
    label_smoothing: float = setting(0.05, "share of each label that is spread over all classes", _BELOW_ONE)
    balance: Literal["none", "weights", "sampling"] = setting(
        "weights",
        "for classes of different size. weights: rare ones count more. sampling: rare ones are shown more often",
    )
    teacher: str = setting(
        "",
        "exported .tflite file whose answers are learned as well (distillation); {fold} in its path is the number of "
        "the fold; empty: none",
    )
    teacher_share: float = setting(1.0, "share of the teacher's answers in the labels", SHARE, needs="fit.teacher")


@dataclass(frozen=True)
class CalibrateSettings:
    """Confidence and the threshold of "unknown", chosen on validation patches."""

    kinds: ClassVar[tuple[Kind, ...]] = _CLASSIFICATION

    kind: Literal["temperature", "neighbours"] = setting(
        "temperature",
        "what a confidence is made of. temperature: the scaled softmax. neighbours: also how similar a picture is to "
        "training patches, which the model then carries; see pipeline/calibration/neighbours.py",
    )
    decision: Literal["softmax"] = setting(
        "softmax",
        "how probabilities become a label or unknown. softmax: the most probable label, unknown below the threshold",
    )
    accepted: float = setting(
        0.95, "share of the validation patches of the classes that the threshold accepts", Limits(above=0, at_most=1)
    )
    neighbours: int = setting(
        2000,
        "most training patches that the model carries",
        Limits(at_least=1, at_most=100_000),
        needs="calibrate.kind=neighbours",
    )


@dataclass(frozen=True)
class ExportSettings:
    """The exported file."""

    mode: Literal["int8", "float16", "float32"] = setting("int8", "the numbers that the file computes with")
    calibration_pictures: int = setting(
        200, "training pictures that set the ranges of int8", ONE_OR_MORE, needs="export.mode=int8"
    )
    max_accuracy_loss: float = setting(
        0.01,
        "largest loss of accuracy compared with Keras; a file that loses more is not written",
        unit="share of the test patches",
        used_by=_CLASSIFICATION,
    )
    features: bool = setting(
        False,
        "whether the file gives the network's pooled features as a second output; always with "
        "calibrate.kind=neighbours",
        used_by=_CLASSIFICATION,
        needs="calibrate.kind=temperature",
    )
