"""Compare settings by short trainings with their own full schedules, several seeds each, on held-out training pictures.

    python -m benchmarks.short_runs subset RUN FOLDER [--pictures 8000]
    python -m benchmarks.short_runs measure RECIPE CHANGES.json --images FOLDER --work DIR [--set NAME=VALUE] ...
        [--seeds 2] [--json OUT]

`subset` writes class folders: train/ has as many of RUN's training pictures, equally many of each class, and test/ has
all pictures of its validation split, so that no choice sees a test picture. Training pictures are the first by name;
versions of a picture (a.jpg, a.png) stay together. CHANGES.json is a list of {"name": ..., "set": {setting: value}},
and "seeds" where a change has more. The first is the base. A run that DIR holds already is used, so a comparison that
was killed goes on. The figures are those of the Keras network, one view, nothing rejected. Printed: the mean over the
seeds with the interval that the number of pictures gives, the accuracy with each seed, the difference from the base.
"""

import argparse
import shutil
import statistics
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.folds import show
from inference.errors import InputError
from pipeline.classification.stages import FIT, PATCHES, run_index
from pipeline.data.index import Patch, PatchIndex
from pipeline.data.sources import DataPlace
from pipeline.metrics.intervals import proportion
from pipeline.recipes import RECIPES
from pipeline.report.style import columns
from pipeline.run_options import add_set
from pipeline.settings.recipe import Recipe, override, override_all
from pipeline.settings.run_folder import RunFolder, describe_machine, read_json
from pipeline.stages import complete, forget_networks, start_run


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    options = _make_parser().parse_args(arguments)
    return int(options.do(options))


def write_subset(options: argparse.Namespace) -> int:
    """Copy pictures of a run's training and validation split into class folders."""
    run = RunFolder(options.run)
    try:
        labels, index = run.read_recipe().labels, run_index(run)
        each = options.pictures // len(labels)
        for split, most in (("train", each), ("validation", None)):
            for label in labels:
                chosen = index.select(split, (label,))
                target = options.folder / ("train" if split == "train" else "test") / label
                target.mkdir(parents=True, exist_ok=True)
                for patch in first_photos(chosen, most):
                    shutil.copy(index.path(patch), target)
    except InputError as fault:
        print(f"Error: {fault}", file=sys.stderr)
        return 2
    print(f"pictures: {options.folder}")
    return 0


def first_photos(index: PatchIndex, most: int | None) -> list[Patch]:
    """Return the patches of the first photographs by name, as many as asked for; None: of all."""
    kept = set(sorted({patch.photo for patch in index.patches})[:most])
    return [patch for patch in index.patches if patch.photo in kept]


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Return the figures of each change; trainings that are done are not repeated."""
    changes = read_json(options.changes, "Give a list of changes, see the head of this file.")
    base = override_all(RECIPES[options.recipe], tuple(options.set))
    report: dict[str, Any] = {
        "recipe": options.recipe,
        "machine": describe_machine(),
        "set": options.set,
        "changes": [],
    }
    for change in changes:
        recipe = override_all(base, tuple((name, str(value)) for name, value in change["set"].items()))
        folder = options.work / change["name"].replace(" ", "_")
        runs = [_train(recipe, seed, folder, options) for seed in range(change.get("seeds", options.seeds))]
        base_mean = report["changes"][0]["mean"] if report["changes"] else None
        report["changes"].append({**change, "runs": runs, "mean": _means(runs, base_mean)})
        print(f"{change['name']}: done", file=sys.stderr)
    return report


def _train(recipe: Recipe, seed: int, work: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Return the accuracy by kind of file of one training."""
    recipe, run = override(recipe, "seed", str(seed)), RunFolder(work / f"seed{seed}")
    if not run.recipe.is_file():
        run.path.mkdir(parents=True, exist_ok=True)
        start_run(recipe, DataPlace(options.images, None, options.work), run.path)
    elif run.read_recipe() != recipe:
        raise InputError(f"{run.path}: holds a run with other settings. Give another --work.")
    complete(run, [PATCHES, FIT])
    forget_networks()
    return {"seed": seed, "accuracy": right_by_ending(run)}


def right_by_ending(run: RunFolder) -> dict[str, Any]:
    """Return the accuracy of the run's Keras network on its test pictures, by the ending of their names."""
    from pipeline.data.dataset import load_patch  # imported here, since TensorFlow takes seconds to import
    from pipeline.training.saved_network import read_network

    recipe = run.read_recipe()
    index = run_index(run).select("test", recipe.labels)
    side, labels = recipe.network.input_side, np.array(recipe.labels)
    pixels = np.stack([load_patch(index.path(patch), side) for patch in index.patches]).astype(np.float32)
    logits = read_network(run.best).predict(pixels, batch_size=256, verbose=0)[:, : len(labels)]
    hits: dict[str, list[bool]] = defaultdict(list)
    for patch, best in zip(index.patches, labels[logits.argmax(axis=1)], strict=True):
        hits[Path(patch.file).suffix].append(bool(patch.label == best))
    return {ending: proportion(sum(right), len(right)) for ending, right in sorted(hits.items())}


def _means(runs: list[dict[str, Any]], base: dict[str, Any] | None) -> dict[str, Any]:
    """Return the mean over the seeds by ending, with the interval for its n, and the difference from the base's."""
    means: dict[str, Any] = {}
    for ending, first in runs[0]["accuracy"].items():
        value = statistics.fmean(run["accuracy"][ending].value for run in runs)
        mean = proportion(round(value * first.n), first.n)
        means[ending] = {"accuracy": mean, "difference": mean.value - base[ending]["accuracy"].value if base else 0.0}
    return means


def table(report: dict[str, Any]) -> list[str]:
    """Return the lines that are printed: one for each change and kind of file."""
    lines = []
    for change in report["changes"]:
        for ending, mean in change["mean"].items():
            each = ", ".join(f"{100 * run['accuracy'][ending].value:.1f}" for run in change["runs"])
            share, difference = columns(mean["accuracy"]), f"{100 * mean['difference']:+5.1f}"
            lines.append(f"{change['name']:32} {ending:5} {share} {difference}  seeds {each}")
    return lines


def _make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    subset = verbs.add_parser("subset", help="write a smaller training set and held-out pictures")
    subset.add_argument("run", type=Path, metavar="RUN")
    subset.add_argument("folder", type=Path, metavar="FOLDER")
    subset.add_argument("--pictures", type=int, default=8000, help="for training, of all classes together")
    subset.set_defaults(do=write_subset)
    short = verbs.add_parser("measure", help="train and compare")
    short.add_argument("recipe", choices=sorted(RECIPES), metavar="RECIPE")
    short.add_argument("changes", type=Path, metavar="CHANGES.json")
    short.add_argument("--images", type=Path, required=True, metavar="FOLDER")
    short.add_argument("--work", type=Path, required=True, metavar="DIR", help="runs are kept here")
    add_set(short, "change a setting of all trainings")
    short.add_argument("--seeds", type=int, default=2, help="of each change (default: 2)")
    short.add_argument("--json", type=Path, metavar="OUT", help="write the figures here too")
    short.set_defaults(do=lambda options: show(lambda: measure(options), table, options.json))
    return parser


if __name__ == "__main__":
    sys.exit(main())
