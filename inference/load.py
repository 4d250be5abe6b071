"""model.tflite -> the Model that its card describes."""

from collections.abc import Callable
from pathlib import Path

from .anomaly.detector import Detector
from .model.artefact import Artefact, read_artefact
from .model.card import CARD_NAME, read_card
from .model.classifier import Classifier
from .model.decide import ANOMALY, DECISIONS
from .model.model import Model

Loader = Callable[[Artefact, int, float | None, Path | None, str | None, bool], Model]

LOADERS: dict[str, Loader] = {**dict.fromkeys(DECISIONS, Classifier), ANOMALY: Detector}  # by the card's decision


def load_model(
    file: Path | str | Artefact,
    threads: int = 1,
    threshold: float | None = None,
    labels: Path | None = None,
    scaling: str | None = None,
    delegates: bool = True,
) -> Model:
    """Return the model of a file, of the kind that its card's decision names; without a card a classifier.

    file: its path, or the file where it has been read already.
    threads: CPU threads of the network.
    threshold: overrides the card's.
    labels, scaling: for a classifier without a card; see inference.model.classifier.Classifier.
    delegates: whether LiteRT may use its fast path, XNNPACK.

    Raises:
        InputError: the file is no model, its parts do not fit, or the options do not fit its kind.
    """
    artefact = file if isinstance(file, Artefact) else read_artefact(Path(file))
    decision = read_card(artefact, artefact.name).decision if CARD_NAME in artefact.files else "softmax"
    return LOADERS[decision](artefact, threads, threshold, labels, scaling, delegates)
