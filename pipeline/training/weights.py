"""A recipe's network settings -> the network, its weights random, from ImageNet, or from a file."""

import warnings
import zipfile
from pathlib import Path

import keras

import models
from inference.errors import InputError
from models.backbones import WeightsError
from models.build import build_network, trunk_of
from pipeline.settings.recipe import Recipe

_ENDINGS = (".weights.h5", ".keras")
_DRAWN = Path(models.__file__).parent / "released" / "patch_net_drawn.weights.h5"


def make_network(recipe: Recipe, weights: str) -> keras.Model:
    """Build the recipe's network with weights "none" (random), "imagenet", "drawn", or those of a file.

    Raises:
        InputError: the weights can't be had, or are not for this network.
    """
    settings = recipe.network
    try:
        network = build_network(
            settings.trunk,
            settings.head,
            settings.input_side,
            len(recipe.outputs),
            settings.dropout,
            "imagenet" if weights == "imagenet" else "none",
        )
    except WeightsError as fault:
        raise InputError(f"network.weights: {fault}") from fault
    if weights not in ("none", "imagenet"):
        load_weights(network, _DRAWN if weights == "drawn" else Path(weights))
    return network


def load_weights(network: keras.Model, path: Path) -> None:
    """Load a file's weights: all of the trunk, and those of the head that have the same shape.

    Keras finds a layer by its kind and its place among the layers of that kind, so a file without a head, or with
    another, serves as well.

    Raises:
        InputError: there is no such file, or it is not for this trunk.
    """
    if not path.name.endswith(_ENDINGS):
        raise InputError(
            f"network.weights must be none, imagenet, drawn, or a file that ends with {' or '.join(_ENDINGS)}. "
            f"Received: {str(path)!r}."
        )
    if not path.is_file():
        raise InputError(f"{path}: does not exist. Give an existing file to network.weights, or none.")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Keras names each layer that the file lacks: the head of another task
        try:
            trunk_of(network).load_weights(path)
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as fault:
            raise InputError(
                f"{path}: network.weights must hold the weights of a {network.name}. Received: those of another "
                "network, or a damaged file. Give a file of that network, or change network.trunk."
            ) from fault
        network.load_weights(path, skip_mismatch=True)
