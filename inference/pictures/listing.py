"""What the command line was given -> the pictures to classify, each with the key of its result."""

import codecs
import contextlib
import functools
import glob
import hashlib
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ..errors import InputError
from .archive import is_archive, open_archive, read_at_most, read_member, with_slashes
from .limits import DEFAULT_LIMITS, NO_MEMORY, Limits
from .own_files import OwnFiles
from .system_files import is_passed_over

Stamp = tuple[int, int]
STDIN = "-"
_HERE = Path()
_DIGEST_BYTES = 12  # among a million digests two alike by chance are one in 10^17


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture: the key of its result, the file, and its name inside where the file is a zip archive."""

    key: str
    path: Path
    member: str = ""

    def __str__(self) -> str:
        return printable(f"{self.path}/{self.member}" if self.member else str(self.path))

    def stamp(self) -> Stamp | None:
        """Return size in bytes and time of change in ns of the file, or of the archive; None where it can't be read."""
        try:
            status = self.path.stat()
        except OSError:
            return None
        return status.st_size, status.st_mtime_ns

    def read(self, limits: Limits = DEFAULT_LIMITS) -> bytes:
        """Return the encoded picture.

        Raises:
            InputError: it can't be read or has more than limits.bytes.
        """
        try:
            if self.member:
                return read_member(self.path, self.member, limits)
            with self.path.open("rb") as file:
                return read_at_most(file, os.fstat(file.fileno()).st_size, limits)
        except IsADirectoryError:
            raise InputError("is a folder that is not searched. Make it readable, or give it as an argument.") from None
        except MemoryError as fault:
            raise InputError(NO_MEMORY) from fault
        except OSError as fault:
            raise InputError(f"cannot be read: {fault.strerror or fault}.") from fault


class Listing:
    """The pictures of all arguments in a fixed order: counted at once, then listed anew by each iteration.

    A folder is searched recursively and its keys are posix paths relative to it; so are those of a zip archive's
    members and of what a pattern like "photos/**/*.jpg" matches, relative to the part before the first wildcard. A
    file's key is its name, that of a line of standard input ("-") the line. Hidden files and folders are left out, and
    so is what operating systems add (Thumbs.db, desktop.ini, __MACOSX). Linked folders inside a folder are not entered.
    A link that leads nowhere counts as a file, so that it is reported and not silently missing; a folder inside a
    folder that can't be listed counts as a file, too. What the run itself writes is left out. Arguments whose keys
    would collide are put in front of all keys; a picture that is given twice, under whatever path, is listed once. Of
    a folder with a million pictures no list is held.

    own: what the run writes, and what else was left out that a user may miss.
    """

    def __init__(
        self, arguments: Iterable[Path | str], stdin: BinaryIO | None = None, own: OwnFiles | None = None
    ) -> None:
        """Find and count the pictures.

        own: what the run writes; default: nothing.

        Raises:
            InputError: an argument does not exist, can't be listed or holds no picture.
        """
        self.own = own or OwnFiles()
        self._sources = [_make_source(str(argument), stdin, self.own) for argument in arguments]
        self._prefixed = False
        if len(self._sources) > 1:
            count = sum(1 for source in self._sources for _ in source)
            self._prefixed = len({_digest(picture.key) for source in self._sources for picture in source}) < count
        self._count = sum(1 for _ in self)

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Picture]:
        if len(self._sources) == 1:
            yield from self._sources[0]
            return
        seen = set()
        for source in self._sources:
            for picture in source:
                chosen = source.prefixed(picture) if self._prefixed else picture
                if (digest := _digest(_identify(chosen))) not in seen:
                    seen.add(digest)
                    yield chosen


def list_pictures(arguments: Iterable[Path | str]) -> list[Picture]:
    """Return the pictures of all arguments sorted by key; see Listing."""
    return sorted(Listing(arguments), key=lambda picture: picture.key)


def printable(name: str) -> str:
    """Spell bytes of a file name that are no UTF-8 as visible escapes, so that JSON can hold it."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _spell(name: str, root: Path = _HERE) -> str:
    """Return a key for a path below root: its bytes that are no UTF-8 as escapes, no two paths alike.

    A digest is added where the escapes could also be the spelling of another path.
    """
    key = printable(name)
    if key == name or not ("\\x" in name or os.path.lexists(root / key)):
        return key
    return f"{key}.{hashlib.blake2b(os.fsencode(name), digest_size=6).hexdigest()}"


class _Source:
    """One argument: iterating gives its pictures; prefixed puts the argument in front of a key."""

    def __init__(self, argument: str) -> None:
        self.argument = argument

    def __iter__(self) -> Iterator[Picture]:
        raise NotImplementedError

    def prefixed(self, picture: Picture) -> Picture:
        folder = Path(self.argument)
        start = "" if folder == _HERE else _spell(folder.as_posix().rstrip("/")) + "/"
        return Picture(start + picture.key, picture.path, picture.member)


class _File(_Source):
    def __iter__(self) -> Iterator[Picture]:
        yield Picture(printable(Path(self.argument).name), Path(self.argument))

    def prefixed(self, picture: Picture) -> Picture:
        return Picture(_spell(picture.path.as_posix()), picture.path)


class _Folder(_Source):
    def __init__(self, argument: str, own: OwnFiles) -> None:
        super().__init__(argument)
        self._own = own

    def __iter__(self) -> Iterator[Picture]:
        root = Path(self.argument)
        start = len(root.parts) if root.parts else 0
        for path in _walk(root, self._own):
            yield Picture(_spell("/".join(path.parts[start:]), root), path)


class _Archive(_Source):
    def __init__(self, argument: str) -> None:
        super().__init__(argument)
        names = [info.filename for info in open_archive(Path(argument)).infolist()]
        members = {with_slashes(name): name for name in names}  # reading one that is there twice is refused
        self._members = {key: name for key, name in members.items() if _is_picture(key)}

    def __iter__(self) -> Iterator[Picture]:
        for key, name in self._members.items():
            yield Picture(printable(key), Path(self.argument), name)


class _Paths(_Source):
    """A list that can't be made twice: the matches of a pattern, the lines of standard input."""

    def __init__(self, argument: str, paths: Sequence[Path], root: Path = _HERE) -> None:
        super().__init__(argument)
        self._paths, self._root = paths, root

    def __iter__(self) -> Iterator[Picture]:
        for path in self._paths:
            name = path.relative_to(self._root) if self._root != _HERE else path
            yield Picture(_spell(name.as_posix(), self._root), path)

    def prefixed(self, picture: Picture) -> Picture:
        return Picture(_spell(picture.path.as_posix()), picture.path)


def _make_source(argument: str, stdin: BinaryIO | None, own: OwnFiles) -> _Source:
    if argument == STDIN:
        return _read_lines(stdin, own)
    if not argument:
        raise InputError("an argument is empty. Give picture files or a folder of them; . is the current folder.")
    try:
        source = _find_source(argument, own)
        if next(iter(source), None) is None:
            raise InputError(f"{printable(argument)}: holds no file. Give a folder with pictures.")
        return source
    except OSError as fault:  # a folder above it that may not be entered, a name that is too long
        raise InputError(
            f"{printable(argument)}: cannot be read: {fault.strerror or fault}. Give picture files or a folder of them."
        ) from fault


def _find_source(argument: str, own: OwnFiles) -> _Source:
    path = Path(argument)
    if path.is_dir():
        return _Folder(argument, own)
    if path.is_file():
        return _Archive(argument) if is_archive(path) else _File(argument)
    return _match(argument, own)


def _match(pattern: str, own: OwnFiles) -> _Source:
    root, parts = _HERE, list(Path(pattern).parts)
    while parts and (not glob.has_magic(parts[0]) or (root / parts[0]).is_dir()):  # as a folder "photos [2024]"
        root /= parts.pop(0)
    if not parts:
        raise InputError(f"{printable(pattern)}: does not exist. Give picture files or a folder of them.")
    wild = "/".join(parts)
    try:
        matches = [path for path in root.glob(wild) if not any(map(is_passed_over, path.relative_to(root).parts))]
    except ValueError as fault:
        raise InputError(
            f"{printable(pattern)}: ** must stand between slashes, as in photos/**/*.jpg. Write the pattern so."
        ) from fault
    found = sorted({file for path in matches for file in (_walk(path, own) if path.is_dir() else [path])})
    found = own.others(found, root)
    if not found:
        raise InputError(f"{printable(pattern)}: matches no file. Give picture files or a folder of them.")
    return _Paths(pattern, found, root)


def _read_lines(stdin: BinaryIO | None, own: OwnFiles) -> _Source:
    """Read paths, one a line, or ended by NUL bytes as `find -print0` writes them."""
    if stdin is None and sys.stdin is None:
        raise InputError("standard input: is closed. Give one path of a picture a line, or the pictures as arguments.")
    try:
        data = (stdin or sys.stdin.buffer).read()
    except OSError as fault:
        raise InputError(
            f"standard input: cannot be read: {fault.strerror or fault}. Give paths, one a line."
        ) from fault
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):  # as Windows' programs write lists
        data = data.decode("utf-16", errors="replace").encode()
    data = data.removeprefix(codecs.BOM_UTF8)
    lines = data.split(b"\0") if b"\0" in data else data.splitlines()
    paths = list(dict.fromkeys(Path(os.fsdecode(line)) for line in lines if line.strip()))
    paths = own.others(paths, _common_folder(paths))
    if not paths:
        raise InputError("standard input: holds no path. Give one path of a picture a line.")
    return _Paths(STDIN, paths)


def _common_folder(paths: Sequence[Path]) -> Path:
    with contextlib.suppress(ValueError):  # none, or absolute and relative ones
        return Path(os.path.commonpath([path.parent for path in paths]))
    return _HERE


def _walk(folder: Path, own: OwnFiles) -> Iterator[Path]:
    """Yield the files below a folder, then the folders below it that can't be listed."""
    unreadable: list[OSError] = []
    for folder_path, folders, names in os.walk(folder, onerror=unreadable.append):
        folders[:] = own.leave_out(folder_path, sorted(name for name in folders if not is_passed_over(name)))
        own.links.update(str(path) for name in folders if _is_link(path := Path(folder_path, name)))
        visible = own.leave_out(folder_path, sorted(name for name in names if not is_passed_over(name)))
        yield from (path for name in visible if _is_listed(path := Path(folder_path, name)))
    for fault in unreadable:
        if Path(fault.filename) == folder:
            raise InputError(
                f"{fault.filename}: cannot be listed: {fault.strerror}. Make it readable or give other folders."
            ) from fault
        yield Path(fault.filename)


def _is_listed(path: Path) -> bool:
    """Tell files, and what reading will report: links that lead nowhere, files in a folder that may not be entered."""
    try:
        return path.is_file() or not path.exists()  # no pipes, no devices
    except OSError:
        return True


def _is_link(path: Path) -> bool:
    with contextlib.suppress(OSError):  # in a folder that may not be entered
        return path.is_symlink()
    return False


def _is_picture(key: str) -> bool:
    return not key.endswith("/") and not any(map(is_passed_over, key.split("/")))


def _identify(picture: Picture) -> str:
    """Return what the paths of one picture have in common; links to a file are pictures of their own."""
    return f"{_real_folder(picture.path.parent)}/{picture.path.name}\0{picture.member}"


@functools.lru_cache(maxsize=64)
def _real_folder(folder: Path) -> str:
    return os.path.realpath(folder)


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogateescape"), digest_size=_DIGEST_BYTES).digest()
