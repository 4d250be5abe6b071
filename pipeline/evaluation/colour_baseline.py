"""Baselines for comparison: classifiers of colour histograms."""

from collections.abc import Mapping

import numpy as np
from PIL import Image
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from pipeline.data.dataset import load_patch
from pipeline.data.index import PatchIndex
from pipeline.metrics.classification import Scores
from pipeline.metrics.intervals import UNDEFINED, mean_difference, share_over_photos
from pipeline.progress import track
from pipeline.report.comparison import best_colour, judge_colour
from pipeline.report.sections import Baseline
from pipeline.settings.recipe import Recipe

NAME = "HSV histogram, random forest"
LOGISTIC_NAME = "HSV histogram, logistic regression"
BINS = (8, 4, 4)  # hue, saturation, value
_TREES = 500
_ITERATIONS = 2000


def measure_baseline(index: PatchIndex, recipe: Recipe, scores: Scores) -> Baseline:
    """Return the better baseline on the classes' test patches, compared with the network's scores on the same ones."""
    if len(recipe.labels) == 1:
        return Baseline(NAME, UNDEFINED)  # a single class can't be misclassified
    positives = scores.take(np.flatnonzero(scores.positive))
    return best_colour(compare_colour(predict_by_colour(index, recipe), positives))


def compare_colour(colour: Mapping[str, np.ndarray], scores: Scores) -> tuple[Baseline, ...]:
    """Return baselines compared with the network patch by patch.

    Args:
        colour: answers of the baselines, by name, str [patches].
        scores: of the network on the same patches, all of them of the classes.
    """
    return tuple(_compare(name, answers, scores) for name, answers in colour.items())


def _compare(name: str, answers: np.ndarray, scores: Scores) -> Baseline:
    right, own = answers == scores.labels, scores.best == scores.labels
    ahead = mean_difference(own, right, scores.photos)
    verdict = judge_colour(ahead, len(set(scores.photos)))
    return Baseline(name, share_over_photos(right, scores.photos), ahead, verdict)


def predict_by_colour(index: PatchIndex, recipe: Recipe) -> dict[str, np.ndarray]:
    """Return the answers of a random forest and a logistic regression for the classes' test patches, by name.

    Both are trained on histograms of the training patches. The regression uses their square roots, so that colours of
    small areas count too (Hellinger kernel; Arandjelovic and Zisserman 2012).
    """
    train, test = (index.select(name, recipe.labels) for name in ("train", "test"))
    known, labels, asked = colour_features(train, recipe), _labels(train), colour_features(test, recipe)
    logistic = LogisticRegression(max_iter=_ITERATIONS).fit(np.sqrt(known), labels)
    return {
        LOGISTIC_NAME: logistic.predict(np.sqrt(asked)),
        NAME: _make_forest().fit(known, labels).predict(asked),
    }


def colour_features(index: PatchIndex, recipe: Recipe) -> np.ndarray:
    """Return the colour histogram of each patch at the network's input size: float [patches, bins]."""
    side = recipe.network.input_side
    patches = track(index.patches, len(index.patches), "colour histograms")
    return np.array([colour_histogram(load_patch(index.path(patch), side)) for patch in patches])


def colour_histogram(rgb: np.ndarray) -> np.ndarray:
    """Return float [hue x saturation x value bins], summing to 1, of uint8 [height, width, 3], RGB."""
    hsv = np.asarray(Image.fromarray(rgb).convert("HSV")).reshape(-1, 3)  # [pixels, 3]
    counts, _ = np.histogramdd(hsv, bins=BINS, range=[(0, 256)] * 3)
    return counts.ravel() / len(hsv)


def _make_forest() -> RandomForestClassifier:
    return RandomForestClassifier(_TREES, random_state=0, n_jobs=-1)


def _labels(index: PatchIndex) -> np.ndarray:
    return np.array([patch.label for patch in index.patches])
