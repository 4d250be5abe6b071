"""A calibrated run -> model.tflite, one self-describing file, and parity.json."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from export.classifier import draft_classifier
from export.detector import draft_detector
from export.draft import Draft, pack
from export.verify import check_parity
from inference.atomic_file import write_atomically
from inference.model.artefact import pack_artefact, split_artefact
from inference.verify.observe import with_vectors
from pipeline.settings.recipe import Recipe
from pipeline.settings.run_folder import RunFolder, read_json, write_json

DRAFTS: dict[str, Callable[[RunFolder, Recipe, str], Draft]] = {
    "classification": draft_classifier,
    "anomaly": draft_detector,
}


def export_run(run: RunFolder, mode: str, out: Path) -> dict[str, Any]:
    """Convert a run's network, compare the files with Keras and write the artefact; return the content of parity.json.

    Raises:
        InputError: a stage is missing, or the file loses more accuracy than the recipe allows; then parity.json is
            written, but no model.
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
