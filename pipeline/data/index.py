"""index.csv: one line per patch, the only interface between cutting and training."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from inference.errors import InputError, printable
from pipeline.data.csv_files import read_csv, write_csv

INDEX_NAME = "index.csv"


@dataclass(frozen=True)
class Patch:
    """A rectangle cut out of a photograph.

    file: path of the stored patch relative to the index. photo: name of its photograph. x, y, width, height: window in
    the photograph, in pixels, origin top left, after EXIF rotation.
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
    """The patches of one data set; their files are relative to root."""

    root: Path
    patches: tuple[Patch, ...]

    def select(self, split: str, labels: tuple[str, ...] | None = None) -> "PatchIndex":
        """Return the patches of one split, by default of all labels."""
        chosen = (patch for patch in self.patches if patch.split == split)
        return PatchIndex(self.root, tuple(patch for patch in chosen if labels is None or patch.label in labels))

    def path(self, patch: Patch) -> Path:
        """Return the path of a patch's pixels."""
        return self.root / patch.file

    def in_turns(self, count: int, random: np.random.Generator) -> list[Patch]:
        """Return up to count patches, equally many of each label if possible, in random order within each round."""
        turns = Counter[str]()
        ranked = []
        for position in random.permutation(len(self.patches)):
            patch = self.patches[position]
            turns[patch.label] += 1
            ranked.append((turns[patch.label], patch.label, patch))
        ranked.sort(key=lambda entry: entry[:2])
        return [patch for _, _, patch in ranked[:count]]

    def counts(self) -> dict[str, int]:
        """Return the number of patches of each label, sorted by label."""
        return dict(sorted(Counter(patch.label for patch in self.patches).items()))


def write_index(index: PatchIndex, path: Path) -> None:
    """Write index.csv atomically, in the order of the patches."""
    write_csv(path, Patch, index.patches)


def read_index(path: Path, root: Path | None = None) -> PatchIndex:
    """Read index.csv; the patches' files are relative to root, by default the index's own folder.

    Raises:
        InputError: the file is missing, or a line does not have the expected columns.
    """
    if not path.is_file():
        raise InputError(f"{path}: does not exist. Cut the patches first: python -m pipeline patches RECIPE.")
    return PatchIndex(root or path.parent, tuple(read_csv(path, Patch, "Cut the patches again.")))


def refuse_leak(index: PatchIndex, file: Path, setting: str) -> None:
    """Refuse a file of an earlier run that was trained on test photographs of an index.

    Photographs are compared by their names in the index that lies beside the file; without one nothing is known.

    Raises:
        InputError: names the setting, the number of the photographs and one of them.
    """
    own = file.resolve().parent / INDEX_NAME
    if not own.is_file():
        return
    seen = {patch.photo for patch in read_index(own).patches if patch.split != "test"}
    leaked = sorted({patch.photo for patch in index.patches if patch.split == "test"} & seen)
    if leaked:
        raise InputError(
            f"{file}: {setting} must not be trained on this run's test photographs. Received: a file trained on "
            f"{len(leaked)} of them, for example {printable(leaked[0])}. Train it on the same split. If these are "
            f"other photographs of the same names, give a copy of the file without its {INDEX_NAME}."
        )
