"""An images folder > the files in it that names in annotations may mean."""

from functools import cache
from pathlib import Path

from inference.boxes.matching import PhotoMatcher
from inference.errors import InputError, printable
from inference.pictures.image_io import image_size
from pipeline.data.file_listing import list_visible


def index_photos(folder: Path) -> PhotoMatcher:
    """List the files under a folder once; one is opened only where several fit a name, or one leniently.

    Raises:
        InputError: the folder does not exist.
    """
    if not folder.is_dir():
        raise InputError(f"images must be a folder; received {printable(str(folder))}. Check the path.")

    @cache
    def is_photo(path: str) -> bool:
        try:
            image_size(folder / path)
        except InputError:
            return False
        return True

    return PhotoMatcher(list_visible(folder), is_photo)
