"""A recipe: one frozen value that describes a whole run, and the only way to change it, override."""

import difflib
import json
from dataclasses import asdict, dataclass, field, fields, is_dataclass, replace
from typing import Any, Literal, get_args, get_origin, get_type_hints

from inference.errors import InputError

BACKGROUND = "background"  # the label of negative patches in index.csv

Overrides = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class SourceSettings:
    """Where the patches come from; scenes: how many photographs are drawn, from a seed, when no data is given."""

    kind: str = "annotated_photos"
    scenes: int = 700
    seed: int = 0


@dataclass(frozen=True)
class PatchSettings:
    """How photographs and boxes become patches.

    margin: share of the box's side added on each side. jitters: extra copies of each training box, each edge
    moved by at most jitter of the side. negatives: background windows a photograph, of which hard_share touch a
    box's surroundings; none overlaps a box by more than max_iou, nor lies in or around one by more than
    max_cover of either area. Window sides are log-uniform between min_side and max_side, as shares of the
    photograph's shorter side. longest_side: larger patches are reduced to it when stored.
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

    trunk: str = "patch_net"
    head: str = "classifier"
    input_side: int = 96
    dropout: float = 0.2
    background: Literal["output", "confidence"] = "output"


@dataclass(frozen=True)
class FitSettings:
    """The training: epochs at most, patience of early stopping in epochs, AdamW with warm-up and cosine."""

    kind: str = "gradient"
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

    kind: str = "temperature"
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

    @property
    def outputs(self) -> tuple[str, ...]:
        """The label of each output of the network: the classes, then background where it is learned."""
        return (*self.labels, BACKGROUND) if self.network.background == "output" else self.labels


def override(recipe: Recipe, setting: str, text: str) -> Recipe:
    """Return the recipe with one setting changed: override(recipe, "fit.epochs", "3").

    Raises:
        InputError: the setting is unknown, or the text is no value of its type.
    """
    section_name, _, field_name = setting.rpartition(".")
    known = _known_settings(recipe)
    if setting not in known:
        close = difflib.get_close_matches(setting, known, 1)
        hint = f"Did you mean {close[0]}?" if close else f"Known: {', '.join(known)}."
        raise InputError(f"no setting is named {setting!r}. {hint}")
    if not section_name:
        return replace(recipe, **{field_name: _parse(get_type_hints(Recipe)[field_name], setting, text)})
    section = getattr(recipe, section_name)
    value = _parse(get_type_hints(type(section))[field_name], setting, text)
    return replace(recipe, **{section_name: replace(section, **{field_name: value})})


def override_all(recipe: Recipe, overrides: Overrides) -> Recipe:
    """Apply several overrides, the last one winning."""
    for setting, text in overrides:
        recipe = override(recipe, setting, text)
    return recipe


def recipe_to_json(recipe: Recipe) -> str:
    """Return the text of recipe.json."""
    return json.dumps(asdict(recipe), indent=1) + "\n"


def recipe_from_json(text: str) -> Recipe:
    """Read a recipe back from recipe.json.

    Raises:
        InputError: a field is unknown to this version of the program.
    """
    values = json.loads(text)
    types = get_type_hints(Recipe)
    try:
        for name, value in values.items():
            if is_dataclass(types.get(name)):
                values[name] = types[name](**value)
            elif isinstance(value, list):
                values[name] = tuple(tuple(item) if isinstance(item, list) else item for item in value)
        return Recipe(**values)
    except TypeError as fault:
        raise InputError(f"recipe.json was written by another version: {fault}. Start a new run.") from fault


def _known_settings(recipe: Recipe) -> list[str]:
    """List every setting that an override may name: seed and the fields of the sections."""
    sections = [entry.name for entry in fields(recipe) if is_dataclass(getattr(recipe, entry.name))]
    return ["seed", *(f"{name}.{entry.name}" for name in sections for entry in fields(getattr(recipe, name)))]


def _parse(kind: Any, setting: str, text: str) -> Any:
    """Convert the text to the setting's type: str, int, float or one of a few words."""
    if get_origin(kind) is Literal:
        if text not in get_args(kind):
            raise InputError(f"{setting} must be one of {', '.join(get_args(kind))}. Received: {text!r}.")
        return text
    try:
        return kind(text)
    except ValueError as fault:
        raise InputError(f"{setting} must be of type {kind.__name__}. Received: {text!r}.") from fault
