"""Windows: what is cut lies in the photograph, positives follow their box, negatives show none of it."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.data.windows import (
    MIN_SIDE_PIXELS,
    Window,
    intersection,
    is_clear,
    jittered_windows,
    negative_windows,
    positive_window,
)
from pipeline.random_generator import make_generator
from pipeline.settings.sections import PatchSettings

Frame = tuple[int, int]  # width, height
LARGE: Frame = (2000, 1600)
SETTINGS = PatchSettings()


@st.composite
def frames_with_boxes(draw: st.DrawFn) -> tuple[Frame, list[Window]]:
    """A frame of 1 to 90 pixels a side and up to four boxes inside it, often at its edges."""
    frame = draw(st.integers(1, 90)), draw(st.integers(1, 90))
    boxes = []
    for _ in range(draw(st.integers(0, 4))):
        x, y = (draw(st.sampled_from([0, side - 1]) | st.integers(0, side - 1)) for side in frame)
        boxes.append(Window(x, y, draw(st.integers(1, frame[0] - x)), draw(st.integers(1, frame[1] - y))))
    return frame, boxes


@st.composite
def settings_of_patches(draw: st.DrawFn) -> PatchSettings:
    low, high = sorted((draw(st.floats(0.01, 1)), draw(st.floats(0.01, 1))))
    return PatchSettings(
        margin=draw(st.floats(0, 2)),
        jitters=3,
        jitter=draw(st.floats(0, 0.49)),
        negatives=5,
        hard_share=draw(st.floats(0, 1)),
        max_iou=draw(st.floats(0, 1)),
        max_cover=draw(st.floats(0, 1)),
        min_side=low,
        max_side=high,
    )


def inside(window: Window, frame: Frame) -> bool:
    return 0 <= window.x < window.x + window.width <= frame[0] and 0 <= window.y < window.y + window.height <= frame[1]


def mask(window: Window, frame: Frame) -> np.ndarray:
    """Return bool [height, width] of the frame: the window's pixels."""
    pixels = np.zeros(frame[::-1], bool)
    pixels[window.y : window.y + window.height, window.x : window.x + window.width] = True
    return pixels


def draw_many(
    count: int, boxes: list[Window], frame: Frame = LARGE, settings: PatchSettings = SETTINGS
) -> list[Window]:
    return negative_windows(boxes, frame, replace(settings, negatives=count), make_generator(0, "test"))


@given(world=frames_with_boxes(), settings=settings_of_patches(), seed=st.integers(0, 99))
def test_every_window_lies_in_its_photograph(
    world: tuple[Frame, list[Window]], settings: PatchSettings, seed: int
) -> None:
    """Catches a patch that is empty, or cut beyond the photograph, where arrays wrap around or shrink silently."""
    frame, boxes = world
    windows = negative_windows(boxes, frame, settings, make_generator(seed))
    for box in boxes:
        copies = jittered_windows(box, frame, settings, make_generator(seed))
        assert len(copies) == settings.jitters
        windows += [positive_window(box, frame, settings.margin), *copies]
    assert all(inside(window, frame) for window in windows)


@given(world=frames_with_boxes(), settings=settings_of_patches(), seed=st.integers(0, 99))
def test_no_negative_shows_more_of_a_box_than_allowed(
    world: tuple[Frame, list[Window]], settings: PatchSettings, seed: int
) -> None:
    """Catches a mineral that is trained as background: overlap is counted here pixel by pixel."""
    frame, boxes = world
    for window in negative_windows(boxes, frame, settings, make_generator(seed)):
        for box in boxes:
            here, there = mask(window, frame), mask(box, frame)
            shared = (here & there).sum()
            assert shared <= settings.max_iou * (here | there).sum() + 1e-9
            assert shared <= settings.max_cover * min(here.sum(), there.sum()) + 1e-9


@pytest.mark.parametrize(
    ("window", "clear"),
    [
        (Window(0, 0, 100, 100), True),  # beside the box
        (Window(85, 100, 20, 20), True),  # a quarter of the small window lies in the box: as much as max_cover
        (Window(86, 100, 20, 20), False),  # 30 %
        (Window(120, 120, 20, 20), False),  # wholly inside a large box: IoU 0.01 alone would let it pass
        (Window(800, 800, 300, 300), False),  # wholly around a small box: IoU 0.0003
        (Window(264, 100, 200, 200), True),  # 36 x 200 shared: IoU 0.0989, cover 0.18
        (Window(263, 100, 200, 200), False),  # 37 x 200 shared: IoU 0.1019
    ],
)
def test_clear_of_a_box_by_area_of_both(window: Window, clear: bool) -> None:
    """Catches a rule that looks at IoU alone, or at one of the two areas alone."""
    assert is_clear(window, [Window(900, 900, 5, 5), Window(100, 100, 200, 200)], SETTINGS) is clear


def test_intersection_worked_example() -> None:
    """Catches touching windows that count as overlapping, and negative areas of distant ones."""
    box = Window(10, 20, 30, 40)
    assert intersection(box, Window(30, 50, 100, 100)) == 10 * 10
    assert intersection(box, Window(15, 25, 5, 5)) == 25
    assert intersection(box, Window(40, 20, 10, 10)) == intersection(box, Window(60, 80, 10, 10)) == 0


def test_positive_window_worked_examples() -> None:
    """Catches a margin of the wrong side, added once instead of on both sides, or that leaves the photograph."""
    box = Window(10, 20, 100, 50)
    assert positive_window(box, LARGE, 0.1) == Window(0, 15, 120, 60)
    assert positive_window(box, LARGE, 0.2) == Window(0, 10, 130, 70)
    assert positive_window(box, (115, 72), 0.2) == Window(0, 10, 115, 62)
    assert positive_window(box, LARGE, 0) == box


@given(world=frames_with_boxes(), settings=settings_of_patches(), seed=st.integers(0, 99))
def test_jitter_moves_each_edge_by_a_bounded_share(
    world: tuple[Frame, list[Window]], settings: PatchSettings, seed: int
) -> None:
    """Catches a jitter of the box's place instead of its edges, or one that cuts the specimen off."""
    frame, boxes = world
    for box in boxes:
        base = positive_window(box, frame, settings.margin)
        for copy in jittered_windows(box, frame, settings, make_generator(seed)):
            reach_x, reach_y = settings.jitter * base.width + 1, settings.jitter * base.height + 1
            assert abs(copy.x - base.x) <= reach_x
            assert abs(copy.y - base.y) <= reach_y
            assert abs(copy.x + copy.width - base.x - base.width) <= reach_x
            assert abs(copy.y + copy.height - base.y - base.height) <= reach_y


def test_jitter_moves_all_edges_apart() -> None:
    """Catches copies that are all alike, or of which two edges move together."""
    copies = jittered_windows(
        Window(500, 500, 400, 200), LARGE, replace(SETTINGS, jitters=50), make_generator(0, "edges")
    )
    edges = np.array([(c.x, c.y, c.x + c.width, c.y + c.height) for c in copies])
    assert (edges.std(axis=0) > np.array([20, 10, 20, 10])).all()
    assert np.abs(np.corrcoef(edges.T) - np.eye(4)).max() < 0.5


def test_hard_negatives_lie_beside_a_box() -> None:
    """Catches "hard" windows that are drawn anywhere: the network would learn that what is beside a specimen is one."""
    boxes = [Window(900, 700, 200, 200), Window(0, 0, 150, 100)]
    windows = draw_many(200, boxes, settings=replace(SETTINGS, hard_share=1))
    assert len(windows) > 150
    near = dict.fromkeys(boxes, 0)
    for window in windows:
        gaps = {box: gap(window, box) for box in boxes}
        closest = min(gaps, key=gaps.__getitem__)
        near[closest] += 1
        assert gaps[closest] <= 0.1 * (max(closest.width, closest.height) + max(window.width, window.height)) + 1
    assert min(near.values()) > 50, "each box has its share of them"


def gap(window: Window, box: Window) -> int:
    """Return the larger of the distances between two windows along x and y; negative where they overlap."""
    gap_x = max(window.x, box.x) - min(window.x + window.width, box.x + box.width)
    gap_y = max(window.y, box.y) - min(window.y + window.height, box.y + box.height)
    return max(gap_x, gap_y)


def test_as_many_negatives_are_hard_as_wanted_and_the_rest_lies_anywhere() -> None:
    """Catches a hard_share without effect, and background that is always taken from the same region."""
    frame, box = (20000, 16000), Window(10000, 8000, 300, 300)
    small = replace(SETTINGS, min_side=0.005, max_side=0.02, hard_share=0.25)
    windows = draw_many(400, [box], frame, small)
    distances = np.array([gap(window, box) for window in windows])
    assert len(windows) == 400
    assert distances[:100].max() < 200 < np.quantile(distances[100:], 0.05)
    far = np.array([(w.x, w.y) for w in windows[100:]]) / frame
    assert np.abs(np.quantile(far, [0.1, 0.5, 0.9], axis=0) - [[0.1], [0.5], [0.9]]).max() < 0.1


@pytest.mark.parametrize("frame", [(1, 1), (5, 90), (60, 60), (640, 480)])
def test_a_photograph_filled_by_its_box_gives_no_negative(frame: Frame) -> None:
    """Catches an endless search for room, and a specimen cut as background because something had to be cut."""
    assert draw_many(20, [Window(0, 0, *frame)], frame) == []


def test_a_photograph_without_boxes_gives_all_its_negatives() -> None:
    """Catches hard negatives that are looked for beside boxes that do not exist."""
    assert len(draw_many(20, [])) == 20


def test_a_box_in_the_corner_leaves_room_on_its_other_sides() -> None:
    """Catches windows beside a corner box that leave the photograph, or that are given up because most would."""
    frame = (400, 400)
    for x, y in ((0, 0), (340, 0), (0, 340), (340, 340)):
        windows = draw_many(20, [Window(x, y, 60, 60)], frame, replace(SETTINGS, hard_share=1, max_side=0.4))
        assert len(windows) == 20
        assert all(inside(window, frame) for window in windows)


def test_sizes_are_log_uniform_between_the_stated_shares_of_the_shorter_side() -> None:
    """Catches shares of the longer side or of the area, a uniform size, and windows that are all square."""
    windows = draw_many(2000, [])
    shares = np.array([np.sqrt(w.area) for w in windows]) / min(LARGE)
    assert SETTINGS.min_side * 0.99 < shares.min() < SETTINGS.min_side * 1.02
    assert SETTINGS.max_side * 0.98 < shares.max() < SETTINGS.max_side * 1.01
    assert np.median(shares) == pytest.approx(np.sqrt(SETTINGS.min_side * SETTINGS.max_side), rel=0.04)
    aspects = np.array([w.width / w.height for w in windows])
    assert aspects.min() == pytest.approx(9 / 16, rel=0.02)
    assert aspects.max() == pytest.approx(16 / 9, rel=0.02)


def test_windows_are_no_smaller_than_shows_anything() -> None:
    """Catches background patches of three pixels from small photographs."""
    windows = draw_many(100, [], (30, 20))
    assert {min(w.width, w.height) for w in windows} >= {MIN_SIDE_PIXELS}
    assert min(min(w.width, w.height) for w in windows) == MIN_SIDE_PIXELS


def test_draws_depend_on_their_names_alone() -> None:
    """Catches draws that differ between machines or runs, or are the same for two photographs."""
    assert make_generator(0, "jitter", "a.jpg", 1).integers(2**31, size=3).tolist() == [
        1770122734,
        1405115651,
        1329892929,
    ]
    first, second = (make_generator(0, "jitter", name).random() for name in ("a.jpg", "b.jpg"))
    assert first != second
    assert make_generator(1, "jitter", "a.jpg").random() not in (first, second)
