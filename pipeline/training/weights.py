"""A recipe's network settings -> the network with random weights, ImageNet weights, or those of a file."""

import warnings
import zipfile
from pathlib import Path

import keras

import models
from inference.errors import InputError
from models.backbones import WeightsError, parts_of
from models.build import build_network, trunk_of
from pipeline.settings.paths import listed_paths
from pipeline.settings.recipe import Recipe
from pipeline.training.package_weights import load_package_weights

_ENDINGS = (".weights.h5", ".keras")
_DRAWN = Path(models.__file__).parent / "released" / "patch_net_drawn.weights.h5"


def make_network(recipe: Recipe, weights: str, any_side: bool = False) -> keras.Model:
    """Return the recipe's network with weights "none" (random), "imagenet", "package", "drawn", or those of a file.

    any_side: it takes pictures of any side, not only of network.input_side.

    Raises:
        InputError: the weights can't be loaded, or are for another network.
    """
    settings = recipe.network
    try:
        network = build_network(
            settings.trunk,
            settings.head,
            None if any_side else settings.input_side,
            len(recipe.outputs),
            settings.dropout,
            "imagenet" if weights == "imagenet" else "none",
        )
    except WeightsError as fault:
        raise InputError(f"network.weights: {fault}") from fault
    if weights == "package":
        load_package_weights(trunk_of(network), settings.trunk)
    elif weights not in ("none", "imagenet"):
        load_weights(network, *([_DRAWN] if weights == "drawn" else listed_paths(weights)))
    return network


def load_weights(network: keras.Model, *paths: Path) -> None:
    """Load a file's weights: all of the trunk, and those of the head that have the same shape.

    Keras identifies a layer by its kind and its position among the layers of that kind, so files without a head or with
    another head can be loaded too. Several files are those of the trunk's parts, in their order.

    Raises:
        InputError: a file does not exist, or is for another trunk.
    """
    trunk = trunk_of(network)
    parts = parts_of(trunk) if len(paths) > 1 else [trunk]
    if len(parts) != len(paths):
        raise InputError(
            f"network.weights must be one file, or one for each part of the trunk. Received: {len(paths)} files for "
            f"{network.name}."
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Keras warns of each layer that one side lacks, such as the head
        for part, path in zip(parts, paths, strict=True):
            _load_file(part, path, network.name)
        if len(paths) == 1:
            network.load_weights(paths[0], skip_mismatch=True)


def _load_file(trunk: keras.Model, path: Path, name: str) -> None:
    """Load all weights of a trunk, or of a part of one; name: that of the whole, for messages."""
    if not path.name.endswith(_ENDINGS):
        raise InputError(
            f"network.weights must be none, imagenet, package, drawn, or a file that ends with "
            f"{' or '.join(_ENDINGS)}. Received: {str(path)!r}."
        )
    if not path.is_file():
        raise InputError(f"{path}: does not exist. Set network.weights to an existing file, or to none.")
    try:
        trunk.load_weights(path)
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as fault:
        raise InputError(
            f"{path}: network.weights must hold the weights of a {name}. Received: those of another network, or a "
            "damaged file. Give a file of that network, or change network.trunk."
        ) from fault
