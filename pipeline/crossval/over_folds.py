"""A figure of each fold, or seed -> mean and standard deviation, and their text for a terminal."""

from collections.abc import Sequence

import numpy as np

from pipeline.crossval.sections import OverFolds
from pipeline.report.style import percent


def over_folds(values: Sequence[float | None]) -> OverFolds:
    """Return the folds' values with the mean and standard deviation of the defined ones."""
    known = [value for value in values if value is not None]
    mean, sd = float(np.mean(known)) if known else None, float(np.std(known, ddof=1)) if len(known) > 1 else None
    return OverFolds(mean, sd, tuple(values))


def folds_text(values: OverFolds) -> str:
    """Return mean, standard deviation and each value for a terminal."""
    each = " ".join(percent(value).removesuffix(" %") for value in values.folds)
    return f"{percent(values.mean):>7}  sd {percent(values.sd).removesuffix(' %')}  ({each})"
