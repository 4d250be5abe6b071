"""Surfaces on which anomalies are common: Gaussian, colour, background, prevalence, threshold and names."""

from dataclasses import replace

import numpy as np
import pytest

from inference.anomaly.region_names import RegionNames
from inference.anomaly.surface import (
    COLOUR_NUMBERS,
    Surface,
    cell_brightness,
    cell_colours,
    describe_colour,
    find_background,
    read_surface,
    surface_to_file,
)
from inference.errors import InputError
from pipeline.anomaly.features import find_prevalence
from pipeline.anomaly.gaussian import choose_grain_axis, fit_bulk, fit_gaussian, fit_surface
from pipeline.anomaly.prevalence import estimate_prevalence, replaced_settings, wide_settings
from pipeline.anomaly.threshold import bulk_threshold
from pipeline.recipes import RECIPES
from pipeline.settings.anomaly import AnomalySettings
from pipeline.settings.recipe import override


def board(seed: int, knot: bool = True) -> np.ndarray:
    """Return uint8 [160, 240, 3]: an even board that darkens to the right, between black stripes, with a knot."""
    random = np.random.default_rng(seed)
    pixels = np.full((160, 240, 3), (200, 160, 120), float) * np.linspace(1, 0.6, 240)[None, :, None]
    pixels += random.normal(0, 3, pixels.shape)
    if knot:
        pixels[70:90, 100:124] = (90, 60, 40)
    pixels[:16] = pixels[-16:] = 4
    return np.clip(pixels, 0, 255).astype(np.uint8)


def maps_with(spots: int, count: int = 12) -> list[np.ndarray]:
    """Return feature maps [30, 40, 6]; the first `spots` have a region far from the bulk."""
    random = np.random.default_rng(0)
    maps = [random.normal(size=(30, 40, 6)) for _ in range(count)]
    for one in maps[:spots]:
        one[10:15, 10:15] += 40
    return maps


def everywhere(maps: list[np.ndarray]) -> list[np.ndarray]:
    return [np.ones(one.shape[:2], bool) for one in maps]


def test_anomalies_on_every_photograph_do_not_widen_the_gaussian() -> None:
    """Fault: a single fit, whose covariance the anomalies stretch until they are inside."""
    random = np.random.default_rng(0)
    vectors = random.normal(size=(4000, 3))
    vectors[:200] += 30
    distances = fit_gaussian(vectors).distances(vectors)
    assert np.median(distances[:200]) > 40
    assert np.quantile(distances[200:], 0.99) < 6


def test_the_conveyor_is_background_and_a_knot_is_not() -> None:
    """Faults: dark regions inside the board left out; a dark conveyor taken as an anomaly."""
    background = find_background(board(0), 8)
    assert background[0].all()
    assert background[-1].all()
    assert not background[4:-4].any()


def test_light_that_falls_off_along_the_board_does_not_count() -> None:
    """Faults: medians along the wrong axis; background in the medians."""
    pixels = [board(seed) for seed in range(3)]
    normal = [~find_background(one, 8) for one in pixels]
    assert choose_grain_axis(pixels, normal, 8) == 0
    numbers = describe_colour(board(0, knot=False), 8, ~normal[0], 0)
    left, right = numbers[6:12, 2, 0].mean(), numbers[6:12, -3, 0].mean()
    assert abs(left - right) < 3


def test_a_knot_that_the_network_does_not_see_is_found_by_colour() -> None:
    """Faults: a joined score without colour; background positions with a score of their own."""
    pixels = [board(seed) for seed in range(4)]
    normal = [~find_background(one, 8) for one in pixels]
    distances = [1 + np.random.default_rng(n).exponential(0.2, (20, 30)).astype(np.float32) for n in range(4)]
    surface = fit_surface(pixels, distances, normal, 8)
    scores = replace(surface, masks_background=True).scores(distances[0], pixels[0], 8)
    assert np.unravel_index(scores.argmax(), scores.shape)[0] in (8, 9, 10, 11)
    assert scores[9:11, 13:15].min() > 1.1 * np.quantile(scores[normal[0]], 0.9)
    assert (scores[0] == 1).all()


def test_cells_at_the_edge_repeat_their_last_pixels() -> None:
    """Fault: a photograph whose side is no multiple of the stride gets a dark edge."""
    means, deviations = cell_colours(np.full((10, 13, 3), 7, np.uint8), 8)
    assert means.shape == (2, 2, 3)
    assert (means == 7).all()
    assert (deviations == 0).all()


def test_cells_have_mean_deviation_and_brightness_of_their_pixels() -> None:
    """Faults: sums that overflow; rows lost between strips; cells of columns and rows exchanged."""
    pixels = np.random.default_rng(0).integers(0, 256, (520, 48, 3), np.uint8)
    means, deviations = cell_colours(pixels, 8)
    cells = pixels.reshape(65, 8, 6, 8, 3).swapaxes(1, 2).astype(float)
    assert means == pytest.approx(cells.mean(axis=(2, 3)), abs=1e-4)
    assert deviations == pytest.approx(cells.mean(axis=4).std(axis=(2, 3)), abs=1e-4)
    assert cell_brightness(pixels, 8) == pytest.approx(cells.max(axis=4).mean(axis=(2, 3)), abs=1e-4)


def test_a_surface_is_read_as_it_was_written_and_a_damaged_one_is_refused() -> None:
    """Faults: numbers in another order; a file of another size that ends in a traceback."""
    surface = Surface(np.arange(COLOUR_NUMBERS, dtype=np.float32), np.eye(COLOUR_NUMBERS, dtype=np.float32), 1, 2, 0.7)
    read = read_surface(surface_to_file(surface))
    assert (read.grain_axis, read.feature_median, read.feature_power) == (1, 2, 0.7)
    assert (read.mean == surface.mean).all()
    short = Surface(surface.mean[:3], surface.whitening)
    with pytest.raises(InputError, match=r"surface\.npz"):
        read_surface(surface_to_file(short))


@pytest.mark.parametrize(("spots", "expected"), [(0, "rare"), (1, "rare"), (4, "common"), (12, "common")])
def test_the_prevalence_follows_the_number_of_photographs_with_anomalies(spots: int, expected: str) -> None:
    """Faults: clean photographs taken as common; anomalies on all photographs taken as normal."""
    maps = maps_with(spots)
    found = estimate_prevalence(maps, everywhere(maps), range(len(maps)), 0.5)
    assert found.prevalence == expected
    assert f"{spots} of 12 photographs" in found.reason


def test_the_settings_that_common_anomalies_replace_are_named() -> None:
    """Fault: auto finds common anomalies and drops the user's anomaly.levels without a word."""
    recipe = override(RECIPES["wood"], "anomaly.levels", "8")
    assert replaced_settings(recipe, "rare") == ()
    names = replaced_settings(recipe, "common")
    assert {"anomaly.levels", "anomaly.margin", "anomaly.coreset_size", "anomaly.trim_fraction"} <= set(names)
    assert not {"anomaly.colour", "anomaly.prevalence", "anomaly.tile"} & set(names)


@pytest.mark.parametrize("method", ["padim", "gaussian"])
def test_another_method_than_patchcore_is_not_said_to_follow_the_prevalence(method: str) -> None:
    """Fault: "Anomalies are taken as common" in the report of a run whose method does not depend on it."""
    found = find_prevalence(override(RECIPES["wood"], "anomaly.method", method), [])
    assert (found.prevalence, found.far) == ("rare", None)
    assert f"anomaly.method={method}" in found.reason


def test_the_bulk_sets_the_threshold_and_the_confidence_falls_with_the_score() -> None:
    """Faults: a threshold from the highest scores, above every knot; a score just below it called surely normal."""
    random = np.random.default_rng(0)
    scores = [np.exp(random.normal(0, 0.2, 3000)) for _ in range(5)]
    for one in scores:
        one[:60] = np.exp(0.2 * 4)
    threshold = bulk_threshold(scores)
    assert np.log(threshold.score) == pytest.approx(2.5 * 0.2, rel=0.1)
    assert (0.95 * threshold.score - threshold.score) / threshold.width > -0.6  # "normal" with less than 65 %
    far = bulk_threshold([np.r_[one, np.exp(0.2 * 20)] for one in scores])
    assert np.log(far.score) == pytest.approx(10 * 0.2, rel=0.1)


def test_the_bulk_is_that_of_logarithms() -> None:
    """Fault: a deviation of raw scores."""
    bulk = fit_bulk(np.exp(np.random.default_rng(0).normal(1, 0.5, 20_000)))
    assert (bulk.median, bulk.deviation) == pytest.approx((1, 0.5), rel=0.05)


def test_the_wide_settings_fit_every_trunk() -> None:
    """Faults: levels that a trunk lacks; a margin that leaves nothing of a small tile."""
    assert wide_settings(AnomalySettings(), "patch_net").levels == ("2", "4", "8")
    wide = wide_settings(AnomalySettings(tile=128, margin=32), "mobilenet_v2")
    assert (wide.margin, wide.levels) == (32, ("4", "8", "16", "32"))


@pytest.mark.parametrize(
    ("biases", "expected"), [((5, 0, 0), "unknown"), ((0, 5, 0), "crack"), ((0, 0.5, 0.4), "unknown")]
)
def test_no_region_is_called_clean(biases: tuple[float, ...], expected: str) -> None:
    """Faults: an outlined anomaly named "clean"; a name that is a guess between two."""
    names = RegionNames(
        ("clean", "crack", "knot"), np.zeros(4), np.ones(4), np.zeros((4, 3)), np.array(biases, np.float32)
    )
    result, confidence = names.name_region(np.zeros(4, np.float32))
    assert result == expected
    assert confidence >= 0.5
