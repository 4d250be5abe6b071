"""Names of photographs as annotations write them > files under the images folder."""

import posixpath
import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from inference.errors import InputError, printable, quote
from inference.pictures.image_io import image_size
from pipeline.data.file_listing import list_files

_MOST_CANDIDATES = 5  # files that a message names
# What may follow a stem: letters, perhaps digits. `stone 1.2` has no extension, `stone 1.jpg` has.
_EXTENSION = re.compile(r"\.(?=\d*[a-z])[a-z0-9]{1,5}$", re.IGNORECASE)
_Table = dict[str, list[str]]  # key -> paths of photographs


@dataclass(frozen=True)
class PhotoIndex:
    """The files under an images folder, by relative path and by base name, with and without extension.

    Keys are in Unicode's composed form: macOS writes an accent as a separate character, other systems do not.
    """

    folder: Path
    paths: frozenset[str]
    by_path: _Table
    by_path_stem: _Table
    by_name: _Table
    by_name_stem: _Table

    def find(self, name: str) -> str:
        """Return the path of the photograph with this relative path, else the only one with this base name.

        Raises:
            InputError: the name leaves the folder, or no file or several fit.
        """
        return self._find(name, paths=(self.by_path,), names=(self.by_name,))

    def find_by_stem(self, stem: str) -> str:
        """Return the path of the photograph whose name without extension is this one; see find."""
        return self._find(stem, paths=(self.by_path, self.by_path_stem), names=(self.by_name, self.by_name_stem))

    def _find(self, name: str, paths: tuple[_Table, ...], names: tuple[_Table, ...]) -> str:
        if name in self.paths:  # an exact name is never ambiguous, whatever characters it has
            return name
        wanted = unicodedata.normalize("NFC", relative_name(name))
        found = [table[wanted] for table in paths if wanted in table]
        base = posixpath.basename(wanted)
        found += [table[base] for table in names if base in table]
        if not found:
            raise InputError(
                f"a photograph must be in the images folder; nothing there is named "
                f"{quote(name)}. Add it or remove its entries."
            )
        return self._choose(name, found[0])

    def _choose(self, name: str, candidates: list[str]) -> str:
        """Return the only candidate, or the only image among them: labels may lie beside their photograph."""
        if len(candidates) > 1:
            candidates = [path for path in candidates if _is_image(self.folder / path)] or candidates
        if len(candidates) > 1:
            listed = ", ".join(quote(path) for path in candidates[:_MOST_CANDIDATES])
            raise InputError(
                f"a photograph's name must fit one file; {quote(name)} fits {len(candidates)}: {listed}. "
                "Write its path relative to the images folder."
            )
        return candidates[0]


def index_photos(folder: Path) -> PhotoIndex:
    """List the files under a folder once; none is opened.

    Raises:
        InputError: the folder does not exist.
    """
    if not folder.is_dir():
        raise InputError(f"images must be a folder; received {printable(str(folder))}. Check the path.")
    paths = list_files(folder)
    return PhotoIndex(
        folder,
        frozenset(paths),
        by_path=_tabulate(paths, lambda path: path),
        by_path_stem=_tabulate(paths, drop_extension),
        by_name=_tabulate(paths, posixpath.basename),
        by_name_stem=_tabulate(paths, lambda path: drop_extension(posixpath.basename(path))),
    )


def relative_name(name: str) -> str:
    """Return a written name as a plain relative posix path: `.\\a/../b.jpg` gives `b.jpg`.

    Raises:
        InputError: the name is absolute or leads out of the folder.
    """
    plain = posixpath.normpath(name.replace("\\", "/"))
    if plain.startswith(("/", "../")) or plain in (".", "..") or re.match("[a-z]:/", plain, re.IGNORECASE):
        raise InputError(
            f"a photograph's name must stay inside the images folder; received {quote(name)}. "
            "Write its path relative to that folder."
        )
    return plain


def _tabulate(paths: Iterable[str], key: Callable[[str], str]) -> _Table:
    table: _Table = defaultdict(list)
    for path in paths:
        table[unicodedata.normalize("NFC", key(path))].append(path)
    return dict(table)


def drop_extension(path: str) -> str:
    """Return a path without its extension: `stone 1.jpg` gives `stone 1`, and `stone 1.2` stays."""
    return _EXTENSION.sub("", path)


def _is_image(path: Path) -> bool:
    try:
        image_size(path)
    except InputError:
        return False
    return True
