"""Pictures of an anomaly run's report: outlines that are seen at a glance."""

import numpy as np
import pytest

from pipeline.anomaly.pictures import _FOUND, _TRUE, draw_found


def coloured(picture: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    """Return the rows and columns [n, 2] of pixels near a colour."""
    return np.argwhere(np.abs(picture.astype(int) - colour).sum(axis=2) < 90)


@pytest.mark.parametrize("side", [4, 200])
def test_a_tiny_region_has_a_circle_and_a_large_one_its_outline_alone(side: int) -> None:
    """Faults: a pin knot of a few pixels that nobody sees; circles around every region."""
    found = np.zeros((900, 1300), bool)
    found[300 : 300 + side, 600 : 600 + side] = True
    places = coloured(draw_found(np.full((900, 1300, 3), 200, np.uint8), found, None), _FOUND)
    reach = places.max(axis=0) - places.min(axis=0)
    assert (reach >= 20).all()
    assert (reach <= max(30, side // 2)).all()
    assert places.mean(axis=0) == pytest.approx(np.array([300 + side / 2, 600 + side / 2]) * 640 / 1300, abs=3)


def test_found_and_true_regions_differ_in_colour() -> None:
    """Fault: the mask drawn over what was found."""
    found, mask = np.zeros((2, 100, 100), bool)
    found[20:60, 20:60], mask[30:80, 30:80] = True, True
    picture = draw_found(np.full((100, 100, 3), 200, np.uint8), found, mask)
    assert len(coloured(picture, _FOUND)) > 100
    assert len(coloured(picture, _TRUE)) > 60


def test_pieces_of_one_crack_have_no_circles() -> None:
    """Fault: a chain of circles over a thin crack, of which nothing else can be seen."""
    found = np.zeros((400, 640), bool)
    found[200:203, 100:300:10] = found[200:203, 101:300:10] = True
    places = coloured(draw_found(np.full((400, 640, 3), 200, np.uint8), found, None), _FOUND)
    assert places[:, 0].max() - places[:, 0].min() < 10
