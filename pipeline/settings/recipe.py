"""A recipe: one frozen value that describes a whole run, and the only way to change it, override."""

import difflib
import json
import math
from collections.abc import Collection
from dataclasses import asdict, dataclass, field, fields, is_dataclass, replace
from typing import Any, Literal, get_args, get_origin, get_type_hints

from inference.errors import InputError
from pipeline.settings.anomaly import AnomalySettings
from pipeline.settings.labels import BACKGROUND
from pipeline.settings.rules import list_rules

Overrides = tuple[tuple[str, str], ...]
_LATER = {"calibrate": ("decision",)}  # fields that earlier programs did not write; their default is what those did


@dataclass(frozen=True)
class SourceSettings:
    """Where the patches come from; scenes: how many pictures are drawn, from a seed, when no data is given.

    kind annotated_photos: photographs with boxes, by default drawn ones, class_folders: a folder or zip with a folder
    of pictures for each class, cifar10: the same, or by default what Keras downloads, memes: the same, or by default
    drawn memes of the styles that the labels name, surfaces: photographs of a surface, without labels.
    """

    kind: Literal["annotated_photos", "class_folders", "cifar10", "memes", "surfaces"] = "annotated_photos"
    scenes: int = 700
    seed: int = 0


@dataclass(frozen=True)
class PatchSettings:
    """How photographs and boxes become patches.

    margin: share of the box's side added on each side. jitters: extra copies of each training box, each edge
    moved by at most jitter of the side. negatives: background windows a photograph, of which hard_share touch a
    box's surroundings; none overlaps a box by more than max_iou, nor lies in or around one by more than
    max_cover of either area. The root of a window's area is log-uniform between min_side and max_side, as shares of
    the photograph's shorter side. longest_side: larger patches are reduced to it when stored. outliers: drawn pictures
    of nothing in particular among the training's background.
    """

    margin: float = 0.04
    jitters: int = 2
    jitter: float = 0.12
    negatives: int = 3
    hard_share: float = 0.5
    max_iou: float = 0.1
    max_cover: float = 0.25
    min_side: float = 0.2
    max_side: float = 0.7
    longest_side: int = 256
    outliers: int = 0
    seed: int = 0


@dataclass(frozen=True)
class SplitSettings:
    """Shares of the photographs; what is left after both is for training. Distance is in bits of 64.

    folds, fold: of cross-validation: the photographs are dealt to so many folds, and the test is on fold 1, 2, ...;
    the share test then has no influence. Both 0: one split by shares.
    """

    validation: float = 0.15
    test: float = 0.25
    near_duplicate_distance: int = 6
    seed: int = 0
    folds: int = 0
    fold: int = 0

    @property
    def test_share(self) -> float:
        """Return the share of the photographs that the test gets."""
        return 1 / self.folds if self.folds else self.test


@dataclass(frozen=True)
class AugmentSettings:
    """Strength of each random change of a training picture; 0 turns it off.

    crop: largest share of the area that is cut away. detail: how much larger than the network's input pictures are
    kept for cropping, 0.33 by a third. aspect: largest log ratio of the sides. shift: largest shift along either side,
    of the side, by whole pixels where nothing else is warped. rotation, hue: of a full turn.
    brightness: of 255. contrast: log factor. saturation: of the picture's own. erasing, mixup, cutmix: shares of
    the pictures that are changed so.
    """

    flip: Literal["none", "horizontal", "horizontal_and_vertical"] = "horizontal_and_vertical"
    crop: float = 0.65
    detail: float = 0.33
    aspect: float = 0.25
    shift: float = 0.0
    rotation: float = 0.15
    brightness: float = 0.15
    contrast: float = 0.3
    saturation: float = 0.4
    hue: float = 0.03
    erasing: float = 0.0
    mixup: float = 0.25
    cutmix: float = 0.25


@dataclass(frozen=True)
class NetworkSettings:
    """Which network: keys of models.build.TRUNKS and HEADS, the side of its square input in pixels.

    weights: that it starts from: none, imagenet (Keras downloads them; not for patch_net), drawn (for patch_net: those
    learned from drawn scenes, part of the program), or a .weights.h5 or .keras file of a network with the same trunk,
    an earlier run's best.keras for example.
    """

    trunk: Literal[
        "patch_net",
        "patch_net_32",
        "mobilenet_v3_large",
        "mobilenet_v3_large_minimalistic",
        "mobilenet_v3_small",
        "mobilenet_v2",
        "mobilenet_v1",
    ] = "patch_net"
    head: Literal["classifier", "normalised"] = "classifier"
    weights: str = "none"
    input_side: int = 96
    dropout: float = 0.2
    background: Literal["output", "confidence"] = "output"


@dataclass(frozen=True)
class FitSettings:
    """The training: epochs at most, patience of early stopping in epochs, warm-up and cosine.

    kind two_stage: the head alone learns for head_epochs of the epochs, at the constant head_learning_rate, then
    the trunk from the layer trainable_from on (all of it where empty) learns with it. adam uses no weight_decay; sgd
    has a Nesterov momentum of 0.9.
    """

    kind: Literal["gradient", "two_stage"] = "gradient"
    optimizer: Literal["adamw", "adam", "sgd"] = "adamw"
    epochs: int = 40
    head_epochs: int = 5
    head_learning_rate: float = 1e-3
    trainable_from: str = ""
    patience: int = 15
    batch_size: int = 64
    learning_rate: float = 2e-3
    warmup_epochs: float = 1.0
    weight_decay: float = 1e-4
    label_smoothing: float = 0.05
    balance: Literal["none", "weights", "sampling"] = "weights"
    teacher: str = ""
    teacher_share: float = 1.0


@dataclass(frozen=True)
class CalibrateSettings:
    """accepted: the share of true validation positives that the reject threshold lets pass.

    kind neighbours: confidences also count by how like a picture is to training patches, of which the artefact then
    carries so many at most; see pipeline.calibration.neighbours. decision: how probabilities become a label or
    "unknown", a key of inference.model.decide.DECISIONS.
    """

    kind: Literal["temperature", "neighbours"] = "temperature"
    decision: Literal["softmax"] = "softmax"
    accepted: float = 0.95
    neighbours: int = 2000


@dataclass(frozen=True)
class ExportSettings:
    """mode: a key of export.convert.MODES. calibration_pictures: training patches that set the int8 ranges.

    features: the file gives the network's pooled features as a second output; always with calibrate.kind neighbours.
    """

    mode: Literal["int8", "float16", "float32"] = "int8"
    calibration_pictures: int = 200
    max_accuracy_loss: float = 0.01
    features: bool = False


@dataclass(frozen=True)
class Recipe:
    """Everything that decides a run, except the data's place.

    labels: the classes, in the order of the network's outputs. smoke, embedded: overrides for a quick try of
    the whole flow, and for runs on the drawn scenes. seed: of the training alone, so that runs with several
    seeds share their patches and splits. anomaly: only of recipes that look for anomalies; recipe.json leaves it out
    elsewhere.
    """

    name: str
    title: str
    labels: tuple[str, ...]
    source: SourceSettings = field(default_factory=SourceSettings)
    patches: PatchSettings = field(default_factory=PatchSettings)
    split: SplitSettings = field(default_factory=SplitSettings)
    augment: AugmentSettings = field(default_factory=AugmentSettings)
    network: NetworkSettings = field(default_factory=NetworkSettings)
    fit: FitSettings = field(default_factory=FitSettings)
    calibrate: CalibrateSettings = field(default_factory=CalibrateSettings)
    export: ExportSettings = field(default_factory=ExportSettings)
    anomaly: AnomalySettings | None = None
    seed: int = 0
    smoke: Overrides = ()
    embedded: Overrides = ()

    def __post_init__(self) -> None:
        """Refuse values with which no run could end well.

        Raises:
            InputError: names the setting, its rule and the value.
        """
        for setting, rule, received, holds in list_rules(self):
            if not holds:
                raise InputError(f"{setting} {rule}. Received: {received!r}.")

    @property
    def kind(self) -> Literal["classification", "anomaly"]:
        """The kind of the recipe; see pipeline.kinds."""
        return "classification" if self.anomaly is None else "anomaly"

    @property
    def outputs(self) -> tuple[str, ...]:
        """The label of each output of the network: the classes, then background where it is learned."""
        return (*self.labels, BACKGROUND) if self.network.background == "output" else self.labels


def override(recipe: Recipe, setting: str, text: str) -> Recipe:
    """Return the recipe with one setting changed: override(recipe, "fit.epochs", "3").

    Raises:
        InputError: the setting is unknown, or the text is no value of its type.
    """
    return override_all(recipe, ((setting, text),))


def override_all(recipe: Recipe, overrides: Overrides) -> Recipe:
    """Apply several overrides, the last one winning; together they must make a possible run, not one by one."""
    sections: dict[str, dict[str, Any]] = {}
    for setting, text in overrides:
        section, _, name = setting.rpartition(".")
        sections.setdefault(section, {})[name] = _parse(_type_of(recipe, setting), setting, text)
    whole = sections.pop("", {})
    changed = {section: replace(getattr(recipe, section), **values) for section, values in sections.items()}
    return replace(recipe, **whole, **changed)


def recipe_to_json(recipe: Recipe) -> str:
    """Return the text of recipe.json."""
    values = asdict(recipe)
    return json.dumps({name: value for name, value in values.items() if value is not None}, indent=1) + "\n"


def recipe_from_json(text: str) -> Recipe:
    """Read a recipe back from recipe.json.

    Raises:
        InputError: it is damaged, or has other fields than this version of the program knows: a default in
            place of a missing one would silently change the run.
    """
    sections = get_type_hints(Recipe) | {"anomaly": AnomalySettings}
    try:
        values = json.loads(text)
        _check_fields(Recipe, values, optional={"anomaly"})
        for name, value in values.items():
            if is_dataclass(sections[name]):
                _check_fields(sections[name], value, optional=_LATER.get(name, ()))
                values[name] = sections[name](**{key: _as_tuple(item) for key, item in value.items()})
            elif isinstance(value, list):
                values[name] = tuple(_as_tuple(item) for item in value)
        return Recipe(**values)
    except (AttributeError, TypeError, ValueError) as fault:
        raise InputError(f"recipe.json is damaged or of another version: {fault}. Start a new run.") from fault


def _as_tuple(value: Any) -> Any:
    """Return a list of JSON as the tuple that it was."""
    return tuple(value) if isinstance(value, list) else value


def _check_fields(kind: Any, values: dict[str, Any], optional: Collection[str] = ()) -> None:
    """Raise ValueError unless the values are for exactly the fields of a dataclass; optional ones may be missing."""
    odd = ({entry.name for entry in fields(kind)} ^ set(values)) - (set(optional) - set(values))
    if odd:
        raise ValueError(f"{kind.__name__} has other fields: {', '.join(sorted(odd))}")


def _known_settings(recipe: Recipe) -> list[str]:
    """List every setting that an override may name: labels, seed and the fields of the sections."""
    sections = [entry.name for entry in fields(recipe) if is_dataclass(getattr(recipe, entry.name))]
    return ["labels", "seed", *(f"{name}.{entry.name}" for name in sections for entry in fields(getattr(recipe, name)))]


def _type_of(recipe: Recipe, setting: str) -> Any:
    """Return the type of a setting's values."""
    known = _known_settings(recipe)
    if setting not in known:
        close = difflib.get_close_matches(setting, known, 1)
        hint = f"Did you mean {close[0]}?" if close else f"Known: {', '.join(known)}."
        raise InputError(f"no setting is named {setting!r}. {hint}")
    section, _, name = setting.rpartition(".")
    return get_type_hints(type(getattr(recipe, section) if section else recipe))[name]


def _parse(kind: Any, setting: str, text: str) -> Any:
    """Convert the text to the setting's type: bool, int, float, str, one of a few words, or words with commas."""
    if kind is bool:
        return _parse(Literal["true", "false"], setting, text) == "true"
    if get_origin(kind) is Literal:
        if text not in get_args(kind):
            raise InputError(f"{setting} must be one of {', '.join(get_args(kind))}. Received: {text!r}.")
        return text
    if get_origin(kind) is tuple:
        return tuple(part.strip() for part in text.split(","))
    if kind is str:
        return text
    try:
        value = kind(text)
    except ValueError as fault:
        raise InputError(f"{setting} must be of type {kind.__name__}. Received: {text!r}.") from fault
    if not math.isfinite(value):
        raise InputError(f"{setting} must be a finite number. Received: {text!r}.")
    return value
