"""PatchIndex + pretrained trunk -> best.keras: the trunk stays as it is, a linear head is fitted to its features.

The features of every view are computed once and kept in the run's cache. The head is a logistic regression on
standardised features; of several penalties, that with the lowest validation loss is chosen. The standardisation becomes
part of the head's weights, so that the result is an ordinary network.
"""

import io
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from scipy.special import log_softmax
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from inference.atomic_file import write_atomically
from models.heads import LinearHead, pooled_features, set_linear_head
from pipeline.data.index import PatchIndex
from pipeline.settings.recipe import Recipe
from pipeline.settings.run_folder import RunFolder
from pipeline.training.callbacks import read_history, write_history
from pipeline.training.epochs import FitData, History, finish, make_fit_data
from pipeline.training.weights import make_network

_STRENGTHS = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1)  # sklearn's C, from the strongest penalty to the weakest
_ITERATIONS = 500
_LEAST_SHARE = 1e-3  # smaller shares of a mixed label are ignored


@dataclass(frozen=True)
class Features:
    """Pooled features float32 [views, features], labels float32 [views, outputs], loss weights float32 [views]."""

    pooled: np.ndarray
    labels: np.ndarray
    weights: np.ndarray


def fit_frozen(run: RunFolder, index: PatchIndex, recipe: Recipe) -> dict[str, Any]:
    """Fit the head on the frozen trunk; return the same as fit_gradient, with one "epoch" for each penalty.

    An interrupted run keeps the features that are in its cache.

    Raises:
        InputError: a class has no patches, or the initial weights don't fit.
    """
    if not read_history(run.history):  # otherwise killed between history.csv and fit.json
        keras.utils.set_random_seed(recipe.seed)
        network = make_network(recipe, recipe.network.weights)
        rows = fit_head(run, network, make_fit_data(run, index, recipe), recipe.fit.epochs)
        network.save(run.candidate)
        run.candidate.replace(run.best)
        write_history(run.history, rows)
    return finish(run)


def fit_head(run: RunFolder, network: keras.Model, data: FitData, passes: int) -> History:
    """Set the head of a network to the best linear one for its features; return a row of history.csv per penalty.

    passes: number of augmented views of each training patch.
    """
    begun = time.monotonic()
    trunk = pooled_features(network)
    views = [
        _cached(run.cache / f"view-{view}.npz", trunk, data.training.batches(view, view + 1)) for view in range(passes)
    ]
    training = Features(*map(np.concatenate, zip(*map(astuple, views), strict=True)))
    validation = _cached(run.cache / "validation.npz", trunk, data.validation)
    rows, heads = [], []
    for epoch, head in enumerate(fit_heads(training, passes)):
        seconds, begun = time.monotonic() - begun, time.monotonic()
        rows.append({"epoch": epoch, **_measure(head, training), **_measure(head, validation, "val_")})
        rows[-1] |= {"strength": _STRENGTHS[epoch], "seconds": round(seconds, 2)}
        heads.append(head)
    best = min(rows, key=lambda row: row["val_loss"])
    print(f"penalty {best['epoch'] + 1} of {len(rows)}, accuracy {best['val_accuracy']:.3f}", file=sys.stderr)
    set_linear_head(network, heads[int(best["epoch"])])
    return rows


def fit_heads(training: Features, passes: int) -> Iterator[LinearHead]:
    """Yield a logistic regression for each of _STRENGTHS; labels that are mixed count by their shares.

    passes: number of views of each patch. The weights are divided by it, so that a penalty has the same effect
    whatever the number of views.
    """
    scaler = StandardScaler().fit(training.pooled, sample_weight=training.weights)
    views, labels = np.nonzero(training.labels > _LEAST_SHARE)
    standardised = scaler.transform(training.pooled)[views]
    weights = (training.labels[views, labels] * training.weights[views]) / passes
    model = LogisticRegression(max_iter=_ITERATIONS, warm_start=True)
    for strength in _STRENGTHS:
        model.set_params(C=strength).fit(standardised, labels, sample_weight=weights)
        yield LinearHead(scaler.mean_, scaler.scale_, *_weights_of_outputs(model, training.labels.shape[1]))


def _weights_of_outputs(model: LogisticRegression, outputs: int) -> tuple[np.ndarray, np.ndarray]:
    """Return kernel [features, outputs] and bias [outputs]; an output of no label has at most _LEAST_SHARE."""
    own_kernel, own_bias = model.coef_.T, model.intercept_
    if len(own_bias) == 1:  # sklearn gives the logit of the second of two labels alone
        own_kernel, own_bias = (np.concatenate([-half, half], axis=-1) for half in (own_kernel / 2, own_bias / 2))
    kernel = np.zeros((len(own_kernel), outputs))
    # the kernels of all labels add up to 0, so the mean of the biases is that of a picture's logits
    bias = np.full(outputs, own_bias.mean() + np.log(_LEAST_SHARE))
    kernel[:, model.classes_], bias[model.classes_] = own_kernel, own_bias
    return kernel, bias


def _measure(head: LinearHead, features: Features, prefix: str = "") -> dict[str, float]:
    """Return the weighted mean cross-entropy, and the accuracy, of a head's answers."""
    log_probabilities = log_softmax(head.logits(features.pooled), axis=1)
    losses = -(features.labels * log_probabilities).sum(axis=1)
    right = log_probabilities.argmax(axis=1) == features.labels.argmax(axis=1)
    return {
        f"{prefix}loss": float(np.average(losses, weights=features.weights)),
        f"{prefix}accuracy": float(right.mean()),
    }


def _cached(file: Path, trunk: keras.Model, batches: Iterable[Any]) -> Features:
    """Return the features in a file, or compute them from batches (pixels, labels[, weights]) and write it."""
    if not file.is_file():
        print(f"features: {file.stem} ...", file=sys.stderr, flush=True)
        parts = [_extract(trunk, *batch) for batch in batches]
        arrays = [np.concatenate(part).astype(np.float32) for part in zip(*parts, strict=True)]
        buffer = io.BytesIO()
        np.savez(buffer, *arrays)
        write_atomically(file, buffer.getvalue())
    with np.load(file) as stored:
        return Features(*(stored[name] for name in stored.files))


def _extract(trunk: keras.Model, pixels: Any, labels: Any, weights: Any = None) -> tuple[np.ndarray, ...]:
    pooled = trunk.predict_on_batch(pixels)
    return pooled, np.asarray(labels), np.ones(len(pooled)) if weights is None else np.asarray(weights)
