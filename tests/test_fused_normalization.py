"""Batch normalisation by the fused operator: the same training as the stock layer's, and no trace in what is saved."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from models.patch_net import Row, patch_net
from pipeline.settings.fit import FitSettings
from pipeline.training.epochs import compile_for_fit
from pipeline.training.fused_normalization import use_fused_normalization

ROWS = (Row("inverted", filters=8, kernel=3, stride=2, expansion=2),)


def make_network() -> keras.Model:
    keras.utils.set_random_seed(0)
    pixels = keras.Input((16, 16, 3))
    return keras.Model(pixels, keras.layers.Dense(2)(keras.layers.GlobalAveragePooling2D()(patch_net(pixels, ROWS))))


def train(network: keras.Model) -> list[np.ndarray]:
    """Compile, take three steps and return the weights, the moving averages among them."""
    random = np.random.default_rng(0)
    pixels, labels = random.integers(0, 256, (8, 16, 16, 3)).astype(np.float32), np.eye(2, dtype=np.float32)[[0, 1] * 4]
    network.compile(keras.optimizers.SGD(0.002), "mse")
    for _ in range(3):
        network.train_on_batch(pixels, labels)
    return [np.array(weight) for weight in network.weights]


def operators(network: keras.Model) -> set[str]:
    """Return the types of the operators of a forward pass in training."""
    import tensorflow as tf

    graph = tf.function(lambda pixels: network(pixels, training=True)).get_concrete_function(
        tf.TensorSpec((8, 16, 16, 3))
    )
    return {operator.type for operator in graph.graph.get_operations()}


def test_weights_and_moving_averages_are_those_of_the_stock_layer() -> None:
    """Catches a variance with another denominator, another epsilon or momentum, and averages that stand still."""
    stock, fused = make_network(), make_network()
    use_fused_normalization(fused)
    for expected, found in zip(train(stock), train(fused), strict=True):
        assert found == pytest.approx(expected, abs=1e-4)


def test_a_network_compiled_for_a_fit_uses_the_operator_once() -> None:
    """Catches a fit that trains by the slow operators."""
    network = make_network()
    assert "FusedBatchNormV3" not in operators(network)
    for _ in range(2):
        compile_for_fit(network, FitSettings(), 0.1)
    assert "FusedBatchNormV3" in operators(network)


@pytest.mark.parametrize("change", ["frozen", "axis"])
def test_layers_that_the_operator_does_not_suit_stay_as_they_are(change: str) -> None:
    """Catches frozen statistics that move, and channels taken from the wrong axis."""
    pixels = keras.Input((4, 4, 3))
    layer: Any = keras.layers.BatchNormalization(axis=1 if change == "axis" else -1)
    network = keras.Model(pixels, layer(pixels))
    layer.trainable = change != "frozen"
    use_fused_normalization(network)
    before = np.array(layer.moving_mean)
    found = network(np.full((2, 4, 4, 3), 5.0, np.float32), training=True)
    if change == "frozen":
        assert np.array(layer.moving_mean) == pytest.approx(before)
        assert np.array(found) == pytest.approx(5.0, rel=0.01)
    else:
        assert np.array(layer.moving_mean).shape == (4,)


def test_a_saved_network_has_stock_layers(tmp_path: Path) -> None:
    """Catches a file that only this project can load, or that answers otherwise."""
    network = make_network()
    use_fused_normalization(network)
    train(network)
    network.save(tmp_path / "network.keras")
    loaded = keras.models.load_model(tmp_path / "network.keras")
    pixels = np.random.default_rng(1).integers(0, 256, (2, 16, 16, 3)).astype(np.float32)
    assert np.array(loaded(pixels)) == pytest.approx(np.array(network(pixels)), abs=1e-6)
    assert {type(layer).__module__.split(".")[0] for layer in loaded.layers} == {"keras"}
