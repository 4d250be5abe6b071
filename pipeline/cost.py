"""What a model costs: parameters, multiply-accumulates, bytes, milliseconds a picture on one CPU thread."""

import time
from pathlib import Path
from typing import Any

import keras
import numpy as np

from inference.artefact import read_artefact
from inference.tflite_model import TfliteModel
from models.build import count_macs
from pipeline.windows import make_generator

_WARM_UP = 20
_REPEATS = 300


def measure_cost(network: keras.Model, keras_file: Path, models: dict[str, Path]) -> dict[str, Any]:
    """Return the cost of a Keras model and of its converted files, by mode; decoding and resizing not counted."""
    return {
        "parameters": network.count_params(),
        "macs": count_macs(network),
        "bytes": {"keras": keras_file.stat().st_size, **{mode: path.stat().st_size for mode, path in models.items()}},
        "latency_ms": {mode: measure_latency(path) for mode, path in models.items()},
    }


def measure_latency(path: Path) -> dict[str, Any]:
    """Return median and 95th percentile of the milliseconds that one picture takes on one thread, and n."""
    model = TfliteModel(read_artefact(path).flatbuffer, str(path), threads=1)
    pixels = make_generator(0, "latency").integers(0, 256, (*model.input_size, 3), np.uint8)
    times = []
    for _ in range(_WARM_UP + _REPEATS):
        start = time.perf_counter()
        model.predict(pixels)
        times.append((time.perf_counter() - start) * 1000)
    median, p95 = np.percentile(times[_WARM_UP:], [50, 95])
    return {"median": float(median), "p95": float(p95), "n": _REPEATS}
