"""The split that a data set gives each of its photographs: by a column of its table, or by their folders."""

import re
from collections import Counter
from collections.abc import Mapping
from pathlib import PurePosixPath

from inference.boxes.entries import NamedPhoto
from inference.errors import printable
from pipeline.data.folder_layout import GIVEN_SPLITS
from pipeline.data.splits import SPLITS


def told_splits(photos: Mapping[str, NamedPhoto]) -> dict[str, str]:
    """Return path -> train, validation, test, or "" where none is told, by path -> what was written of it."""
    return {path: GIVEN_SPLITS.get(named.split.lower()) or _split_of(path) for path, named in photos.items()}


def given_splits(splits: Mapping[str, str]) -> Mapping[str, str]:
    """Return the splits of told_splits that are used: all or none.

    Only a data set that puts every photograph into a split, and trains and measures on different ones, gives splits.
    """
    return splits if _divides(splits) and "" not in splits.values() else {}


def describe_splits(splits: Mapping[str, str]) -> list[str]:
    """Return a note that counts the photographs of the splits of told_splits and names the missing ones.

    Where some photographs have none, it says that the splits are not used. There is no note without splits.
    """
    if not _divides(splits):
        return []
    if without := sorted(path for path, split in splits.items() if not split):
        return [
            f"the data set gives no split for {len(without)} of {len(splits)} photographs, for example "
            f"{printable(without[0])}; the splits that it gives to the others are not used"
        ]
    counts = Counter(splits.values())
    shown = ", ".join(f"{split} {counts[split]}" for split in SPLITS if split in counts)
    missing = " and ".join(split for split in SPLITS if split not in counts)
    rest = f"; {missing} is split off from train" if missing else ""
    return [f"the data set gives its splits, which are kept by all but cross-validation: {shown}{rest}"]


def _divides(splits: Mapping[str, str]) -> bool:
    """Return whether the splits that are told are for training and for something else."""
    told = set(splits.values()) - {""}
    return "train" in told and len(told) > 1


def split_named_in(file: str) -> str:
    """Return the split that a file is named after, with its year: instances_train2017.json gives train2017, else ""."""
    words = re.findall(r"[a-z]+\d*", PurePosixPath(file).stem.lower())
    return next((word for word in words if word.rstrip("0123456789") in GIVEN_SPLITS), "")


def _split_of(path: str) -> str:
    """Return the split that a folder of a path is named after, or "" for none and for several."""
    words = [part.lower().rstrip("0123456789") for part in PurePosixPath(path).parts[:-1]]
    found = {GIVEN_SPLITS[word] for word in words if word in GIVEN_SPLITS}
    return found.pop() if len(found) == 1 else ""
