"""The standalone runner: `python -m inference`, with Classifier and Detector as a library."""

from typing import Any

__all__ = ["Classifier", "Detector"]


def __getattr__(name: str) -> Any:
    """Import them when they are asked for: the command line answers --help without LiteRT."""
    if name == "Detector":
        from inference.anomaly.detector import Detector

        return Detector
    if name != "Classifier":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from inference.model.classifier import Classifier

    return Classifier
