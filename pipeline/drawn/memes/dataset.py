"""The drawn memes: from a seed to class folders of memes of three games and of none, so that a run needs no data."""

import functools
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from inference.atomic_file import write_atomically
from inference.errors import InputError
from inference.pictures.encode import HALF_COLOUR, jpeg_bytes
from pipeline.drawn.folder import claim_folder, map_in_processes
from pipeline.drawn.memes.animal_crossing.villages import draw_village
from pipeline.drawn.memes.captions import write_caption
from pipeline.drawn.memes.doom.corridors import draw_corridor
from pipeline.drawn.memes.genshin.cliffs import draw_cliffs
from pipeline.drawn.memes.other_pictures import draw_other_picture
from pipeline.drawn.memes.wear import wear
from pipeline.random_generator import make_generator
from pipeline.settings.labels import BACKGROUND

StyleDrawer = Callable[[np.random.Generator, tuple[int, int]], np.ndarray]
STYLES: dict[str, StyleDrawer] = {
    "doom": draw_corridor,
    "animal_crossing": draw_village,
    BACKGROUND: draw_other_picture,
    "genshin": draw_cliffs,  # no class of the recipe: for pictures of neither, and for a class that is added later
}
EDITION = 1  # raise it when a change moves a pixel: folders of an older edition are then refused
SHAPES = (
    (240, 320),
    (240, 320),
    (225, 400),
    (270, 480),
    (300, 300),
    (320, 256),
    (360, 240),
    (200, 300),
)  # height, width
PICTURES_WORTH_A_PROCESS = 60  # starting a process takes as long as drawing about this many
_NOTE = ".drawn.json"  # hidden: what reads class folders passes it by
_TWO_PANELS = 0.1


def write_meme_pictures(
    folder: Path, count: int, seed: int, styles: Sequence[str] = ("doom", "animal_crossing"), workers: int | None = None
) -> Path:
    """Write `count` pictures, styles in turn, as folder/STYLE/000.jpg, 001.jpg ...; return the folder.

    A picture depends on seed, style and its number alone. Pictures that are there are kept: a stopped run goes on
    where it stopped, and styles or pictures can be added later.

    Args:
        workers: processes; by default one per core.

    Raises:
        InputError: there is no such style, or the folder holds another seed or edition.
    """
    for style in styles:
        if style not in STYLES:
            raise InputError(
                f"memes are drawn for {', '.join(STYLES)}. Received: {style!r}. Give pictures to --images."
            )
    claim_folder(folder / _NOTE, "drawn memes", seed, EDITION)
    wanted = [(styles[place % len(styles)], place // len(styles)) for place in range(count)]
    missing = [(style, number) for style, number in wanted if not picture_path(folder, style, number).exists()]
    map_in_processes(functools.partial(_write_picture, folder, seed), missing, workers, PICTURES_WORTH_A_PROCESS)
    return folder


def picture_path(folder: Path, style: str, number: int) -> Path:
    """Return where a picture is written."""
    return folder / style / f"{number:03d}.jpg"


def draw_meme(style: str, seed: int, number: int) -> np.ndarray:
    """Return picture `number` of a style and seed, uint8 [height, width, 3] RGB; it depends on nothing else."""
    rng = make_generator(seed, "meme", style, number)
    height, width = SHAPES[int(rng.integers(len(SHAPES)))]
    size = rng.uniform(0.8, 1.25)
    shape = (round(height * size), round(width * size))
    picture = STYLES[style](rng, shape)
    if rng.random() < _TWO_PANELS:
        picture = np.concatenate([picture, STYLES[style](rng, shape)])
    return wear(rng, write_caption(rng, picture))


def _write_picture(folder: Path, seed: int, which: tuple[str, int]) -> None:
    style, number = which
    quality = int(make_generator(seed, "quality", style, number).integers(60, 95))
    write_atomically(
        picture_path(folder, style, number), jpeg_bytes(draw_meme(style, seed, number), quality, HALF_COLOUR)
    )
