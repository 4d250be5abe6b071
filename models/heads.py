"""Feature map -> outputs: the heads that a recipe may choose; the first layer of each is named POOL."""

from typing import Any

from keras import layers

from models.blocks import BATCH_NORM_EPSILON, BATCH_NORM_MOMENTUM

POOL = "pool"


def classifier(features: Any, outputs: int, dropout: float) -> Any:
    """Pool [batch, h, w, c] over its area, drop out, and map linearly to logits [batch, outputs].

    Pooling is one MEAN operator in the converted file: average pooling falls out of the int8 delegate.
    """
    x = layers.GlobalAveragePooling2D(name=POOL)(features)
    x = layers.Dropout(dropout, name="dropout")(x)
    return layers.Dense(outputs, name="logits")(x)


def normalised(features: Any, outputs: int, dropout: float) -> Any:
    """Do the same, with the pooled features normalised first.

    For trunks trained elsewhere: their features have very different scales, and a linear map learns slowly on them.
    """
    x = layers.GlobalAveragePooling2D(name=POOL)(features)
    x = layers.BatchNormalization(momentum=BATCH_NORM_MOMENTUM, epsilon=BATCH_NORM_EPSILON, name="pool_norm")(x)
    x = layers.Dropout(dropout, name="dropout")(x)
    return layers.Dense(outputs, name="logits")(x)


HEADS = {"classifier": classifier, "normalised": normalised}
