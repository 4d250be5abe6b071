"""Training patches -> the pictures that set the int8 ranges."""

import numpy as np

from pipeline.data.dataset import load_patch
from pipeline.data.index import Patch, PatchIndex
from pipeline.random_generator import make_generator
from pipeline.settings.recipe import Recipe


def calibration_pictures(index: PatchIndex, recipe: Recipe) -> np.ndarray:
    """Return uint8 [pictures, side, side, 3]: training patches, equally many of each label."""
    chosen = choose_patches(index.select("train"), recipe.export.calibration_pictures)
    side = recipe.network.input_side
    return np.stack([load_patch(index.path(patch), side) for patch in chosen])


def choose_patches(index: PatchIndex, count: int) -> list[Patch]:
    """Return up to count patches, equally many of each label if possible; the order depends only on the files."""
    return index.in_turns(count, make_generator(0, "calibration"))
