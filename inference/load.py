"""model.tflite -> the Model that its card describes."""

from collections.abc import Callable
from pathlib import Path

from inference.anomaly.detector import Detector
from inference.model.artefact import Artefact, read_artefact
from inference.model.card import CARD_NAME, read_card
from inference.model.classifier import Classifier
from inference.model.decide import ANOMALY, DECISIONS
from inference.model.model import Model, not_for_boxes

Loader = Callable[[Artefact, int, float | None, Path | None, str | None], Model]

LOADERS: dict[str, Loader] = {**dict.fromkeys(DECISIONS, Classifier), ANOMALY: Detector}  # by the card's decision


def load_model(
    file: Path | str | Artefact,
    threads: int = 1,
    threshold: float | None = None,
    labels: Path | None = None,
    scaling: str | None = None,
    boxes: bool = False,
) -> Model:
    """Return the model of a file, of the kind that its card's decision names; without a card a classifier.

    file: its path, or the file where it has been read already.
    threads: CPU threads of the network.
    threshold: overrides the card's.
    labels, scaling: for a classifier without a card; see inference.model.classifier.Classifier.
    boxes: refuse a model that can't be asked for given regions of a picture.

    Raises:
        InputError: the file is no model, its parts do not fit, or the options do not fit its kind.
    """
    artefact = file if isinstance(file, Artefact) else read_artefact(Path(file))
    decision = read_card(artefact, artefact.name).decision if CARD_NAME in artefact.files else "softmax"
    model = LOADERS[decision](artefact, threads, threshold, labels, scaling)
    if boxes and not model.takes_boxes:
        raise not_for_boxes(artefact.name)
    return model
