"""A recipe's network settings -> the network with random weights, ImageNet weights, or those of a file."""

import warnings
import zipfile
from pathlib import Path

import keras

import models
from inference.errors import InputError
from models.backbones import WeightsError
from models.build import build_network, trunk_of
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
        load_weights(network, _DRAWN if weights == "drawn" else Path(weights))
    return network


def load_weights(network: keras.Model, path: Path) -> None:
    """Load a file's weights: all of the trunk, and those of the head that have the same shape.

    Keras identifies a layer by its kind and its position among the layers of that kind, so files without a head or with
    another head can be loaded too.

    Raises:
        InputError: the file does not exist, or is for another trunk.
    """
    if not path.name.endswith(_ENDINGS):
        raise InputError(
            f"network.weights must be none, imagenet, package, drawn, or a file that ends with "
            f"{' or '.join(_ENDINGS)}. Received: {str(path)!r}."
        )
    if not path.is_file():
        raise InputError(f"{path}: does not exist. Set network.weights to an existing file, or to none.")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Keras warns of each layer missing in the file, such as the head
        try:
            trunk_of(network).load_weights(path)
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as fault:
            raise InputError(
                f"{path}: network.weights must hold the weights of a {network.name}. Received: those of another "
                "network, or a damaged file. Give a file of that network, or change network.trunk."
            ) from fault
        network.load_weights(path, skip_mismatch=True)
