"""A model that can take new classes, made by hand: what it sees of a picture is its mean colour."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from inference.enrollment.enroll import add_class, compute_vectors, open_model
from inference.model.artefact import Artefact, pack_artefact
from inference.model.card import card_files
from inference.model.held_out import HELD_OUT_NAME, HeldOut, held_out_to_file
from inference.model.neighbours import NEIGHBOURS_NAME, Neighbours, neighbours_to_file, nth_cosine
from inference.pictures.listing import Listing
from tests.tiny_model import INPUT_SIZE, make_card

TRAINED = {"red": (220, 30, 30), "green": (30, 200, 30), "blue": (30, 30, 220)}
ADDED = {"yellow": (210, 200, 30), "violet": (190, 40, 200)}
LABELS = ("red", "green", "background", "blue")  # the answers do not stand together
ACCEPTED = 0.9


def write_pictures(folder: Path, colour: tuple[int, int, int], count: int, seed: int = 0) -> Path:
    """Write noisy pictures of about one colour."""
    folder.mkdir(parents=True)
    for number, pixels in enumerate(make_pictures(colour, count, seed)):
        Image.fromarray(pixels).save(folder / f"{number}.png")
    return folder


def make_pictures(colour: tuple[int, int, int], count: int, seed: int = 0) -> np.ndarray:
    """Return uint8 [count, height, width, 3]; each picture has a mean of its own around the colour."""
    random = np.random.default_rng(seed)
    means = np.array(colour) + random.normal(0, 20, (count, 1, 1, 3))
    return (means + random.normal(0, 25, (count, *INPUT_SIZE, 3))).clip(0, 255).astype(np.uint8)


def make_open_model() -> bytes:
    """Return the file's bytes."""
    flatbuffer = _make_flatbuffer()
    bank, held_out = (_vectors(seed) for seed in (1, 2))
    numbers = [LABELS.index(label) for label in TRAINED for _ in range(40)]
    plain = Neighbours(np.eye(3, dtype=np.float32), bank, np.array(numbers), 10, 0.0, 1.0)
    scores = nth_cosine(held_out, bank, plain.count)
    neighbours = replace(plain, middle=float(np.median(scores)), width=float(scores.std()), offset=4.0)
    card = make_card(flatbuffer)
    answers = np.flatnonzero(np.array(LABELS) != "background")
    confidences = neighbours.weigh(_softmax(held_out), held_out, answers)[:, answers].max(axis=1)
    threshold = float(np.quantile(confidences, 1 - ACCEPTED))
    card = replace(card, labels=LABELS, decision="neighbours", threshold=threshold)
    statistics = HeldOut(held_out, np.array(numbers), _softmax(held_out), ACCEPTED, threshold)
    files = {NEIGHBOURS_NAME: neighbours_to_file(neighbours), HELD_OUT_NAME: held_out_to_file(statistics)}
    return pack_artefact(Artefact(flatbuffer, card_files(card) | files))


def write_enrolled_model(path: Path) -> Path:
    """Write the model with one class added, yellow."""
    path.write_bytes(make_open_model())
    pictures = write_pictures(path.with_suffix(""), ADDED["yellow"], 12)
    model = open_model(path)
    vectors = compute_vectors(model, Listing([pictures])).vectors
    path.write_bytes(pack_artefact(add_class(model, "yellow", vectors).artefact))
    return path


def _make_flatbuffer() -> bytes:
    """Return a network: uint8 [1, 16, 16, 3] -> softmax of channel means, and the means in 0..1."""
    import keras  # here, because most tests that import this file need no TensorFlow

    from export.convert import convert

    pixels = keras.Input((*INPUT_SIZE, 3))
    means = keras.layers.GlobalAveragePooling2D()(keras.layers.Rescaling(1 / 255)(pixels))
    dense = keras.layers.Dense(len(LABELS), activation="softmax")
    model = keras.Model(pixels, [dense(means), means])
    dense.set_weights(list(_WEIGHTS))
    return convert(model, "float32", np.zeros((1, *INPUT_SIZE, 3), np.uint8))


_WEIGHTS = (
    np.array([[8, -4, 0, -4], [-4, 8, 0, -4], [-4, -4, 0, 8]], np.float32),  # [channel, label]
    np.array([0, 0, 1, 0], np.float32),
)


def _vectors(seed: int) -> np.ndarray:
    """Return what the network sees of 40 pictures of each trained class, with length 1."""
    pictures = np.concatenate([make_pictures(colour, 40, seed) for colour in TRAINED.values()])
    means = pictures.mean(axis=(1, 2)) / 255
    return (means / np.linalg.norm(means, axis=1, keepdims=True)).astype(np.float32)


def _softmax(means: np.ndarray) -> np.ndarray:
    logits = means @ _WEIGHTS[0] + _WEIGHTS[1]
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)
