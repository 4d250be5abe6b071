"""The standalone runner: `python -m inference`, and Classifier as a library."""

from typing import Any

__all__ = ["Classifier"]


def __getattr__(name: str) -> Any:
    """Import the classifier when it is asked for: the command line answers --help without LiteRT."""
    if name != "Classifier":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from inference.classifier import Classifier

    return Classifier
