"""A folder -> the names of the files in it; which of them are named like pictures."""

import contextlib
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path, PurePath

from inference.errors import InputError, printable
from inference.pictures.system_files import is_passed_over, is_system_file

_PICTURE_ENDING = re.compile(r"\.(jpe?g|jpe|jfif|a?png|webp|bmp|dib|gif|tiff?)$", re.IGNORECASE)


def list_files(folder: Path) -> list[str]:
    """Return the files under a folder, sorted, as relative POSIX paths, without files that operating systems add.

    Links to folders are followed, except those that lead back to a folder above them. A link that leads nowhere counts
    as a file, so that it is refused by name and not missed.

    Raises:
        InputError: the folder, or one in it that is not hidden, can't be listed.
    """
    return sorted(path.relative_to(folder).as_posix() for path in _walk(folder, folder, frozenset()))


def list_visible(folder: Path) -> list[str]:
    """Return the files of list_files that are not hidden and in no hidden folder, such as .ipynb_checkpoints."""
    return [file for file in list_files(folder) if not any(map(is_passed_over, PurePath(file).parts))]


def may_be_reached(path: Path) -> bool:
    """Tell whether there is something at a path, and the folders above it may be entered."""
    with contextlib.suppress(OSError):  # pathlib raises PermissionError
        return path.exists()
    return False


def is_folder(path: Path) -> bool:
    """Tell whether there is a folder at a path; see may_be_reached."""
    return may_be_reached(path) and path.is_dir()


def is_named_as_picture(file: str) -> bool:
    """Tell whether a file's name ends as pictures' names do, `a.JPG`."""
    return bool(_PICTURE_ENDING.search(file))


def photo_name(file: str) -> str:
    """Return the name that all versions of a picture share: `a.png` and `a.jpg` give `a`; `scan.0001` stays."""
    return _PICTURE_ENDING.sub("", file)


def _walk(root: Path, folder: Path, above: frozenset[tuple[int, int]]) -> Iterator[PurePath]:
    """Yield the files under a folder; above: device and number of the folders that it was reached by."""
    try:
        status = folder.stat()
        with os.scandir(folder) as opened:
            entries = [entry for entry in opened if not is_system_file(entry.name)]
    except OSError as fault:
        _refuse(root, folder, fault)
        return
    own = status.st_dev, status.st_ino
    if own in above:
        return
    for entry in entries:
        mode = _mode_of(entry)
        if stat.S_ISDIR(mode):
            yield from _walk(root, folder / entry.name, above | {own})
        elif stat.S_ISREG(mode) or not mode:
            yield folder / entry.name


def _mode_of(entry: os.DirEntry[str]) -> int:
    """Return the mode of what an entry leads to, 0 if that can't be read."""
    try:
        return entry.stat().st_mode
    except OSError:
        return 0


def _refuse(root: Path, folder: Path, fault: OSError) -> None:
    """Refuse a folder that can't be listed, unless it is hidden: disks have folders that only the system may read."""
    if not any(map(is_passed_over, folder.relative_to(root).parts)):
        raise InputError(
            f"{printable(str(folder))}: can't be listed: {fault.strerror or fault}. Make the folder readable, or move "
            "it elsewhere."
        ) from fault
