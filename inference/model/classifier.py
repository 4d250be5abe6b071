"""model.tflite + picture -> Decision: the one path that the command line, the evaluation and libraries share."""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ..pictures.image_io import decode_photo, read_resized, resize_image
from ..pictures.limits import DEFAULT_LIMITS, Limits
from ..pictures.photo import Photo, Region, Size, reduction_to
from ..pictures.regions import Box, find_region
from .artefact import Artefact, read_artefact
from .card import CARD_NAME, Card, read_card, refuse_foreign_options
from .decide import DECISIONS, Decision, DecisionRule, decide
from .enrolled import ENROLLED_NAME, Enrolled, read_enrolled
from .foreign import describe_foreign, load_foreign
from .model import DIGITS, PLAIN, Answer, AnswerOptions, Model, not_for_boxes
from .neighbours import NEIGHBOURS_NAME, Neighbours, read_neighbours
from .tflite_model import TfliteModel


@dataclass(frozen=True)
class Cutouts:
    """A picture, or regions of it, at the network's size: uint8 [height, width, 3], or why a region has none."""

    pixels: tuple[np.ndarray | str, ...]
    boxes: tuple[Box, ...] | None


class Classifier(Model):
    """A loaded model with its card.

    >>> Classifier(Path("model.tflite")).classify(Path("patch.jpg"))  # doctest: +SKIP
    Decision(result='pyrite', confidence=0.93, mask=None)
    """

    takes_boxes = True

    def __init__(
        self,
        file: Path | str | Artefact,
        threads: int = 1,
        threshold: float | None = None,
        labels: Path | None = None,
        scaling: str | None = None,
        delegates: bool = True,
    ) -> None:
        """Load a model of ours, or a classifier from elsewhere: see inference.model.foreign.

        file: its path, or the file where it has been read already.
        threshold: overrides the card's, 0 turns rejection off.
        labels, scaling: for a model without a card: a file with one label a line; "raw", "unit" or "signed".
        delegates: whether LiteRT may use its fast path, XNNPACK; for a model with a card.

        Raises:
            InputError: the file is no model, its card does not fit its network, or the labels or the scaling of a
                model from elsewhere are not known.
        """
        artefact = file if isinstance(file, Artefact) else read_artefact(Path(file))
        name = artefact.name
        self.card: Card
        if CARD_NAME in artefact.files:
            refuse_foreign_options(labels, scaling, name)
            self.card = read_card(artefact, name)
            if self.card.decision not in DECISIONS:
                raise not_for_boxes(name)
            self._model = TfliteModel(artefact.flatbuffer, name, threads, delegates=delegates)
        else:
            foreign = describe_foreign(artefact, Path(name), labels, scaling)
            self.card = foreign.card
            self._model = load_foreign(foreign, artefact.flatbuffer, name, threads)
        self._check_fit(name)
        self.neighbours = self._read_neighbours(artefact, name)
        self.enrolled = self._read_enrolled(artefact, name)
        self._answers = self.card.answers
        self._rule = DecisionRule(
            self.card.labels,
            self.card.reject_labels,
            self.card.threshold if threshold is None else threshold,
            self.card.decision,
        )

    def check(self, options: AnswerOptions, name: str) -> None:
        """Refuse what only models for anomalies write."""
        asked = {
            "--masks": options.masks,
            "mask": options.mask,
            "--scores": options.scores,
            "--regions": options.regions,
        }
        if names := ", ".join(option for option, value in asked.items() if value):
            raise InputError(f"{names}: only for models that find anomalies. Received: {name}. Leave it out.")

    def prepare(self, pixels: np.ndarray, boxes: Sequence[Box] | None = None) -> Cutouts:
        """Cut and resize what the network is to see; a region that can't be cut becomes the reason."""
        return self._cut_out(Photo.of(pixels), boxes)

    def prepare_encoded(
        self, data: bytes, boxes: Sequence[Box] | None = None, limits: Limits = DEFAULT_LIMITS
    ) -> Cutouts:
        """Return what prepare does, of a picture that is decoded no larger than the network, or a box, needs it."""
        regions = None if boxes is None else lambda size: self._regions(size, boxes)
        reduction = reduction_to(self.card.input_size, regions)
        return self._cut_out(decode_photo(data, limits, reduction), boxes)

    def answer(self, prepared: Cutouts, options: AnswerOptions = PLAIN, key: str = "") -> Answer:
        """Return {"confidence", "result"}, with more than one top also "top", or "regions" in the boxes' order.

        A region that can't be cut has an "error" instead of a result.
        """
        answers = [self._answer(cutout, options.top) for cutout in prepared.pixels]
        if prepared.boxes is None:
            return answers[0]
        return {"regions": [{"box": list(box), **one} for box, one in zip(prepared.boxes, answers, strict=True)]}

    def classify(self, image: Path | str | np.ndarray) -> Decision:
        """Classify one picture: a file, or uint8 pixels [height, width, 3], RGB.

        Raises:
            InputError: the file is no readable picture.
        """
        return self.decide(self.probabilities(image))

    def decide(self, probabilities: np.ndarray) -> Decision:
        """Decide by float [labels], as `probabilities` gives them."""
        return decide(probabilities, self._rule)

    def probabilities(self, image: Path | str | np.ndarray) -> np.ndarray:
        """Return float32 [labels] for one picture: a file, or uint8 pixels [height, width, 3], RGB.

        Of a model with neighbours they are lower, and sum to less than 1, the lower the picture's k-nearest-neighbour
        score is; see inference.model.neighbours.
        """
        probabilities, features = self.predict(image)
        neighbours = self.enrolled or self.neighbours
        if neighbours is None or features is None:
            return probabilities
        return neighbours.weigh(probabilities[np.newaxis], features[np.newaxis], self._answers)[0]

    def softmax(self, image: Path | str | np.ndarray) -> np.ndarray:
        """Return float32 [outputs] as the network gives them: neighbours and added classes play no part."""
        return self.predict(image)[0]

    def features(self, image: Path | str | np.ndarray) -> np.ndarray:
        """Return float32 [features], what the network's last layer sees of a picture.

        Raises:
            InputError: the model was exported without them.
        """
        _, features = self.predict(image)
        if features is None:
            raise InputError("the model gives no features. Export it with --set export.features=true.")
        return features

    def predict(self, image: Path | str | np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """Return what softmax and features do, the latter None where the model gives none, in one pass."""
        size = self.card.input_size
        pixels = resize_image(image, size) if isinstance(image, np.ndarray) else read_resized(Path(image), size)
        return self._model.predict_with_features(pixels)

    @property
    def vector_size(self) -> Size:
        """Return the network's."""
        return self.card.input_size

    def numbers(self, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the network's outputs: neighbours and added classes play no part."""
        probabilities, features = self.predict(pixels)
        return probabilities, np.zeros(0, np.float32) if features is None else features

    def prepared_pixels(self, data: bytes) -> np.ndarray:
        """Return the whole picture at the network's size."""
        return np.asarray(self.prepare_encoded(data).pixels[0])

    def _cut_out(self, photo: Photo, boxes: Sequence[Box] | None) -> Cutouts:
        if boxes is None:
            return Cutouts((photo.resized(self.card.input_size),), None)
        return Cutouts(tuple(self._cut(photo, box) for box in boxes), tuple(boxes))

    def _cut(self, photo: Photo, box: Box) -> np.ndarray | str:
        try:
            return photo.resized(self.card.input_size, find_region(photo.size, box, self.card.region_margin))
        except InputError as fault:
            return str(fault)

    def _regions(self, size: Size, boxes: Sequence[Box]) -> Iterator[Region]:
        """Yield the regions of boxes in a photograph; those that can't be cut are named later."""
        for box in boxes:
            with contextlib.suppress(InputError):
                yield find_region(size, box, self.card.region_margin)

    def _answer(self, cutout: np.ndarray | str, top: int) -> Answer:
        if isinstance(cutout, str):
            return {"error": cutout}
        probabilities = self.probabilities(cutout)
        decision = self.decide(probabilities)
        answer: Answer = {"confidence": round(decision.confidence, DIGITS), "result": decision.result}
        if top > 1:
            best = np.argsort(-probabilities, kind="stable")[:top]
            answer["top"] = [
                {"confidence": _rounded(probabilities[number]), "label": self.card.labels[number]} for number in best
            ]
        return answer

    def _read_neighbours(self, artefact: Artefact, name: str) -> Neighbours | None:
        """Return the training pictures by which probabilities are weighed; None for a model without."""
        if self.card.decision != "neighbours" and NEIGHBOURS_NAME not in artefact.files:
            return None
        if NEIGHBOURS_NAME not in artefact.files or not self._model.feature_count:
            raise InputError(
                f"{name}: decision 'neighbours' needs {NEIGHBOURS_NAME} and a network that gives features. "
                "Export the model again."
            )
        data = artefact.files[NEIGHBOURS_NAME]
        return read_neighbours(data, len(self.card.outputs), self._model.feature_count, name)

    def _read_enrolled(self, artefact: Artefact, name: str) -> Enrolled | None:
        """Return the classes that were added to the model; None without any."""
        if not self.card.enrolled:
            return None
        if self.neighbours is None or ENROLLED_NAME not in artefact.files:
            raise InputError(f"{name}: its added classes need {ENROLLED_NAME} and neighbours. Enroll them again.")
        return read_enrolled(artefact.files[ENROLLED_NAME], self.neighbours, len(self.card.enrolled), name)

    def _check_fit(self, name: str) -> None:
        network = (self._model.input_size, self._model.output_count)
        stated = (self.card.input_size, len(self.card.outputs))
        if network != stated:
            raise InputError(
                f"{name}: card and network differ: the network takes {network[0]} pixels and gives {network[1]} "
                f"outputs, the card states {stated[0]} and {stated[1]} labels. Export the model again."
            )


def _rounded(probability: np.floating[Any]) -> float:
    return round(min(max(float(probability), 0.0), 1.0), DIGITS)
