"""The declarations of settings -> what `python -m pipeline settings RECIPE` prints, and docs/settings.md.

python -m pipeline.settings.documentation > docs/settings.md
"""

import textwrap
from collections.abc import Iterator
from dataclasses import MISSING
from typing import Any, get_type_hints

from pipeline.settings.effect import has_effect
from pipeline.settings.field import Setting
from pipeline.settings.old_names import REMOVED, RENAMED
from pipeline.settings.recipe import SECTIONS, SETTINGS, Recipe

_WIDTH = 100  # characters of a printed line
_HEAD = """\
# Settings

Made by `python -m pipeline.settings.documentation` from what is declared in `pipeline/settings/sections.py` and
`pipeline/settings/anomaly.py`.

A recipe holds a value for each setting; `--set section.name=value` changes one for a run. Words are written with commas
between them, or as a JSON list where one holds a comma: `--set labels='["a, b", "c"]'`. A setting without effect in the
recipe is refused: the last column says which kinds of recipe use it, and what it needs beside it. The defaults are the
program's; the verb `settings` of `python -m pipeline` prints the values of a recipe.
"""
_TABLE = ("| setting | default | values | meaning | used by |", "|---|---|---|---|---|")


def describe_settings(recipe: Recipe) -> list[str]:
    """Return the settings that a recipe's kind uses as lines of text: name, value, meaning, range."""
    return [line for one in SETTINGS.values() if recipe.kind in one.kinds for line in _describe(one, recipe)]


def settings_page() -> str:
    """Return docs/settings.md."""
    types = get_type_hints(Recipe)
    lines = [_HEAD, *_section("", "The recipe as a whole.")]
    lines += [line for name in SECTIONS for line in _section(name, types[name].__doc__.splitlines()[0])]
    lines += ["## Earlier names\n", "| earlier | now |", "|---|---|"]
    lines += [f"| `{old}` | `{new}` |" for old, new in RENAMED.items()] + [f"| `{old}` | removed |" for old in REMOVED]
    return "\n".join(lines) + "\n"


def _describe(setting: Setting, recipe: Recipe) -> Iterator[str]:
    stated, values = setting.declaration, _values(setting)
    text = f"{stated.meaning} [{values}]" if values else stated.meaning
    effect = "" if has_effect(setting, recipe.value) else f"; no effect here: it needs {stated.needs}"
    yield f"{setting.name} = {_as_text(recipe.value(setting.name))}"
    yield from textwrap.wrap(text + effect, _WIDTH, initial_indent="    ", subsequent_indent="    ")


def _section(name: str, meaning: str) -> Iterator[str]:
    yield from (f"## {name or 'recipe'}\n", f"{meaning}\n", *_TABLE)
    for one in SETTINGS.values():
        if one.name.rpartition(".")[0] == name:
            stated = one.declaration
            users = ", ".join(one.kinds) + (f"; needs `{stated.needs}`" if stated.needs else "")
            default = "" if one.default in (MISSING, "") else f"`{_as_text(one.default)}`"
            cells = (f"`{one.name}`", default, _values(one), stated.meaning, users)
            yield " | ".join(("", *(cell.replace("|", r"\|") for cell in cells), "")).strip()
    yield ""


def _values(setting: Setting) -> str:
    return ", ".join(filter(None, (setting.rule, setting.declaration.unit)))


def _as_text(value: Any) -> str:
    """Return a value as --set takes it."""
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


if __name__ == "__main__":
    print(settings_page(), end="")
