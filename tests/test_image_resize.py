"""Resizing of decoded pictures: hand-computed values, and the triangle filter."""

import numpy as np
import pytest

from inference.pictures.image_io import resize_image


def test_resize_of_the_same_size_changes_nothing() -> None:
    """Catches a second, needless resampling of a patch that has the model's size already."""
    rgb = np.random.default_rng(0).integers(0, 256, (9, 7, 3), np.uint8)
    assert np.array_equal(resize_image(rgb, (9, 7)), rgb)


def test_resize_gives_hand_computed_values() -> None:
    """Catches another filter: nearest, box, or a bilinear one without antialiasing.

    Four pixels to two: the kernel is 2 pixels wide on each side, its weights 0.75, 0.75, 0.25, 0 over 1.75.
    """
    square = np.array([[0, 100], [200, 100]], np.uint8)[..., np.newaxis].repeat(3, axis=2)
    assert resize_image(square, (1, 1)).tolist() == [[[100, 100, 100]]]
    row = np.array([[0, 70, 140, 210]], np.uint8)[..., np.newaxis].repeat(3, axis=2)
    # (0.75 * 0 + 0.75 * 70 + 0.25 * 140) / 1.75 = 50, and mirrored 160
    assert resize_image(row, (1, 2))[0, :, 0].tolist() == [50, 160]


def triangle_weights(before: int, after: int) -> np.ndarray:
    """Return [after, before]: the share of each input pixel in each output pixel."""
    scale = before / after
    support = max(scale, 1.0)
    centres = (np.arange(after) + 0.5) * scale
    distance = np.abs(np.arange(before) + 0.5 - centres[:, np.newaxis]) / support
    weights = np.maximum(0.0, 1.0 - distance)
    return weights / weights.sum(axis=1, keepdims=True)


@pytest.mark.parametrize(
    ("before", "after"),
    [((40, 60), (16, 16)), ((16, 16), (40, 60)), ((37, 5), (9, 31)), ((1, 50), (7, 1)), ((300, 301), (32, 32))],
)
def test_resize_equals_the_triangle_filter(before: tuple[int, int], after: tuple[int, int]) -> None:
    """Catches a change of the resize rule, to which every trained model is bound."""
    rgb = np.random.default_rng(1).integers(0, 256, (*before, 3), np.uint8)
    rows, columns = triangle_weights(before[0], after[0]), triangle_weights(before[1], after[1])
    expected = np.einsum("yh,xw,hwc->yxc", rows, columns, rgb.astype(float), optimize=True)
    resized = resize_image(rgb, after)
    assert resized.dtype == np.uint8
    assert np.abs(resized - expected).max() < 1.001  # Pillow rounds after each direction: half a level, twice
