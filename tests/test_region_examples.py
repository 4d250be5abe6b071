"""Examples of regions' names: their classifier, their file, and how a finished model gets others."""

import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.preprocessing import StandardScaler

from inference.anomaly.region_examples import (
    NO_EXAMPLES,
    RegionExamples,
    examples_to_file,
    fit_names,
    read_region_examples,
)
from inference.enrollment.regions import add_examples, remove_examples
from inference.errors import InputError
from inference.model.array_file import arrays_to_file


def views_at(place: float, count: int = 20, seed: int = 0) -> np.ndarray:
    """Return descriptions [count, 4] around a place."""
    return np.random.default_rng(seed).normal(place, [1, 2, 0.5, 1], (count, 4)).astype(np.float32)


def two_names() -> RegionExamples:
    return NO_EXAMPLES.with_views("knot", views_at(3)).with_views("crack", views_at(0, 30, 1))


@pytest.mark.parametrize("places", [(0, 2), (0, 1, 4)])
def test_names_are_those_of_scikit_learn(places: tuple[float, ...]) -> None:
    """Faults: priors by the number of examples; a covariance that is not shrunk, or pooled over the names."""
    labels = tuple("abc"[: len(places)])
    parts = [views_at(place, 10 + 5 * number, number) for number, place in enumerate(places)]
    numbers = np.repeat(range(len(parts)), [len(one) for one in parts])
    views = np.concatenate(parts)
    scaler = StandardScaler().fit(views)
    priors = np.full(len(parts), 1 / len(parts))
    expected = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.2, priors=priors)
    expected.fit(scaler.transform(views), numbers)
    found = fit_names(labels, numbers, views).probabilities(views)
    assert found == pytest.approx(expected.predict_proba(scaler.transform(views)), abs=1e-3)


def test_a_new_name_keeps_the_others_examples() -> None:
    """Faults: numbers that no longer belong to their names where a name comes before them in the alphabet."""
    examples = two_names()
    assert examples.labels == ("crack", "knot")
    for label, place in (("crack", 0), ("knot", 3)):
        own = examples.descriptions[examples.numbers == examples.labels.index(label)]
        assert own[:, 0].mean() == pytest.approx(place, abs=0.7)
    names = examples.fit()
    assert names is not None
    assert names.name_region(np.full(4, 3, np.float32))[0] == "knot"
    more = add_examples(examples, "knot", [views_at(3, 20, 5)])
    assert (more.labels, len(more.numbers)) == (examples.labels, len(examples.numbers) + 20)


def test_a_name_can_be_removed_and_a_single_one_names_nothing() -> None:
    """Faults: the wrong examples removed; every region called by the only name that there is."""
    left = remove_examples(two_names(), "crack")
    assert left.labels == ("knot",)
    assert (left.descriptions == views_at(3)).all()
    assert left.fit() is None
    with pytest.raises(InputError, match="known: knot"):
        remove_examples(left, "hole")


def test_examples_are_read_as_they_were_written() -> None:
    """Faults: a name that is no ASCII; the scale lost."""
    examples = RegionExamples(("crack", "Äste"), np.r_[0, 0, 1].astype(np.int32), views_at(1, 3), scale=0.5)
    read = read_region_examples(examples_to_file(examples))
    assert (read.labels, read.scale) == (examples.labels, 0.5)
    assert (read.numbers == examples.numbers).all()
    assert (read.descriptions == examples.descriptions).all()
    assert read_region_examples(examples_to_file(NO_EXAMPLES)).labels == ()


@pytest.mark.parametrize(
    "change",
    [
        {"names": np.frombuffer(b"{", np.uint8)},
        {"names": np.frombuffer(b'["a", "a"]', np.uint8)},
        {"numbers": np.r_[0, 0, 5].astype(np.int32)},
        {"descriptions": np.zeros((3, 5), np.float32)},
        {"scale": np.zeros(1)},
    ],
)
def test_damaged_examples_are_refused(change: dict[str, np.ndarray]) -> None:
    """Fault: a traceback, or an index out of range while names are fitted."""
    whole = {
        "names": np.frombuffer(b'["a", "b"]', np.uint8),
        "numbers": np.r_[0, 1, 1].astype(np.int32),
        "descriptions": np.zeros((3, 4), np.float32),
        "scale": np.ones(1),
    }
    assert read_region_examples(arrays_to_file(whole)).labels == ("a", "b")
    with pytest.raises(InputError, match=r"region_examples\.npz"):
        read_region_examples(arrays_to_file(whole | change))


@pytest.mark.parametrize(
    ("name", "count"), [("", 3), ("unknown", 3), ("anomaly", 3), (" knot", 3), ("\udcff", 3), ("hole", 1)]
)
def test_a_name_that_means_something_else_or_has_too_few_examples_is_refused(name: str, count: int) -> None:
    """Fault: regions called "unknown" of which a user believes that nothing is known."""
    with pytest.raises(InputError):
        add_examples(two_names(), name, [views_at(2)] * count)
