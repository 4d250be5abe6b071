"""Reports as frozen dataclasses <-> JSON files, including files of earlier versions."""

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from inference.errors import InputError, quote
from pipeline.report.old_names import modern
from pipeline.settings.run_folder import read_json

Section = TypeVar("Section")
_SCALARS: dict[Any, tuple[type, ...]] = {float: (int, float), int: (int,), str: (str,), bool: (bool,)}


def section_text(section: Any) -> str:
    """Return a report, or a part of one, as JSON with sorted keys; optional parts that are None are left out.

    Raises:
        ValueError: it holds NaN or infinity, which JSON can't represent; undefined values are None.
    """
    return json.dumps(section, default=_plain, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


def read_section(kind: type[Section], path: Path, remedy: str, key: str | None = None) -> Section:
    """Read a report, or a part of one, written by this or an earlier version of the program.

    key: of the file's object, where the section is one of its values.

    Raises:
        InputError: the file is missing, lacks a required field or has one of another type; remedy names the stage that
            makes it.
    """
    content = read_json(path, remedy)
    try:
        return parse_section(kind, content if key is None else content[key])
    except (AttributeError, KeyError, TypeError, ValueError) as fault:
        raise InputError(f"{path}: is damaged or of another version: {fault}. {remedy}") from fault


def parse_section(kind: type[Section], values: Any) -> Section:
    """Return JSON values as a dataclass; unknown keys are ignored.

    Raises:
        TypeError: a field without a default is missing, or a number or text is of another type.
    """
    parsed: Section = _parse(kind, modern(values))
    return parsed


def _plain(section: Any) -> dict[str, Any]:
    """Return the fields of a dataclass as a dict; json calls this for nested dataclasses too."""
    values = {one: getattr(section, one.name) for one in fields(section)}
    return {one.name: value for one, value in values.items() if value is not None or one.default is not None}


def _parse(kind: Any, value: Any) -> Any:
    """Return a JSON value as the declared type of a field."""
    origin, arguments = get_origin(kind), get_args(kind)
    if value is None:
        return None
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        return kind(**{one.name: _parse(hints[one.name], value[one.name]) for one in fields(kind) if one.name in value})  # type: ignore[operator]
    if origin in (Union, UnionType):
        return _parse(next(one for one in arguments if one is not type(None)), value)
    if origin is tuple:
        return tuple(_parse(arguments[0], item) for item in value)
    if origin in (dict, Mapping):
        return {key: _parse(arguments[1], item) for key, item in value.items()}
    if kind in _SCALARS and type(value) not in _SCALARS[kind]:
        raise TypeError(f"{quote(value)} is no {kind.__name__}")
    return value
