"""patch_net: the project's own trunk, a small depthwise-separable network for tight patches, one row per block.

Sources:
- inverted residuals with linear bottlenecks: MobileNetV2 (arXiv:1801.04381)
- thin first convolution, 5x5 depthwise kernels late, pooling before the widest layer (the "efficient last
  stage"): MobileNetV3 (arXiv:1905.02244)
- full convolutions while channels are few: EfficientNetV2 (arXiv:2104.00298)
patch_net_32 is its variant for pictures of 32 pixels, such as CIFAR-10's: it starts with residual pairs of full
convolutions at full resolution, and becomes depthwise-separable where the map is small and the channels are many.
Hard-swish and squeeze-excite of MobileNetV3 are not used. The CPU delegate does not support hard-swish in int8, which
makes the network slower than in float; see docs/design.md.
"""

from dataclasses import dataclass
from typing import Any, Literal

from keras import layers

from models.blocks import convolution, fused_block, inverted_residual, residual_pair


@dataclass(frozen=True)
class Row:
    """One line of the block table: `repeats` blocks of a kind, the first with the stride."""

    kind: Literal["fused", "inverted", "pair"]
    filters: int
    kernel: int
    stride: int
    expansion: int
    repeats: int = 1


STEM_FILTERS = 16
LAST_FILTERS = 512

# Strides 2 (stem) x 2 x 2 x 2: a 96-pixel patch gives a 6x6 map.
PATCH_NET_ROWS = (
    Row("fused", filters=32, kernel=3, stride=2, expansion=2),
    Row("fused", filters=32, kernel=3, stride=1, expansion=1),
    Row("inverted", filters=64, kernel=5, stride=2, expansion=3),
    Row("inverted", filters=64, kernel=3, stride=1, expansion=2, repeats=2),
    Row("inverted", filters=112, kernel=5, stride=2, expansion=3),
    Row("inverted", filters=112, kernel=5, stride=1, expansion=2, repeats=3),
)

# For pictures of 32 pixels: no stride before the first pooling; 32 > 16 > 8 > 4.
PATCH_NET_32_ROWS = (
    Row("pair", filters=64, kernel=3, stride=2, expansion=1),
    Row("pair", filters=128, kernel=3, stride=2, expansion=1),
    Row("inverted", filters=192, kernel=3, stride=2, expansion=3),
    Row("inverted", filters=192, kernel=3, stride=1, expansion=2),
)

_BLOCKS = {"fused": fused_block, "inverted": inverted_residual, "pair": residual_pair}


def patch_net(pixels: Any, rows: tuple[Row, ...] = PATCH_NET_ROWS) -> Any:
    """Return the feature map [batch, height / 16, width / 16, LAST_FILTERS] of pixels 0..255 [batch, height, width, 3].

    The pixels are rescaled to -1..1 inside the graph.
    """
    return _assemble(pixels, rows, STEM_FILTERS, stem_stride=2, last_filters=LAST_FILTERS)


def patch_net_32(pixels: Any, rows: tuple[Row, ...] = PATCH_NET_32_ROWS) -> Any:
    """Return the feature map [batch, height / 8, width / 8, 384] of small pictures; otherwise as patch_net."""
    return _assemble(pixels, rows, stem_filters=24, stem_stride=1, last_filters=384)


def _assemble(pixels: Any, rows: tuple[Row, ...], stem_filters: int, stem_stride: int, last_filters: int) -> Any:
    x = layers.Rescaling(1 / 127.5, offset=-1.0, name="rescale")(pixels)
    x = convolution(x, stem_filters, kernel=3, stride=stem_stride, name="stem")
    for number, row in enumerate(rows, start=1):
        for repeat in range(row.repeats):
            stride = row.stride if repeat == 0 else 1
            name = f"row{number}_block{repeat + 1}"
            x = _BLOCKS[row.kind](x, row.filters, row.kernel, stride, row.expansion, name)
    return convolution(x, last_filters, kernel=1, stride=1, name="last")
