"""Photographs -> prevalence.json and best.keras: projected feature maps of the trunk; nothing is trained."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import keras
import numpy as np

from inference.anomaly.detector import as_seen
from inference.anomaly.memory_bank import MemoryBank
from inference.anomaly.surface import find_background
from inference.anomaly.tiles import Tiling
from inference.errors import InputError
from inference.pictures.image_io import read_image
from models.feature_maps import LEVELS, build_feature_maps, level_channels, with_projection
from pipeline.anomaly.gaussian import fit_gaussian
from pipeline.anomaly.memory_bank import Projection, fit_projection, sample_positions
from pipeline.anomaly.photos import FIT, AnomalyPhoto, read_photos
from pipeline.anomaly.prevalence import (
    FEWEST_PHOTOS,
    Prevalence,
    estimate_prevalence,
    replaced_settings,
    wide_settings,
    with_prevalence,
    write_prevalence,
)
from pipeline.progress import track
from pipeline.settings.anomaly import AnomalySettings
from pipeline.settings.recipe import Recipe
from pipeline.settings.rules import check_levels
from pipeline.settings.run_folder import RunFolder, write_json
from pipeline.training.weights import make_network

Network = Callable[[np.ndarray], np.ndarray]
Looked = tuple[str, np.ndarray, np.ndarray]
_MOST_VECTORS = 40_000  # used to fit the projection
_PREVALENCE_PHOTOS = 24  # on which the prevalence is estimated
_PREVALENCE_EDGE = 32  # pixels along the edge of a photograph that do not count: worn edges are no anomalies
_PREVALENCE_SIDE = 160  # positions; larger maps are cut to their middle


def fit_feature_maps(run: RunFolder) -> None:
    """Find the prevalence, build the trunk's feature maps and fit their projection on the photographs.

    Writes prevalence.json, best.keras and fit.json.
    """
    recipe, began = run.read_recipe(), time.monotonic()
    photos = [photo for photo in read_photos(run.photos) if photo.split == FIT]
    found = find_prevalence(recipe, photos)
    found = replace(found, replaced=replaced_settings(recipe, found.prevalence))
    write_prevalence(run, found)
    recipe = with_prevalence(recipe, found.prevalence)
    maps = make_feature_maps(recipe, recipe.anomaly.tile)
    looked = (_look(maps, photo, recipe.anomaly) for photo in track(photos, len(photos), "photographs read"))
    projection = _fit_projection(maps, recipe, looked, len(photos))
    with_projection(maps, projection.weights, projection.biases).save(run.best)
    parameters = int(maps.count_params() + projection.weights.size + projection.biases.size)
    write_json(run.fit, _facts(maps, photos, (parameters, int(projection.weights.shape[1])), began))


def find_prevalence(recipe: Recipe, photos: Sequence[AnomalyPhoto]) -> Prevalence:
    """Return how common anomalies are on the photographs, as the recipe says or as estimated on some of them."""
    settings = recipe.anomaly
    if settings.method != "patchcore":
        return Prevalence("rare", f"not estimated, since anomaly.method={settings.method} holds in either case")
    if settings.prevalence != "auto":
        return Prevalence(settings.prevalence, "as anomaly.prevalence says")
    if settings.clean:
        return Prevalence("rare", "the photographs are stated to be clean (anomaly.clean=true)")
    if len({photo.group for photo in photos}) < FEWEST_PHOTOS:
        return Prevalence("rare", f"fewer than {FEWEST_PHOTOS} different photographs can't show what is common")
    some = photos[:: -(-len(photos) // _PREVALENCE_PHOTOS)]
    wide = replace(recipe, anomaly=wide_settings(settings, recipe.network.trunk))
    maps = make_feature_maps(wide, settings.tile)
    inner = [_inner(_look(maps, photo, wide.anomaly), wide.anomaly.stride) for photo in some]
    projection = _fit_projection(maps, wide, inner, len(inner))
    return estimate_prevalence(
        [projection(features.astype(np.float32)) for _, features, _ in inner],
        [normal for _, _, normal in inner],
        [photo.group for photo in some],
        wide.anomaly.smoothing / wide.anomaly.stride,
    )


def _inner(looked: Looked, stride: int) -> Looked:
    """Return the middle of a map and of its normal positions, in 16 bits."""
    name, features, normal = looked
    edges = [max(min(_PREVALENCE_EDGE // stride, n // 4), (n - _PREVALENCE_SIDE) // 2) for n in normal.shape]
    middle = np.s_[edges[0] : normal.shape[0] - edges[0], edges[1] : normal.shape[1] - edges[1]]
    return name, features[middle].astype(np.float16), normal[middle]


def normal_positions(pixels: np.ndarray, settings: AnomalySettings) -> np.ndarray:
    """Return bool [rows, columns]: all positions of a photograph, or those outside its background for a Gaussian."""
    if settings.method == "gaussian":
        return ~find_background(pixels, settings.stride)
    return np.ones(tiling_of(settings).map_size(pixels.shape[0], pixels.shape[1]), bool)


def _fit_projection(maps: keras.Model, recipe: Recipe, looked: Iterable[Looked], count: int) -> Projection:
    """Return the projection of the trunk's features, for padim and gaussian with the whitening.

    looked: features and normal positions of `count` photographs.
    """
    settings, each = recipe.anomaly, max(1, _MOST_VECTORS // count)
    together = np.concatenate(
        [sample_positions(one[inside][np.newaxis], each, recipe.seed, name) for name, one, inside in looked]
    ).astype(np.float32)
    projection = fit_projection(together, level_channels(maps), settings.dimensions, settings.method == "padim")
    if settings.method != "gaussian":
        return projection
    gaussian = fit_gaussian(projection(together))
    weights = projection.weights @ gaussian.whitening
    return Projection(weights, (projection.biases - gaussian.mean) @ gaussian.whitening)


def _look(maps: keras.Model, photo: AnomalyPhoto, settings: AnomalySettings) -> Looked:
    """Return a photograph's name, its features, float32 [rows, columns, features], and its normal positions."""
    pixels = read_pixels(photo, settings)
    features = empty_bank(settings).prepare(tiling_of(settings).look(keras_network(maps), pixels))
    return photo.name, features, normal_positions(pixels, settings)


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
