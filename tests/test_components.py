"""Connected regions and their contours in numpy alone, against OpenCV's."""

import cv2
import numpy as np
import pytest

from inference.anomaly.components import find_components, label_components, trace_contour


def random_mask(seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    height, width = random.integers(1, 28, 2)
    return random.random((height, width)) < random.choice([0.1, 0.3, 0.5, 0.7])


@pytest.mark.parametrize("seed", range(40))
def test_regions_are_those_of_opencv(seed: int) -> None:
    """Faults: corners that do not connect; a run joined to one row's only; boxes off by one."""
    mask = random_mask(seed)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    ours, number = label_components(mask)
    assert number == count - 1
    assert (ours > 0).tolist() == mask.tolist()
    found = sorted((*one.box, one.area) for one in find_components(mask))
    assert found == sorted(tuple(int(value) for value in row) for row in stats[1:])
    assert len(set(zip(ours[mask], labels[mask], strict=True))) == number


@pytest.mark.parametrize("seed", range(40))
def test_a_contour_encloses_its_region(seed: int) -> None:
    """Faults: a trace that ends at the first return to its start, at a waist; points of another region."""
    mask = random_mask(seed)
    for component in find_components(mask):
        drawn, full = np.zeros((2, *mask.shape), np.uint8)
        cv2.fillPoly(drawn, [np.array(trace_contour(component), np.int32)], 1)
        full[component.slices] = component.mask
        outlines, _ = cv2.findContours(full, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        filled = cv2.drawContours(np.zeros(mask.shape, np.uint8), outlines, -1, 1, -1)
        assert drawn.tolist() == filled.tolist()


def test_a_square_has_four_corners() -> None:
    """Faults: points on straight edges kept; coordinates of the box instead of the photograph."""
    mask = np.zeros((9, 9), bool)
    mask[3:6, 2:7] = True
    (component,) = find_components(mask)
    assert sorted(trace_contour(component)) == [(2, 3), (2, 5), (6, 3), (6, 5)]


def test_small_regions_are_left_out_and_the_largest_comes_first() -> None:
    """Faults: the smallest area as a strict bound."""
    mask = np.zeros((5, 12), bool)
    mask[1, 1], mask[1, 3:5], mask[3, 6:12] = True, True, True
    assert [one.area for one in find_components(mask, 2)] == [6, 2]
    assert find_components(np.zeros((3, 3), bool)) == []
