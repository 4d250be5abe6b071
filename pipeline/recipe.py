"""A recipe: one frozen value that describes a whole run, and the only way to change it, override."""

import difflib
import json
import math
from dataclasses import asdict, dataclass, field, fields, is_dataclass, replace
from typing import Any, Literal, get_args, get_origin, get_type_hints

from inference.decide import UNKNOWN
from inference.errors import InputError

BACKGROUND = "background"  # the label of negative patches in index.csv

Overrides = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class SourceSettings:
    """Where the patches come from; scenes: how many photographs are drawn, from a seed, when no data is given."""

    kind: Literal["annotated_photos"] = "annotated_photos"
    scenes: int = 700
    seed: int = 0


@dataclass(frozen=True)
class PatchSettings:
    """How photographs and boxes become patches.

    margin: share of the box's side added on each side. jitters: extra copies of each training box, each edge
    moved by at most jitter of the side. negatives: background windows a photograph, of which hard_share touch a
    box's surroundings; none overlaps a box by more than max_iou, nor lies in or around one by more than
    max_cover of either area. The root of a window's area is log-uniform between min_side and max_side, as shares of
    the photograph's shorter side. longest_side: larger patches are reduced to it when stored.
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
    seed: int = 0


@dataclass(frozen=True)
class SplitSettings:
    """Shares of the photographs; what is left after both is for training. Distance is in bits of 64."""

    validation: float = 0.15
    test: float = 0.25
    near_duplicate_distance: int = 6
    seed: int = 0


@dataclass(frozen=True)
class AugmentSettings:
    """Strength of each random change of a training picture; 0 turns it off. Factors as in Keras' layers."""

    flip: Literal["none", "horizontal", "horizontal_and_vertical"] = "horizontal_and_vertical"
    rotation: float = 0.1
    zoom: float = 0.2
    translation: float = 0.08
    brightness: float = 0.15
    contrast: float = 0.25
    saturation: float = 0.15
    hue: float = 0.02
    mixup: float = 0.0


@dataclass(frozen=True)
class NetworkSettings:
    """Which network: keys of models.build.TRUNKS and HEADS, the side of its square input in pixels."""

    trunk: Literal["patch_net"] = "patch_net"
    head: Literal["classifier"] = "classifier"
    input_side: int = 96
    dropout: float = 0.2
    background: Literal["output", "confidence"] = "output"


@dataclass(frozen=True)
class FitSettings:
    """The training: epochs at most, patience of early stopping in epochs, AdamW with warm-up and cosine."""

    kind: Literal["gradient"] = "gradient"
    epochs: int = 40
    patience: int = 15
    batch_size: int = 64
    learning_rate: float = 2e-3
    warmup_epochs: float = 1.0
    weight_decay: float = 1e-4
    label_smoothing: float = 0.05
    balance: Literal["none", "weights", "sampling"] = "weights"


@dataclass(frozen=True)
class CalibrateSettings:
    """accepted: the share of true validation positives that the reject threshold lets pass."""

    kind: Literal["temperature"] = "temperature"
    accepted: float = 0.95


@dataclass(frozen=True)
class ExportSettings:
    """mode: a key of export.convert.MODES. calibration_pictures: training patches that set the int8 ranges."""

    mode: Literal["int8", "float16", "float32"] = "int8"
    calibration_pictures: int = 200
    max_accuracy_loss: float = 0.01


@dataclass(frozen=True)
class Recipe:
    """Everything that decides a run, except the data's place.

    labels: the classes, in the order of the network's outputs. smoke, embedded: overrides for a quick try of
    the whole flow, and for runs on the drawn scenes. seed: of the training alone, so that runs with several
    seeds share their patches and splits.
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
    seed: int = 0
    smoke: Overrides = ()
    embedded: Overrides = ()

    def __post_init__(self) -> None:
        """Refuse values with which no run could end well.

        Raises:
            InputError: names the setting, its rule and the value.
        """
        for setting, rule, received, holds in _rules(self):
            if not holds:
                raise InputError(f"{setting} {rule}. Received: {received!r}.")

    @property
    def outputs(self) -> tuple[str, ...]:
        """The label of each output of the network: the classes, then background where it is learned."""
        return (*self.labels, BACKGROUND) if self.network.background == "output" else self.labels


# setting, least value, value below which it must stay
_RANGES = (
    ("seed", 0, 2**32),
    ("source.scenes", 1, math.inf),
    ("patches.margin", 0, math.inf),
    ("patches.jitters", 0, math.inf),
    ("patches.jitter", 0, 0.5),
    ("patches.negatives", 0, math.inf),
    ("patches.longest_side", 1, math.inf),
    ("network.input_side", 16, math.inf),
    ("network.dropout", 0, 1),
    ("fit.epochs", 1, math.inf),
    ("fit.patience", 0, math.inf),
    ("fit.batch_size", 1, math.inf),
    ("fit.warmup_epochs", 0, math.inf),
    ("fit.label_smoothing", 0, 1),
    ("export.calibration_pictures", 1, math.inf),
)


def _rules(recipe: Recipe) -> list[tuple[str, str, Any, bool]]:
    """List what must hold of a recipe: setting, rule, value, whether it holds."""
    labels, split, patches, accepted = recipe.labels, recipe.split, recipe.patches, recipe.calibrate.accepted
    sides, rate = (patches.min_side, patches.max_side), recipe.fit.learning_rate
    reserved = {"", BACKGROUND, UNKNOWN} & set(labels)
    return [
        ("labels", "must be different names", labels, len(set(labels)) == len(labels) > 0),
        ("labels", f"may not be empty, {BACKGROUND} or {UNKNOWN}", labels, not reserved),
        ("labels", "must be two or more where no output for background is learned", labels, len(recipe.outputs) > 1),
        ("split.validation", "must lie between 0 and 1", split.validation, 0 < split.validation < 1),
        ("split.test", "must lie between 0 and 1", split.test, 0 < split.test < 1),
        ("split.test", "must leave photographs for training", split.test, split.validation + split.test < 1),
        ("patches.min_side", "must be positive and at most patches.max_side", sides, 0 < sides[0] <= sides[1]),
        ("fit.learning_rate", "must be positive", rate, rate > 0),
        ("calibrate.accepted", "must lie between 0 and 1", accepted, 0 < accepted <= 1),
        *(_range_rule(recipe, *entry) for entry in _RANGES),
    ]


def _range_rule(recipe: Recipe, setting: str, least: float, below: float) -> tuple[str, str, Any, bool]:
    section, _, name = setting.rpartition(".")
    value = getattr(getattr(recipe, section) if section else recipe, name)
    rule = f"must be at least {least}" + (f" and less than {below}" if below < math.inf else "")
    return setting, rule, value, least <= value < below


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
    return json.dumps(asdict(recipe), indent=1) + "\n"


def recipe_from_json(text: str) -> Recipe:
    """Read a recipe back from recipe.json.

    Raises:
        InputError: it is damaged, or has other fields than this version of the program knows: a default in
            place of a missing one would silently change the run.
    """
    types = get_type_hints(Recipe)
    try:
        values = json.loads(text)
        _check_fields(Recipe, values)
        for name, value in values.items():
            if is_dataclass(types[name]):
                _check_fields(types[name], value)
                values[name] = types[name](**value)
            elif isinstance(value, list):
                values[name] = tuple(tuple(item) if isinstance(item, list) else item for item in value)
        return Recipe(**values)
    except (AttributeError, TypeError, ValueError) as fault:
        raise InputError(f"recipe.json is damaged or of another version: {fault}. Start a new run.") from fault


def _check_fields(kind: Any, values: dict[str, Any]) -> None:
    """Raise ValueError unless the values are for exactly the fields of a dataclass."""
    odd = {entry.name for entry in fields(kind)} ^ set(values)
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
