"""A calibrated run -> model.tflite, one self-describing file, and parity.json."""

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from export.classifier import draft_classifier
from export.detector import draft_detector
from export.draft import Draft, pack
from export.verify import AccuracyLossError, check_parity
from inference.atomic_file import write_atomically
from inference.model.artefact import pack_artefact, split_artefact
from inference.verify.observe import with_vectors
from pipeline.settings.recipe import Recipe, recipe_to_json
from pipeline.settings.run_folder import RunFolder, read_json, write_json

DRAFTS: dict[str, Callable[[RunFolder, Recipe, str], Draft]] = {
    "classification": draft_classifier,
    "anomaly": draft_detector,
}


def export_run(run: RunFolder, mode: str, out: Path) -> dict[str, Any]:
    """Convert a run's network, compare the files with Keras and write the artefact; return the content of parity.json.

    Raises:
        InputError: a stage is missing.
        AccuracyLossError: the file loses more accuracy than the recipe allows; parity.json is written, but no model.
    """
    recipe = run.read_recipe()
    draft = DRAFTS[recipe.kind](run, recipe, mode)
    parity = _measure(draft, run, recipe)
    known = read_json(run.parity, "") if run.parity.is_file() else {}
    write_json(run.parity, known | parity)  # keeps the figures of other modes
    if draft.max_accuracy_loss is not None:
        check_parity(parity, mode, draft.max_accuracy_loss)
    others = [] if run.float_model.is_file() else [kind for kind in draft.flatbuffers if kind != mode]
    for kind, target in {**dict.fromkeys(others, run.float_model), mode: out}.items():
        artefact = split_artefact(pack(draft, kind, run, recipe, parity[kind]), str(target))
        write_atomically(target, pack_artefact(with_vectors(artefact)))
    return parity


def export_recipe(run: RunFolder) -> None:
    """Write a run's file in the mode of its recipe.

    Where int8 loses too much, only the weights are in 8 bits (mode "dynamic"), and the run's recipe says so. Small
    pretrained networks lose two points and more in int8, since their activations need finer steps.

    Raises:
        InputError: as export_run; AccuracyLossError of other modes than int8.
    """
    recipe = run.read_recipe()
    try:
        export_run(run, recipe.export.mode, run.model)
    except AccuracyLossError as fault:
        if recipe.export.mode != "int8":
            raise
        rule, _, _ = str(fault).partition(" Continue with")
        print(f"{rule} Its activations stay in float: export.mode=dynamic.", file=sys.stderr)
        changed = replace(recipe, export=replace(recipe.export, mode="dynamic"))
        write_atomically(run.recipe, recipe_to_json(changed))
        export_run(run, "dynamic", run.model)


def _measure(draft: Draft, run: RunFolder, recipe: Recipe) -> dict[str, Any]:
    """Return the parity of the files, which are written under temporary names and read by the runner's code."""
    paths = {kind: run.path / f".draft_{kind}.tflite" for kind in draft.flatbuffers}
    try:
        for kind, path in paths.items():
            path.write_bytes(pack(draft, kind, run, recipe, {}))
        return draft.measure(paths)
    finally:
        for path in paths.values():
            path.unlink(missing_ok=True)
