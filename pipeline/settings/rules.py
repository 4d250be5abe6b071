"""What must hold of a recipe, so that no run fails after hours for a value that was wrong from the start."""

import math
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin, get_type_hints

from inference.errors import InputError
from inference.model.decide import UNKNOWN
from pipeline.settings.labels import BACKGROUND

if TYPE_CHECKING:  # a recipe checks itself by these rules
    from pipeline.settings.recipe import FitSettings, NetworkSettings, Recipe

Rule = tuple[str, str, Any, bool]  # setting, rule, value, whether it holds

# setting, least value, value below which it must stay
_RANGES = (
    ("seed", 0, 2**32),
    ("source.scenes", 1, math.inf),
    ("patches.margin", 0, math.inf),
    ("patches.jitters", 0, math.inf),
    ("patches.jitter", 0, 0.5),
    ("patches.negatives", 0, math.inf),
    ("patches.longest_side", 1, math.inf),
    ("patches.outliers", 0, math.inf),
    ("augment.crop", 0, 1),
    ("augment.detail", 0, math.inf),
    ("augment.aspect", 0, math.inf),
    ("augment.shift", 0, 0.5),
    ("augment.rotation", 0, math.inf),
    ("augment.brightness", 0, 1),
    ("augment.contrast", 0, math.inf),
    ("augment.saturation", 0, math.inf),
    ("augment.hue", 0, math.inf),
    ("network.input_side", 16, math.inf),
    ("network.dropout", 0, 1),
    ("fit.epochs", 1, math.inf),
    ("fit.head_epochs", 1, math.inf),
    ("fit.patience", 0, math.inf),
    ("fit.batch_size", 1, math.inf),
    ("fit.warmup_epochs", 0, math.inf),
    ("fit.label_smoothing", 0, 1),
    ("calibrate.neighbours", 1, 100_001),
    ("export.calibration_pictures", 1, math.inf),
)

_NAMED_WEIGHTS = {"patch_net": "drawn", "patch_net_32": None}  # of other trunks: imagenet
_SHARES = ("augment.erasing", "augment.mixup", "augment.cutmix", "fit.teacher_share")


def list_rules(recipe: "Recipe") -> list[Rule]:
    """List what must hold of a recipe."""
    labels, split, patches, accepted = recipe.labels, recipe.split, recipe.patches, recipe.calibrate.accepted
    sides, rate = (patches.min_side, patches.max_side), recipe.fit.learning_rate
    reserved = {"", BACKGROUND, UNKNOWN} & set(labels)
    mixed = (recipe.augment.mixup, recipe.augment.cutmix)
    fold, shares = split.fold, (split.validation, split.test_share)
    shared = "split.validation" if split.folds else "split.test"
    return [
        *_choice_rules(recipe),
        ("labels", "must be different names", labels, len(set(labels)) == len(labels) > 0),
        ("labels", f"may not be empty, {BACKGROUND} or {UNKNOWN}", labels, not reserved),
        ("labels", "must be two or more where no output for background is learned", labels, len(recipe.outputs) > 1),
        ("split.validation", "must lie between 0 and 1", split.validation, 0 < split.validation < 1),
        ("split.test", "must lie between 0 and 1", split.test, 0 < split.test < 1),
        ("split.folds", "must be 0 or at least 2", split.folds, split.folds == 0 or split.folds >= 2),
        ("split.fold", "must be 1 to split.folds, or 0 if that is 0", fold, bool(split.folds) <= fold <= split.folds),
        (shared, "must leave photographs for training", shares, sum(shares) < 1),
        ("patches.min_side", "must be positive and at most patches.max_side", sides, 0 < sides[0] <= sides[1]),
        ("fit.learning_rate", "must be positive", rate, rate > 0),
        ("augment.mixup", "and augment.cutmix must be at most 1 together", mixed, sum(mixed) <= 1),
        *_transfer_rules(recipe.network, recipe.fit),
        *_anomaly_rules(recipe),
        ("calibrate.accepted", "must lie between 0 and 1", accepted, 0 < accepted <= 1),
        *(_range_rule(recipe, *entry) for entry in _RANGES),
        *(_share_rule(recipe, setting) for setting in _SHARES),
    ]


def _choice_rules(recipe: "Recipe") -> list[Rule]:
    """List what must hold of settings that are one of a few words: a recipe's file may hold any."""
    sections = {entry.name: getattr(recipe, entry.name) for entry in fields(recipe)}
    return [
        (f"{section}.{name}", f"must be one of {', '.join(get_args(kind))}", value, value in get_args(kind))
        for section, settings in sections.items()
        if is_dataclass(settings)
        for name, kind in get_type_hints(type(settings)).items()
        if get_origin(kind) is Literal
        for value in (getattr(settings, name),)
    ]


def _transfer_rules(network: "NetworkSettings", fit: "FitSettings") -> list[Rule]:
    """List what must hold where a trunk of keras.applications or a training in two stages is chosen."""
    ours, two, first = network.trunk.startswith("patch_net"), fit.kind == "two_stage", fit.trainable_from
    named = _NAMED_WEIGHTS.get(network.trunk, "imagenet")
    fits, side = network.weights in (named, "none") or network.weights not in ("imagenet", "drawn"), network.input_side
    choices = ", ".join(filter(None, ("none", named))) + " or a file"
    return [
        ("network.weights", f"must be {choices} for {network.trunk}", network.weights, fits),
        ("network.input_side", f"must be at least 32 for {network.trunk}", side, ours or side >= 32),
        ("fit.head_epochs", "must be less than fit.epochs", fit.head_epochs, not two or fit.head_epochs < fit.epochs),
        ("fit.head_learning_rate", "must be positive", fit.head_learning_rate, fit.head_learning_rate > 0),
        ("fit.trainable_from", "must be empty unless fit.kind is two_stage", first, two or not first),
    ]


def _anomaly_rules(recipe: "Recipe") -> list[Rule]:
    """List what must hold where a recipe looks for anomalies, and that only a source of surfaces goes with them."""
    settings, surfaces = recipe.anomaly, recipe.source.kind == "surfaces"
    if settings is None:
        return [("source.kind", "must not be surfaces in a recipe without anomalies", recipe.source.kind, not surfaces)]
    steps = settings.teach_steps
    levels, tile, margin, stride = settings.levels, settings.tile, settings.margin, settings.stride
    strides = all(level in ("1", "2", "4", "8", "16") for level in levels) and len(set(levels)) == len(levels) > 0
    inside = 0 <= 2 * margin < tile and not margin % 32
    return [
        ("source.kind", "must be surfaces in a recipe for anomalies", recipe.source.kind, surfaces),
        ("anomaly.levels", "must be different ones of 1, 2, 4, 8, 16", levels, strides),
        ("anomaly.stride", "must be 2, 4, 8 or 16", stride, stride in (2, 4, 8, 16)),
        ("anomaly.tile", "must be a positive multiple of 32", tile, tile > 0 and not tile % 32),
        ("anomaly.margin", "must be a multiple of 32 and leave something of anomaly.tile", margin, inside),
        ("anomaly.trimmed", "must be at least 0 and less than 0.5", settings.trimmed, 0 <= settings.trimmed < 0.5),
        ("anomaly.alarms", "must lie between 0 and 0.5", settings.alarms, 0 < settings.alarms < 0.5),
        ("anomaly.teach_steps", "must be 1 or more for taught", steps, steps >= (settings.method == "taught")),
        ("anomaly.teach_rate", "must be positive", settings.teach_rate, settings.teach_rate > 0),
        ("anomaly.folds", "must be at least 2", settings.folds, settings.folds >= 2),
        *(
            (f"anomaly.{name}", "must be at least 1", value, value >= 1)
            for name in ("dimensions", "candidates", "bank", "smallest_area")
            for value in [getattr(settings, name)]
        ),
        ("anomaly.even_light", "must be 0 or at least 8", settings.even_light, _is_side(settings.even_light, 8)),
        (
            "anomaly.score_share",
            "must be at least 0 and below 0.2",
            settings.score_share,
            0 <= settings.score_share < 0.2,
        ),
        ("anomaly.smoothing", "must be 0 or more", settings.smoothing, settings.smoothing >= 0),
        ("anomaly.border", "must be 0 or more", settings.border, settings.border >= 0),
        ("anomaly.halo", "must be 0 or more", settings.halo, settings.halo >= 0),
        ("anomaly.crop_scale", "must be positive", settings.crop_scale, settings.crop_scale > 0),
        ("anomaly.longest_side", "must be 0 or at least 32", settings.longest_side, _is_side(settings.longest_side)),
    ]


def check_levels(trunk: str, levels: tuple[str, ...], known: tuple[int, ...]) -> None:
    """Refuse levels that a trunk has not.

    Raises:
        InputError: names those that it has.
    """
    missing = [level for level in levels if int(level) not in known]
    if missing:
        raise InputError(
            f"anomaly.levels must be of those that {trunk} has: {', '.join(map(str, known))}. "
            f"Received: {', '.join(missing)}."
        )


def _is_side(pixels: int, least: int = 32) -> bool:
    return pixels == 0 or pixels >= least


def _range_rule(recipe: "Recipe", setting: str, least: float, below: float) -> Rule:
    section, _, name = setting.rpartition(".")
    value = getattr(getattr(recipe, section) if section else recipe, name)
    rule = f"must be at least {least}" + (f" and less than {below}" if below < math.inf else "")
    return setting, rule, value, least <= value < below


def _share_rule(recipe: "Recipe", setting: str) -> Rule:
    section, _, name = setting.partition(".")
    value = getattr(getattr(recipe, section), name)
    return setting, "must lie between 0 and 1", value, 0 <= value <= 1
