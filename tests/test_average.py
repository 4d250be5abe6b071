"""The moving average of the weights: what is validated and kept, while the training goes on with its own weights."""

from typing import Any

import keras
import numpy as np
import pytest

from pipeline.training.average import ResumeTraining, WeightAverage


class Record(keras.callbacks.Callback):
    """Keep the weights after each step, and those that a checkpoint would save."""

    def __init__(self) -> None:
        super().__init__()
        self.steps: list[list[np.ndarray]] = []
        self.saved: list[np.ndarray] = []

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self.steps.append([np.array(weight) for weight in self.model.weights])

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.saved = [np.array(weight) for weight in self.model.weights]


def make_network() -> keras.Model:
    keras.utils.set_random_seed(0)
    network = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4), keras.layers.BatchNormalization()])
    network.compile("sgd", "mse")
    return network


def train(epochs: int, *callbacks: keras.callbacks.Callback) -> keras.Model:
    network = make_network()
    random = np.random.default_rng(0)
    data = random.normal(size=(32, 3)).astype(np.float32), random.normal(size=(32, 4)).astype(np.float32)
    network.fit(*data, batch_size=8, epochs=epochs, validation_data=data, shuffle=False, verbose=0, callbacks=callbacks)
    return network


def test_saved_weights_are_the_average_over_the_steps_with_its_normalisation() -> None:
    """Catches a checkpoint of the trained weights, and statistics of batch normalisation that are not averaged."""
    average, record = WeightAverage(0.5), Record()
    start = [np.array(weight) for weight in make_network().weights]
    train(1, average, record, ResumeTraining(average))
    expected = start
    for number, weights in enumerate(record.steps, start=1):
        decay = min(0.5, (1 + number) / (10 + number))
        expected = [decay * old + (1 - decay) * new for old, new in zip(expected, weights, strict=True)]
    for saved, wanted in zip(record.saved, expected, strict=True):
        assert saved == pytest.approx(wanted, abs=1e-6)


@pytest.mark.slow
def test_training_goes_on_with_its_own_weights() -> None:
    """Catches epochs that start from the average."""
    average, with_average, alone = WeightAverage(0.9), Record(), Record()
    train(3, average, with_average, ResumeTraining(average))
    train(3, alone)
    for one, other in zip(with_average.steps[-1], alone.steps[-1], strict=True):
        assert np.array_equal(one, other)
