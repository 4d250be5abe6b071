"""What colour alone can do: a colour histogram with logistic regression, beside which a network is judged."""

from typing import Any

import numpy as np
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from pipeline.dataset import load_patch
from pipeline.estimates import proportion
from pipeline.index import PatchIndex
from pipeline.recipe import Recipe

NAME = "HSV histogram, logistic regression"
BINS = (8, 4, 4)  # hue, saturation, value
_STRENGTHS = (0.001, 0.01, 0.1, 1.0)


def measure_baseline(index: PatchIndex, recipe: Recipe) -> dict[str, Any]:
    """Return name and test accuracy on the classes' patches; validation chooses the regularisation."""
    if len(recipe.labels) == 1:
        return {"name": NAME, "accuracy": proportion(0, 0)}  # with one class there is nothing to tell apart
    splits = {name: index.select(name, recipe.labels) for name in ("train", "validation", "test")}
    features = {name: _features(part, recipe) for name, part in splits.items()}
    labels = {name: [patch.label for patch in part.patches] for name, part in splits.items()}
    models = [_fit(features["train"], labels["train"], strength) for strength in _STRENGTHS]
    best = max(models, key=lambda model: model.score(features["validation"], labels["validation"]))
    right = best.predict(features["test"]) == np.array(labels["test"])
    return {"name": NAME, "accuracy": proportion(int(right.sum()), len(right))}


def colour_histogram(rgb: np.ndarray) -> np.ndarray:
    """Return float [hue x saturation x value bins], summing to 1, of uint8 [height, width, 3], RGB."""
    hsv = np.asarray(Image.fromarray(rgb).convert("HSV")).reshape(-1, 3)  # [pixels, 3]
    counts, _ = np.histogramdd(hsv, bins=BINS, range=[(0, 256)] * 3)
    return counts.ravel() / len(hsv)


def _features(index: PatchIndex, recipe: Recipe) -> np.ndarray:
    """Return the colour histogram of each patch: float [patches, bins]."""
    side = recipe.network.input_side
    return np.array([colour_histogram(load_patch(index.path(patch), side)) for patch in index.patches])


def _fit(features: np.ndarray, labels: list[str], strength: float) -> Pipeline:
    model = make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=2000))
    return model.fit(features, labels)
