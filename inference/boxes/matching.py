"""A photograph's name as a file of boxes writes it -> the one file that is meant, tried from strict to lenient."""

import posixpath
import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from ..errors import InputError, quote
from ..pictures.listing import printable

_MOST_CANDIDATES = 5  # files that a message names
_MOST_EXAMPLES = 3  # lenient fits that a note names
# What may follow a stem: letters, perhaps digits. `stone 1.2` has no extension, `stone 1.jpg` has.
_EXTENSION = re.compile(r"\.(?=\d*[a-z])[a-z0-9]{1,5}$", re.IGNORECASE)
_LABEL_STUDIO = re.compile(r"^[0-9a-f]{8}-(?=.)")  # what it puts before the name of an uploaded file
_NOT_UPLOADED = re.compile(r"[^-\w.]")  # what it drops from that name; blanks become underscores
_LABEL_STUDIO_FOLDER = "/data/local-files/?d="
_LABEL_SUFFIXES = (".txt", ".xml", ".json")
_QUERY = re.compile(r"(?<=\w)\?[^/]*$")  # of an address

_NO_PREFIX = "without Label Studio's prefix"

_Key = Callable[[str], str]
_Table = dict[str, list[tuple[str, str]]]  # base name -> (whole key, path)


class NothingFitsError(InputError):
    """Report a name that no file fits."""


@dataclass(frozen=True)
class Fit:
    """The file that a written name means. how: why it fits although it is spelled otherwise; "" for its own name."""

    path: str
    how: str = ""


@dataclass(frozen=True)
class _Level:
    """One leniency: what of a written name and of a file's path is compared."""

    how: str
    of_name: _Key
    of_file: _Key


def plain_name(name: str) -> str:
    r"""Return the normalized spelling by which names are compared: `.\a\b.jpg` gives `a/b.jpg`, accents are composed.

    macOS writes an accent as a separate character, other systems do not.
    """
    return unicodedata.normalize("NFC", posixpath.normpath(name.replace("\\", "/")))


def drop_extension(path: str) -> str:
    """Return a path without its extension: `stone 1.jpg` gives `stone 1`, and `stone 1.2` stays."""
    return _EXTENSION.sub("", path)


def readable(name: str) -> str:
    """Return a name with bytes that are not UTF-8 read as Windows-1252, which Excel writes in western Europe."""
    return name.encode("utf-8", "surrogateescape").decode("cp1252", "replace") if printable(name) != name else name


def _same(name: str) -> str:
    return name


def _drop_prefix(name: str) -> str:
    folder, base = posixpath.split(name)
    return posixpath.join(folder, _LABEL_STUDIO.sub("", base))


def _as_uploaded(name: str) -> str:
    """Return a path with its base name as Label Studio stores it: `a b (1).jpg` gives `a_b_1.jpg`."""
    folder, base = posixpath.split(name)
    return posixpath.join(folder, _NOT_UPLOADED.sub("", base.strip().replace(" ", "_")))


def _bare_as_uploaded(name: str) -> str:
    return drop_extension(_as_uploaded(name))


def _bare_without_prefix(name: str) -> str:
    return _drop_prefix(drop_extension(name))


def _bare_folded(name: str) -> str:
    return drop_extension(name).casefold()


_EXACT = _Level("", _same, _same)
_CASE = _Level("in other case", str.casefold, str.casefold)
_STEM = _Level("", _same, drop_extension)
_STEM_CASE = _Level("in other case", str.casefold, _bare_folded)
_NO_EXTENSION = (
    _Level("without extension", _same, drop_extension),
    _Level("without extension and in other case", str.casefold, _bare_folded),
)
_OTHER_EXTENSION = (
    _Level("with another extension", drop_extension, drop_extension),
    _Level("with another extension and in other case", _bare_folded, _bare_folded),
)
_PREFIX = _Level("with Label Studio's prefix", _same, _drop_prefix)
_STEM_PREFIX = _Level("with Label Studio's prefix", _same, _bare_without_prefix)
_UPLOADED = _Level("as Label Studio spells it", _same, _as_uploaded)
_STEM_UPLOADED = _Level("as Label Studio spells it", _same, _bare_as_uploaded)
_BY_NAME = ((_EXACT, _CASE), *((level,) for level in (*_NO_EXTENSION, *_OTHER_EXTENSION, _PREFIX)))
_BY_STEM = ((_EXACT, _STEM, _CASE, _STEM_CASE), *((level,) for level in (*_OTHER_EXTENSION, _STEM_PREFIX)))


class PhotoMatcher:
    """The files that names may mean; no name leads to any other file.

    paths: of the files, relative, posix. is_photo: tells a photograph among files of one stem, such as its labels.
    """

    def __init__(self, paths: Iterable[str], is_photo: Callable[[str], bool] = lambda path: True) -> None:
        self.paths = frozenset(paths)
        self._is_photo = is_photo
        self._tables: dict[_Key, _Table] = {}

    def find(self, name: str, others: Collection[str] = (), by_stem: bool = False) -> Fit:
        """Return the only file that fits a name, by the strictest rule that any file fits.

        others: names without extension that it may have instead, such as that of its annotation file.
        by_stem: the name is written without extension.

        Raises:
            InputError: no file or several fit.
        """
        if name in self.paths:  # an exact name is never ambiguous, whatever characters it has
            return Fit(name)
        for how, spelled, stem in _spellings(name, others, by_stem):
            fit = self._find(spelled, how, stem)
            if fit is not None:
                return fit
        raise NothingFitsError(
            f"a photograph must be in the images folder; nothing there is named {quote(readable(name))}. "
            "Add it or remove its entries."
        )

    def _find(self, name: str, spelling: str, by_stem: bool) -> Fit | None:
        wanted = plain_name(name)
        levels_of = _BY_STEM if by_stem else _BY_NAME
        if spelling == _NO_PREFIX:
            levels_of = (*levels_of, (_STEM_UPLOADED if by_stem else _UPLOADED,))
        for levels in levels_of:
            for whole in (True, False):
                for level in levels:
                    found = self._look_up(level, level.of_name(wanted), whole)
                    if level is not _EXACT:  # the others find labels beside a photograph too
                        found = [path for path in found if not path.lower().endswith(_LABEL_SUFFIXES)]
                    if level.how:
                        found = [path for path in found if self._is_photo(path)]
                    if found:
                        hows = (spelling, "by the end of its path" if not whole else "", level.how)
                        return Fit(self._choose(name, found), " and ".join(filter(None, hows)))
        return None

    def _look_up(self, level: _Level, wanted: str, whole: bool) -> list[str]:
        """Return the files of this path, or else those that share most of its end, from the base name upwards."""
        same_base = self._table(level.of_file).get(posixpath.basename(wanted), [])
        if whole:
            return [path for key, path in same_base if key == wanted]
        shared = [_shared_end(key, wanted) for key, _ in same_base]
        return [path for (_, path), length in zip(same_base, shared, strict=True) if length == max(shared)]

    def _table(self, key: _Key) -> _Table:
        if key not in self._tables:
            table: _Table = {}
            for path in sorted(self.paths):
                whole = key(plain_name(path))
                table.setdefault(posixpath.basename(whole), []).append((whole, path))
            self._tables[key] = table
        return self._tables[key]

    def _choose(self, name: str, candidates: list[str]) -> str:
        """Return the only candidate, or the only photograph among them: labels may lie beside it."""
        if len(candidates) > 1:
            candidates = [path for path in candidates if self._is_photo(path)] or candidates
        if len(candidates) > 1:
            listed = ", ".join(quote(path) for path in candidates[:_MOST_CANDIDATES])
            raise InputError(
                f"a photograph's name must fit one file; {quote(readable(name))} fits {len(candidates)}: {listed}. "
                "Write its path relative to the images folder."
            )
        return candidates[0]


def find_rivals(fits: Mapping[str, Fit]) -> list[str]:
    """Return names that fit a file only leniently while another name fits it too.

    With 1.jpg alone on disk, `train/1.jpg` and `test/1.jpg` are rivals: at most one of them is that photograph.
    """
    names_of: dict[str, list[str]] = {}
    for name, fit in fits.items():
        names_of.setdefault(fit.path, []).append(name)
    rivals = []
    for names in names_of.values():
        plain = {name: plain_name(name) for name in names}
        if len(set(plain.values())) > 1:
            exact = {plain[name] for name in names if not fits[name].how}
            rivals += [name for name in names if len(exact) > 1 or plain[name] not in exact]
    return rivals


def refuse_rival(name: str, path: str) -> str:
    """Return the message for a name of which find_rivals has told that it may not have the file at path."""
    return (
        f"two photographs can't be one file; {quote(readable(name))} and another name both fit {quote(path)}. "
        "Write their paths relative to the images folder."
    )


def describe_fits(fits: Mapping[str, Fit]) -> list[str]:
    """Return a note for each kind of lenient fit: how many there are, with examples."""
    kinds: dict[str, list[str]] = {}
    for name, fit in fits.items():
        if fit.how:
            kinds.setdefault(fit.how, []).append(f"{quote(readable(name))} is {quote(fit.path)}")
    return [
        f"{len(examples)} of {len(fits)} photographs found {how}: {', '.join(examples[:_MOST_EXAMPLES])}"
        + (" ..." if len(examples) > _MOST_EXAMPLES else "")
        for how, examples in kinds.items()
    ]


def _spellings(name: str, others: Collection[str], by_stem: bool) -> list[tuple[str, str, bool]]:
    """Return how, spelling and whether it is a stem, for each way to read a name, strict first, without repeats."""
    text = readable(name)
    address = _QUERY.sub("", name) if _LABEL_STUDIO_FOLDER not in name else name.split(_LABEL_STUDIO_FOLDER)[1]
    spellings = [
        ("", name, by_stem),
        ("", printable(name), by_stem),
        ("without blanks around it", name.strip(), by_stem),
        *(("by the name of its annotation file", other, True) for other in others),
        ("percent-decoded", unquote(name), by_stem),
        ("as the path in an address", unquote(address), by_stem),
        ("read as Windows-1252", text, by_stem),
        (_NO_PREFIX, _drop_prefix(unquote(address).replace("\\", "/")), by_stem),
    ]
    first = {spelled: (how, spelled, stem) for how, spelled, stem in reversed(spellings)}
    return [entry for entry in spellings if first[entry[1]] == entry]


def _shared_end(one: str, other: str) -> int:
    """Return how many parts two paths share, counted from their end."""
    pairs = zip(reversed(one.split("/")), reversed(other.split("/")), strict=False)
    return next((length for length, (a, b) in enumerate(pairs) if a != b), min(one.count("/"), other.count("/")) + 1)
