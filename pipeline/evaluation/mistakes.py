"""Answers of the released file to the test patches -> the wrong ones by loss, and which classes are confused."""

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
_LEAST_PROBABILITY = 1e-7  # keeps the loss of an answer without any doubt finite: 16.1


@dataclass(frozen=True)
class TestAnswers:
    """What is known of each test patch, in the index' order.

    scores, truths: of the released file; truths as `true_probabilities` gives them. features: float32
    [patches, features], what the Keras network sees before its last layer.
    """

    __test__ = False  # no test case, whatever pytest thinks of the name

    index: PatchIndex
    scores: Scores
    truths: np.ndarray
    features: np.ndarray

    @property
    def losses(self) -> np.ndarray:
        """Return float [patches]: the negative logarithm of the probability of the truth, 0.5 -> 0.693."""
        return -np.log(np.clip(self.truths, _LEAST_PROBABILITY, 1.0))


def true_probabilities(probabilities: np.ndarray, labels: list[str], recipe: Recipe) -> np.ndarray:
    """Return the probability that a model gave to the truth, float [patches].

    Of a background patch that is what the classes leave of 1, the background output's share and, of a model with
    neighbours, what is lost for being unlike the training. A network without that output leaves nothing: there it is
    1 - the confidence of the best class.

    Args:
        probabilities: float [patches, outputs], in the order of recipe.outputs.
        labels: the true label of each patch.
        recipe: of the run.
    """
    classes = probabilities[:, : len(recipe.labels)].astype(float)
    best = classes.max(axis=1) if recipe.outputs == recipe.labels else classes.sum(axis=1)
    numbers = np.array([recipe.labels.index(label) if label != BACKGROUND else -1 for label in labels], int)
    given = classes[np.arange(len(classes)), numbers]
    return np.clip(np.where(numbers >= 0, given, 1 - best), 0.0, 1.0)


def rank_mistakes(answers: TestAnswers) -> np.ndarray:
    """Return the places of the wrong answers, int [mistakes], the highest loss first.

    Wrong is a class's patch whose best label is another class, and a background patch that was accepted. Of the
    former some were answered "unknown": the mistake did no harm, yet it shows what the network confuses. They come
    after all others, again by loss. A patch whose best label is right but was rejected is no mistake of this list.
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
    """Return how many patches are wrong, answered "unknown" and tested, and the confused pairs."""
    scores = answers.scores
    unknown = scores.results == UNKNOWN
    return MistakeCounts(
        count=len(wrong),
        rejected=int(unknown[wrong].sum()),
        right_rejected=int((unknown & (scores.best == scores.labels)).sum()),
        tested=len(scores.labels),
        pairs=confused_pairs(scores, wrong),
    )
