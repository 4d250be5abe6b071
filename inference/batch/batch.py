"""What one call of the runner works on."""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from inference.batch.journal import Journal
from inference.batch.progress import Progress
from inference.batch.worker import Request
from inference.pictures.listing import Listing

if TYPE_CHECKING:  # numpy waits until boxes are asked for
    from inference.boxes.files import BoxFile


@dataclass
class Batch:
    """What one call works on."""

    options: argparse.Namespace
    listing: Listing
    boxes: "BoxFile | None"
    journal: Journal
    progress: Progress

    def requests(self) -> Iterator[Request]:
        """Yield what has no result yet."""
        for picture in self.listing:
            if self.journal.has_result(picture.key):
                continue
            boxes = None if self.boxes is None else self.boxes.boxes_of(picture.key)
            if self.boxes is None or boxes:
                yield Request(picture, boxes)
