"""Trunks of keras.applications, with weights pretrained on ImageNet: pixels 0..255 -> feature map.

In int8 the minimalistic MobileNetV3, V2 and V1 run well; the full MobileNetV3 is slowed by hard-swish, which falls
out of the CPU delegate (docs/design.md). Papers: V1 arXiv:1704.04861, V2 arXiv:1801.04381, V3 arXiv:1905.02244.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
from keras import applications, layers

IMAGENET_SIDE = 224  # of the pictures in the original training; the weights fit any side


class WeightsError(RuntimeError):
    """ImageNet weights that can't be downloaded; the message says what to do."""


@dataclass(frozen=True)
class Backbone:
    """One network of keras.applications without its classifier.

    rescales: its own graph takes pixels 0..255; for the others we rescale to -1..1 before it, as their
    preprocess_input does, but inside the graph.
    """

    application: Callable[..., keras.Model]
    rescales: bool
    minimalistic: bool = False

    def __call__(self, pixels: Any) -> Any:
        """Return the feature map [batch, height / 32, width / 32, c] of pixels 0..255 [batch, height, width, 3].

        The layers keep their names and stand directly in the network, not in a model of their own.
        """
        x = pixels if self.rescales else layers.Rescaling(1 / 127.5, offset=-1.0, name="rescale")(pixels)
        return self._make(input_tensor=x, weights=None).output

    def imagenet_weights(self) -> list[Any]:
        """Return the weights trained on ImageNet, in the order of the trunk's own; Keras downloads them once.

        Raises:
            WeightsError: they can't be downloaded.
        """
        try:
            source = self._make(input_shape=(IMAGENET_SIDE, IMAGENET_SIDE, 3), weights="imagenet")
        except Exception as fault:  # Keras raises no narrower class where a download fails
            raise WeightsError(
                f"the ImageNet weights must be downloaded once. Received: {fault}. Go online, or give a file to "
                "network.weights."
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
