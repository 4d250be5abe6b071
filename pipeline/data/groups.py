"""A user's groups of photographs, such as views of one specimen -> the group numbers of each photograph."""

import json
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from inference.errors import InputError


@dataclass(frozen=True)
class PhotoGroups:
    """Lists of photographs that must be in one split, by name with or without extension."""

    lists: tuple[tuple[str, ...], ...] = ()

    def numbers(self) -> dict[str, tuple[int, ...]]:
        """Return the group numbers of each name."""
        found: dict[str, tuple[int, ...]] = {}
        for number, names in enumerate(self.lists):
            for name in names:
                found[name] = (*found.get(name, ()), number)
        return found


NO_GROUPS = PhotoGroups()


def groups_of(photo: str, numbers: dict[str, tuple[int, ...]]) -> tuple[int, ...]:
    """Return the group numbers of a photograph, from PhotoGroups.numbers()."""
    bare = str(PurePosixPath(photo).with_suffix(""))
    return tuple(sorted({*numbers.get(photo, ()), *numbers.get(bare, ())}))


def read_photo_groups(path: Path | None) -> PhotoGroups:
    """Read a JSON list of lists of names; None gives no groups. Names of missing photographs are allowed.

    Raises:
        InputError: the file does not exist or has another content.
    """
    if path is None:
        return NO_GROUPS
    rule = 'must be a JSON list of lists of photographs\' names, as in [["a.jpg", "b.jpg"]]'
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as fault:
        raise InputError(f"{path}: {rule}. Received: {fault}. Correct the file given to --groups.") from fault
    invalid = _first_invalid(content)
    if invalid is not None:
        raise InputError(f"{path}: {rule}. Received: {invalid}. Correct the file given to --groups.")
    return PhotoGroups(tuple(tuple(names) for names in content))


def _first_invalid(content: object) -> str | None:
    """Return the first entry that is not a list of names, shortened; None if all are valid."""
    if not isinstance(content, list):
        return _short(content)
    for number, names in enumerate(content, start=1):
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            return f"{_short(names)} as group {number}"
    return None


def _short(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= 80 else f"{text[:80]}..."
