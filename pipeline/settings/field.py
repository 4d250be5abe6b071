"""The declaration of a setting: its default, meaning, limits, unit, and the recipes in which it has an effect.

The checks of a recipe, `python -m pipeline settings` and docs/settings.md are all derived from these declarations.
"""

import math
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

Kind = Literal["classification", "anomaly"]
KINDS: tuple[Kind, ...] = get_args(Kind)
T = TypeVar("T")


@dataclass(frozen=True)
class Limits:
    """The allowed values of a setting; the words of a list must be different, and each must be allowed.

    at_least and at_most are inclusive, above and below exclusive. multiple_of: of an integer. or_zero: 0 is allowed
    too. or_empty: a list may be empty. choices: the only allowed values.
    """

    at_least: float = -math.inf
    above: float = -math.inf
    at_most: float = math.inf
    below: float = math.inf
    multiple_of: int = 1
    or_zero: bool = False
    or_empty: bool = False
    choices: tuple[Any, ...] = ()

    def allow(self, value: Any) -> bool:
        """Return whether a value is within the limits.

        Raises:
            TypeError: a number is required.
        """
        if isinstance(value, tuple):
            different = len(set(value)) == len(value) and bool(value or self.or_empty)
            return different and all(self._allow_one(one) for one in value)
        return self._allow_one(value)

    def _allow_one(self, value: Any) -> bool:
        if self in (ANY, ANY_LIST) or (self.or_zero and value == 0):
            return True
        if self.choices:
            return value in self.choices
        inside = self.at_least <= value <= self.at_most and self.above < value < self.below
        return inside and (self.multiple_of == 1 or value % self.multiple_of == 0)

    def __str__(self) -> str:
        """Return the limits in words that follow "must be": "at least 0 and less than 1"."""
        if self.choices:
            return f"one of {', '.join(map(str, self.choices))}"
        least = "positive" if self.above == 0 else f"more than {self.above}"
        words = [
            *([f"a multiple of {self.multiple_of}"] if self.multiple_of > 1 else []),
            *([f"at least {self.at_least}"] if self.at_least > -math.inf else []),
            *([least] if self.above > -math.inf else []),
            *([f"at most {self.at_most}"] if self.at_most < math.inf else []),
            *([f"less than {self.below}"] if self.below < math.inf else []),
        ]
        return "0 or " * self.or_zero + " and ".join(words)


ANY = Limits()
ANY_LIST = Limits(or_empty=True)
SHARE = Limits(at_least=0, at_most=1)
NOT_NEGATIVE = Limits(at_least=0)
POSITIVE = Limits(above=0)
ONE_OR_MORE = Limits(at_least=1)
SEED = Limits(at_least=0, below=2**32)


@dataclass(frozen=True)
class Declaration:
    """The documentation of a setting.

    used_by: kinds of recipe in which it has an effect; empty: all that use its section. needs: settings required for an
    effect, for example "fit.kind=two_stage", or "patches.negatives" for any value except 0; conditions are joined by
    "and" and "or", alternative values by "|".
    """

    meaning: str
    limits: Limits
    unit: str
    used_by: tuple[Kind, ...]
    needs: str


def setting(
    default: T,
    meaning: str,
    limits: Limits = ANY,
    *,
    unit: str = "",
    used_by: tuple[Kind, ...] = (),
    needs: str = "",
) -> T:
    """Return a dataclass field with its documentation; for the parameters see Declaration."""
    made: Any = field(default=default, metadata={"declaration": Declaration(meaning, limits, unit, used_by, needs)})
    return made


def required(meaning: str, limits: Limits = ANY, used_by: tuple[Kind, ...] = ()) -> Any:
    """Return a dataclass field without a default, with its documentation."""
    return field(metadata={"declaration": Declaration(meaning, limits, "", used_by, "")})


@dataclass(frozen=True)
class Setting:
    """One setting of a recipe: its name with its section, its type and its declaration.

    kinds: the kinds of recipe in which it has an effect.
    """

    name: str
    type: Any
    default: Any
    kinds: tuple[Kind, ...]
    declaration: Declaration

    @property
    def limits(self) -> Limits:
        """The allowed values."""
        return Limits(choices=get_args(self.type)) if get_origin(self.type) is Literal else self.declaration.limits

    @property
    def rule(self) -> str:
        """The allowed values in words that follow "must be"."""
        if self.type is bool:
            return "true or false"
        words = str(self.limits)
        if get_origin(self.type) is tuple:
            return f"different words with commas between them{words and f', each {words}'}"
        return words


def sections_of(recipe: type) -> dict[str, tuple[Kind, ...]]:
    """Return the sections of a recipe by name, with the kinds of recipe that use each."""
    hints = get_type_hints(recipe).items()
    return {name: _kinds_of(section) for name, section in hints if is_dataclass(section)}


def settings_of(recipe: type) -> dict[str, Setting]:
    """Return the settings that an override may change, by name: labels, seed, then those of the sections."""
    whole = {one.name: one for one in _declared(recipe, "")}
    sections = {name: section for name, section in get_type_hints(recipe).items() if is_dataclass(section)}
    listed = [one for name, section in sections.items() for one in _declared(section, f"{name}.")]
    return {name: whole[name] for name in ("labels", "seed")} | {one.name: one for one in listed}


def _declared(section: Any, prefix: str) -> list[Setting]:
    types, kinds = get_type_hints(section), _kinds_of(section)
    return [
        Setting(f"{prefix}{entry.name}", types[entry.name], entry.default, stated.used_by or kinds, stated)
        for entry in fields(section)
        if (stated := entry.metadata.get("declaration")) is not None
    ]


def _kinds_of(section: Any) -> tuple[Kind, ...]:
    """Return the kinds of recipe that use a section, by default all."""
    return getattr(section, "kinds", KINDS)
