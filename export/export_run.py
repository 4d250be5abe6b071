"""A calibrated run -> model.tflite, one self-describing file, and parity.json."""

import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from export.classifier import draft_classifier
from export.detector import draft_detector
from export.draft import Draft, pack
from export.gate import GateError, check_gate
from inference.atomic_file import write_atomically
from inference.errors import InputError
from inference.model.artefact import pack_artefact, split_artefact
from inference.verify.observe import with_vectors
from pipeline.report.sections import Gate
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
        GateError: the file differs more from Keras than the recipe allows; parity.json is written, but no model.
    """
    recipe = run.read_recipe()
    draft = DRAFTS[recipe.kind](run, recipe, mode)
    parity, gate = _measure(draft, mode, run, recipe)
    _write_parity(run, parity)
    if gate:
        check_gate(gate, mode, recipe.export)
    elif draft.gate:
        print("note: the file was not checked, since there are no validation patches of the classes", file=sys.stderr)
    others = [] if run.float_model.is_file() else [kind for kind in draft.flatbuffers if kind != mode]
    for kind, target in {**dict.fromkeys(others, run.float_model), mode: out}.items():
        artefact = split_artefact(pack(draft, kind, run, recipe, parity[kind]), str(target))
        write_atomically(target, pack_artefact(with_vectors(artefact)))
    return parity


def export_recipe(run: RunFolder) -> None:
    """Write a run's file in the mode of its recipe.

    Where int8 differs too much, only the weights are in 8 bits (mode "dynamic"), and the run's recipe says so. Small
    pretrained networks lose two points and more in int8, since their activations need finer steps.

    Raises:
        InputError: as export_run; a file of another mode than int8 is refused.
    """
    recipe = run.read_recipe()
    try:
        export_run(run, recipe.export.mode, run.model)
    except GateError as fault:
        if recipe.export.mode != "int8":
            raise InputError(
                f"{fault} Continue with: python -m pipeline resume {run.path} --set export.mode=float32, or allow it "
                f"by --set {fault.override}."
            ) from fault
        print(f"{fault} Its activations stay in float: export.mode=dynamic.", file=sys.stderr)
        changed = replace(recipe, export=replace(recipe.export, mode="dynamic"))
        write_atomically(run.recipe, recipe_to_json(changed))
        export_recipe(run)


def _write_parity(run: RunFolder, parity: dict[str, Any]) -> None:
    """Write parity.json; what is known of other modes, and of float32 by an export of its own, is kept."""
    known = read_json(run.parity, "Delete it, and export again.") if run.parity.is_file() else {}
    earlier = {kind: known[kind] for kind in parity if isinstance(known.get(kind), dict)}
    write_json(run.parity, known | {kind: earlier.get(kind, {}) | figures for kind, figures in parity.items()})


def _measure(draft: Draft, mode: str, run: RunFolder, recipe: Recipe) -> tuple[dict[str, Any], Gate | None]:
    """Return the content of parity.json and what decides about the requested file.

    The files are written under temporary names and read by the runner's code.
    """
    paths = {kind: run.path / f".draft_{kind}.tflite" for kind in draft.flatbuffers}
    try:
        for kind, path in paths.items():
            path.write_bytes(pack(draft, kind, run, recipe, {}))
        parity = draft.measure(paths)
        gate = draft.gate(paths[mode]) if draft.gate else None
        if gate:
            parity[mode]["validation"] = asdict(gate)
        return parity, gate
    finally:
        for path in paths.values():
            path.unlink(missing_ok=True)
