"""What one call of the runner works on, and what its options tell the workers."""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..model.model import AnswerOptions
from ..pictures.limits import limits_of
from ..pictures.listing import Listing
from .file_names import FileNames
from .journal import Journal
from .progress import BatchProgress
from .worker import Request, WorkerSettings

if TYPE_CHECKING:  # numpy waits until boxes are asked for
    from ..boxes.files import BoxFile


@dataclass
class Batch:
    """What one call works on."""

    options: argparse.Namespace
    listing: Listing
    boxes: "BoxFile | None"
    journal: Journal
    progress: BatchProgress
    names: FileNames

    def requests(self) -> Iterator[Request]:
        """Yield what has no result yet."""
        for picture in self.listing:
            if self.journal.has_result(picture.key):
                continue
            boxes = None if self.boxes is None else self.boxes.boxes_of(picture.key)
            if self.boxes is None or boxes:
                file_key = self.names.file_key(picture)
                yield Request(picture, boxes, file_key if file_key != picture.key else "", picture.stamp())


def worker_settings(options: argparse.Namespace) -> WorkerSettings:
    """Return what the workers need of the options; folders are absolute, for workers elsewhere."""
    masks, scores = (folder and folder.resolve() for folder in (options.masks, options.scores))
    return WorkerSettings(
        options.model,
        options.threads,
        options.threshold,
        limits_of(options),
        options.labels,
        options.scaling,
        AnswerOptions(options.top, masks, scores, options.regions),
        options.boxes is not None,
    )
