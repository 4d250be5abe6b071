"""Feature maps of photographs -> scores by anomalib's PatchCore and PaDiM; run by benchmarks.wood_anomalib.

    PYTHON_WITH_ANOMALIB benchmarks/anomalib_models.py FOLDER

It runs in a separate environment, benchmarks/requirements-anomalib.txt, and imports nothing of this project. FOLDER
holds task.json and 0.npz, 1.npz, ..., see benchmarks.anomalib_task; the scores are written there as answer.json and
METHOD-NUMBER.npy. Only anomalib's trunk is replaced, by one that returns the given maps.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from anomalib.metrics import F1AdaptiveThreshold
from anomalib.models.image.padim.torch_model import PadimModel
from anomalib.models.image.patchcore.torch_model import PatchcoreModel
from torch import nn

UNUSED_TRUNK = {"backbone": "resnet18", "pre_trained": False, "layers": ["layer1"]}  # built, then replaced

Maps = dict[str, torch.Tensor]  # level -> float32 [1, channels, rows, columns], the finest first


class GivenMaps(nn.Module):
    """A replacement of anomalib's trunk that returns precomputed maps for any picture."""

    maps: Maps

    def forward(self, _picture: torch.Tensor) -> Maps:
        """Return the maps that were set last."""
        return self.maps


class Folder:
    """The folder that both programs share."""

    def __init__(self, path: Path) -> None:
        """Read the task."""
        self.path = path
        self.task: dict[str, Any] = json.loads((path / "task.json").read_text(encoding="utf-8"))
        self.levels: list[str] = self.task["levels"]

    def maps(self, number: int) -> Maps:
        """Return the level maps of a photograph."""
        with np.load(self.path / f"{number}.npz") as arrays:
            return {level: torch.from_numpy(arrays[level]).permute(2, 0, 1)[None].contiguous() for level in self.levels}

    def positions(self, number: int) -> torch.Tensor:
        """Return the positions of a photograph that may enter a coreset, as row-major indices."""
        with np.load(self.path / f"{number}.npz") as arrays:
            return torch.from_numpy(arrays["positions"])

    def picture(self, maps: Maps) -> torch.Tensor:
        """Return an empty picture of the size covered by the maps; anomalib only reads its size."""
        finest = self.levels[0]
        rows, columns = maps[finest].shape[-2:]
        return torch.zeros(1, 1, rows * int(finest), columns * int(finest))


def main(arguments: list[str]) -> int:
    """Score every held-out photograph by both models; return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    torch.set_num_threads(1)
    folder = Folder(parser.parse_args(arguments).folder)
    answer = {method: answer_by(method, folder) for method in ("patchcore", "padim")}
    (folder.path / "answer.json").write_text(json.dumps(answer), encoding="utf-8")
    return 0


def answer_by(method: str, folder: Folder) -> dict[str, Any]:
    """Hold out each fold once; write the score maps; return times, scores of photographs and the threshold."""
    fit_seconds, score_seconds, scores = [], [], {}
    for fold in folder.task["folds"]:
        torch.manual_seed(folder.task["seed"])
        np.random.seed(folder.task["seed"])
        with timed(fit_seconds):
            model = (fit_patchcore if method == "patchcore" else fit_padim)(folder, fold["fit"])
        for number in fold["score"]:
            maps = folder.maps(number)
            model.feature_extractor.maps = maps
            with timed(score_seconds), torch.inference_mode():
                found = model(folder.picture(maps))
            scores[number] = float(found.pred_score)
            np.save(folder.path / f"{method}-{number}.npy", found.anomaly_map[0, 0].numpy())
        print(f"anomalib, {method}: without {fold['score']}: {fit_seconds[-1]:.1f} s", file=sys.stderr, flush=True)
    return {
        "fit_seconds": float(np.median(fit_seconds)),
        "score_seconds": float(np.median(score_seconds)),
        "scores": scores,
        "normal_only_threshold": threshold_of_normals(list(scores.values())),
    }


def fit_patchcore(folder: Folder, numbers: list[int]) -> PatchcoreModel:
    """Return a model with a coreset chosen from the sampled positions of some photographs."""
    model = with_given_maps(PatchcoreModel(**UNUSED_TRUNK), folder).train()
    for number in numbers:
        model.feature_extractor.maps = maps = folder.maps(number)
        model(folder.picture(maps))
        model.embedding_store[-1] = model.embedding_store[-1][folder.positions(number)]
    candidates = sum(len(part) for part in model.embedding_store)
    model.subsample_embedding(min(1.0, folder.task["bank"] / candidates))
    return model.eval()


def fit_padim(folder: Folder, numbers: list[int]) -> PadimModel:
    """Return a model with one Gaussian per position of all features, without random selection of features."""
    model = with_given_maps(PadimModel(**UNUSED_TRUNK, n_features=1), folder).train()
    for number in numbers:
        model.feature_extractor.maps = maps = folder.maps(number)
        model.idx = torch.arange(sum(level.shape[1] for level in maps.values()))
        model(folder.picture(maps))
    model.fit()
    return model.eval()


def with_given_maps(model: Any, folder: Folder) -> Any:
    """Replace a model's trunk."""
    model.feature_extractor = GivenMaps()
    model.layers = folder.levels
    return model


def threshold_of_normals(scores: list[float]) -> float:
    """Return the threshold that anomalib chooses if all scores are of normal photographs."""
    chooser = F1AdaptiveThreshold(fields=["pred_score", "gt_label"])
    normal = torch.zeros(len(scores), dtype=torch.int64)
    chooser.update(SimpleNamespace(pred_score=torch.tensor(scores), gt_label=normal))
    return float(chooser.compute())


@contextmanager
def timed(seconds: list[float]) -> Iterator[None]:
    """Append the processor time of the block, which is not affected by other programs."""
    began = time.process_time()
    yield
    seconds.append(time.process_time() - began)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
