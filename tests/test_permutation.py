"""The permutation test: p-values against a count of all orders by hand, photographs that move as one."""

from itertools import permutations

import numpy as np
import pytest

from pipeline.sanity.permutation import find_units, permutation_test


def test_the_p_value_is_the_share_of_orders_that_do_as_well() -> None:
    """By hand: one of the six orders of a, a, b, b meets the answers. Faults: > for >=; b / n; answers permuted too."""
    labels, photos = np.array(list("aabb")), np.array(list("1234"))
    test = permutation_test(labels, labels, photos)
    assert test.p == pytest.approx(1 / 6, abs=0.015)
    assert test.p == (test.as_good + 1) / 10_001
    assert test.chance.mean == pytest.approx(0.5, abs=0.01)
    assert test.units == 4


def test_a_p_value_agrees_with_all_orders_counted_one_by_one() -> None:
    """Faults: a statistic that is no accuracy where each photograph holds one patch; more or fewer answers than one."""
    labels, answers = np.array(list("aabbcc")), np.array(list("aabcca"))
    right = (answers == labels).sum()
    orders = [(answers == labels[list(order)]).sum() >= right for order in permutations(range(6))]
    test = permutation_test(answers, labels, np.array(list("123456")))
    assert test.p == pytest.approx(np.mean(orders), abs=0.015)


def test_patches_of_a_photograph_count_once() -> None:
    """Four photographs of five patches tell as much as four patches. Faults: patches that are permuted one by one."""
    labels, photos = (np.repeat(list(text), 5) for text in ("aabb", "1234"))
    assert permutation_test(labels, labels, photos).p == pytest.approx(1 / 6, abs=0.015)


def test_always_the_same_answer_is_worth_nothing_though_its_photographs_are_large() -> None:
    """Faults: accuracy itself as statistic: label a has most patches, in few photographs, so any order has fewer."""
    labels = np.repeat(list("aabbbbbb"), [20, 20, 1, 1, 1, 1, 1, 1])
    photos = np.repeat(list("12345678"), [20, 20, 1, 1, 1, 1, 1, 1])
    assert permutation_test(np.full(len(labels), "a"), labels, photos).p == 1


def test_answers_by_lot_have_p_values_of_all_sizes() -> None:
    """Of 200 tests on photographs of unequal size about one in ten has p below 0.1. Faults: a test that cries wolf."""
    small = 0
    for seed in range(200):
        random = np.random.default_rng(seed)
        sizes = random.integers(1, 6, 24)
        photos = np.repeat(np.arange(24), sizes)
        labels, answers = (np.repeat(random.choice(list("abc"), 24), sizes) for _ in range(2))
        small += permutation_test(answers, labels, photos, 200).p < 0.1
    assert 8 <= small <= 34


def test_units_are_photographs_parted_by_label() -> None:
    """Faults: two classes of one photograph that must take one label; names of photographs that run together."""
    units = find_units(np.array(list("xxyx")), np.array(list("aaab")))
    assert units.of_patch.tolist() == [0, 0, 1, 2]
    assert units.labels.tolist() == ["x", "y", "x"]


def test_an_answer_that_is_no_label_of_the_test_is_wrong() -> None:
    """Faults: an index that runs over where the network names a class without test patches."""
    labels, photos = np.array(list("aabb")), np.array(list("1234"))
    assert permutation_test(np.array(list("zzzz")), labels, photos).p == 1
