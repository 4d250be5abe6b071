"""A recipe: an immutable description of a whole run, changed only by override."""

import difflib
import json
import math
from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Literal, get_origin, get_type_hints

from inference.errors import InputError
from pipeline.settings.anomaly import AnomalySettings
from pipeline.settings.augment import AugmentSettings
from pipeline.settings.effect import has_effect, refuse_without_effect
from pipeline.settings.field import ANY_LIST, KINDS, SEED, Kind, Setting, required, sections_of, setting, settings_of
from pipeline.settings.fit import FitSettings
from pipeline.settings.labels import BACKGROUND
from pipeline.settings.old_names import current_name, renew_recipe
from pipeline.settings.rules import (
    Rule,
    anomaly_rules,
    augment_rules,
    fit_rules,
    label_rules,
    network_rules,
    patch_rules,
    source_rules,
    split_rules,
)
from pipeline.settings.sections import (
    CalibrateSettings,
    ExportSettings,
    NetworkSettings,
    PatchSettings,
    SourceSettings,
    SplitSettings,
)

Overrides = tuple[tuple[str, str], ...]

# What `sweep` tries by default; see pipeline.sweep.space for the notation. What has no effect in a recipe is left out.
SEARCH: Overrides = (
    ("fit.learning_rate", "*0.3..*3"),
    ("fit.weight_decay", "*0.1..*10"),
    ("network.input_side", "*0.75|*1|*1.25"),
    ("network.head", "classifier|normalised"),
    ("augment", "*0.5|*1|*1.5"),
    ("fit.balance", "none|weights"),
)


@dataclass(frozen=True)
class Recipe:
    """All settings of a run; the location of the data is not one of them.

    Sections that the recipe's kind does not use have their defaults and are left out of recipe.json.
    """

    name: str = required("the recipe's name, as `run NAME` takes it")
    title: str = required("the title of the report")
    labels: tuple[str, ...] = required(
        "the classes, in the order of the network's outputs; none: those of the data",
        ANY_LIST,
        used_by=("classification",),
    )
    kind: Kind = setting("classification", "what the model does: predict a class, or find anomalies")
    source: SourceSettings = field(default_factory=SourceSettings)
    patches: PatchSettings = field(default_factory=PatchSettings)
    split: SplitSettings = field(default_factory=SplitSettings)
    augment: AugmentSettings = field(default_factory=AugmentSettings)
    network: NetworkSettings = field(default_factory=NetworkSettings)
    fit: FitSettings = field(default_factory=FitSettings)
    calibrate: CalibrateSettings = field(default_factory=CalibrateSettings)
    export: ExportSettings = field(default_factory=ExportSettings)
    anomaly: AnomalySettings = field(default_factory=AnomalySettings)
    seed: int = setting(
        0,
        "random seed of the training or of the memory bank; patches and splits have their own seeds",
        SEED,
    )
    smoke: Overrides = setting((), "changes for a quick trial of all stages (--smoke)")
    embedded: Overrides = setting((), "changes for runs on drawn pictures (without --images)")
    pretrained: Overrides = setting((), "changes for a pretrained trunk (--pretrained)")
    search: Overrides = setting((), "settings that `sweep` varies, with the values that it tries; see SEARCH")

    def __post_init__(self) -> None:
        """Refuse values that are not allowed.

        Raises:
            InputError: names the setting, its rule and the value.
        """
        for name, rule, received, holds in (*self._own_rules(), *self._common_rules()):
            if not holds:
                raise InputError(f"{name} {rule}. Received: {received!r}.")

    def _own_rules(self) -> Iterator[Rule]:
        """Yield the rules of single settings, from their declarations."""
        yield "kind", f"must be one of {', '.join(KINDS)}", self.kind, self.kind in KINDS
        for name, one in SETTINGS.items():
            value, section = self.value(name), name.rpartition(".")[0]
            if section in SECTIONS and self.kind not in SECTIONS[section]:
                yield name, f"must keep its default in a recipe of kind {self.kind}", value, value == one.default
            else:
                yield name, f"must be {one.rule}", value, one.limits.allow(value)

    def _common_rules(self) -> Iterator[Rule]:
        """Yield the rules between settings; the defaults of unused sections satisfy them."""
        yield from source_rules(self.source, self.kind)
        yield from label_rules(self.labels, self.outputs)
        yield from patch_rules(self.patches)
        yield from split_rules(self.split)
        yield from augment_rules(self.augment)
        yield from network_rules(self.network)
        yield from fit_rules(self.fit, self.network)
        yield from anomaly_rules(self.anomaly)

    def value(self, name: str) -> Any:
        """Return a setting's value: value("fit.epochs")."""
        section, _, name = name.rpartition(".")
        return getattr(getattr(self, section) if section else self, name)

    @property
    def outputs(self) -> tuple[str, ...]:
        """The label of each output of the network: the classes, then background if it is an output."""
        return (*self.labels, BACKGROUND) if self.network.background == "output" else self.labels

    def side_in_epoch(self, epoch: int) -> int:
        """Return the side of the training pictures, in pixels, in an epoch counted from 0."""
        return self.fit.early_side if epoch < self.fit.early_epochs else self.network.input_side


SETTINGS = settings_of(Recipe)  # by name: the settings that an override may change
SECTIONS = sections_of(Recipe)  # by name: the kinds of recipe that use it


def override(recipe: Recipe, setting: str, text: str) -> Recipe:
    """Return the recipe with one setting changed: override(recipe, "fit.epochs", "3").

    Raises:
        InputError: the setting is unknown or has no effect in the recipe, or the text is not a value of its type.
    """
    return override_all(recipe, ((setting, text),))


def override_all(recipe: Recipe, overrides: Overrides) -> Recipe:
    """Return the recipe with several overrides, the last one winning; only the final recipe must be valid.

    Raises:
        InputError: as override.
    """
    chosen = [(find_setting(name), text) for name, text in overrides]
    changed = _change(recipe, chosen)
    for one, text in chosen:
        if text:  # an empty text leaves the setting as it is
            refuse_without_effect(one, changed.value)
    return changed


def apply_variant(recipe: Recipe, changes: Overrides) -> Recipe:
    """Return the recipe with changes that a recipe declares, as for --smoke; those without effect are left out.

    They may have none after another variant: calibration pictures where --pretrained exports without them. An empty
    text is kept: it clears a setting that the change would otherwise make invalid.
    """
    chosen = [(find_setting(name), text) for name, text in changes]
    changed = _change(recipe, chosen)
    return _change(recipe, [(one, text) for one, text in chosen if not text or has_effect(one, changed.value)])


def _change(recipe: Recipe, chosen: list[tuple[Setting, str]]) -> Recipe:
    """Return the recipe with settings changed, whether that has an effect or not."""
    sections: dict[str, dict[str, Any]] = {}
    for one, text in chosen:
        if recipe.kind not in one.kinds:
            raise InputError(
                f"{one.name} has no effect here: only recipes of kind {' or '.join(one.kinds)} use it. "
                f"Received: {recipe.name}, of kind {recipe.kind}. Leave it out."
            )
        section, _, field = one.name.rpartition(".")
        sections.setdefault(section, {})[field] = _parse(one, text)
    whole = sections.pop("", {})
    return replace(recipe, **whole, **{name: replace(getattr(recipe, name), **sections[name]) for name in sections})


def find_setting(name: str) -> Setting:
    """Return the setting with a current or earlier name.

    Raises:
        InputError: there is no such setting; the message suggests the nearest one.
    """
    name = current_name(name)
    if name not in SETTINGS:
        close = difflib.get_close_matches(name, SETTINGS, 1)
        hint = f"Did you mean {close[0]}?" if close else f"Known: {', '.join(SETTINGS)}."
        raise InputError(f"no setting is named {name!r}. {hint}")
    return SETTINGS[name]


def recipe_to_json(recipe: Recipe) -> str:
    """Return the content of recipe.json, without the sections that the recipe's kind does not use."""
    values = asdict(recipe)
    for name in _unused_sections(recipe.kind):
        del values[name]
    return json.dumps(values, indent=1) + "\n"


def recipe_from_json(text: str) -> Recipe:
    """Return the recipe of a recipe.json, including one of an earlier version; see pipeline.settings.old_names.

    Raises:
        InputError: it is damaged, or its fields differ from those of this version: a default for a missing field would
            silently change the run.
    """
    types = get_type_hints(Recipe)
    try:
        values = renew_recipe(json.loads(text))
        unused = _unused_sections(values["kind"])
        values = {name: value for name, value in values.items() if name not in unused}
        _check_fields(Recipe, values, unused)
        for name, value in values.items():
            if name in SECTIONS:
                _check_fields(types[name], value)
                values[name] = types[name](**{key: _as_tuple(item) for key, item in value.items()})
            elif isinstance(value, list):
                values[name] = tuple(_as_tuple(item) for item in value)
        return Recipe(**values)
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as fault:
        raise InputError(f"recipe.json is damaged or of another version: {fault}. Start a new run.") from fault


def _unused_sections(kind: Kind) -> set[str]:
    return {name for name, kinds in SECTIONS.items() if kind not in kinds}


def _as_tuple(value: Any) -> Any:
    """Return a JSON list as a tuple, including nested lists."""
    return tuple(value) if isinstance(value, list) else value


def _check_fields(kind: Any, values: dict[str, Any], absent: Collection[str] = ()) -> None:
    """Raise ValueError unless the values are exactly the fields of a dataclass, except those in `absent`."""
    odd = {entry.name for entry in fields(kind)} - set(absent) ^ set(values)
    if odd:
        raise ValueError(f"{kind.__name__} has other fields: {', '.join(sorted(odd))}")


def _parse(setting: Setting, text: str) -> Any:
    """Return the text as the setting's type: bool, int, float, str, one of several words, or words with commas."""
    kind = setting.type
    choices = ("true", "false") if kind is bool else setting.limits.choices if get_origin(kind) is Literal else (text,)
    if text not in choices:
        raise InputError(f"{setting.name} must be one of {', '.join(choices)}. Received: {text!r}.")
    if kind is bool:
        return text == "true"
    if get_origin(kind) is tuple:
        return _parse_list(setting, text) if text.startswith("[") else tuple(part.strip() for part in text.split(","))
    if kind not in (int, float):
        return text
    try:
        value = kind(text)
    except ValueError as fault:
        raise InputError(f"{setting.name} must be of type {kind.__name__}. Received: {text!r}.") from fault
    if not math.isfinite(value):
        raise InputError(f"{setting.name} must be a finite number. Received: {text!r}.")
    return value


def _parse_list(setting: Setting, text: str) -> tuple[str, ...]:
    """Return the words of a JSON list; they may contain commas."""
    try:
        words = json.loads(text)
    except ValueError:
        words = None
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise InputError(
            f"{setting.name} must be words with commas between them, or a JSON list of words: "
            f"""--set {setting.name}='["a, b", "c"]'. Received: {text!r}."""
        )
    return tuple(words)
