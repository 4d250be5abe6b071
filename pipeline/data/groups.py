"""A user's groups of photographs, such as views of one specimen -> the group numbers of each photograph."""

import contextlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from inference.boxes.matching import Fit, PhotoMatcher, describe_fits
from inference.errors import InputError, printable
from pipeline.data.file_listing import photo_name


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
    return tuple(sorted({*numbers.get(photo, ()), *numbers.get(photo_name(photo), ())}))


def fit_groups(groups: PhotoGroups, photos: Collection[str]) -> tuple[PhotoGroups, list[str]]:
    """Return the groups with the photographs' own names, and notes about names that are spelled otherwise or fit none.

    Names are matched as those of annotations are, see PhotoMatcher: they may have backslashes or folders in front.

    Raises:
        InputError: no name fits a photograph.
    """
    matcher = PhotoMatcher(photos)
    known = matcher.paths | set(map(photo_name, photos))
    names = {name for listed in groups.lists for name in listed}
    fits: dict[str, Fit] = {}
    for name in sorted(names - known):
        with contextlib.suppress(InputError):  # none or several fit
            fits[name] = Fit(photo_name(name)) if photo_name(name) in matcher.paths else matcher.find(name)
    unknown = sorted(names - known - set(fits))
    if unknown and len(unknown) == len(names):
        raise InputError(
            f"--groups must name photographs as {printable(min(photos, default='a.jpg'))} is named. Received: "
            f"{len(unknown)} names, of which none fits a photograph, for example {printable(unknown[0])}. Correct the "
            "names, or leave --groups out."
        )
    fitted = tuple(tuple(fits[name].path if name in fits else name for name in listed) for listed in groups.lists)
    notes = [f"--groups: {note}" for note in describe_fits(fits)]
    if unknown:
        example = printable(unknown[0])
        notes.append(f"{len(unknown)} of {len(names)} names of --groups fit no photograph, for example {example}")
    return PhotoGroups(fitted), notes


def describe_separated(groups: PhotoGroups, given: Mapping[str, str]) -> list[str]:
    """Return a note about the groups that given splits (photograph -> split) separate; none without such groups."""
    numbers = groups.numbers()
    members: dict[int, dict[str, str]] = {}  # number -> split -> its first photograph
    for photo, split in given.items():
        for number in groups_of(photo, numbers):
            members.setdefault(number, {}).setdefault(split, photo)
    separated = [splits for splits in members.values() if len(splits) > 1]
    if not separated:
        return []
    shown = " and ".join(f"{printable(photo)} ({split})" for split, photo in separated[0].items())
    count = "1 group" if len(separated) == 1 else f"{len(separated)} groups"
    return [f"the splits that the data give are kept, but they separate {count} of photographs, for example {shown}"]


def read_photo_groups(path: Path | None) -> PhotoGroups:
    """Read a JSON list of lists of names, see fit_groups; None gives no groups.

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
