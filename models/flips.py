"""A network -> the same network that also sees mirrored copies of each picture (test-time augmentation)."""

from typing import Any

import keras
from keras import layers, ops

from models.heads import POOL, pooled_features

# by name: the axes of [batch, height, width, channels] along which each view is mirrored
FLIPS: dict[str, tuple[tuple[int, ...], ...]] = {
    "none": ((),),
    "horizontal": ((), (2,)),
    "horizontal_and_vertical": ((), (2,), (1,), (1, 2)),
}


def with_flips(network: keras.Model, flips: str) -> keras.Model:
    """Return a model with the same input, output and weights that averages the pooled features of all views.

    Since the heads are linear behind the pooled features, this is the average of the views' logits. The views are one
    batch inside the graph, so that the converted file holds the weights once.

    flips: a key of FLIPS; "none" returns the network itself.
    """
    views = FLIPS[flips]
    if len(views) == 1:
        return network
    pixels = keras.Input(network.input_shape[1:], name="pixels")
    pooled = pooled_features(network)(_Views(views, name="views")(pixels))
    head = keras.Model(network.get_layer(POOL).output, network.output, name="head")
    return keras.Model(pixels, head(_Mean(len(views), name=POOL)(pooled)), name=network.name)


class _Views(layers.Layer):
    """Pixels [batch, height, width, 3] -> the views' pixels [views x batch, height, width, 3], view by view."""

    def __init__(self, axes: tuple[tuple[int, ...], ...], name: str):
        super().__init__(name=name)
        self._axes = axes

    def call(self, pixels: Any) -> Any:
        return ops.concatenate([ops.flip(pixels, axis=axes) if axes else pixels for axes in self._axes])

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (None, *shape[1:])


class _Mean(layers.Layer):
    """Features of the views [views x batch, features] -> their mean [batch, features]."""

    def __init__(self, views: int, name: str):
        super().__init__(name=name)
        self._views = views

    def call(self, features: Any) -> Any:
        return ops.mean(ops.reshape(features, (self._views, -1, features.shape[-1])), axis=0)

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (None, *shape[1:])
