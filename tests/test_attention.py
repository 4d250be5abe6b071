"""Hidden parts and Grad-CAM's share in a box, on pictures and networks whose answers are known."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from inference.model.classifier import Classifier
from pipeline.data.index import Patch
from pipeline.metrics.intervals import UNDEFINED
from pipeline.sanity.measure import BOXES, measure_views
from pipeline.sanity.occlusion import (
    INSIDE_HIDDEN,
    OUTSIDE_HIDDEN,
    WHOLE,
    classify_views,
    draw_example,
    hide,
    map_evidence,
    shares_inside,
)
from pipeline.sanity.sections import ViewRow
from pipeline.sanity.specimen_views import View
from tests.test_grad_cam import SIDE, make_colour_counter

RED, BLUE = (220, 30, 30), (30, 30, 220)


def make_view(inside_colour: tuple, outside_colour: tuple, number: int = 0) -> View:
    """Return a view whose middle quarter is of one colour and the rest of another."""
    inside = np.zeros((40, 40), bool)
    inside[10:30, 10:30] = True
    pixels = np.where(inside[..., np.newaxis], inside_colour, outside_colour).astype(np.uint8)
    return View(Patch(f"{number}.png", "red", f"{number}.jpg", 0, 0, 40, 40, "test"), pixels, inside)


def test_what_is_hidden_has_the_mean_colour_of_what_is_not() -> None:
    """Faults: the mean of the whole, which tells of what is hidden; the other part filled; the picture changed."""
    view = make_view(RED, BLUE)
    hidden = hide(view.pixels, view.inside)
    assert np.all(hidden == BLUE)
    assert np.all(hide(view.pixels, ~view.inside) == RED)
    assert np.all(view.pixels[15, 15] == RED)
    assert np.all(hide(view.pixels, np.ones_like(view.inside)) == 128)


def test_the_released_file_is_asked_with_each_part_hidden(tiny_model: Path) -> None:
    """Faults: inside and outside exchanged; answers of the network before the change."""
    seen = classify_views([make_view(RED, BLUE), make_view(BLUE, RED)], Classifier(tiny_model, threshold=0), 8)
    assert seen.answers[INSIDE_HIDDEN].tolist() == ["blue", "red"]
    assert seen.answers[OUTSIDE_HIDDEN].tolist() == ["red", "blue"]
    assert len(seen.answers[WHOLE]) == 2
    assert seen.pixels.shape == (2, 8, 8, 3)
    assert seen.inside[0].mean() == pytest.approx(0.25, abs=0.02)
    assert seen.inside[0][4, 4] == 1 and seen.inside[0][0, 0] == 0


def test_the_share_of_the_map_in_the_box_is_that_of_the_known_evidence() -> None:
    """A network that counts red, red inside alone: all of the map. Red outside: none. No red: no share at all.

    Faults: the share of the area; the box's rest; 0 or 1 for an empty map.
    """
    views = [make_view(RED, (0, 0, 0)), make_view((0, 0, 0), RED), make_view((0, 0, 0), (0, 0, 0))]
    side = SIDE
    pixels = np.stack([view.pixels[: side * 2 : 2, : side * 2 : 2] for view in views])
    inside = np.stack([view.inside[: side * 2 : 2, : side * 2 : 2] for view in views]).astype(float)
    maps = map_evidence(make_colour_counter(), pixels, classes=2)
    shares = shares_inside(maps, inside)
    assert shares[:2].tolist() == pytest.approx([1, 0], abs=1e-6)
    assert np.isnan(shares[2])


def test_no_views_are_no_fault(tiny_model: Path) -> None:
    """Faults: stacking nothing, predicting nothing, or a mean of nothing, raises."""
    seen = classify_views([], Classifier(tiny_model, threshold=0), SIDE)
    assert len(map_evidence(make_colour_counter(), seen.pixels, 2)) == 0
    figures = measure_views(BOXES, [])
    assert figures.n == 0 and figures.ratio == UNDEFINED


def test_the_figures_of_the_views_by_hand() -> None:
    """Faults: a mean of ratios; hidden parts exchanged; views without a map that count as 0."""
    rows = [
        ViewRow(f"{number}.png", str(number), "red", "red", "blue", "red", mass=0.8, area=0.4) for number in range(12)
    ]
    rows[0] = replace(rows[0], mass=None, inside_hidden="red")
    rows[1] = replace(rows[1], mass=0.1, area=0.1)
    figures = measure_views(BOXES, rows)
    assert figures.ratio and figures.inside_counts
    assert figures.ratio.value == pytest.approx((10 * 0.8 + 0.1) / (10 * 0.4 + 0.1))
    assert figures.ratio.n == 11
    assert figures.accuracy["inside_hidden"].value == pytest.approx(1 / 12)
    assert figures.inside_counts.value == pytest.approx(11 / 12)
    assert figures.look == "at the specimen"
    assert figures.shuffled_ratio == UNDEFINED


def test_an_example_is_lit_where_the_map_is_and_outlines_the_box() -> None:
    """Faults: a map in the wrong frame; an outline that covers the specimen."""
    view = make_view((200, 200, 200), (200, 200, 200))
    heat = np.zeros((4, 4))
    heat[0, 0] = 1
    plain, lit = draw_example(view, heat)
    assert plain.shape == lit.shape == (40, 40, 3)
    assert np.all(plain[20, 20] == 200) and np.all(plain[10, 20] == 255)
    assert lit[1, 1, 0] > 150 > 60 > lit[38, 38, 0]
