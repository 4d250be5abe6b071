"""Whether a setting has an effect, given the other settings and its declaration."""

from collections.abc import Callable
from typing import Any

from inference.errors import InputError
from pipeline.settings.field import Setting

Values = Callable[[str], Any]  # from a setting's name to its value


def has_effect(setting: Setting, values: Values) -> bool:
    """Return whether a setting's needs are met."""
    options = _options(setting)
    return not options or any(all(_holds(one, values) for one in option) for option in options)


def refuse_without_effect(setting: Setting, values: Values) -> None:
    """Refuse a setting that has no effect with the recipe's other settings.

    Raises:
        InputError: names the settings that it needs.
    """
    if not has_effect(setting, values):
        names = dict.fromkeys(one.partition("=")[0] for option in _options(setting) for one in option)
        received = ", ".join(f"{name}={values(name)}" for name in names)
        raise InputError(
            f"{setting.name} has no effect here: it needs {setting.declaration.needs}. Received: {received}. "
            "Leave it out, or change the other setting."
        )


def _options(setting: Setting) -> list[list[str]]:
    """Return the alternatives of "a and b or c", each a list of conditions."""
    needs = setting.declaration.needs
    return [option.split(" and ") for option in needs.split(" or ")] if needs else []


def _holds(condition: str, values: Values) -> bool:
    """Return whether a condition such as "fit.kind=two_stage" or "patches.negatives" holds."""
    name, _, allowed = condition.partition("=")
    return str(values(name)) in allowed.split("|") if allowed else bool(values(name))
