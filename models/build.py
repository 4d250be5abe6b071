"""Trunk + head -> the Keras model that is trained, and the one that is exported."""

from collections.abc import Callable
from typing import Any, Literal

import keras
from keras import layers

from models.backbones import BACKBONES, parts_of
from models.efficientnet_lite import EFFICIENTNETS
from models.heads import HEADS, POOL
from models.patch_net import patch_net, patch_net_32

TRUNKS: dict[str, Callable[[Any], Any]] = {
    "patch_net": patch_net,
    "patch_net_32": patch_net_32,
    **BACKBONES,
    **EFFICIENTNETS,
}


def build_network(
    trunk: str,
    head: str,
    input_side: int | None,
    outputs: int,
    dropout: float,
    weights: Literal["none", "imagenet"] = "none",
) -> keras.Model:
    """Return a model from pixels 0..255 [batch, side, side, 3], RGB, to logits [batch, outputs].

    input_side: None for pictures of any side. weights: "none" for random weights, "imagenet" for a trunk of
    keras.applications.

    Raises:
        KeyError: there is no such trunk or head, or no ImageNet weights for the trunk.
        WeightsError: the ImageNet weights can't be downloaded.
    """
    pixels = keras.Input((input_side, input_side, 3), name="pixels")
    logits = HEADS[head](TRUNKS[trunk](pixels), outputs, dropout)
    network = keras.Model(pixels, logits, name=trunk)
    if weights == "imagenet":
        for part, arrays in zip(parts_of(trunk_of(network)), BACKBONES[trunk].imagenet_weights(), strict=True):
            part.set_weights(arrays)
    return network


def with_input_side(network: keras.Model, side: int) -> keras.Model:
    """Return a network for pictures of one side, with the same layers and weights of its own."""
    fixed = keras.models.clone_model(network, input_tensors=keras.Input((side, side, 3), name="pixels"))
    fixed.set_weights(network.get_weights())
    return fixed


def trunk_of(network: keras.Model) -> keras.Model:
    """Return the model from pixels to the feature map; it shares its layers with the network."""
    return keras.Model(network.input, network.get_layer(POOL).input, name=f"{network.name}_trunk")


def with_probabilities(network: keras.Model, temperature: float, features: bool = False) -> keras.Model:
    """Return a model from pixels to softmax(logits / temperature), the deployed form.

    Temperature scaling: Guo et al. 2017, arXiv:1706.04599. features: the pooled features [batch, features] are a
    second output.
    """
    scaled = layers.Rescaling(1 / temperature, name="temperature")(network.output)
    probabilities = layers.Softmax(name="probabilities")(scaled)
    outputs = [probabilities, network.get_layer(POOL).output] if features else probabilities
    return keras.Model(network.input, outputs, name=f"{network.name}_deployed")


def count_macs(network: keras.Model) -> int:
    """Return the multiply-accumulates per picture of convolutions and dense layers."""
    return sum(_layer_macs(layer) for layer in network.layers)


def _layer_macs(layer: Any) -> int:
    """Return a layer's multiply-accumulates: each weight is used once per output position."""
    if not isinstance(layer, (layers.Conv2D, layers.DepthwiseConv2D, layers.Dense)):
        return 0
    positions = 1
    for side in layer.output.shape[1:-1]:
        positions *= side
    kernel = layer.kernel.shape
    weights = 1
    for side in kernel:
        weights *= side
    return positions * weights
