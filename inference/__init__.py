"""The standalone runner: `python -m inference`, with load_model, Classifier and Detector as a library."""

from typing import Any

__all__ = ["Classifier", "Detector", "load_model"]


def __getattr__(name: str) -> Any:
    """Import them when they are asked for: the command line answers --help without LiteRT."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import load

    return getattr(load, name)
