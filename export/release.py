"""A finished run -> models/released: the .tflite, the weights, report, history, recipe and model card.

python -m export.release RUN NAME [--without-weights]
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePath, PurePosixPath
from typing import Any

import h5py
import numpy as np

import models
from inference.atomic_file import write_atomically
from inference.errors import InputError, explain
from pipeline.report.model_card import classifier_card
from pipeline.report.sections import ClassificationReport
from pipeline.report.stored import read_section
from pipeline.settings.paths import listed_paths
from pipeline.settings.recipe import recipe_to_json
from pipeline.settings.run_folder import RunFolder, read_json, write_json

RELEASED = Path(models.__file__).parent / "released"
LICENCE = "apache-2.0"  # of the repository, in the words of the Hugging Face Hub
_WITH_PICTURES = ("worst", "mistakes", "label_errors")  # parts of a report; the first only in earlier versions


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, metavar="RUN", help="a finished run's folder")
    parser.add_argument("name", metavar="NAME", help="name of the released model")
    parser.add_argument(
        "--without-weights", action="store_true", help="leave out best.weights.h5, as of large pretrained networks"
    )
    options = parser.parse_args(arguments)
    try:
        release(RunFolder(options.run), options.name, RELEASED, weights=not options.without_weights)
    except (InputError, OSError) as fault:
        print(f"Error: {explain(fault)}", file=sys.stderr)
        return 2
    print(f"released: {RELEASED / options.name}.tflite", file=sys.stderr)
    return 0


def release(run: RunFolder, name: str, folder: Path, weights: bool = True) -> None:
    """Copy the files for users, without folders of this machine in the paths of a teacher and of initial weights.

    All is read before anything is written, so that what cannot be released leaves an earlier release as it is.

    weights: whether to write the network's Keras weights, too.

    Raises:
        InputError: the run is not finished or does not classify, or the name is none of a file.
    """
    if name in ("", ".", "..") or PurePath(name).name != name:
        raise InputError(f"NAME must be the name of a file, without folders. Received: {name!r}.")
    recipe = run.read_recipe()
    if recipe.kind != "classification":
        raise InputError(f"only models that classify are released. Received: {run.path}, of kind {recipe.kind}.")
    missing = [file for file in (run.model, run.history, run.report) if not file.is_file()]
    if missing:
        raise InputError(
            f"{run.path}: is not finished: {missing[0].name} is missing. Finish it first: python -m pipeline resume "
            f"{run.path}."
        )
    if recipe.fit.teacher:
        teacher = ",".join(_without_home(path) for path in listed_paths(recipe.fit.teacher))
        recipe = replace(recipe, fit=replace(recipe.fit, teacher=teacher))
    weights_files = ",".join(path.name for path in listed_paths(recipe.network.weights))
    recipe = replace(recipe, network=replace(recipe.network, weights=weights_files))
    target = folder / name
    values = _without_folders(read_json(run.report, "Evaluate again."))
    report = read_section(ClassificationReport, run.report, "Evaluate again.")
    card = classifier_card(replace(report, advice=()), recipe, f"models/released/{name}.tflite", LICENCE)
    kept = _weights(run) if weights else None
    write_atomically(folder / f"{name}.tflite", run.model.read_bytes())
    write_json(target / "report.json", values)
    write_atomically(target / "history.csv", run.history.read_bytes())
    write_atomically(target / "recipe.json", recipe_to_json(recipe))
    write_atomically(target / "README.md", card)
    if kept is None:
        (target / "best.weights.h5").unlink(missing_ok=True)  # those of an earlier network
    else:
        write_atomically(target / "best.weights.h5", kept)


def _without_home(path: Path) -> str:
    """Return a path relative to the working folder, or outside of it a run's file with its recipe and run alone."""
    relative = PurePath(os.path.relpath(path))
    return str(PurePath(*path.parts[-3:]) if ".." in relative.parts else relative)


def _without_folders(report: dict[str, Any]) -> dict[str, Any]:
    """Return the report without folders of this machine: in names of pictures, and in advice to whoever trained it."""
    return report | {name: _names_alone(report[name]) for name in _WITH_PICTURES if name in report} | {"advice": []}


def _names_alone(value: Any) -> Any:
    """Return nested dicts and lists with every "file" reduced to its name."""
    if isinstance(value, list):
        return [_names_alone(entry) for entry in value]
    if not isinstance(value, dict):
        return value
    names = {"file": PurePosixPath(value["file"]).name} if "file" in value else {}
    return {key: _names_alone(entry) for key, entry in value.items()} | names


def _weights(run: RunFolder) -> bytes:
    """Return the network's weights in 16 bits, without the optimizer's state, which is two thirds of best.keras."""
    from pipeline.quiet import load_tensorflow

    load_tensorflow()
    from pipeline.training.saved_network import read_network

    with tempfile.TemporaryDirectory() as folder:
        whole, halved = Path(folder) / "best.weights.h5", Path(folder) / "halved.h5"
        read_network(run.best).save_weights(whole)
        _write_halved(whole, halved)
        return halved.read_bytes()


def _write_halved(whole: Path, path: Path) -> None:
    """Write a copy of a weights file with floats of 16 bits; those too large for that stay as they are."""
    with h5py.File(whole, "r") as source, h5py.File(path, "w") as target:

        def copy(name: str, node: Any) -> None:
            if isinstance(node, h5py.Dataset):
                kept = node[()]
                if kept.dtype == np.float32 and (np.abs(kept) < np.finfo(np.float16).max).all():
                    kept = kept.astype(np.float16)
                made = target.create_dataset(name, data=kept, compression="gzip" if kept.ndim else None)
            else:
                made = target.require_group(name)
            made.attrs.update(node.attrs)

        target.attrs.update(source.attrs)
        source.visititems(copy)


if __name__ == "__main__":
    sys.exit(main())
