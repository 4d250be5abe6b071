"""Pictures -> what the files about them are named after, checked before the work: no two alike, none of them an input.

Masks and scores replace a picture's suffix. Where two pictures differ in their suffix alone, both keep it.
"""

import argparse
import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from ..errors import InputError
from ..pictures.listing import Picture
from ..safe_path import keep_suffix, preview_path, without_suffix

_DIGEST_BYTES = 12  # among a million names two alike by chance are one in 10^17
_FOLDER = Path()
Identity = tuple[int, int]  # device and number of a file, the same for all its names


class FileNames:
    """What the masks and scores of pictures are named after. It holds about 0.1 kB for each picture."""

    def __init__(self, pictures: Iterable[Picture] = ()) -> None:
        """Find the pictures that differ in their suffix alone; pictures: iterated twice where there are any.

        Raises:
            InputError: the names with suffixes are also those of others.
        """
        self._shared: set[bytes] = set()
        seen: set[bytes] = set()
        for picture in pictures:
            name = _name(picture.key)
            (self._shared if name in seen else seen).add(name)
        if self._shared:
            self._check(pictures, seen - self._shared)

    def file_key(self, picture: Picture) -> str:
        """Return what files about a picture are named after: its key, or one that keeps the suffix."""
        return keep_suffix(picture.key) if _name(picture.key) in self._shared else picture.key

    def _check(self, pictures: Iterable[Picture], taken: set[bytes]) -> None:
        for picture in pictures:
            if (file_key := self.file_key(picture)) != picture.key:
                if _name(file_key) in taken:
                    raise InputError(
                        f"{picture}: its mask or scores would replace those of another picture. Rename one of them."
                    )
                taken.add(_name(file_key))


def check_replaces_no_input(options: argparse.Namespace, pictures: Iterable[Picture], names: FileNames) -> None:
    """Refuse folders in which a file of this run would replace a picture, the model or another input of it.

    Raises:
        InputError: one would, or would replace what is no file.
    """
    existing = dict(_existing(options, pictures, names))
    if not existing:
        return
    inputs = (path for path in (options.model, options.boxes, options.labels) if path)
    for path in (*inputs, *(picture.path for picture in pictures)):
        if (identity := identify(path)) in existing:
            option, written = existing[identity]
            raise InputError(f"{written}: is an input, which {option} would replace. Give another folder to {option}.")


def identify(path: Path) -> Identity | None:
    """Return what all names of a file, links included, have in common; None where there is no file."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _existing(
    options: argparse.Namespace, pictures: Iterable[Picture], names: FileNames
) -> Iterator[tuple[Identity, tuple[str, Path]]]:
    """Yield those files that this run would replace."""
    for option, path in _written(options, pictures, names):
        try:
            status = path.stat()
        except OSError:
            continue
        if not stat.S_ISREG(status.st_mode):
            raise InputError(f"{path}: is no file. Give another folder to {option}.")
        yield (status.st_dev, status.st_ino), (option, path)


def _written(options: argparse.Namespace, pictures: Iterable[Picture], names: FileNames) -> Iterator[tuple[str, Path]]:
    """Yield option and path of each file that this run would write into a folder that exists."""
    suffixes = {"--masks": ".png", "--scores": ".npy"}
    folders = {"--masks": options.masks, "--scores": options.scores}
    folders = {option: folder for option, folder in folders.items() if folder and folder.is_dir()}
    preview = options.preview if options.preview and options.preview.is_dir() else None
    if not folders and not preview:
        return
    for picture in pictures:
        for option, folder in folders.items():
            yield option, without_suffix(folder, names.file_key(picture), suffixes[option])
        if preview:
            yield "--preview", preview_path(preview, picture.key)
    if preview:
        yield from (("--preview", path) for path in preview.glob("sheet-*.jpg"))


def _name(file_key: str) -> bytes:
    path = os.path.normcase(without_suffix(_FOLDER, file_key, ""))
    return hashlib.blake2b(path.encode("utf-8", "surrogatepass"), digest_size=_DIGEST_BYTES).digest()
