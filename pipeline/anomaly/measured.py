"""A photograph and the result of an anomaly model for it."""

from dataclasses import dataclass

import numpy as np

from pipeline.anomaly.photos import AnomalyPhoto


@dataclass(frozen=True)
class Measured:
    """The model's result for one photograph, and the ground truth where it is known.

    mask: bool [height, width], True where an anomaly is; None without a mask. is_anomaly: None if unknown.
    """

    photo: AnomalyPhoto
    scores: np.ndarray  # float32 [height, width], raw
    found: np.ndarray  # bool [height, width], at the model's threshold
    score: float
    result: str
    confidence: float
    mask: np.ndarray | None
    is_anomaly: bool | None
