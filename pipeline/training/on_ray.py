"""The features of a frozen trunk by the machines of a Ray cluster, before the fit, which finds them in the run's cache.

The batches are those of one process. A block of them is a file of paths and labels, and a file of features, in the
run's folder, which all machines see. A worker holds one batch of pictures, the features of a block and the network,
whatever the size of the data set.
"""

import functools
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from inference.atomic_file import write_atomically
from inference.errors import InputError
from models.heads import pooled_features
from pipeline.cluster import pack_arrays, pipeline_cluster, unpack_arrays
from pipeline.data.dataset import BatchPlan, TrainingData, label_weights, make_planned_batch
from pipeline.data.index import PatchIndex
from pipeline.quiet import load_tensorflow
from pipeline.settings.recipe import Recipe
from pipeline.settings.run_folder import RunFolder
from pipeline.training.weights import make_network

_BLOCK_PICTURES = 512
_PLANS, _FEATURES = ".plans", ".features"


@dataclass(frozen=True)
class _Job:
    """What every worker is told. home: the folder to which paths are relative."""

    folder: Path
    recipe: Recipe
    home: str


def cache_features(run: RunFolder, index: PatchIndex, recipe: Recipe) -> None:
    """Compute the features that a fit of kind "frozen" needs and that the run's cache lacks.

    Raises:
        InputError: the recipe has a teacher, or another kind of fit; or Ray can't be used.
    """
    if recipe.fit.kind != "frozen" or recipe.fit.teacher:
        raise InputError(
            f"--engine ray: one run gives a cluster work only with fit.kind=frozen and no teacher. Received: "
            f"{recipe.fit.kind}. Leave it out, or use crossval or sweep."
        )
    with pipeline_cluster("ray.data"):
        training = index.select("train", recipe.outputs)
        data = TrainingData(training, recipe, run.cache / "train")
        steps, weights = data.steps_per_epoch, label_weights(training, recipe).astype(np.float32)
        for view in range(recipe.fit.epochs):
            plans = [data.plan(number) for number in range(view * steps, (view + 1) * steps)]
            _cache(run.cache / f"view-{view}.npz", plans, recipe, weights)
        _cache(run.cache / "validation.npz", _validation_plans(index, recipe), recipe, None)


def _validation_plans(index: PatchIndex, recipe: Recipe) -> list[BatchPlan]:
    chosen, size = index.select("validation", recipe.outputs), recipe.fit.batch_size
    files = [str(chosen.path(patch)) for patch in chosen.patches]
    labels = np.array([recipe.outputs.index(patch.label) for patch in chosen.patches])
    starts = range(0, len(files), size)
    return [BatchPlan(None, tuple(files[start : start + size]), labels[start : start + size]) for start in starts]


def _cache(file: Path, plans: Sequence[BatchPlan], recipe: Recipe, weights: np.ndarray | None) -> None:
    """Write a file of features as pipeline.training.frozen reads it: pooled features, labels, weights of the loss."""
    from inference.batch.ray_engine import do_blocks

    if file.is_file():
        return
    print(f"features: {file.stem}, on Ray ...", file=sys.stderr, flush=True)
    folder = file.with_suffix(".blocks")
    names = _write_plans(folder, plans, recipe.fit.batch_size)
    job = _Job(folder.absolute(), recipe, str(Path.cwd()))
    missing = [name for name in names if not (folder / f"{name}{_FEATURES}").is_file()]
    if missing:
        compute = functools.partial(_compute_block, job=job)
        list(do_blocks(compute, missing, remedy="Go on with: python -m pipeline resume RUN --engine ray."))
    blocks = [unpack_arrays((folder / f"{name}{_FEATURES}").read_bytes()) for name in names]
    pooled, labels = (np.concatenate([block[name] for block in blocks]) for name in ("pooled", "labels"))
    of_loss = np.ones(len(labels), np.float32) if weights is None else labels @ weights
    write_atomically(file, pack_arrays({"arr_0": pooled, "arr_1": labels, "arr_2": of_loss}))
    for name in names:
        for suffix in (_PLANS, _FEATURES):
            (folder / f"{name}{suffix}").unlink()
    folder.rmdir()


def _write_plans(folder: Path, plans: Sequence[BatchPlan], batch_size: int) -> list[str]:
    """Write the plans of each block; return the names of the blocks."""
    count = max(_BLOCK_PICTURES // batch_size, 1)
    names = []
    for start in range(0, len(plans), count):
        names.append(f"{start:07}")
        rows = [[plan.number, plan.files, plan.labels.tolist()] for plan in plans[start : start + count]]
        write_atomically(folder / f"{names[-1]}{_PLANS}", json.dumps(rows))
    return names


def _compute_block(row: dict[str, Any], job: _Job) -> dict[str, Any]:
    """Write the features of a block, in a worker of Ray's; return its name and the reason why it failed, or ""."""
    os.chdir(job.home)
    try:
        trunk = _trunk(job.recipe)
        parts = []
        for number, files, numbers in json.loads((job.folder / f"{row['block']}{_PLANS}").read_text()):
            plan = BatchPlan(number, tuple(files), np.array(numbers))
            pixels, labels = make_planned_batch(plan, job.recipe)
            parts.append((np.asarray(trunk.predict_on_batch(pixels), np.float32), labels))
    except InputError as fault:
        return {"block": row["block"], "fault": str(fault)}
    pooled, labels = (np.concatenate(part) for part in zip(*parts, strict=True))
    write_atomically(job.folder / f"{row['block']}{_FEATURES}", pack_arrays({"pooled": pooled, "labels": labels}))
    return {"block": row["block"], "fault": ""}


@functools.lru_cache(maxsize=1)
def _trunk(recipe: Recipe) -> Any:
    load_tensorflow()
    return pooled_features(make_network(recipe, recipe.network.weights))
