"""index.csv: one line a patch, the only thing that cutting and training share."""

import csv
import io
from collections import Counter
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from inference.atomic_file import write_atomically
from inference.errors import InputError


@dataclass(frozen=True)
class Patch:
    """A rectangle cut out of a photograph.

    file: path of the stored patch relative to the index. photo: name of its photograph. x, y, width, height:
    the window in the photograph, in pixels, origin top left, in the frame after EXIF rotation.
    """

    file: str
    label: str
    photo: str
    x: int
    y: int
    width: int
    height: int
    split: str


@dataclass(frozen=True)
class PatchIndex:
    """The patches of one data set; root is the folder that their files are relative to."""

    root: Path
    patches: tuple[Patch, ...]

    def select(self, split: str, labels: tuple[str, ...] | None = None) -> "PatchIndex":
        """Return the patches of one split, of certain labels where given."""
        chosen = (patch for patch in self.patches if patch.split == split)
        return PatchIndex(self.root, tuple(patch for patch in chosen if labels is None or patch.label in labels))

    def path(self, patch: Patch) -> Path:
        """Return where a patch's pixels are stored."""
        return self.root / patch.file

    def counts(self) -> dict[str, int]:
        """Return the number of patches of each label, sorted by label."""
        return dict(sorted(Counter(patch.label for patch in self.patches).items()))


COLUMNS = tuple(entry.name for entry in fields(Patch))


def write_index(index: PatchIndex, path: Path) -> None:
    """Write index.csv atomically, in the order of the patches."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(astuple(patch) for patch in index.patches)
    write_atomically(path, text.getvalue())


def read_index(path: Path, root: Path | None = None) -> PatchIndex:
    """Read index.csv; the patches' files are relative to root, by default the index's own folder.

    Raises:
        InputError: the file is missing, or a line does not have the expected columns.
    """
    if not path.is_file():
        raise InputError(f"{path}: does not exist. Cut the patches first: python -m pipeline patches RECIPE.")
    with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
        rows = list(csv.reader(file))
    if not rows or tuple(rows[0]) != COLUMNS:
        raise InputError(f"{path}: line 1 must be {','.join(COLUMNS)}. Received: {rows[:1]}. Cut the patches again.")
    patches = tuple(_parse(row, f"{path}: line {number}") for number, row in enumerate(rows[1:], start=2))
    return PatchIndex(root or path.parent, patches)


def _parse(row: list[str], where: str) -> Patch:
    try:
        file, label, photo, x, y, width, height, split = row
        return Patch(file, label, photo, int(x), int(y), int(width), int(height), split)
    except ValueError as fault:
        raise InputError(f"{where}: {fault}. Received: {row}. Cut the patches again.") from fault
