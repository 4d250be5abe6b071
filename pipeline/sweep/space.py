"""A recipe's `search` -> the settings of each trial.

An entry is (setting, values). Values are "a|b|c", or "LOW..HIGH" for numbers between two positive ones, equally likely
on a logarithmic scale. A number with "*" in front is a multiple of the recipe's own value. Several settings with commas
between them vary together: "fit.epochs,augment.flip" with "1,none|2,horizontal". The name "augment" is the strength of
the augmentation: a multiple of all of its settings that are in use.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.stats import qmc

from inference.errors import InputError
from pipeline.random_generator import make_generator
from pipeline.settings.effect import has_effect
from pipeline.settings.recipe import SETTINGS, Overrides, Recipe, find_setting, override_all

STRENGTH = "augment"
_NOT_STRENGTH = ("augment.flip", "augment.detail")
_SIDE_MULTIPLE = 32  # of relative values of network.input_side: the stride of the trunks


@dataclass(frozen=True)
class Dimension:
    """What varies together.

    name: as the recipe spells it. choices: the values of all settings, as --set takes them, by the text that is shown.
    ends: of a range, instead of choices.
    """

    name: str
    settings: tuple[str, ...]
    choices: dict[str, tuple[str, ...]]
    ends: tuple[float, float] | None = None

    def pick(self, share: float) -> tuple[str, Overrides]:
        """Return the shown value at a position of the dimension, 0 to below 1, and its changes."""
        if self.ends is None:
            shown = list(self.choices)[int(share * len(self.choices))]
            return shown, tuple(zip(self.settings, self.choices[shown], strict=True))
        low, high = map(math.log, self.ends)
        shown = f"{math.exp(low + share * (high - low)):.3g}"
        return shown, ((self.settings[0], shown),)


@dataclass(frozen=True)
class Trial:
    """One set of settings. number: from 1, the recipe's own settings; shown: the value of each dimension by name."""

    number: int
    shown: dict[str, str]
    overrides: Overrides


def search_space(recipe: Recipe, fixed: set[str], changes: Overrides = ()) -> list[Dimension]:
    """Return the dimensions of a recipe's search.

    fixed: settings that the user has chosen; their dimensions are left out, and so are those without effect.
    changes: dimensions added or replaced; with an empty text removed.

    Raises:
        InputError: a dimension is spelled wrongly or has a value that is not allowed; or none is left.
    """
    entries = {**dict(recipe.search), **dict(changes)}
    found = [_parse(name, text, recipe) for name, text in entries.items() if text]
    given = {name for name, _ in changes}
    kept = [one for one in found if one.name in given or (not (fixed & set(one.settings)) and _varies(one, recipe))]
    if not kept:
        raise InputError(
            f"the recipe {recipe.name} has nothing to search. Name settings and values: "
            "--search 'fit.learning_rate=*0.3..*3' --search 'network.input_side=96|128'."
        )
    for one in kept:
        for share in np.linspace(0, 1, max(len(one.choices), 2), endpoint=False):
            override_all(recipe, one.pick(share)[1])  # refuses a value that is not allowed, before any work
    return kept


def draw_trials(recipe: Recipe, space: list[Dimension], count: int) -> list[Trial]:
    """Return the recipe's own settings, then others by a Latin hypercube; fewer if the space holds no more.

    Raises:
        InputError: count is less than 2.
    """
    if count < 2:
        raise InputError(f"--trials must be at least 2: the first has the recipe's own settings. Received: {count}.")
    seen: dict[Overrides, dict[str, str]] = {(): {one.name: _own(one, recipe) for one in space}}
    for shares in _positions(recipe.seed, len(space), count):
        picked = {one.name: one.pick(share) for one, share in zip(space, shares, strict=True)}
        overrides = tuple(change for _, changes in picked.values() for change in changes)
        if override_all(recipe, overrides) != recipe:
            seen.setdefault(overrides, {name: shown for name, (shown, _) in picked.items()})
        if len(seen) == count:
            break
    return [Trial(number, shown, changes) for number, (changes, shown) in enumerate(seen.items(), 1)]


def _positions(seed: int, dimensions: int, count: int) -> Iterator[np.ndarray]:
    """Yield points of several Latin hypercubes, float [dimensions], since some points may be drawn twice."""
    random = make_generator(seed, "sweep")
    for _ in range(20):
        yield from qmc.LatinHypercube(dimensions, rng=random).random(count - 1)


def _own(one: Dimension, recipe: Recipe) -> str:
    values = [_text(recipe.value(name)) for name in one.settings]
    return "1" if one.name == STRENGTH else ",".join(values)


def _varies(one: Dimension, recipe: Recipe) -> bool:
    """Return whether a dimension has an effect in the recipe, and more than one value."""
    effect = all(
        recipe.kind in SETTINGS[name].kinds and has_effect(SETTINGS[name], recipe.value) for name in one.settings
    )
    return effect and bool(one.settings) and (one.ends is not None or len(one.choices) > 1)


def _parse(name: str, text: str, recipe: Recipe) -> Dimension:
    if name == STRENGTH:
        return _strength(text, recipe)
    settings = tuple(find_setting(part.strip()).name for part in name.split(","))
    low, dots, high = text.partition("..")
    if dots:
        ends = _number(low, settings[0], recipe), _number(high, settings[0], recipe)
        if len(settings) > 1 or not 0 < ends[0] < ends[1] or SETTINGS[settings[0]].type is not float:
            raise InputError(f"{name}: LOW..HIGH needs one setting and two positive numbers. Received: {text!r}.")
        return Dimension(name, settings, {}, ends)
    choices = {}
    for choice in text.split("|"):
        values = tuple(choice.split(",")) if len(settings) > 1 else (choice,)
        if len(values) != len(settings):
            raise InputError(f"{name}: each choice needs {len(settings)} values. Received: {choice!r}.")
        values = tuple(_value(value, setting, recipe) for value, setting in zip(values, settings, strict=True))
        choices[",".join(values)] = values
    return Dimension(name, settings, choices)


def _strength(text: str, recipe: Recipe) -> Dimension:
    """Return the dimension of multiples of all settings of the augmentation that are in use."""
    names = [name for name in SETTINGS if name.startswith("augment.") and name not in _NOT_STRENGTH]
    used = tuple(name for name in names if recipe.value(name))
    choices = {}
    for factor in (part.removeprefix("*") for part in text.split("|")):
        values = (f"{_scaled(name, recipe.value(name), _parse_number(factor, name)):.3g}" for name in used)
        choices[factor] = tuple(values)
    return Dimension(STRENGTH, used, choices)


def _scaled(name: str, value: float, factor: float) -> float:
    """Return a multiple that is at most halfway to the setting's upper limit: 0.65 of 1, times 1.5, is 0.825."""
    limits = SETTINGS[name].limits
    return min(value * factor, (value + min(limits.at_most, limits.below)) / 2)


def _value(text: str, setting: str, recipe: Recipe) -> str:
    """Return a choice as --set takes it: a multiple of the recipe's own value becomes that."""
    if not text.startswith("*"):
        return text
    value = _number(text, setting, recipe)
    if SETTINGS[setting].type is not int:
        return f"{value:.3g}"
    step = _SIDE_MULTIPLE if setting == "network.input_side" else 1
    return str(max(round(value / step), 1) * step)


def _number(text: str, setting: str, recipe: Recipe) -> float:
    number = _parse_number(text.removeprefix("*"), setting)
    return number * float(recipe.value(setting)) if text.startswith("*") else number


def _parse_number(text: str, setting: str) -> float:
    try:
        return float(text)
    except ValueError as fault:
        raise InputError(f"{setting}: must be searched by numbers. Received: {text!r}.") from fault


def _text(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
