"""The moving average of a network's weights during training, which is validated and kept as the best network.

Keras' SwapEMAWeights averages trainable weights only. Here the statistics of batch normalisation are averaged too:
those of the last batches belong to other weights than the average's. Averaging: Polyak and Juditsky 1992, SIAM J.
Control Optim. 30(4); with statistics as in Mean Teacher (arXiv:1703.01780).
"""

from typing import Any

import keras
import numpy as np

Arrays = list[np.ndarray]  # in the order of network.weights


class WeightAverage(keras.callbacks.Callback):
    """Average the weights after each step; put the average into the network for the validation.

    The network keeps the average until `resume_training`, so that callbacks in between save it. In step n the decay is
    at most (1 + n) / (10 + n): the random weights of the beginning are forgotten sooner.
    """

    def __init__(self, decay: float) -> None:
        super().__init__()
        self._decay = decay
        self._average: Arrays = []
        self._trained: Arrays | None = None  # the weights to continue with, while the network has the average

    @property
    def arrays(self) -> Arrays:
        """Return the averaged weights, for the backup."""
        return self._average

    def restore(self, arrays: Arrays) -> None:
        """Continue with an average from a backup."""
        self._average = arrays

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Begin with the network's own weights unless an average was restored."""
        self._average = self._average or [np.array(weight) for weight in self.model.weights]

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Move the average towards the weights."""
        step = int(keras.ops.convert_to_numpy(self.model.optimizer.iterations))
        share = 1 - min(self._decay, (1 + step) / (10 + step))
        for average, weight in zip(self._average, self.model.weights, strict=True):
            if np.issubdtype(average.dtype, np.floating):
                average += share * (np.asarray(weight) - average)

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Put the average into the network."""
        self._trained = [np.array(weight) for weight in self.model.weights]
        self._put(self._average)

    def resume_training(self) -> None:
        """Put the trained weights back."""
        if self._trained is not None:
            self._put(self._trained)
            self._trained = None

    def _put(self, arrays: Arrays) -> None:
        for weight, array in zip(self.model.weights, arrays, strict=True):
            if np.issubdtype(array.dtype, np.floating):  # others are states of random generators
                weight.assign(array)


class ResumeTraining(keras.callbacks.Callback):
    """End a WeightAverage's exchange at the end of an epoch; stands after the callbacks that save the average."""

    def __init__(self, average: WeightAverage) -> None:
        super().__init__()
        self._average = average

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Put the trained weights back."""
        self._average.resume_training()
