"""Folders of masks > the mask of each photograph, in the layouts of MVTec AD, VisA, BTAD or one's own."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from inference.boxes.matching import Fit, PhotoMatcher, drop_extension, find_rivals, plain_name
from inference.errors import InputError, printable
from inference.pictures.image_io import read_image
from pipeline.data.file_listing import list_files

MASK_FOLDERS = ("masks", "mask", "ground_truth", "gt")  # beside the photographs' folder or one above it, in any case
_CLEAN_FOLDERS = ("good", "normal", "ok", "clean")
_LEVELS = 3  # folders above a photograph beside which masks are looked for
_MASK_ENDING = re.compile(r"[_-](mask|gt)(?=\.[^.]*$)", re.IGNORECASE)
_LARGEST_CLASS = 15  # a mask without larger values holds 0 and 1, or numbers of classes
_MIDDLE, _WHITE = 127, 255
_MOST_MARKED = 0.5  # of a photograph's area
_MOST_NAMED = 3


@dataclass(frozen=True)
class FoundMasks:
    """Photograph > its mask; what must be put right (refused), and what may be right (notes), one message each."""

    masks: Mapping[Path, Path]
    refused: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def find_masks(measured: Collection[Path], others: Collection[Path], given: Path | None) -> FoundMasks:
    """Return the masks of photographs: those of the given folder, else of a folder of masks near each photograph.

    A mask fits the photograph whose path ends with the mask's path inside its folder, whatever the extension and the
    case, with or without `_mask`: ground_truth/crack/000_mask.png is of test/crack/000.png. A given folder must fit all
    measured photographs and no file may be left; others may have masks.
    """
    folders = _folders_near([*measured, *others]) if given is None else [given]
    masks: dict[Path, Path] = {}
    for folder in folders:
        for photographs in (measured, others):
            masks |= _match(folder, photographs, near=given is None)
    notes = [note for mask in sorted(masks.values()) for note in _doubts(mask, mask.parent in folders)]
    return FoundMasks(masks, () if given is None else _misfits(given, measured, masks), tuple(notes))


def _doubts(mask: Path, of_any_kind: bool) -> Iterator[str]:
    """Yield what may be wrong with a mask that can be read; of_any_kind: it lies in no folder of one kind."""
    try:
        marked = float(read_mask(mask).mean())
    except InputError:
        return
    if not marked and not of_any_kind and not is_clean(mask):
        yield f"{printable(str(mask))}: has no pixel of an anomaly, but lies in a folder of anomalies"
    if marked > _MOST_MARKED:
        yield (
            f"{printable(str(mask))}: marks {100 * marked:.0f} % of the photograph as an anomaly. If it is inverted, "
            "save it with 255 where the anomaly is"
        )


def read_mask(path: Path) -> np.ndarray:
    """Return bool [height, width], True where an anomaly is; transparent pixels are none.

    A pixel is one from 128 of 255 on, from 1 where no value is above 15, else above half of the highest value.

    Raises:
        InputError: it is no image that can be read.
    """
    values = read_image(path).max(axis=2)
    with Image.open(path) as image:  # which read_image has accepted
        if image.mode.startswith("I;16"):  # numbers of classes are in the lower byte, which read_image drops
            values = np.asarray(ImageOps.exif_transpose(image))
        elif image.has_transparency_data:  # read_image lays it over white
            values = np.where(np.asarray(ImageOps.exif_transpose(image.convert("RGBA")))[..., 3] > 0, values, 0)
    highest = int(values.max())
    usual = _MIDDLE < highest <= _WHITE
    return np.asarray(values > (0 if highest <= _LARGEST_CLASS else _MIDDLE if usual else highest // 2))


def _folders_near(photographs: Collection[Path]) -> list[Path]:
    """Return the folders of masks beside the photographs' folders, and beside those above them."""
    places = {above for folder in {path.parent for path in photographs} for above in list(folder.parents)[:_LEVELS]}
    return sorted(entry for place in places for entry in _list(place) if is_mask_folder(entry.name) and entry.is_dir())


def _list(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:  # a folder far above that may not be read
        return []


def is_mask_folder(name: str) -> bool:
    """Tell whether a folder of this name holds masks, not photographs."""
    return name.lower() in MASK_FOLDERS


def _match(folder: Path, photographs: Collection[Path], near: bool) -> dict[Path, Path]:
    """Return photograph > mask for the masks of a folder; one that fits several photographs is of none.

    near: the mask's path must be all of the photograph's below a folder beside that of the masks.
    """
    if near:
        photographs = [path for path in photographs if path.is_relative_to(folder.parent)]
    matcher = PhotoMatcher(path.as_posix() for path in photographs)
    fits: dict[str, Fit] = {}
    for file in list_files(folder):
        try:
            fit = matcher.find(_MASK_ENDING.sub("", file))
        except InputError:
            continue
        depth = len(Path(fit.path).relative_to(folder.parent).parts) - 1 if near else file.count("/") + 1
        if _ends_with(fit.path, _MASK_ENDING.sub("", file)) and depth == file.count("/") + 1:
            fits[file] = fit
    for rival in find_rivals({file: Fit(fit.path, "by its end") for file, fit in fits.items()}):
        del fits[rival]
    return {Path(fit.path): folder / file for file, fit in fits.items()}


def _ends_with(photograph: str, mask: str) -> bool:
    """Tell whether all folders of a mask's path are the photograph's last ones: good/000 has no mask crack/000."""
    whole, end = (drop_extension(plain_name(path)).casefold() for path in (photograph, mask))
    return f"/{whole}".endswith(f"/{end}")


def _misfits(folder: Path, photographs: Collection[Path], masks: Mapping[Path, Path]) -> tuple[str, ...]:
    """Return what is wrong with a given folder of masks: it fits none, or has masks too many or too few."""
    files = {folder / file for file in list_files(folder)}
    where = printable(str(folder))
    if not masks:
        return (
            f"{where}: masks must be named like their photographs; of {len(files)} files none fits any of "
            f"{len(photographs)} photographs. Name them so, a/1.png or a/1_mask.png for a/1.jpg.",
        )
    messages = []
    if left := sorted(files - set(masks.values())):
        messages.append(f"{where}: a mask must fit one photograph; {_name_some(left)} fit none. Rename or remove them.")
    if bare := sorted(path for path in photographs if path not in masks and not is_clean(path)):
        messages.append(
            f"{where}: each photograph to measure needs a mask, but for those in a folder called "
            f"{', '.join(_CLEAN_FOLDERS)}; {_name_some(bare)} have none. Add them, all black where nothing is wrong."
        )
    return tuple(messages)


def _name_some(paths: list[Path]) -> str:
    shown = ", ".join(printable(str(path)) for path in paths[:_MOST_NAMED])
    return f"{len(paths)} ({shown}{', ...' if len(paths) > _MOST_NAMED else ''})"


def is_clean(path: Path) -> bool:
    """Tell whether a photograph or mask lies in a folder that says that nothing is wrong: good, normal, ok, clean."""
    return path.parent.name.lower() in _CLEAN_FOLDERS
