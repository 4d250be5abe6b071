"""A finished batch -> its previews, contact sheets and window: --preview and --show."""

from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from ..batch.batch import Batch
from ..errors import InputError
from ..model.model import Answer
from ..pictures.image_io import decode_image
from ..pictures.limits import Limits, limits_of
from ..pictures.listing import Picture
from .contact_sheet import write_contact_sheet
from .preview import draw_preview, write_preview
from .window import show


def draw_answers(batch: Batch) -> bool:
    """Write previews and contact sheets into the folder of --preview; with --show open a window.

    Return whether every preview was written: a picture that can't be read again, or a preview that can't be written,
    is named and left out.
    """
    limits = limits_of(batch.options)
    all_written = batch.options.preview is None or _write_previews(batch, batch.options.preview, limits)
    if batch.options.show:
        _show(batch, limits)
    return all_written


def _write_previews(batch: Batch, folder: Path, limits: Limits) -> bool:
    all_written = True
    for picture, answer in _answered(batch):
        try:
            write_preview(folder, picture, answer, limits)
        except InputError as fault:
            batch.progress.say(f"{picture}: not drawn: {fault}")
            all_written = False
    sheets = write_contact_sheet(folder, _answered(batch), limits)
    count = "1 contact sheet" if len(sheets) == 1 else f"{len(sheets)} contact sheets"
    batch.progress.say(f"previews: {folder}, with {count}")
    return all_written


def _answered(batch: Batch) -> Iterator[tuple[Picture, Answer]]:
    for picture in batch.listing:
        answer = batch.journal.result(picture.key)
        if answer is not None:
            yield picture, answer


def _show(batch: Batch, limits: Limits) -> None:
    pictures = [picture for picture, _ in _answered(batch)]
    if pictures:
        show([picture.key for picture in pictures], lambda number: _drawn(batch, pictures[number], limits))


def _drawn(batch: Batch, picture: Picture, limits: Limits) -> Image.Image:
    """Return a picture with its answer, or a grey one where it can't be read again."""
    try:
        pixels = decode_image(picture.read(limits), limits)
    except InputError as fault:
        batch.progress.say(f"{picture}: {fault}")
        return Image.new("RGB", (640, 480), (128, 128, 128))
    return draw_preview(pixels, batch.journal.result(picture.key) or {})
