"""model.tflite + a few pictures of a new class -> a model.tflite with that class, without TensorFlow or training.

The flatbuffer is not changed: the new class is stored in the files appended to it; see inference.model.enrolled.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ..figures.threshold_words import card_sentences
from ..model.artefact import Artefact, read_artefact
from ..model.card import CARD_NAME, Card, card_to_json, is_new_name, same_name
from ..model.classifier import Classifier
from ..model.decide import UNKNOWN
from ..model.enrolled import ENROLLED_NAME, Enrolled, as_stored, enrolled_to_file
from ..model.held_out import HELD_OUT_NAME, HeldOut, read_held_out
from ..model.neighbours import Neighbours
from ..pictures.limits import DEFAULT_LIMITS, Limits
from ..pictures.listing import Picture
from .fit import AddedFigures, fit_added, measure_added

FEWEST_PICTURES = 2
TRAINED = "trained"  # key of card.measured: the figures of the model without added classes


@dataclass(frozen=True)
class ModelFile:
    """A model that supports added classes: its parts, and the classes added so far, or None.

    classifier: the model as it was read, to compute vectors of pictures.
    """

    artefact: Artefact
    classifier: Classifier
    card: Card
    neighbours: Neighbours
    held_out: HeldOut
    enrolled: Enrolled | None

    @property
    def added(self) -> dict[str, np.ndarray]:
        """Return the vectors [pictures, dimensions] of each added class."""
        classes = self.enrolled.classes if self.enrolled else ()
        return dict(zip(self.card.enrolled, (one.vectors for one in classes), strict=True))


@dataclass(frozen=True)
class PictureVectors:
    """Vectors of pictures, float32 [pictures, dimensions], and the errors of unreadable pictures."""

    vectors: np.ndarray
    faults: dict[str, str]


def open_model(path: Path) -> ModelFile:
    """Read a model that supports added classes.

    Raises:
        InputError: it is not a model of this program, or lacks the data that added classes need.
    """
    artefact = read_artefact(path)
    classifier = Classifier(artefact)
    if CARD_NAME not in artefact.files or classifier.neighbours is None or HELD_OUT_NAME not in artefact.files:
        raise InputError(
            f"{path}: does not support added classes: it has no neighbours and held-out pictures. Train it with "
            "--set calibrate.kind=neighbours."
        )
    if classifier.card.decision not in ("softmax", "neighbours"):
        raise InputError(
            f"{path}: added classes need the softmax decision, which sets their threshold. Received: "
            f"{classifier.card.decision}. Train it with --set calibrate.decision=softmax."
        )
    outputs, dimensions = len(classifier.card.outputs), classifier.neighbours.vectors.shape[1]
    held_out = read_held_out(artefact.files[HELD_OUT_NAME], outputs, dimensions, str(path))
    return ModelFile(artefact, classifier, classifier.card, classifier.neighbours, held_out, classifier.enrolled)


def compute_vectors(model: ModelFile, pictures: Iterable[Picture], limits: Limits = DEFAULT_LIMITS) -> PictureVectors:
    """Return the vectors of pictures, computed by the model's network, without duplicates."""
    features, faults = [], {}
    for picture in pictures:
        try:
            seen = model.classifier.prepare_encoded(picture.read(limits), None, limits)
            features.append(model.classifier.features(seen.pixels[0]))
        except InputError as fault:
            faults[str(picture)] = str(fault)
    if not features:
        return PictureVectors(np.zeros((0, model.neighbours.vectors.shape[1]), np.float32), faults)
    return PictureVectors(np.unique(as_stored(model.neighbours.project(np.stack(features))), axis=0), faults)


def add_class(model: ModelFile, name: str, vectors: np.ndarray) -> ModelFile:
    """Return the model with an added class, from the vectors [pictures, dimensions] of its pictures.

    Raises:
        InputError: the name is in use or can't be shown, or there are too few pictures.
    """
    if any(same_name(name, one) for one in (*model.card.labels, UNKNOWN)) or not is_new_name(name):
        known = ", ".join(model.card.labels)
        raise InputError(
            f"a new class needs an unused name, whatever its capitals, one line of text, not {UNKNOWN!r}. Received: "
            f"{name!r}; known: {known}."
        )
    if len(vectors) < FEWEST_PICTURES:
        raise InputError(
            f"{name}: needs at least {FEWEST_PICTURES} different pictures, better 5 to 50. Received: {len(vectors)}."
        )
    return _with_added(model, model.added | {name: as_stored(vectors)})


def remove_class(model: ModelFile, name: str) -> ModelFile:
    """Return the model without an added class.

    Raises:
        InputError: there is no such class, or the network was trained on it.
    """
    if name not in model.added:
        known = ", ".join(model.added) or "none"
        raise InputError(f"only added classes can be removed. Received: {name!r}; added: {known}.")
    return _with_added(model, {label: vectors for label, vectors in model.added.items() if label != name})


def _with_added(model: ModelFile, added: dict[str, np.ndarray]) -> ModelFile:
    """Return the model with all added classes fitted and stored in the files; the flatbuffer is not changed."""
    files = {name: data for name, data in model.artefact.files.items() if name != ENROLLED_NAME}
    enrolled, threshold, names = None, model.held_out.threshold, tuple(added)
    measured = model.card.measured.get(TRAINED, model.card.measured)
    if added:
        enrolled, threshold = fit_added(model.neighbours, model.held_out, list(added.values()), model.card.answers)
        files[ENROLLED_NAME] = enrolled_to_file(enrolled.classes)
        figures = measure_added(enrolled, model.held_out, threshold, model.card.answers)
        measured = {**_describe_figures(figures, names), TRAINED: measured}
    labels = (*model.card.outputs, *names)
    card = replace(model.card, labels=labels, enrolled=names, threshold=threshold, measured=measured)
    files[CARD_NAME] = card_to_json(card)
    return replace(model, artefact=Artefact(model.artefact.flatbuffer, files), card=card, enrolled=enrolled)


def _describe_figures(figures: AddedFigures, names: tuple[str, ...]) -> dict[str, Any]:
    """Return the part `measured` of the card of a model with added classes."""
    measured: dict[str, Any] = {
        "accuracy": asdict(figures.accuracy),
        "accepted": asdict(figures.accepted),
        "added": {name: asdict(one) for name, one in zip(names, figures.added, strict=True)},
        "measured_on": "validation pictures of the trained classes, and the pictures given of the added ones",
    }
    return measured | {"in_words": card_sentences(measured)}
