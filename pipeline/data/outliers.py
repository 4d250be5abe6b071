"""Drawn pictures of no particular object -> extra background patches of an index; see pipeline.drawn.outliers."""

from pathlib import Path

from inference.atomic_file import write_atomically
from inference.pictures.encode import png_bytes
from pipeline.data.index import Patch, PatchIndex
from pipeline.drawn.outliers import SIDE, draw_outlier
from pipeline.progress import map_in_threads
from pipeline.settings.labels import BACKGROUND
from pipeline.settings.run_folder import relative_path

PHOTO = "drawn outliers"  # used as the photograph's name in index.csv


def add_outliers(index: PatchIndex, folder: Path, count: int, seed: int) -> PatchIndex:
    """Return the index with drawn outliers added to the training patches; those missing in a folder are drawn."""
    place = relative_path(folder.resolve(), index.root.resolve())
    patches = tuple(
        Patch(f"{place}/outlier-{seed}-{number}.png", BACKGROUND, PHOTO, 0, 0, SIDE, SIDE, "train")
        for number in range(count)
    )

    def draw(number: int) -> None:
        path: Path = index.root / patches[number].file
        if not path.is_file():
            write_atomically(path, png_bytes(draw_outlier(seed, number), compress_level=1))

    map_in_threads(draw, range(count), "outliers drawn")
    return PatchIndex(index.root, (*index.patches, *patches))
