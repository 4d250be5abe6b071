"""Building blocks of patch_net; all operators are supported by the XNNPACK delegate in int8."""

from typing import Any

import keras
from keras import layers

BATCH_NORM_MOMENTUM = 0.9  # Keras' default 0.99 adapts too slowly for short trainings on small data sets
BATCH_NORM_EPSILON = 1e-3


def convolution(x: Any, filters: int, kernel: int, stride: int, name: str) -> Any:
    """Convolve, normalise, ReLU6: [batch, h, w, c] -> [batch, h / stride, w / stride, filters].

    ReLU6 fuses into the convolution when converted; its bounded output suits 8 bits
    (MobileNets, Howard et al. 2017, arXiv:1704.04861).
    """
    x = layers.Conv2D(filters, kernel, stride, "same", use_bias=False, name=f"{name}_conv")(x)
    return _normalise(x, name, activate=True)


def residual_pair(x: Any, filters: int, kernel: int, stride: int, expansion: int, name: str) -> Any:
    """Convolve, max pool, then add two more convolutions of the result as a residual.

    For small pictures: convolutions see all pixels before the resolution is reduced. As in the CIFAR-10 networks of
    Page (https://github.com/davidcpage/cifar10-fast) and Jordan (arXiv:2404.00498). Pooling follows the activation, so
    that normalisation is folded into the convolution when converted. stride: 2, or 1 for no pooling. expansion: width
    of the first of the two convolutions as a multiple of filters.
    """
    x = convolution(x, filters, kernel, 1, f"{name}_entry")
    if stride > 1:
        x = layers.MaxPooling2D(stride, name=f"{name}_pool")(x)
    entry = x
    x = convolution(x, filters * expansion, kernel, 1, f"{name}_first")
    x = convolution(x, filters, kernel, 1, f"{name}_second")
    return layers.Add(name=f"{name}_add")([entry, x])


def fused_block(x: Any, filters: int, kernel: int, stride: int, expansion: int, name: str) -> Any:
    """Expand by a full convolution, project by 1x1, add the input if the shapes match.

    Source: Fused-MBConv, EfficientNetV2 (Tan and Le 2021, arXiv:2104.00298): while channels are few, a full
    convolution costs less memory traffic than an expanded depthwise one.
    """
    entry = x
    x = convolution(x, entry.shape[-1] * expansion, kernel, stride, f"{name}_expand")
    x = _project(x, filters, name)
    return _add_if_same_shape(entry, x, name)


def inverted_residual(x: Any, filters: int, kernel: int, stride: int, expansion: int, name: str) -> Any:
    """Expand by 1x1, convolve depthwise, project by 1x1 without activation, add the input if the shapes match.

    Source: MobileNetV2 (Sandler et al. 2018, arXiv:1801.04381); 5x5 depthwise kernels in the late stages as
    in MobileNetV3 (Howard et al. 2019, arXiv:1905.02244).
    """
    entry = x
    if expansion > 1:
        x = convolution(x, entry.shape[-1] * expansion, 1, 1, f"{name}_expand")
    x = layers.DepthwiseConv2D(kernel, stride, "same", use_bias=False, name=f"{name}_depthwise_conv")(x)
    x = _normalise(x, f"{name}_depthwise", activate=True)
    x = _project(x, filters, name)
    return _add_if_same_shape(entry, x, name)


def _project(x: Any, filters: int, name: str) -> Any:
    """Reduce to the block's width without activation: a bottleneck must not lose information (MobileNetV2)."""
    x = layers.Conv2D(filters, 1, use_bias=False, name=f"{name}_project_conv")(x)
    return _normalise(x, f"{name}_project", activate=False)


def _normalise(x: Any, name: str, activate: bool) -> Any:
    x = layers.BatchNormalization(momentum=BATCH_NORM_MOMENTUM, epsilon=BATCH_NORM_EPSILON, name=f"{name}_norm")(x)
    return layers.ReLU(6.0, name=f"{name}_relu6")(x) if activate else x


def _add_if_same_shape(entry: keras.KerasTensor, x: keras.KerasTensor, name: str) -> keras.KerasTensor:
    return layers.Add(name=f"{name}_add")([entry, x]) if entry.shape == x.shape else x
