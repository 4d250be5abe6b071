import keras
import numpy as np
from keras import layers

from models.heads import POOL
from pipeline.evaluation.grad_cam import grad_cam

SIDE = 16


def make_colour_counter() -> keras.Model:
    """Return a frozen network whose two logits count red and green pixels: where it looks is known beforehand."""
    pixels = keras.Input((SIDE, SIDE, 3))
    features = layers.Conv2D(2, 1, activation="relu", use_bias=False, name="colours")(pixels)
    logits = layers.Dense(2, use_bias=False)(layers.GlobalAveragePooling2D(name=POOL)(features))
    network = keras.Model(pixels, logits)
    network.layers[1].set_weights([np.array([[[[1, -1], [-1, 1], [0, 0]]]], np.float32)])
    network.layers[-1].set_weights([np.eye(2, dtype=np.float32)])
    network.trainable = False
    return network


def test_the_map_lies_where_the_explained_output_got_its_evidence():
    """Faults: explaining always output 0; weights of the wrong axis; a frozen network gives no gradient."""
    picture = np.zeros((1, SIDE, SIDE, 3), np.uint8)
    picture[0, :4, :4, 0] = 200  # red, top left
    picture[0, 12:, 12:, 1] = 200  # green, bottom right
    network = make_colour_counter()
    red, green = grad_cam(network, np.repeat(picture, 2, axis=0), np.array([0, 1]))
    assert red[:4, :4].mean() == green[12:, 12:].mean() == 1
    assert red[4:, 4:].sum() == green[:12, :12].sum() == 0


def test_a_picture_without_evidence_has_an_empty_map_and_more_than_a_batch_is_explained():
    """Faults: division by zero; only the first batch is answered."""
    maps = grad_cam(make_colour_counter(), np.zeros((40, SIDE, SIDE, 3), np.uint8), np.zeros(40, int))
    assert maps.shape == (40, SIDE, SIDE)
    assert np.all(maps == 0)
