"""Augmentation: each picture changed by its own draw, in range, as the settings say and no further."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from pipeline.data.augment import make_augmentation
from pipeline.settings.augment import AugmentSettings
from pipeline.settings.recipe import override_all
from tests.worlds import NO_AUGMENTATION, RECIPE

OFF = override_all(RECIPE, NO_AUGMENTATION).augment
STRENGTHS: dict[str, Any] = {
    "flip": "horizontal_and_vertical",
    "crop": 0.6,
    "aspect": 0.5,
    "shift": 0.25,
    "rotation": 0.2,
    "brightness": 0.6,
    "contrast": 0.8,
    "saturation": 0.8,
    "hue": 0.5,
    "white_balance": 0.7,
    "blur": 0.2,
    "noise": 0.3,
    "jpeg": 1.0,
    "erasing": 1.0,
    "mixup": 1.0,
    "cutmix": 1.0,
}


def changed_by(
    settings: AugmentSettings, pictures: np.ndarray, seed: int = 0, side: int = 16
) -> tuple[np.ndarray, np.ndarray]:
    """Return augmented pictures and labels, after a check that the labels are still distributions."""
    labels = np.eye(4, dtype=np.float32)[np.arange(len(pictures)) % 4]
    pixels, targets = make_augmentation(settings, side)(pictures, labels, seed)
    assert (pixels.dtype, pixels.shape) == (np.uint8, (len(pictures), side, side, 3))
    assert targets.dtype == np.float32
    assert targets.min() >= 0
    assert targets.sum(axis=1) == pytest.approx(1)
    return pixels, targets


def noisy_pictures(count: int, side: int = 16) -> np.ndarray:
    """Return copies of one picture that reaches both ends of 0..255 in every channel."""
    picture = np.random.default_rng(0).choice(np.array([0, 40, 128, 255], np.uint8), (side, side, 3))
    return np.stack([picture] * count)


def plain_pictures(count: int, side: int = 32) -> np.ndarray:
    """Return pictures of one grey each: 10, 20, 30 ..."""
    levels = np.arange(10, 10 * count + 1, 10, dtype=np.uint8)
    return np.broadcast_to(levels[:, None, None, None], (count, side, side, 3)).copy()


@pytest.mark.parametrize("name", STRENGTHS)
def test_each_picture_has_its_own_draw_and_the_seed_decides_it(name: str) -> None:
    """Catches a whole batch turned alike, a setting without effect, and a change that can't be repeated."""
    pictures = noisy_pictures(16)
    pictures[0, ::2] = 0  # MixUp and CutMix need an unlike one
    settings = replace(OFF, **{name: STRENGTHS[name]})
    first, again, other = (changed_by(settings, pictures, seed)[0] for seed in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    if name not in ("mixup", "cutmix"):  # these leave alike pictures alone
        assert len({picture.tobytes() for picture in first}) > (3 if name == "flip" else 8)


def test_no_change_is_no_change() -> None:
    """Catches a change that is on though its setting is 0, or that rounds on its way."""
    pictures = noisy_pictures(4)
    assert np.array_equal(changed_by(OFF, pictures)[0], pictures)


@pytest.mark.parametrize(
    ("flip", "turns"),
    [("horizontal", [(1, 1), (1, -1)]), ("horizontal_and_vertical", [(1, 1), (1, -1), (-1, 1), (-1, -1)])],
)
def test_flips_go_in_every_direction_that_their_name_says(flip: str, turns: list[tuple[int, int]]) -> None:
    """Catches a flip in a direction that is not meant, half turns alone, and one that is off by a pixel."""
    pictures = noisy_pictures(32)
    flipped = changed_by(replace(OFF, flip=flip), pictures)[0]  # type: ignore[arg-type]
    expected = {np.ascontiguousarray(pictures[0][::down, ::right]).tobytes() for down, right in turns}
    assert {picture.tobytes() for picture in flipped} == expected


def test_a_shift_moves_whole_pixels_as_far_as_stated_in_every_direction() -> None:
    """Catches interpolation that blurs small pictures, a shift along one side alone, and one that goes further."""
    pictures = noisy_pictures(400)
    shifted, _ = changed_by(replace(OFF, shift=0.125), pictures)
    padded = np.pad(pictures[0], ((2, 2), (2, 2), (0, 0)), "symmetric")
    views = {padded[y : y + 16, x : x + 16].tobytes() for y in range(5) for x in range(5)}
    assert {picture.tobytes() for picture in shifted} == views


def test_a_cut_out_shows_between_the_stated_share_and_all_of_the_area() -> None:
    """Catches a share of the side taken for one of the area, and a cut-out that leaves the picture."""
    ramp = np.tile(np.arange(0, 256, 4, dtype=np.uint8)[:, None], (1, 64))  # 4 a row
    pictures = np.broadcast_to(ramp[None, :, :, None], (200, 64, 64, 3)).copy()
    pixels = changed_by(replace(OFF, crop=0.75), pictures, side=64)[0].astype(int)
    top, bottom = pixels[:, 0, 32, 0], pixels[:, -1, 32, 0]
    shares = ((bottom - top) / 252) ** 2
    assert 0.23 < shares.min() < 0.3
    assert 0.95 < shares.max() <= 1.01
    assert (top >= 0).all()
    assert top[shares < 0.5].max() > 60  # cut-outs lie anywhere
    assert top[shares < 0.5].min() < 20


def test_larger_pictures_are_reduced_to_the_side_whole() -> None:
    """Catches a finer source of which only a corner is seen."""
    pictures = noisy_pictures(2, side=24)
    pictures[:, :12], pictures[:, 12:] = 50, 200
    pixels = changed_by(OFF, pictures)[0]
    assert (pixels[:, :8] == 50).all()
    assert (pixels[:, 8:] == 200).all()


def test_saturation_moves_between_grey_and_more_colour_and_keeps_brightness() -> None:
    """Catches grey pixels that gain colour, a brightness that changes, and colours that only fade."""
    pictures = np.full((32, 16, 16, 3), (150, 110, 90), np.uint8)
    pictures[:, :, :8] = 120  # grey
    pixels = changed_by(replace(OFF, saturation=0.9), pictures)[0].astype(float)
    assert pixels[:, :, :8] == pytest.approx(120, abs=1.1)
    luma = pixels @ (0.299, 0.587, 0.114)
    assert luma == pytest.approx(pictures @ np.array((0.299, 0.587, 0.114)), abs=1.1)
    spread = np.ptp(pixels[:, 0, 8], axis=1)
    assert spread.min() < 20
    assert spread.max() > 90


def test_white_balance_changes_the_colour_of_grey_and_keeps_its_mean_logarithm() -> None:
    """Catches one gain for all channels, which is a change of brightness."""
    pixels = changed_by(replace(OFF, white_balance=0.5), np.full((64, 16, 16, 3), 100, np.uint8))[0][:, 0, 0] / 100.0
    assert np.log(pixels).mean(axis=1) == pytest.approx(0, abs=0.01)
    assert 0.3 < np.ptp(np.log(pixels), axis=1).max() <= 1.0


def test_blur_goes_from_nothing_to_the_stated_share_of_the_side_and_keeps_the_light() -> None:
    """Catches a width in pixels, which blurs large pictures less; every picture blurred alike; pictures made darker."""
    pictures = np.zeros((64, 64, 64, 3), np.uint8)
    pictures[:, :, 32:] = 200  # an edge
    pixels = changed_by(replace(OFF, blur=0.05), pictures, side=64)[0].astype(float)
    steepest = np.diff(pixels[:, 32, :, 0], axis=1).max(axis=1)
    widths = 200 / (steepest * np.sqrt(2 * np.pi))  # of the blurred edge, pixels
    assert 2.5 < widths.max() < 3.5
    assert widths.min() < 0.6
    assert pixels.mean(axis=(1, 2, 3)) == pytest.approx(100, abs=1)


def test_noise_goes_from_nothing_to_the_stated_share_in_every_channel_for_itself() -> None:
    """Catches grey noise, one strength for all pictures, values that wrap at 255, and pictures made brighter."""
    pixels = changed_by(replace(OFF, noise=0.1), np.full((64, 32, 32, 3), 128, np.uint8), side=32)[0].astype(float)
    deviations = pixels.std(axis=(1, 2, 3))
    assert 20 < deviations.max() < 27
    assert deviations.min() < 3
    assert np.abs(pixels.mean(axis=(1, 2, 3)) - 128).max() < 2
    strongest = pixels[deviations.argmax()].reshape(-1, 3)
    assert np.abs(np.corrcoef(strongest.T)[np.triu_indices(3, 1)]).max() < 0.2
    white = changed_by(replace(OFF, noise=0.1), np.full((8, 32, 32, 3), 255, np.uint8), side=32)[0]
    assert white.min() > 100


def test_compression_keeps_colours_and_loses_detail() -> None:
    """Catches red and blue exchanged by the codec, and a quality that changes nothing."""
    pictures = np.zeros((32, 16, 16, 3), np.uint8)
    pictures[..., 0] = 200
    pictures[:, ::2, ::3, 2] = 250
    pixels = changed_by(replace(OFF, jpeg=0.5), pictures)[0].astype(float)
    changes = np.abs(pixels - pictures).mean(axis=(1, 2, 3))
    assert 6 <= np.count_nonzero(changes) <= 26
    assert np.abs(pixels.mean(axis=(1, 2)) - pictures.mean(axis=(1, 2))).max() < 12


def test_contrast_turns_about_the_mean_and_brightness_moves_it() -> None:
    """Catches contrast about mid-grey, which darkens dark minerals until nothing is left."""
    pictures = np.full((32, 16, 16, 3), 40, np.uint8)
    pictures[:, ::2] = 60
    contrast = changed_by(replace(OFF, contrast=0.7), pictures)[0].astype(float)
    assert contrast.mean(axis=(1, 2, 3)) == pytest.approx(50, abs=1)
    assert np.ptp(contrast, axis=(1, 2, 3)).max() > 34
    bright = changed_by(replace(OFF, brightness=0.1), pictures)[0].astype(float)
    assert np.ptp(bright, axis=(1, 2, 3)) == pytest.approx(20, abs=1)
    assert 15 < np.abs(bright.mean(axis=(1, 2, 3)) - 50).max() <= 26


def test_mixup_weighs_labels_as_pixels() -> None:
    """Catches labels that don't follow the mix."""
    pixels, targets = changed_by(replace(OFF, mixup=1.0), plain_pictures(16), side=32)
    levels = np.arange(10, 161, 10)
    for place, (pixel, target) in enumerate(zip(pixels[:, 0, 0, 0], targets, strict=True)):
        own, other = place % 4, (15 - place) % 4
        share = target[own] if own != other else None
        if share is not None:
            assert pixel == pytest.approx(share * levels[place] + (1 - share) * levels[15 - place], abs=1)
    assert (targets.max(axis=1) < 0.95).any()


def test_cutmix_weighs_labels_by_area() -> None:
    """Catches labels that don't follow the square that is really seen, cut off at the edge."""
    pixels, targets = changed_by(replace(OFF, cutmix=1.0), plain_pictures(16), side=32)
    for place, (picture, target) in enumerate(zip(pixels, targets, strict=True)):
        assert set(np.unique(picture)) <= {10 * (place + 1), 10 * (16 - place)}
        share = (picture[..., 0] == 10 * (place + 1)).mean()
        assert target[place % 4] == pytest.approx(share, abs=1e-6)
    assert (targets.max(axis=1) < 0.9).any()


def test_a_share_of_the_pictures_is_mixed_or_erased() -> None:
    """Catches settings read as all or nothing."""
    pictures = plain_pictures(16).repeat(20, axis=0)
    for name in ("mixup", "cutmix", "erasing"):
        pixels, _ = changed_by(replace(OFF, **{name: 0.3}), pictures, side=32)
        changed = (pixels != pictures).any(axis=(1, 2, 3)).mean()
        assert 0.15 < changed < 0.4, name
