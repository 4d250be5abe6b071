"""CIFAR-10 in two versions, compressed and lossless: write class folders, and measure a run on each version.

    python -m benchmarks.cifar10_kinds make JPEG.zip LOSSLESS.npz FOLDER
    python -m benchmarks.cifar10_kinds measure RUN [--split validation]

JPEG.zip holds train/CLASS/NAME.jpg and test/CLASS/NAME.jpg. LOSSLESS.npz holds x_train, uint8 [pictures, 32, 32, 3],
and jpeg_name, the path in JPEG.zip of the same picture: it is written next to it as NAME.png, so that the recipe treats
both as one photograph. Published networks were trained on the lossless version; figures of one version say little about
the other.
"""

import argparse
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image

from inference.errors import InputError
from inference.model.classifier import Classifier
from pipeline.classification.stages import run_index
from pipeline.data.index import PatchIndex
from pipeline.metrics.intervals import proportion
from pipeline.report.style import columns
from pipeline.settings.run_folder import RunFolder


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    options = _make_parser().parse_args(arguments)
    try:
        return options.do(options)
    except InputError as fault:
        print(f"Error: {fault}", file=sys.stderr)
        return 2


def make(options: argparse.Namespace) -> int:
    """Unpack the compressed pictures and write the lossless ones next to them."""
    with zipfile.ZipFile(options.jpeg) as archive:
        archive.extractall(options.folder)
    with np.load(options.lossless) as arrays:
        for pixels, name in zip(arrays["x_train"], arrays["jpeg_name"], strict=True):
            path = options.folder / PurePosixPath(str(name)).with_suffix(".png")
            if not path.with_suffix(".jpg").is_file():
                raise InputError(f"{options.lossless}: each picture needs a compressed one. Received: {name}.")
            Image.fromarray(pixels).save(path)
    print(f"pictures: {options.folder}")
    return 0


def measure(options: argparse.Namespace) -> int:
    """Print the accuracy of a run's released file on each version, nothing rejected."""
    run = RunFolder(options.run)
    index = run_index(run).select(options.split, run.read_recipe().labels)
    model = Classifier(run.model, threshold=0)
    for ending in sorted({Path(patch.file).suffix for patch in index.patches}):
        kind = tuple(patch for patch in index.patches if patch.file.endswith(ending))
        right = count_right(model, PatchIndex(index.root, kind))
        share = proportion(right, len(kind))
        print(f"{options.split} {ending:6} {columns(share)}")
    return 0


def count_right(model: Classifier, index: PatchIndex) -> int:
    """Return the number of correctly classified pictures."""
    return sum(model.classify(index.path(patch)).result == patch.label for patch in index.patches)


def _make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    both = verbs.add_parser("make", help="write class folders with both kinds")
    for name in ("jpeg", "lossless", "folder"):
        both.add_argument(name, type=Path, metavar=name.upper())
    both.set_defaults(do=make)
    kinds = verbs.add_parser("measure", help="accuracy on each kind")
    kinds.add_argument("run", type=Path, metavar="RUN")
    kinds.add_argument("--split", choices=("validation", "test"), default="validation")
    kinds.set_defaults(do=measure)
    return parser


if __name__ == "__main__":
    sys.exit(main())
