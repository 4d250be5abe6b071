"""Measure how well out-of-distribution scores separate a run's validation patches of the classes from unknown objects.

    python -m benchmarks.ood_scores RUN [--json OUT]

RUN: a calibrated and exported run's folder. Near: validation patches of background. Far: drawn pictures of no
particular object; recipes that train with such pictures use another seed. The scores are computed from the softmax, the
logits or the pooled features of the Keras model. Compare OpenOOD (Yang et al. 2022, arXiv:2210.07242).
"""

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from scipy.special import logsumexp, softmax
from sklearn.covariance import shrunk_covariance
from sklearn.metrics import roc_auc_score

from benchmarks.folds import show
from inference.model.array_file import normalise
from inference.model.logistic import logistic
from inference.model.neighbours import Neighbours, class_spread, nth_cosine
from inference.pictures.image_io import resize_image
from models.heads import POOL
from pipeline.calibration.neighbours import read_run_neighbours
from pipeline.classification.stages import run_index
from pipeline.data.dataset import load_patch
from pipeline.data.index import PatchIndex
from pipeline.drawn.outliers import draw_outlier
from pipeline.random_generator import make_generator
from pipeline.settings.labels import BACKGROUND
from pipeline.settings.recipe import Recipe
from pipeline.settings.run_folder import RunFolder, read_json

WEIGHED_SOFTMAX = "softmax x neighbours"
FAR_PICTURES = 200
MOST_TRAINING = 2000
_FAR_SEED = 1_000_003  # not used by any recipe
_SHRINKAGE = 0.1
_COUNT = 10
_TRUE_POSITIVES = 0.95


@dataclass(frozen=True)
class Seen:
    """Outputs of the network for pictures.

    logits: float [pictures, classes], divided by the temperature. best: float [pictures], probability of the best class
    over all outputs. features: float [pictures, features], pooled.
    """

    logits: np.ndarray
    best: np.ndarray
    features: np.ndarray


@dataclass(frozen=True)
class Known:
    """Training patches of the classes, which some scores use.

    seen: outputs for the patches. classes: int [patches], class numbers. neighbours: of the artefact, if it has any.
    """

    seen: Seen
    classes: np.ndarray
    neighbours: Neighbours | None


def main(arguments: list[str]) -> int:
    """Print one line per score; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, metavar="RUN", help="a finished run's folder")
    parser.add_argument("--json", type=Path, metavar="OUT", help="write the figures there as well")
    options = parser.parse_args(arguments)
    return show(lambda: measure_run(RunFolder(options.run)), table, options.json)


def measure_run(run: RunFolder) -> dict[str, Any]:
    """Return the figures of a run; see measure_ood_scores.

    Raises:
        InputError: the run is not calibrated.
    """
    recipe = run.read_recipe()
    calibration = read_json(run.calibration, "Calibrate first: python -m pipeline resume RUN.")
    network = keras.models.load_model(run.best, compile=False)
    neighbours = read_run_neighbours(run, network, recipe)
    return measure_ood_scores(network, calibration["temperature"], neighbours, run_index(run), recipe)


def table(report: dict[str, Any]) -> list[str]:
    """Return the figures as lines of text; a star marks the score used by the run's file."""
    lines = [f"{'':<24}{'':>6}   AUROC  pass at 95 %  known  unknown"]
    for name, kinds in report["scores"].items():
        for kind, row in kinds.items():
            star = "*" if name == report["decided_by"] else ""
            rates = f"{row['auroc']:>8.3f}{100 * row['fpr95']:>13.1f} %"
            lines.append(f"{name + star:<24}{kind:>6}{rates}{row['n_known']:>7}{row['n_unknown']:>9}")
    return lines


def max_softmax(pictures: Seen, known: Known) -> np.ndarray:
    """Return the best probability (Hendrycks and Gimpel 2017, arXiv:1610.02136)."""
    return pictures.best


def energy(pictures: Seen, known: Known) -> np.ndarray:
    """Return the log-sum of exponentials of the logits (Liu et al. 2020, arXiv:2010.03759)."""
    return np.asarray(logsumexp(pictures.logits, axis=1))


def knn_score(pictures: Seen, known: Known) -> np.ndarray:
    """Return the cosine to the tenth nearest training patch (Sun et al. 2022, arXiv:2204.06507)."""
    bank = normalise(known.seen.features)
    return nth_cosine(normalise(pictures.features), bank, min(_COUNT, len(bank)))


def mahalanobis(pictures: Seen, known: Known) -> np.ndarray:
    """Return minus the squared Mahalanobis distance to the nearest class mean (Lee et al. 2018, arXiv:1807.03888)."""
    means, covariance = class_spread(known.seen.features, known.classes)
    precision = np.linalg.inv(shrunk_covariance(covariance, _SHRINKAGE))
    gaps = [pictures.features - mean for mean in means]
    return -np.min([np.einsum("nf,fg,ng->n", gap, precision, gap) for gap in gaps], axis=0)


def virtual_logit(pictures: Seen, known: Known) -> np.ndarray:
    """Return the energy minus the norm of the features outside the principal subspace (ViM, arXiv:2203.10807)."""
    centre = known.seen.features.mean(axis=0)
    _, _, directions = np.linalg.svd(known.seen.features - centre, full_matrices=False)
    rest = directions[len(directions) // 4 :].T
    lengths = [np.linalg.norm((seen.features - centre) @ rest, axis=1) for seen in (known.seen, pictures)]
    scale = known.seen.logits.max(axis=1).mean() / max(lengths[0].mean(), np.finfo(np.float32).tiny)
    return energy(pictures, known) - scale * lengths[1]


def weighed_softmax(pictures: Seen, known: Known) -> np.ndarray:
    """Return the best probability times the logistic of the knn score, as with calibrate.kind=neighbours."""
    assert known.neighbours is not None
    scores = known.neighbours.scaled_knn_score(known.neighbours.project(pictures.features))
    return max_softmax(pictures, known) * logistic(scores)


SCORES: dict[str, Callable[[Seen, Known], np.ndarray]] = {
    "softmax": max_softmax,
    "energy": energy,
    "nearest neighbours": knn_score,
    "Mahalanobis": mahalanobis,
    "ViM": virtual_logit,
    WEIGHED_SOFTMAX: weighed_softmax,
}


def measure_ood_scores(
    network: keras.Model, temperature: float, neighbours: Neighbours | None, index: PatchIndex, recipe: Recipe
) -> dict[str, Any]:
    """Return AUROC and the false positive rate at 95 % true positives of each score, near and far.

    A background output is included in the softmax, as in the decision; energies are of the classes only.
    """
    both = keras.Model(network.input, [network.output, network.get_layer(POOL).output])

    def look(pixels: np.ndarray) -> Seen:
        logits, features = both.predict(pixels, batch_size=recipe.fit.batch_size, verbose=0)
        probabilities = softmax(logits / temperature, axis=1)[:, : len(recipe.labels)]
        return Seen(logits[:, : len(recipe.labels)] / temperature, probabilities.max(axis=1), features)

    train = _sample(index.select("train", recipe.labels))
    numbers = np.array([recipe.labels.index(patch.label) for patch in train.patches])
    known = Known(look(_pixels(train, recipe)), numbers, neighbours)
    inside = look(_pixels(index.select("validation", recipe.labels), recipe))
    near = index.select("validation", (BACKGROUND,))
    unknown = {"near": look(_pixels(near, recipe))} if near.patches else {}
    unknown["far"] = look(_drawn(recipe))
    names = [name for name in SCORES if neighbours is not None or name != WEIGHED_SOFTMAX]
    return {
        "decided_by": WEIGHED_SOFTMAX if neighbours is not None else "softmax",
        "scores": {
            name: {kind: compare(SCORES[name], inside, seen, known) for kind, seen in unknown.items()} for name in names
        },
    }


def compare(score: Callable[[Seen, Known], np.ndarray], inside: Seen, outside: Seen, known: Known) -> dict[str, Any]:
    """Return AUROC, the share of unknown objects that pass when 95 % of the known ones do, and n of both."""
    counts = {"n_known": len(inside.logits), "n_unknown": len(outside.logits)}
    ours, theirs = score(inside, known), score(outside, known)
    truth = np.r_[np.ones(len(ours)), np.zeros(len(theirs))]
    bar = np.sort(ours)[len(ours) - int(np.ceil(_TRUE_POSITIVES * len(ours)))]
    auroc = float(roc_auc_score(truth, np.r_[ours, theirs]))
    return {"auroc": auroc, "fpr95": float((theirs >= bar).mean()), **counts}


def _sample(index: PatchIndex) -> PatchIndex:
    """Return at most MOST_TRAINING patches, sampled at random, in the order of the index."""
    count = len(index.patches)
    positions = make_generator(0, "reject scores", count).permutation(count)[:MOST_TRAINING]
    return PatchIndex(index.root, tuple(index.patches[position] for position in np.sort(positions)))


def _pixels(index: PatchIndex, recipe: Recipe) -> np.ndarray:
    """Return uint8 [patches, side, side, 3]."""
    return np.stack([load_patch(index.path(patch), recipe.network.input_side) for patch in index.patches])


def _drawn(recipe: Recipe) -> np.ndarray:
    """Return drawn pictures at the network's input size, uint8 [pictures, side, side, 3]."""
    size = (recipe.network.input_side, recipe.network.input_side)
    return np.stack([resize_image(draw_outlier(_FAR_SEED, number), size) for number in range(FAR_PICTURES)])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
