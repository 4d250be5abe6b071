"""Feature map -> outputs: the heads of recipes; the first layer of each is named POOL."""

from typing import Any

from keras import layers

from models.blocks import BATCH_NORM_EPSILON, BATCH_NORM_MOMENTUM

POOL = "pool"


def classifier(features: Any, outputs: int, dropout: float) -> Any:
    """Global average pooling of [batch, h, w, c], dropout, and a dense layer to logits [batch, outputs].

    Pooling becomes a MEAN operator in the converted file, since the int8 delegate does not support average pooling.
    """
    x = layers.GlobalAveragePooling2D(name=POOL)(features)
    x = layers.Dropout(dropout, name="dropout")(x)
    return layers.Dense(outputs, name="logits")(x)


def normalised(features: Any, outputs: int, dropout: float) -> Any:
    """The same, with batch normalisation of the pooled features.

    For pretrained trunks: their features have very different scales, on which a dense layer trains slowly.
    """
    x = layers.GlobalAveragePooling2D(name=POOL)(features)
    x = layers.BatchNormalization(momentum=BATCH_NORM_MOMENTUM, epsilon=BATCH_NORM_EPSILON, name="pool_norm")(x)
    x = layers.Dropout(dropout, name="dropout")(x)
    return layers.Dense(outputs, name="logits")(x)


HEADS = {"classifier": classifier, "normalised": normalised}
