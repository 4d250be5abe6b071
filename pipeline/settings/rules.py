"""What must hold between the settings of a recipe; what holds of one alone stands where it is declared."""

from typing import TYPE_CHECKING, Any

from inference.errors import InputError
from inference.model.decide import UNKNOWN
from pipeline.settings.labels import BACKGROUND

if TYPE_CHECKING:  # a recipe checks itself by these rules
    from pipeline.settings.recipe import Recipe

Rule = tuple[str, str, Any, bool]  # setting, rule, value, whether it holds

_NAMED_WEIGHTS = {"patch_net": "drawn", "patch_net_32": None}  # of other trunks: imagenet


def list_rules(recipe: "Recipe") -> list[Rule]:
    """List what must hold between the settings of a recipe."""
    between = _anomaly_rules(recipe) if recipe.kind == "anomaly" else _classification_rules(recipe)
    return [*_network_rules(recipe), *between]


def _classification_rules(recipe: "Recipe") -> list[Rule]:
    """List what must hold where classes are learned."""
    labels, split, patches, fit, source = recipe.labels, recipe.split, recipe.patches, recipe.fit, recipe.source.kind
    reserved = {"", BACKGROUND, UNKNOWN} & set(labels)
    sides, mixed = (patches.min_side, patches.max_side), (recipe.augment.mixup, recipe.augment.cutmix)
    fold, shares = split.fold, (split.validation, split.test_share)
    shared = "split.validation" if split.folds else "split.test"
    two = fit.kind == "two_stage"
    return [
        ("source.kind", "must not be surfaces in a recipe without anomalies", source, source != "surfaces"),
        ("labels", f"may not be empty, {BACKGROUND} or {UNKNOWN}", labels, not reserved),
        ("labels", "must be two or more where no output for background is learned", labels, len(recipe.outputs) > 1),
        ("split.fold", "must be 1 to split.folds, or 0 if that is 0", fold, bool(split.folds) <= fold <= split.folds),
        (shared, "must leave photographs for training", shares, sum(shares) < 1),
        ("patches.min_side", "must be at most patches.max_side", sides, sides[0] <= sides[1]),
        ("augment.mixup", "and augment.cutmix must be at most 1 together", mixed, sum(mixed) <= 1),
        ("fit.head_epochs", "must be less than fit.epochs", fit.head_epochs, not two or fit.head_epochs < fit.epochs),
        (
            "fit.trainable_from",
            "must be empty unless fit.kind is two_stage",
            fit.trainable_from,
            two or not fit.trainable_from,
        ),
    ]


def _network_rules(recipe: "Recipe") -> list[Rule]:
    """List what must hold of a trunk's weights and input."""
    network = recipe.network
    ours, side = network.trunk.startswith("patch_net"), network.input_side
    named = _NAMED_WEIGHTS.get(network.trunk, "imagenet")
    fits = network.weights in (named, "none") or network.weights not in ("imagenet", "drawn")
    choices = ", ".join(filter(None, ("none", named))) + " or a file"
    return [
        ("network.weights", f"must be {choices} for {network.trunk}", network.weights, fits),
        ("network.input_side", f"must be at least 32 for {network.trunk}", side, ours or side >= 32),
    ]


def _anomaly_rules(recipe: "Recipe") -> list[Rule]:
    """List what must hold where anomalies are found."""
    source, tile, margin = recipe.source.kind, recipe.anomaly.tile, recipe.anomaly.margin
    return [
        ("source.kind", "must be surfaces in a recipe for anomalies", source, source == "surfaces"),
        ("anomaly.margin", "must leave something of anomaly.tile", margin, 2 * margin < tile),
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
