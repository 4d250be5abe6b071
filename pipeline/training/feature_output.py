"""A network that also learns the features of its teachers (Romero et al., FitNets, arXiv:1412.6550).

During the training a linear map of the pooled features is a further output behind the logits. The features say more
about a picture than the answers, so that a small network learns more from few photographs. What is saved is the network
without that output.
"""

from typing import Any

import keras
from keras import layers, ops

from models.heads import LOGITS, POOL

_FEATURES = "teacher_features"


def add_feature_output(network: keras.Model, width: int) -> keras.Model:
    """Return the network with outputs [batch, logits + width]; with a width of 0 the network itself."""
    if not width:
        return network
    features = layers.Dense(width, name=_FEATURES)(network.get_layer(POOL).output)
    return keras.Model(network.input, ops.concatenate([network.output, features], axis=1), name=network.name)


def without_feature_output(network: keras.Model) -> keras.Model:
    """Return the network from pixels to logits, with the same layers and weights."""
    if all(layer.name != _FEATURES for layer in network.layers):
        return network
    return keras.Model(network.input, network.get_layer(LOGITS).output, name=network.name)


class FeatureLoss(keras.losses.Loss):
    """Cross-entropy of the labels, plus the weighted mean squared error of the features that follow them, if any."""

    def __init__(self, outputs: int, weight: float, label_smoothing: float) -> None:
        super().__init__(name="feature_loss")
        self._outputs, self._weight, self._label_smoothing = outputs, weight, label_smoothing

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each picture [batch]; validation has labels alone."""
        labels, features = y_true[:, : self._outputs], y_true[:, self._outputs :]
        loss = keras.losses.categorical_crossentropy(
            labels, y_pred[:, : self._outputs], from_logits=True, label_smoothing=self._label_smoothing
        )
        if features.shape[1]:
            loss += self._weight * ops.mean(ops.square(features - y_pred[:, self._outputs :]), axis=1)
        return loss


class LabelAccuracy(keras.metrics.CategoricalAccuracy):
    """The accuracy of the labels, whatever follows them."""

    def __init__(self, outputs: int) -> None:
        super().__init__(name="accuracy")
        self._outputs = outputs

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Count a batch."""
        return super().update_state(y_true[:, : self._outputs], y_pred[:, : self._outputs], sample_weight)


class SaveWithoutFeatures(keras.callbacks.ModelCheckpoint):
    """Keras' ModelCheckpoint, of the network from pixels to logits."""

    def set_model(self, model: keras.Model) -> None:
        """Take what is saved."""
        super().set_model(without_feature_output(model))
