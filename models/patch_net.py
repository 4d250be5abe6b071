"""patch_net: the project's own trunk, a small depthwise-separable network for tight patches, one row a block.

What it takes from where:
- inverted residuals with linear bottlenecks: MobileNetV2 (arXiv:1801.04381)
- thin first convolution, 5x5 depthwise kernels late, pooling before the widest layer (the "efficient last
  stage"): MobileNetV3 (arXiv:1905.02244)
- full convolutions while channels are few: EfficientNetV2 (arXiv:2104.00298)
What it leaves out of MobileNetV3: hard-swish and squeeze-excite. In int8 the former falls out of the CPU
delegate and the network gets slower than in float; see docs/design.md.
"""

from dataclasses import dataclass
from typing import Any, Literal

from keras import layers

from models.blocks import convolution, fused_block, inverted_residual


@dataclass(frozen=True)
class Row:
    """One line of the block table: `repeats` blocks of a kind, the first with the stride."""

    kind: Literal["fused", "inverted"]
    filters: int
    kernel: int
    stride: int
    expansion: int
    repeats: int = 1


STEM_FILTERS = 16
LAST_FILTERS = 512

# Strides 2 (stem) x 2 x 2 x 2: a 96-pixel patch ends as a 6x6 map.
PATCH_NET_ROWS = (
    Row("fused", filters=32, kernel=3, stride=2, expansion=2),
    Row("fused", filters=32, kernel=3, stride=1, expansion=1),
    Row("inverted", filters=64, kernel=5, stride=2, expansion=3),
    Row("inverted", filters=64, kernel=3, stride=1, expansion=2, repeats=2),
    Row("inverted", filters=112, kernel=5, stride=2, expansion=3),
    Row("inverted", filters=112, kernel=5, stride=1, expansion=2, repeats=3),
)

_BLOCKS = {"fused": fused_block, "inverted": inverted_residual}


def patch_net(pixels: Any, rows: tuple[Row, ...] = PATCH_NET_ROWS) -> Any:
    """Return the feature map [batch, height / 16, width / 16, LAST_FILTERS] of pixels 0..255 [batch, height, width, 3].

    The pixels are rescaled to -1..1 inside the graph, so no caller can forget it.
    """
    x = layers.Rescaling(1 / 127.5, offset=-1.0, name="rescale")(pixels)
    x = convolution(x, STEM_FILTERS, kernel=3, stride=2, name="stem")
    for number, row in enumerate(rows, start=1):
        for repeat in range(row.repeats):
            stride = row.stride if repeat == 0 else 1
            name = f"row{number}_block{repeat + 1}"
            x = _BLOCKS[row.kind](x, row.filters, row.kernel, stride, row.expansion, name)
    return convolution(x, LAST_FILTERS, kernel=1, stride=1, name="last")
