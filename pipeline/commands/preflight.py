"""What a run needs on the disk, checked before any work: a folder to write to, and room."""

import os
import shutil
from pathlib import Path

from inference.errors import InputError
from pipeline.data.file_listing import is_folder, is_named_as_picture, list_files, may_be_reached
from pipeline.data.sources import SOURCES, DataPlace
from pipeline.settings.recipe import Recipe

_RUN_BYTES = 300 * 10**6  # backups, cache and files of a run
_PHOTO_BYTES = 600_000  # patches of a photograph with boxes: seven of 256 pixels as PNG


def check_disk(recipe: Recipe, place: DataPlace) -> None:
    """Refuse a run without permission to write, or without room for its files; see check_room."""
    check_room(place.runs, _needed_bytes(recipe, place))


def check_apart(results: Path, place: DataPlace, option: str = "--runs") -> None:
    """Refuse a folder of results inside the data: what is written there would be read as data the next time.

    Raises:
        InputError: names both, and the remedy; option: the one that gives the folder of results.
    """
    for name in ("images", "annotations", "masks", "test", "crops"):
        data = getattr(place, name)
        if data is not None and is_folder(data) and results.resolve().is_relative_to(data.resolve()):
            raise InputError(
                f"{results}: results can't lie inside the data, where the next run would read them. Received: "
                f"--{name} {data}. Give another folder: {option} DIR."
            )


def check_room(folder: Path, needed: int) -> None:
    """Refuse a folder, which need not exist yet, that can't be written or whose disk has less than `needed` bytes free.

    Raises:
        InputError: names the folder, and the remedy.
    """
    there = next(one for one in (folder.absolute(), *folder.absolute().parents) if may_be_reached(one))
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        why = "can't be written" if there.is_dir() else "is not a folder"
        raise InputError(f"{there}: {why}. Make it writable, or give another folder: --runs DIR.")
    free = shutil.disk_usage(there).free
    if free < needed:
        raise InputError(
            f"{there}: the run needs about {needed / 1e6:,.0f} MB. Free are {free / 1e6:,.0f} MB. Remove something, "
            "or give a folder on another disk: --runs DIR."
        )


def _needed_bytes(recipe: Recipe, place: DataPlace) -> int:
    source = SOURCES.get(recipe.source.kind)
    patches = _PHOTO_BYTES if source is not None and source.photographs is not None else 0
    windows = _window_bytes(recipe) if recipe.kind == "classification" and recipe.fit.teaches_before else 0
    if place.images is None or not place.images.is_dir() or not patches + windows:
        return _RUN_BYTES
    return _RUN_BYTES + (patches + windows) * sum(map(is_named_as_picture, list_files(place.images)))


def _window_bytes(recipe: Recipe) -> int:
    """Return the bytes of a photograph's windows: RGB pixels, once in a file and once in an array for the training."""
    return 2 * recipe.fit.teacher_windows * recipe.network.input_side**2 * 3
