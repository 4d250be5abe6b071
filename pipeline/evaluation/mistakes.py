"""Answers of the released file for the test patches -> the wrong ones by loss, and the confused classes."""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from inference.model.decide import UNKNOWN
from pipeline.data.index import PatchIndex
from pipeline.metrics.classification import Scores
from pipeline.report.sections import ConfusedPair, MistakeCounts
from pipeline.settings.labels import BACKGROUND
from pipeline.settings.recipe import Recipe

MOST_PAIRS = 10
_LEAST_PROBABILITY = 1e-7  # keeps the loss finite, at most 16.1


@dataclass(frozen=True)
class TestAnswers:
    """The results of all test patches, in the order of the index.

    scores, truths: of the released file; truths as returned by `true_probabilities`. features: float32 [patches,
    features], pooled features of the Keras network.
    """

    __test__ = False  # tells pytest that this is not a test case

    index: PatchIndex
    scores: Scores
    truths: np.ndarray
    features: np.ndarray

    @property
    def losses(self) -> np.ndarray:
        """Return float [patches]: the negative logarithm of the true label's probability, 0.5 -> 0.693."""
        return -np.log(np.clip(self.truths, _LEAST_PROBABILITY, 1.0))


def true_probabilities(probabilities: np.ndarray, labels: list[str], recipe: Recipe) -> np.ndarray:
    """Return the model's probability of each true label, float [patches].

    For a background patch it is 1 minus the sum over the classes: the background output and, in a model with
    neighbours, the probability lost to the k-nearest-neighbour score. For a network without a background output it is 1
    minus the confidence of the best class.

    Args:
        probabilities: float [patches, outputs], in the order of recipe.outputs.
        labels: true label of each patch.
        recipe: of the run.
    """
    classes = probabilities[:, : len(recipe.labels)].astype(float)
    best = classes.max(axis=1) if recipe.outputs == recipe.labels else classes.sum(axis=1)
    numbers = np.array([recipe.labels.index(label) if label != BACKGROUND else -1 for label in labels], int)
    given = classes[np.arange(len(classes)), numbers]
    return np.clip(np.where(numbers >= 0, given, 1 - best), 0.0, 1.0)


def rank_mistakes(answers: TestAnswers) -> np.ndarray:
    """Return the positions of the wrong answers, int [mistakes], highest loss first.

    Wrong are patches of a class with another class as their best label, and accepted background patches. Patches of a
    class that were answered "unknown" come after all others, again by loss: they did no harm but show what the network
    confuses. Rejected patches with the right best label are not included.
    """
    scores = answers.scores
    rejected = scores.results == UNKNOWN
    wrong = np.flatnonzero((scores.best != scores.labels) & (scores.positive | ~rejected))
    return wrong[np.lexsort((wrong, -answers.losses[wrong], rejected[wrong]))]


def confused_pairs(scores: Scores, wrong: np.ndarray) -> tuple[ConfusedPair, ...]:
    """Return the most frequent mistakes."""
    labels, best = scores.labels[wrong], scores.best[wrong]
    pairs = Counter(zip(labels.tolist(), best.tolist(), strict=True))
    unknown = scores.results[wrong] == UNKNOWN
    rows = [
        ConfusedPair(
            label=label,
            given=given,
            count=count,
            n=int((scores.labels == label).sum()),
            rejected=int((unknown & (labels == label) & (best == given)).sum()),
        )
        for (label, given), count in pairs.items()
    ]
    rows.sort(key=lambda row: (-row.count, row.n, row.label, row.given))
    return tuple(rows[:MOST_PAIRS])


def summarise_mistakes(answers: TestAnswers, wrong: np.ndarray) -> MistakeCounts:
    """Return the numbers of wrong, of rejected and of tested patches, and the confused pairs."""
    scores = answers.scores
    unknown = scores.results == UNKNOWN
    return MistakeCounts(
        count=len(wrong),
        rejected=int(unknown[wrong].sum()),
        right_rejected=int((unknown & (scores.best == scores.labels)).sum()),
        tested=len(scores.labels),
        pairs=confused_pairs(scores, wrong),
    )
