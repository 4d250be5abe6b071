"""A network -> the same network, whose batch normalisation trains by TensorFlow's fused operator.

Keras 3 computes mean, variance and the normalised maps by single operators, each of which reads the whole map from
memory. The fused operator does the same in two passes: with oneDNN a training step takes about a tenth less time, else
no less (benchmarks/training_step.py). Weights, saved files and exported networks are those of the stock layer.
"""

from functools import partial
from typing import Any

import keras


def use_fused_normalization(network: keras.Model) -> None:
    """Let every batch normalisation of a network over maps [batch, h, w, c] train by the fused operator.

    Without effect where there is none: other backends, other axes or number formats, synchronised layers. To be called
    before compile.
    """
    if keras.backend.backend() != "tensorflow":
        return
    for layer in network.layers:
        if type(layer) is keras.layers.BatchNormalization and _suits(layer) and not isinstance(layer.call, partial):
            layer.call = partial(_normalise, layer, layer.call)


def _suits(layer: Any) -> bool:
    maps = layer.axis in (-1, 3) and layer.gamma is not None and layer.beta is not None
    return maps and layer.compute_dtype == "float32" and not (layer.renorm or layer.synchronized)


def _normalise(layer: Any, stock: Any, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
    """Do what BatchNormalization.call does, in training by the fused operator."""
    if not training or not layer.trainable or mask is not None or len(inputs.shape) != 4:
        return stock(inputs, training=training, mask=mask)
    import tensorflow as tf

    outputs, mean, variance = tf.compat.v1.nn.fused_batch_norm(
        inputs, layer.gamma.value, layer.beta.value, epsilon=layer.epsilon, is_training=True
    )
    pixels = tf.cast(tf.size(inputs) // inputs.shape[-1], tf.float32)
    variance *= (pixels - 1) / pixels  # the operator returns n - 1 in the denominator, Keras keeps n
    for moving, batch in ((layer.moving_mean, mean), (layer.moving_variance, variance)):
        moving.assign(moving * layer.momentum + batch * (1.0 - layer.momentum))
    return outputs
