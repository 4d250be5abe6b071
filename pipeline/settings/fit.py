"""The section of a recipe that says how the network is trained."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from pipeline.settings.field import NOT_NEGATIVE, ONE_OR_MORE, POSITIVE, SHARE, Kind, Limits, setting

_CLASSIFICATION: tuple[Kind, ...] = ("classification",)
_TWO_STAGE = "fit.kind=two_stage"
_BY_GRADIENT = "fit.kind=gradient|two_stage"
_BELOW_ONE = Limits(at_least=0, below=1)


@dataclass(frozen=True)
class FitSettings:
    """The training; the learning rate has a linear warm-up and a cosine decay."""

    kinds: ClassVar[tuple[Kind, ...]] = _CLASSIFICATION

    kind: Literal["gradient", "two_stage", "frozen"] = setting(
        "gradient",
        "gradient: the whole network is trained. two_stage: first only the head, then the trunk too. frozen: only a "
        "linear head, fitted to the features of a pretrained trunk in minutes",
    )
    optimizer: Literal["adamw", "adam", "sgd"] = setting(
        "adamw", "the optimizer; sgd uses Nesterov momentum 0.9", needs=_BY_GRADIENT
    )
    epochs: int = setting(
        40,
        "largest number of epochs, of both stages together; with fit.kind=frozen the number of augmented views of "
        "each training patch",
        ONE_OR_MORE,
    )
    head: Literal["gradient", "linear"] = setting(
        "gradient",
        "how the first stage fits the head. gradient: in fit.head_epochs epochs. linear: as fit.kind=frozen, with "
        "fit.head_epochs views of each training patch; it counts as one epoch",
        needs=_TWO_STAGE,
    )
    head_epochs: int = setting(
        5, "epochs of the first stage, part of fit.epochs", ONE_OR_MORE, unit="less than fit.epochs", needs=_TWO_STAGE
    )
    head_learning_rate: float = setting(
        1e-3, "constant learning rate of the first stage", POSITIVE, needs=f"{_TWO_STAGE} and fit.head=gradient"
    )
    trainable_from: str = setting(
        "", "name of the trunk's first layer that is trained in the second stage; empty: all layers", needs=_TWO_STAGE
    )
    patience: int = setting(
        15,
        "early stopping: epochs without a lower validation loss",
        NOT_NEGATIVE,
        unit="epochs",
        needs=_BY_GRADIENT,
    )
    batch_size: int = setting(64, "pictures per step", ONE_OR_MORE)
    early_side: int = setting(
        0,
        "side of the pictures in the first epochs, smaller than network.input_side so that they take less time; 0: as "
        "in the others",
        Limits(at_least=16, or_zero=True),
        unit="pixels",
        needs="fit.kind=gradient and fit.early_share",
    )
    early_share: float = setting(
        0.5,
        "share of the epochs with fit.early_side; one epoch at least, unless it is 0",
        SHARE,
        needs="fit.kind=gradient and fit.early_side",
    )
    learning_rate: float = setting(2e-3, "highest learning rate, after the warm-up", POSITIVE, needs=_BY_GRADIENT)
    warmup_epochs: float = setting(
        1.0, "length of the linear warm-up from 0", NOT_NEGATIVE, unit="epochs", needs=_BY_GRADIENT
    )
    weight_decay: float = setting(
        1e-4,
        "decoupled weight decay, not of biases and normalisation",
        NOT_NEGATIVE,
        needs=f"{_BY_GRADIENT} and fit.optimizer=adamw|sgd",
    )
    label_smoothing: float = setting(
        0.05, "share of each label distributed over all classes", _BELOW_ONE, needs=_BY_GRADIENT
    )
    average: float = setting(
        0.0,
        "decay per step of the weights' moving average, which is validated and kept; 0: none",
        _BELOW_ONE,
        needs=_BY_GRADIENT,
    )
    balance: Literal["none", "weights", "sampling"] = setting(
        "weights",
        "balancing of classes of different size. weights: class weights in the loss. sampling: classes drawn "
        "equally often",
    )
    tensorboard: bool = setting(
        False,
        "whether losses and accuracies are also written for TensorBoard (requirements-optional.txt)",
        needs=_BY_GRADIENT,
    )
    teacher: str = setting(
        "",
        "exported .tflite file used as a teacher (distillation), or several with commas between them, whose answers "
        "are averaged; {fold} in a path is the number of the fold; empty: none",
    )
    teacher_views: int = setting(
        0,
        "number of epochs after which the augmented pictures come again, so that the teachers answer each only once; "
        "0: new pictures in every epoch",
        NOT_NEGATIVE,
        unit="epochs",
        needs="fit.teacher",
    )
    teacher_share: float = setting(1.0, "share of the teacher's answers in the labels", SHARE, needs="fit.teacher")
    teacher_features: float = setting(
        0.0,
        "weight of a second loss: how far a linear map of the network's pooled features is from the teachers'; 0: none",
        NOT_NEGATIVE,
        needs="fit.teacher and fit.kind=gradient",
    )
    teacher_epochs: int = setting(
        0,
        "number of epochs before the training in which the network learns the teachers' features of random windows of "
        "the training photographs, without their labels; 0: none. With fit.teacher_share=0 this is all that they teach",
        NOT_NEGATIVE,
        unit="epochs",
        needs="fit.teacher and fit.kind=gradient",
    )
    teacher_windows: int = setting(
        24, "number of these windows in each photograph", ONE_OR_MORE, needs="fit.teacher and fit.teacher_epochs"
    )
    teacher_learning_rate: float = setting(
        3e-3, "highest learning rate of these epochs", POSITIVE, needs="fit.teacher and fit.teacher_epochs"
    )

    @property
    def teaches_labels(self) -> bool:
        """Return whether teachers take part in the training itself, not only before it."""
        return bool(self.teacher) and (self.teacher_share > 0 or self.teacher_features > 0)

    @property
    def teaches_before(self) -> bool:
        """Return whether the network learns the teachers' features before the training."""
        return bool(self.teacher) and self.teacher_epochs > 0

    @property
    def early_epochs(self) -> int:
        """Return the number of epochs with pictures of early_side."""
        return max(1, round(self.early_share * self.epochs)) if self.early_side and self.early_share else 0
