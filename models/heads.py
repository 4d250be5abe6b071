"""Feature map -> outputs: the heads that a recipe may choose."""

from typing import Any

from keras import layers


def classifier(features: Any, outputs: int, dropout: float) -> Any:
    """Pool [batch, h, w, c] over its area, drop out, and map linearly to logits [batch, outputs].

    Pooling is one MEAN operator in the converted file: average pooling falls out of the int8 delegate.
    """
    x = layers.GlobalAveragePooling2D(name="pool")(features)
    x = layers.Dropout(dropout, name="dropout")(x)
    return layers.Dense(outputs, name="logits")(x)


HEADS = {"classifier": classifier}
