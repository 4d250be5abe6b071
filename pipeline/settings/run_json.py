"""The JSON files of a run -> values; what a user has changed or damaged in one is an InputError that names it."""

import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from inference.errors import InputError, quote

Rule = tuple[str, Callable[[Any], bool]]  # what a value must be, in words, and whether it is


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


_TEXT: Rule = ("a text", lambda value: isinstance(value, str))
_PATH: Rule = ("a path or null", lambda value: value is None or (isinstance(value, str) and "\0" not in value))
_COUNT: Rule = ("a whole number", lambda value: type(value) is int and value >= 0)
_NUMBER: Rule = ("a number", _is_number)
_POSITIVE: Rule = ("a number above 0", lambda value: _is_number(value) and value > 0)
_SHARE: Rule = ("a number from 0 to 1", lambda value: _is_number(value) and 0 <= value <= 1)
_OBJECT: Rule = ("an object", lambda value: isinstance(value, dict))
_TEXTS: Rule = (
    "a list of texts",
    lambda value: isinstance(value, list) and all(isinstance(one, str) for one in value),
)
RULES: Mapping[str, Mapping[str, Rule]] = {
    "source.json": dict.fromkeys(("annotations", "crops", "groups", "images", "masks", "test"), _PATH)
    | {"runs": _TEXT},
    "environment.json": {"revision": _TEXT, "packages": _OBJECT},
    "data.json": {
        "refused": _TEXTS,
        "patches": _PATH,
        "kind": _TEXT,
        "clipped_boxes": _COUNT,
        "shuffle_seed": _COUNT,
        "notes": _TEXTS,
    },
    "fit.json": {"epochs": _COUNT, "best_epoch": _COUNT, "seconds": _NUMBER},
    "calibration.json": {
        "temperature": _POSITIVE,
        "threshold": _SHARE,
        "score_threshold": _NUMBER,
        "score_width": _POSITIVE,
    },
    "names.json": {"labels": _TEXTS},
    "parity.json": {},
    "report.json": {},
    "crossval_settings.json": {"folds": _COUNT, "recipe": _OBJECT, "source": _OBJECT},
}
_MAY_BE_NULL = ("names.json",)  # of a run without example regions


class StoredObject(dict[str, Any]):
    """An object of a JSON file; asking for a key that it lacks is an InputError."""

    path, remedy = Path(), ""

    def __missing__(self, key: str) -> Any:
        raise InputError(f"{self.path}: must have {key!r} and has not. {self.remedy}")


def read_json(path: Path, remedy: str) -> Any:
    """Return the content of a JSON file written by an earlier stage; its known values are as RULES says.

    Raises:
        InputError: the file is missing, no JSON, or a value is of another kind; remedy names the stage that makes it.
            So is, later, a key that is asked for and missing.
    """
    if not path.is_file():
        raise InputError(f"{path}: does not exist. {remedy}")

    def make_object(values: dict[str, Any]) -> StoredObject:
        made = StoredObject(values)
        made.path, made.remedy = path, remedy
        return made

    try:
        content = json.loads(path.read_text(encoding="utf-8", errors="surrogateescape"), object_hook=make_object)
    except (OSError, ValueError, RecursionError) as fault:
        raise InputError(f"{path}: is no JSON: {fault}. {remedy}") from fault
    if content is None and path.name in _MAY_BE_NULL:
        return None
    if path.name in RULES and not isinstance(content, dict):
        raise InputError(f"{path}: must hold an object. Received: {quote(content)}. {remedy}")
    for key, (words, holds) in RULES.get(path.name, {}).items():
        if key in content and not holds(content[key]):
            raise InputError(f"{path}: {key} must be {words}. Received: {quote(content[key])}. {remedy}")
    return content
