"""model.tflite + picture -> Decision: the one path that the command line, the evaluation and libraries share."""

from pathlib import Path

import numpy as np

from inference.errors import InputError
from inference.foreign.model import describe_foreign, load_foreign, refuse_options
from inference.model.artefact import Artefact, read_artefact
from inference.model.card import CARD_NAME, Card, read_card
from inference.model.decide import ANOMALY, Decision, DecisionRule, decide
from inference.model.enrolled import ENROLLED_NAME, Enrolled, read_enrolled
from inference.model.neighbours import NEIGHBOURS_NAME, Neighbours, read_neighbours
from inference.model.tflite_model import TfliteModel
from inference.pictures.image_io import read_image, resize_image


class Classifier:
    """A loaded model with its card.

    >>> Classifier(Path("model.tflite")).classify(Path("patch.jpg"))  # doctest: +SKIP
    Decision(result='pyrite', confidence=0.93, mask=None)
    """

    def __init__(
        self,
        path: Path | str,
        threads: int = 1,
        threshold: float | None = None,
        labels: Path | None = None,
        scaling: str | None = None,
    ) -> None:
        """Load a model of ours, or a classifier from elsewhere: see inference.foreign.model.

        threshold: overrides the card's, 0 turns rejection off.
        labels, scaling: for a model without a card: a file with one label a line; "raw", "unit" or "signed".

        Raises:
            InputError: the file is no model, its card does not fit its network, or the labels or the scaling of a
                model from elsewhere are not known.
        """
        artefact = read_artefact(Path(path))
        self.card: Card
        if CARD_NAME in artefact.files:
            refuse_options(labels, scaling, str(path))
            self.card = read_card(artefact, str(path))
            _refuse_detector(self.card, str(path))
            self._model = TfliteModel(artefact.flatbuffer, str(path), threads)
        else:
            foreign = describe_foreign(artefact, Path(path), labels, scaling)
            self.card = foreign.card
            self._model = load_foreign(foreign, artefact.flatbuffer, str(path), threads)
        self._check_fit(str(path))
        self.neighbours = self._read_neighbours(artefact, str(path))
        self.enrolled = self._read_enrolled(artefact, str(path))
        self._answers = self.card.answers
        self._rule = DecisionRule(
            self.card.labels,
            self.card.reject_labels,
            self.card.threshold if threshold is None else threshold,
            self.card.decision,
        )

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

        Of a model with neighbours they count the less, and sum to less than 1, the less the picture is like the
        training pictures; see inference.model.neighbours.
        """
        probabilities, features = self.look(image)
        likeness = self.enrolled or self.neighbours
        if likeness is None or features is None:
            return probabilities
        return likeness.weigh(probabilities[np.newaxis], features[np.newaxis], self._answers)[0]

    def softmax(self, image: Path | str | np.ndarray) -> np.ndarray:
        """Return float32 [outputs] as the network gives them, no likeness, no added classes."""
        return self.look(image)[0]

    def features(self, image: Path | str | np.ndarray) -> np.ndarray:
        """Return float32 [features], what the network's last layer sees of a picture.

        Raises:
            InputError: the model was exported without them.
        """
        _, features = self.look(image)
        if features is None:
            raise InputError("the model gives no features. Export it with --set export.features=true.")
        return features

    def look(self, image: Path | str | np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """Return what softmax and features do, the latter None where the model gives none, by one look."""
        pixels = image if isinstance(image, np.ndarray) else read_image(Path(image))
        return self._model.look(resize_image(pixels, self.card.input_size))

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


def _refuse_detector(card: Card, name: str) -> None:
    if card.decision == ANOMALY:
        raise InputError(f"{name}: finds anomalies, it is no classifier. Use `python -m inference`, or Detector.")
