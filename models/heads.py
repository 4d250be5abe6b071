"""Feature map -> outputs: the heads of recipes; the first layer of each is named POOL."""

from dataclasses import dataclass
from typing import Any

import keras
from keras import layers

from models.blocks import BATCH_NORM_EPSILON, BATCH_NORM_MOMENTUM

POOL = "pool"
_NORM = "pool_norm"
_LOGITS = "logits"
_FEATURES = "teacher_features"


def classifier(features: Any, outputs: int, dropout: float) -> Any:
    """Global average pooling of [batch, h, w, c], dropout, and a dense layer to logits [batch, outputs].

    Pooling becomes a MEAN operator in the converted file, since the int8 delegate does not support average pooling.
    """
    x = layers.GlobalAveragePooling2D(name=POOL)(features)
    x = layers.Dropout(dropout, name="dropout")(x)
    return layers.Dense(outputs, name=_LOGITS)(x)


def normalised(features: Any, outputs: int, dropout: float) -> Any:
    """The same, with batch normalisation of the pooled features.

    For pretrained trunks: their features have very different scales, on which a dense layer trains slowly.
    """
    x = layers.GlobalAveragePooling2D(name=POOL)(features)
    x = layers.BatchNormalization(momentum=BATCH_NORM_MOMENTUM, epsilon=BATCH_NORM_EPSILON, name=_NORM)(x)
    x = layers.Dropout(dropout, name="dropout")(x)
    return layers.Dense(outputs, name=_LOGITS)(x)


HEADS = {"classifier": classifier, "normalised": normalised}


@dataclass(frozen=True)
class LinearHead:
    """Logits as a linear function of the standardised pooled features.

    mean, deviation: arrays [features]; kernel: [features, outputs]; bias: [outputs].
    """

    mean: Any
    deviation: Any
    kernel: Any
    bias: Any

    def logits(self, pooled: Any) -> Any:
        """Return the logits [batch, outputs] of pooled features [batch, features]."""
        return (pooled - self.mean) / self.deviation @ self.kernel + self.bias


def pooled_features(network: keras.Model) -> keras.Model:
    """Return the model from pixels to the pooled features [batch, features]."""
    return keras.Model(network.input, network.get_layer(POOL).output, name=f"{network.name}_features")


def set_linear_head(network: keras.Model, head: LinearHead) -> None:
    """Give a network a linear head; batch normalisation of the features becomes its standardisation.

    Without batch normalisation the standardisation is folded into the dense layer.
    """
    mean, deviation, kernel, bias = head.mean, head.deviation, head.kernel, head.bias
    norms = [layer for layer in network.layers if layer.name == _NORM]
    for norm in norms:
        gamma = (deviation**2 + norm.epsilon) ** 0.5 / deviation
        norm.set_weights([gamma, 0 * mean, mean, deviation**2])
    if not norms:
        kernel = kernel / deviation[:, None]
        bias = bias - mean @ kernel
    network.get_layer(_LOGITS).set_weights([kernel, bias])


def feature_learner(network: keras.Model, width: int) -> keras.Model:
    """Return the network from pixels to a linear map of its pooled features alone, [batch, width]."""
    features = layers.Dense(width, name=_FEATURES)(network.get_layer(POOL).output)
    return keras.Model(network.input, features, name=network.name)


def add_feature_output(network: keras.Model, width: int) -> keras.Model:
    """Return the network with a linear map of its pooled features behind the logits: [batch, logits + width].

    A width of 0 gives the network itself.
    """
    if not width:
        return network
    features = layers.Dense(width, name=_FEATURES)(network.get_layer(POOL).output)
    return keras.Model(network.input, keras.ops.concatenate([network.output, features], axis=1), name=network.name)


def without_feature_output(network: keras.Model) -> keras.Model:
    """Return the network from pixels to logits, with the same layers and weights."""
    if all(layer.name != _FEATURES for layer in network.layers):
        return network
    return keras.Model(network.input, network.get_layer(_LOGITS).output, name=network.name)
