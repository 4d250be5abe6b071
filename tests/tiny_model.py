"""A real .tflite in a second: it names a picture's mean colour, so that every right answer is known beforehand."""

from pathlib import Path

import numpy as np

from inference.model.artefact import Artefact, flatbuffer_sha256, pack_artefact
from inference.model.card import Card, card_files

LABELS = ("red", "green", "blue", "background")
INPUT_SIZE = (16, 16)
COLOURS = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255), "grey": (128, 128, 128)}
_LOGIT_PER_LEVEL = 0.05  # a pure colour gets 255 * 0.05 = 12.75, grey 0
_BACKGROUND_LOGIT = 4.0  # pure red: 1 / (1 + e^(4 - 12.75) + ...) = 0.9998; grey: background 54.6 / 57.6 = 0.948


def make_flatbuffer(biases: tuple[float, ...] = (0.0, 0.0, 0.0, _BACKGROUND_LOGIT), features: bool = False) -> bytes:
    """Return a network: uint8 [1, 16, 16, 3] -> channel means -> logits -> float32 softmax, a bias for each label.

    features: the channel means are a second output.
    """
    import keras  # here, because most tests that import this file need no TensorFlow

    from export.convert import convert

    own, other = _LOGIT_PER_LEVEL, -_LOGIT_PER_LEVEL / 2
    kernel = np.full((3, len(biases)), other, np.float32)  # [channel, label]
    kernel[np.arange(3), np.arange(3)] = own
    kernel[:, 3:] = 0.0
    pixels = keras.Input((*INPUT_SIZE, 3))
    means = keras.layers.GlobalAveragePooling2D()(pixels)
    dense = keras.layers.Dense(len(biases), activation="softmax")
    model = keras.Model(pixels, [dense(means), means] if features else dense(means))
    dense.set_weights([kernel, np.array(biases, np.float32)])
    return convert(model, "float32", np.zeros((1, *INPUT_SIZE, 3), np.uint8))


def make_card(flatbuffer: bytes) -> Card:
    """Describe the network truthfully."""
    return Card(
        recipe="tiny",
        labels=LABELS,
        reject_labels=("background",),
        input_size=INPUT_SIZE,
        decision="softmax",
        threshold=0.5,
        temperature=1.0,
        quantization="float32",
        flatbuffer_sha256=flatbuffer_sha256(flatbuffer),
    )


def write_model(path: Path, flatbuffer: bytes, card: Card) -> Path:
    """Pack a network and a card, fitting or not, into one file; return its path."""
    path.write_bytes(pack_artefact(Artefact(flatbuffer, card_files(card))))
    return path
