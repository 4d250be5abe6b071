"""model.tflite + picture -> Decision: the one path that the command line, the evaluation and libraries share."""

from pathlib import Path

import numpy as np

from inference.artefact import read_artefact
from inference.card import Card, read_card
from inference.decide import DECISIONS, Decision, DecisionRule
from inference.errors import InputError
from inference.image_io import read_image, resize_image
from inference.tflite_model import TfliteModel


class Classifier:
    """A loaded model with its card.

    >>> Classifier(Path("model.tflite")).classify(Path("patch.jpg"))  # doctest: +SKIP
    Decision(result='pyrite', confidence=0.93, mask=None)
    """

    def __init__(self, path: Path, threads: int = 1, threshold: float | None = None) -> None:
        """Load a model; threshold overrides the card's, 0 turns rejection off.

        Raises:
            InputError: the file is no model of ours, or its card does not fit its network.
        """
        artefact = read_artefact(path)
        self.card: Card = read_card(artefact, str(path))
        self._model = TfliteModel(artefact.flatbuffer, str(path), threads)
        self._check_fit(str(path))
        self._rule = DecisionRule(
            self.card.labels, self.card.reject_labels, self.card.threshold if threshold is None else threshold
        )

    def classify(self, image: Path | np.ndarray) -> Decision:
        """Classify one picture: a file, or uint8 pixels [height, width, 3], RGB.

        Raises:
            InputError: the file is no readable picture.
        """
        return self.decide(self.probabilities(image))

    def decide(self, probabilities: np.ndarray) -> Decision:
        """Decide by float [labels], as `probabilities` gives them."""
        return DECISIONS[self.card.decision](probabilities, self._rule)

    def probabilities(self, image: Path | np.ndarray) -> np.ndarray:
        """Return float32 [labels] for one picture: a file, or uint8 pixels [height, width, 3], RGB."""
        pixels = image if isinstance(image, np.ndarray) else read_image(image)
        return self._model.predict(resize_image(pixels, self.card.input_size))

    def _check_fit(self, name: str) -> None:
        network = (self._model.input_size, self._model.output_count)
        stated = (self.card.input_size, len(self.card.labels))
        if network != stated:
            raise InputError(
                f"{name}: card and network differ: the network takes {network[0]} pixels and gives {network[1]} "
                f"outputs, the card states {stated[0]} and {stated[1]} labels. Export the model again."
            )
