"""Photographs -> best.keras: the trunk's feature maps, projected by principal components; nothing is trained."""

import time
from collections.abc import Callable

import keras
import numpy as np

from inference.anomaly.detector import as_seen
from inference.anomaly.memory_bank import MemoryBank
from inference.anomaly.tiles import Tiling
from inference.errors import InputError
from inference.pictures.image_io import read_image
from models.feature_maps import LEVELS, build_feature_maps, level_channels, with_projection
from pipeline.anomaly.memory_bank import fit_projection, sample_positions
from pipeline.anomaly.photos import FIT, AnomalyPhoto, read_photos
from pipeline.progress import track
from pipeline.settings.anomaly import AnomalySettings
from pipeline.settings.recipe import Recipe
from pipeline.settings.rules import check_levels
from pipeline.settings.run_folder import RunFolder, write_json
from pipeline.training.weights import make_network

Network = Callable[[np.ndarray], np.ndarray]
_MOST_VECTORS = 40_000  # used to fit the projection


def fit_feature_maps(run: RunFolder) -> None:
    """Build the trunk's feature maps and fit their projection on the photographs; write best.keras and fit.json."""
    recipe, began = run.read_recipe(), time.monotonic()
    settings = recipe.anomaly
    photos = [photo for photo in read_photos(run.photos) if photo.split == FIT]
    maps = make_feature_maps(recipe, settings.tile)
    tiling = tiling_of(settings)
    each, empty = max(1, _MOST_VECTORS // len(photos)), empty_bank(settings)
    vectors = [
        sample_positions(
            empty.prepare(tiling.look(keras_network(maps), read_pixels(photo, settings))), each, recipe.seed, photo.name
        )
        for photo in track(photos, len(photos), "photographs read")
    ]
    projection = fit_projection(
        np.concatenate(vectors), level_channels(maps), settings.dimensions, settings.method == "padim"
    )
    with_projection(maps, projection.weights, projection.biases).save(run.best)
    parameters = int(maps.count_params() + projection.weights.size + projection.biases.size)
    write_json(run.fit, _facts(maps, photos, (parameters, int(projection.weights.shape[1])), began))


def _facts(maps: keras.Model, photos: list[AnomalyPhoto], size: tuple[int, int], began: float) -> dict[str, float]:
    """Return the content of fit.json; size: parameters and dimensions."""
    return {
        "epochs": 0,
        "seconds": time.monotonic() - began,
        "photographs": len(photos),
        "features": int(maps.output.shape[-1]),
        "dimensions": size[1],
        "parameters": size[0],
    }


def empty_bank(settings: AnomalySettings, alignment: int = 0) -> MemoryBank:
    """Return a recipe's memory bank without vectors or threshold; alignment: see pipeline.anomaly.alignment."""
    return MemoryBank(
        np.zeros((0, 0), np.float32),
        smoothing=settings.smoothing / settings.stride,
        margin=settings.margin,
        longest_side=settings.longest_side,
        smallest_area=settings.smallest_area,
        halo=settings.halo,
        border=settings.border,
        normalize_by_median=settings.normalize_by_median,
        local_contrast=settings.local_contrast,
        score_share=settings.score_share,
        alignment=alignment,
    )


def tiling_of(settings: AnomalySettings) -> Tiling:
    """Return how a recipe's photographs are cut into tiles, before the network's alignment is known."""
    return Tiling(settings.tile, settings.margin, settings.stride)


def make_feature_maps(recipe: Recipe, side: int) -> keras.Model:
    """Return a model from tiles of this side to the feature maps of the recipe's trunk, with its weights.

    Raises:
        InputError: the weights can't be loaded, or the trunk lacks one of the levels or has none.
    """
    settings = recipe.anomaly
    if recipe.network.trunk not in LEVELS:
        raise InputError(
            f"network.trunk of a recipe for anomalies must be one with feature levels: {', '.join(LEVELS)}. Received: "
            f"{recipe.network.trunk}. Choose another, or add its levels to LEVELS in models/feature_maps.py."
        )
    check_levels(recipe.network.trunk, settings.levels, tuple(LEVELS[recipe.network.trunk]))
    maps = build_feature_maps(recipe.network.trunk, side, [int(level) for level in settings.levels], settings.stride)
    network = make_network(recipe, recipe.network.weights)
    for layer in maps.layers:
        if layer.weights:
            layer.set_weights(network.get_layer(layer.name).get_weights())
    return maps


def keras_network(model: keras.Model) -> Network:
    """Return a Keras model as a function of one tile, in the form that inference.anomaly.tiles expects."""
    return lambda tile: np.asarray(model(tile[np.newaxis].astype(np.float32), training=False)[0])


def read_pixels(photo: AnomalyPhoto, settings: AnomalySettings) -> np.ndarray:
    """Return a photograph's pixels, reduced and with normalized local contrast where the recipe says so."""
    return as_seen(read_image(photo.path), settings.longest_side, settings.local_contrast)
