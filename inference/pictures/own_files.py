"""What a run writes -> what is left out where its pictures are listed, and what a user is told of it."""

import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

_MOST_SAID = 10  # names in a remark


class OwnFiles:
    """Files and folders that a run writes.

    left_out: those that were met among the pictures.
    links: linked folders that were met among the pictures and not entered.
    """

    def __init__(self, paths: Iterable[Path | None] = ()) -> None:
        """Take the paths that are not None."""
        self._names: dict[str, set[str]] = defaultdict(set)  # by resolved folder
        for path in paths:
            if path is not None:
                self._names[os.path.realpath(path.parent)].add(path.name)
        self.left_out: set[str] = set()
        self.links: set[str] = set()

    def remarks(self) -> list[str]:
        """Return what to tell the user of what was left out."""
        reasons = {
            "not among the pictures, because this run writes there": self.left_out,
            "linked folders are not entered; give them as arguments": self.links,
        }
        return [f"{reason}: {_list_some(sorted(names))}" for reason, names in reasons.items() if names]

    def leave_out(self, folder: str, names: Iterable[str]) -> list[str]:
        """Return the other names of a folder's entries."""
        own = self._names.get(os.path.realpath(folder)) if self._names else None
        if not own:
            return list(names)
        others = []
        for name in names:
            if name in own:
                self.left_out.add(str(Path(folder, name)))
            else:
                others.append(name)
        return others

    def others(self, paths: Sequence[Path], root: Path) -> list[Path]:
        """Return the paths that are not own files and lie in no own folder below root."""
        if not self._names:
            return list(paths)
        return [path for path in paths if self._is_other(path, root)]

    def _is_other(self, path: Path, root: Path) -> bool:
        inside = [parent for parent in path.parents if parent != root and root in parent.parents]
        return all(self.leave_out(str(place.parent), [place.name]) for place in (*reversed(inside), path))


def _list_some(names: list[str]) -> str:
    more = f" and {len(names) - _MOST_SAID} more" if len(names) > _MOST_SAID else ""
    return ", ".join(names[:_MOST_SAID]) + more
