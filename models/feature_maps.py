"""Inner layers of a trunk -> one feature map with a vector per position, for memory banks."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

from models.build import TRUNKS

_V3_LARGE = {2: "expanded_conv_add", 4: "expanded_conv_2_add", 8: "expanded_conv_5_add", 16: "expanded_conv_11_add"}
_LITE = {2: "stage1_block1_project_norm", 4: "stage2_block2_add", 8: "stage3_block2_add", 16: "stage5_block3_add"}
# Layers of each trunk whose feature maps are used for anomaly detection, by stride in pixels.
LEVELS: dict[str, dict[int, str]] = {
    "patch_net": {2: "stem_relu6", 4: "row2_block1_add", 8: "row4_block2_add", 16: "row6_block3_add"},
    "patch_net_32": {1: "stem_relu6", 2: "row1_block1_add", 4: "row2_block1_add", 8: "row4_block1_add"},
    "mobilenet_v1": {2: "conv_pw_1_relu", 4: "conv_pw_3_relu", 8: "conv_pw_5_relu", 16: "conv_pw_11_relu"},
    "mobilenet_v2": {2: "expanded_conv_project_BN", 4: "block_2_add", 8: "block_5_add", 16: "block_12_add"},
    "mobilenet_v3_large": _V3_LARGE,
    "mobilenet_v3_large_minimalistic": _V3_LARGE,
    "mobilenet_v3_small": {4: "expanded_conv_project_bn", 8: "expanded_conv_2_add", 16: "expanded_conv_7_add"},
    "efficientnet_lite0": _LITE,
    "efficientnet_lite1": _LITE,
    "efficientnet_lite2": _LITE,
}
PROJECTION = "projection"
NEIGHBOURHOOD = 3  # positions per side over which a level is averaged: PatchCore, section 3.1


def build_feature_maps(trunk: str, side: int, levels: Sequence[int], stride: int) -> keras.Model:
    """Return a model from pixels 0..255 [batch, side, side, 3] to [batch, side / stride, side / stride, features].

    The maps of the levels, each averaged over neighbouring positions and resampled to the stride, are concatenated
    (PatchCore, Roth et al. 2022, arXiv:2106.08265). Weights are random.

    Raises:
        KeyError: the trunk has no such level.
    """
    pixels = keras.Input((side, side, 3), name="pixels")
    whole = keras.Model(pixels, TRUNKS[trunk](pixels))
    maps = [_at_stride(whole.get_layer(LEVELS[trunk][level]).output, level, stride) for level in levels]
    features = layers.Concatenate(name="features")(maps) if len(maps) > 1 else maps[0]
    return keras.Model(pixels, features, name=f"{trunk}_maps")


def level_channels(maps: keras.Model) -> list[int]:
    """Return the number of features of each level, in order."""
    last = maps.layers[-1]
    tensors = last.input if isinstance(last, layers.Concatenate) else [maps.output]
    return [int(tensor.shape[-1]) for tensor in tensors]


def with_projection(maps: keras.Model, weights: Any, biases: Any) -> keras.Model:
    """Return the model followed by a linear map of each position's features: weights [features, dimensions]."""
    projection = layers.Conv2D(len(biases), 1, name=PROJECTION)
    model = keras.Model(maps.input, projection(maps.output), name=f"{maps.name}_projected")
    projection.set_weights([weights[None, None], biases])
    return model


def _at_stride(features: Any, level: int, stride: int) -> Any:
    """Return features averaged over the neighbourhood and resampled to the stride, by mean or bilinearly."""
    x = layers.AveragePooling2D(NEIGHBOURHOOD, 1, "same", name=f"level{level}_mean")(features)
    if level < stride:
        return layers.AveragePooling2D(stride // level, name=f"level{level}_pooled")(x)
    if level > stride:
        return layers.UpSampling2D(level // stride, interpolation="bilinear", name=f"level{level}_enlarged")(x)
    return x
