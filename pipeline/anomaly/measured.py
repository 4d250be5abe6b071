"""A photograph, and what a model that finds anomalies says of it."""

from dataclasses import dataclass

import numpy as np

from pipeline.anomaly.photos import SurfacePhoto


@dataclass(frozen=True)
class Measured:
    """One photograph as the model sees it, and what is known of it.

    mask: bool [height, width] where anomalies are, None where nobody said. is_anomaly: None where that is not known.
    """

    photo: SurfacePhoto
    scores: np.ndarray  # float32 [height, width], raw
    found: np.ndarray  # bool [height, width], at the model's threshold
    score: float
    result: str
    confidence: float
    mask: np.ndarray | None
    is_anomaly: bool | None
