"""Grad-CAM: heat maps of the evidence for a label (Selvaraju et al. 2017, arXiv:1610.02391)."""

import cv2
import keras
import numpy as np
import tensorflow as tf

from models.heads import POOL
from pipeline.progress import track

_BATCH = 8  # Keras keeps the outputs of all layers of a batch


def grad_cam(network: keras.Model, pixels: np.ndarray, outputs: np.ndarray) -> np.ndarray:
    """Return float32 [pictures, side, side]: maps in [0, 1] with maximum 1, or 0 everywhere.

    The channels of the last feature map are weighted by the gradient of an output's logit, summed, clipped at 0 and
    resized to the size of the input.

    Args:
        network: from pixels to logits, as in best.keras.
        pixels: uint8 or float [pictures, side, side, 3], RGB 0..255, of the network's input size.
        outputs: int [pictures], the number of the output that each map explains.
    """
    feature_map = network.get_layer(POOL).input
    trunk, head = keras.Model(network.input, feature_map), keras.Model(feature_map, network.output)
    sides = pixels.shape[2], pixels.shape[1]
    maps = []
    starts = range(0, len(pixels), _BATCH)
    for first in track(starts, len(starts), "batches of heat maps"):
        batch = slice(first, first + _BATCH)
        features = trunk(tf.cast(pixels[batch], tf.float32), training=False)
        for coarse in _coarse_maps(head, features, outputs[batch]):
            fine = cv2.resize(coarse, sides, interpolation=cv2.INTER_LINEAR)
            maps.append(fine / max(float(fine.max()), np.finfo(np.float32).tiny))
    return np.stack(maps) if maps else np.zeros((0, *sides[::-1]), np.float32)


def _coarse_maps(head: keras.Model, features: tf.Tensor, outputs: np.ndarray) -> np.ndarray:
    """Return float32 [pictures, rows, columns] at the resolution of the feature map.

    Gradients are recorded in the head alone: the trunk's activations would fill gigabytes.
    """
    with tf.GradientTape() as tape:
        tape.watch(features)
        logits = head(features, training=False)
        chosen = tf.gather(logits, tf.cast(outputs, tf.int32), axis=1, batch_dims=1)
    weights = tf.reduce_mean(tape.gradient(chosen, features), axis=(1, 2), keepdims=True)
    return tf.nn.relu(tf.reduce_sum(weights * features, axis=-1)).numpy()
