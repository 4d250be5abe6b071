"""Whether a setting has an effect in a recipe, by what its declaration says."""

from typing import TYPE_CHECKING, Any

from inference.errors import InputError
from pipeline.settings.field import Setting

if TYPE_CHECKING:  # a recipe is changed by what has an effect in it
    from pipeline.settings.recipe import Recipe


def refuse_other_kind(recipe: "Recipe", setting: Setting) -> None:
    """Refuse a setting that recipes of this kind do not use.

    Raises:
        InputError: they do not.
    """
    if recipe.kind not in setting.kinds:
        raise InputError(
            f"{setting.name} has no effect here: only recipes of kind {' or '.join(setting.kinds)} use it. "
            f"Received: {recipe.name}, of kind {recipe.kind}. Leave it out."
        )


def refuse_without_effect(recipe: "Recipe", setting: Setting) -> None:
    """Refuse a setting that has no effect beside the recipe's other settings.

    Raises:
        InputError: names those that it needs.
    """
    if not has_effect(recipe, setting):
        needs = setting.declaration.needs
        names = dict.fromkeys(one.partition("=")[0] for option in _options(needs) for one in option)
        received = ", ".join(f"{name}={value_of(recipe, name)}" for name in names)
        raise InputError(
            f"{setting.name} has no effect here: it needs {needs}. Received: {received}. Leave it out, or change that."
        )


def has_effect(recipe: "Recipe", setting: Setting) -> bool:
    """Tell whether what a setting needs is there."""
    options = _options(setting.declaration.needs)
    return not options or any(all(_holds(recipe, one) for one in option) for option in options)


def value_of(recipe: "Recipe", name: str) -> Any:
    """Return a setting's value: value_of(recipe, "fit.epochs")."""
    section, _, name = name.rpartition(".")
    return getattr(getattr(recipe, section) if section else recipe, name)


def _options(needs: str) -> list[list[str]]:
    """Return the alternatives of "a and b or c", each a list of conditions."""
    return [option.split(" and ") for option in needs.split(" or ")] if needs else []


def _holds(recipe: "Recipe", condition: str) -> bool:
    """Tell whether a condition such as "fit.kind=two_stage" or "patches.negatives" holds."""
    name, _, values = condition.partition("=")
    value = value_of(recipe, name)
    return str(value) in values.split("|") if values else bool(value)
