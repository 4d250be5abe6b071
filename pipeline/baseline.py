"""What colour alone can do: a colour histogram with a random forest, beside which a network is judged."""

from typing import Any

import numpy as np
from PIL import Image
from sklearn.ensemble import RandomForestClassifier

from pipeline.dataset import load_patch
from pipeline.estimates import proportion
from pipeline.index import PatchIndex
from pipeline.recipe import Recipe

NAME = "HSV histogram, random forest"
BINS = (8, 4, 4)  # hue, saturation, value
_TREES = 500


def measure_baseline(index: PatchIndex, recipe: Recipe) -> dict[str, Any]:
    """Return name and test accuracy on the classes' patches; nothing is chosen, so validation takes no part."""
    if len(recipe.labels) == 1:
        return {"name": NAME, "accuracy": proportion(0, 0)}  # with one class there is nothing to tell apart
    train, test = (index.select(name, recipe.labels) for name in ("train", "test"))
    forest = RandomForestClassifier(_TREES, random_state=0, n_jobs=-1)
    forest.fit(_features(train, recipe), [patch.label for patch in train.patches])
    right = forest.predict(_features(test, recipe)) == np.array([patch.label for patch in test.patches])
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
