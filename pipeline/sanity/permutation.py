"""Answers and true labels of test patches -> the p-value of a permutation test.

The permutation test of Ojala and Garriga 2010, "Permutation tests for studying classifier performance", test 1, with
the answers fixed. Patches of one photograph are not independent, so the labels of units are permuted: a unit is the
patches of one photograph with the same label. If each photograph has one patch, a unit is a patch.
"""

from dataclasses import dataclass

import numpy as np

from pipeline.random_generator import make_generator
from pipeline.sanity.sections import Chance, PermutationTest

PERMUTATIONS = 10_000
HISTOGRAM_BINS = 40


@dataclass(frozen=True)
class LabelUnits:
    """Groups of patches whose labels are permuted together.

    of_patch: int [patches], the unit of each patch. labels: str [units].
    """

    of_patch: np.ndarray
    labels: np.ndarray

    def permuted(self, random: np.random.Generator) -> np.ndarray:
        """Return the labels of the patches, str [patches], after a random permutation of the units' labels."""
        return random.permutation(self.labels)[self.of_patch]


def find_units(labels: np.ndarray, photos: np.ndarray) -> LabelUnits:
    """Return the units of patches with these labels, str [patches], in these photographs, str [patches].

    Photographs a, a, a, b with labels x, x, y, x make three units: 0, 0, 1, 2 with labels x, y, x.
    """
    names, label_numbers = np.unique(labels, return_inverse=True)
    _, photo_numbers = np.unique(photos, return_inverse=True)
    pairs, of_patch = np.unique(photo_numbers * len(names) + label_numbers, return_inverse=True)
    return LabelUnits(of_patch, names[pairs % len(names)])


def permutation_test(
    answers: np.ndarray, labels: np.ndarray, photos: np.ndarray, permutations: int = PERMUTATIONS
) -> PermutationTest:
    """Return the p-value of an accuracy under permuted labels, and the distribution of chance accuracies.

    Units differ in size, so a permutation can change the number of patches per label. The statistic is therefore the
    accuracy minus the expected accuracy of independent answers and labels, the sum over the labels of (share of the
    labels) x (share of the answers). It is 0 for a network that always gives the same answer. If all units have the
    same size, this is a test of the accuracy itself.

    p is (b + 1) / (n + 1), where b of n permutations do at least as well. Answers a, a, b, b and the same labels in
    four photographs: one in six orders of the labels fits as well, so p is near 1/6.

    Args: answers, labels, photos: str [patches].
    """
    units = find_units(labels, photos)
    names, codes = np.unique(units.labels, return_inverse=True)
    fits = np.zeros((len(codes), len(names)), np.int64)  # patches of each unit by answer
    known = np.isin(answers, names)
    np.add.at(fits, (units.of_patch[known], np.searchsorted(names, answers[known])), 1)
    sizes, answered = np.bincount(units.of_patch, minlength=len(codes)), fits.sum(axis=0)

    def measure(codes: np.ndarray) -> tuple[int, int]:
        """Return the number of right answers, and the statistic x patches squared, both as exact integers."""
        right = int(fits[np.arange(len(codes)), codes].sum())
        counts = np.bincount(codes, sizes, len(names)).astype(np.int64)
        return right, right * len(answers) - int((counts * answered).sum())

    random = make_generator(0, "permutation test", len(codes))
    drawn = np.array([measure(random.permutation(codes)) for _ in range(permutations)])  # [permutations, 2]
    reached = int((drawn[:, 1] >= measure(codes)[1]).sum())
    chance = _describe(drawn[:, 0] / len(answers))
    return PermutationTest((reached + 1) / (permutations + 1), permutations, reached, len(codes), chance)


def naming_luck(answers: np.ndarray, labels: np.ndarray, classes: tuple[str, ...]) -> float:
    """Return the share of assignments of class names to the answers that are right at least as often.

    A network trained on shuffled labels may separate the classes and name them at random: with three classes, one of
    six assignments is completely right without any leak of the true labels. Estimated from random permutations.

    Args: answers, labels: str [patches], each one of the classes.
    """
    numbers = {name: number for number, name in enumerate(classes)}
    counts = np.zeros((len(classes), len(classes)), int)  # [true, answered]
    np.add.at(counts, ([numbers[one] for one in labels], [numbers[one] for one in answers]), 1)
    random, columns = make_generator(0, "naming", len(classes)), np.arange(len(classes))
    drawn = [counts[random.permutation(len(classes)), columns].sum() for _ in range(PERMUTATIONS)]
    return float(((np.array(drawn) >= counts.trace()).sum() + 1) / (PERMUTATIONS + 1))


def _describe(accuracies: np.ndarray) -> Chance:
    """Return the mean, the middle 95 % and a histogram over [0, 1] of accuracies under permuted labels."""
    counts, _ = np.histogram(accuracies, bins=HISTOGRAM_BINS, range=(0, 1))
    low, high = np.percentile(accuracies, [2.5, 97.5])
    return Chance(float(accuracies.mean()), float(low), float(high), tuple(counts.tolist()))
