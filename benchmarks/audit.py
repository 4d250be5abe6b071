"""Measure how many known groups of photographs, and planted copies, the audit finds.

    python -m benchmarks.audit known PHOTOS ANNOTATIONS GROUPS.json [--out DIR]
    python -m benchmarks.audit planted PHOTOS [--groups GROUPS.json] [--copies N] [--out DIR]

known: GROUPS.json is a list of lists of photographs (names without extension) that show the same specimen. Prints
pairs in one group of both, chains included, per class: the thresholds were chosen on drawn pictures and the classes
of CHOSEN_ON, so only the others are a test. Every claimed pair outside of the list is named, to be looked at.

planted: photographs of PHOTOS, and changed copies of some of them in another split. Prints recall and precision; a
claim that joins two photographs of one of the GROUPS is right, since such a pair is a leak as well.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from itertools import combinations
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.planted_pictures import COPIES
from inference.pictures.image_io import read_image
from pipeline.audit.features import FrozenNetwork, compute_features
from pipeline.audit.pairs import Evidence, compare_photos, group_photos
from pipeline.audit.photos import DataSet, read_data_set
from pipeline.data.sources import DataPlace
from pipeline.metrics.intervals import proportion
from pipeline.report.style import columns

CHOSEN_ON = ("biotite", "chrysocolla", "malachite", "muscovite")
_NO_NETWORK = FrozenNetwork("none", 16, 1, lambda patches: np.zeros((len(patches), 1), np.float32))

Pair = tuple[str, str]


def main(arguments: list[str]) -> int:
    """Print the figures of one measurement; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    kinds = parser.add_subparsers(dest="kind", required=True)
    known = kinds.add_parser("known")
    for name in ("photos", "annotations", "groups"):
        known.add_argument(name, type=Path)
    planted = kinds.add_parser("planted")
    planted.add_argument("photos", type=Path)
    planted.add_argument("--groups", type=Path, help="known groups of PHOTOS")
    planted.add_argument("--copies", type=int, default=20, help="copies of each kind")
    for one in (known, planted):
        one.add_argument("--out", type=Path, help="folder of the features (default: a temporary one)")
    options = parser.parse_args(arguments)
    measure: Callable[[argparse.Namespace, Path], None] = {"known": measure_known, "planted": measure_planted}[
        options.kind
    ]
    with tempfile.TemporaryDirectory() as folder:
        measure(options, options.out or Path(folder))
    return 0


def measure_known(options: argparse.Namespace, folder: Path) -> None:
    """Print the known pairs that are found, per class, and the claimed ones that are not known."""
    data = read_data_set(DataPlace(options.photos, options.annotations, folder))
    evidence = _examine(data, folder)
    groups = group_photos(len(data.photos), [(one.first, one.second) for one in evidence])
    stems = [Path(photo.name).stem for photo in data.photos]
    found = _pairs([stems[position] for position in group] for group in groups)
    known = _pairs(json.loads(options.groups.read_text()))
    chosen = {pair for pair in known | found if any(name.startswith(CHOSEN_ON) for name in pair)}
    for name, part in (("thresholds chosen on", chosen), ("tested on", (known | found) - chosen)):
        print(f"{name}: {len(found & known & part)} of {len(known & part)} known pairs, {len(found & part)} claimed")
    for one in evidence:
        pair = tuple(sorted((stems[one.first], stems[one.second])))
        if pair not in known:
            print(f"not in the list: {pair[0]} {pair[1]} ({one.inliers} keypoints, edges {one.edges:.2f})")


def measure_planted(options: argparse.Namespace, folder: Path) -> None:
    """Print the recall of each kind of copy, and the precision of all claimed leaks."""
    pictures = folder / "pictures"
    files = sorted(path for path in options.photos.iterdir() if path.is_file())
    planted: dict[str, set[Pair]] = {}
    for path in files:
        _save(pictures / "train" / "all" / f"{path.stem}.jpg", read_image(path))
    for row, (kind, change) in enumerate(COPIES.items()):
        for path in files[row :: len(COPIES)][: options.copies]:
            _save(pictures / "test" / "all" / f"{kind} {path.stem}.png", change(read_image(path)))
            planted.setdefault(kind, set()).add((f"test/all/{kind} {path.stem}", f"train/all/{path.stem}"))
    data = read_data_set(DataPlace(pictures, None, folder))
    evidence = _examine(data, folder)
    names = [photo.name for photo in data.photos]
    claimed = {
        (names[one.first], names[one.second])
        for one in evidence
        if data.photos[one.first].split != data.photos[one.second].split
    }
    everything = set().union(*planted.values())
    known = _pairs(json.loads(options.groups.read_text())) if options.groups else set()
    right = {pair for pair in claimed if pair in everything or _originals(pair) in known}
    for kind, pairs in planted.items():
        print(f"{kind:14} {columns(proportion(len(pairs & claimed), len(pairs)))}")
    print(f"{'recall':14} {columns(proportion(len(everything & claimed), len(everything)))}")
    print(f"{'precision':14} {columns(proportion(len(right), len(claimed)))}")
    for pair in sorted(claimed - right):
        print(f"neither planted nor known: {pair[0]} | {pair[1]}")


def _originals(pair: Pair) -> Pair:
    """Return the names of the photographs that a pair's copies were made from, sorted."""
    first, second = sorted(name.split("/")[-1].split(" ")[-1] for name in pair)
    return first, second


def _examine(data: DataSet, folder: Path) -> list[Evidence]:
    """Return the pairs; print the processor time that they took."""
    begun = time.process_time()
    evidence = compare_photos(compute_features(data, _NO_NETWORK, folder))
    print(f"{len(data.photos)} photographs: {time.process_time() - begun:.0f} s of processor time")
    return evidence


def _pairs(groups: Iterable[Iterable[str]]) -> set[Pair]:
    return {pair for group in groups for pair in combinations(sorted(group), 2)}


def _save(path: Path, rgb: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(rgb).save(path, quality=92)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
