"""The cost of a model: parameters, multiply-accumulates, bytes, milliseconds per picture on one CPU thread."""

from pathlib import Path

import keras
import numpy as np

from inference.model.classifier import Classifier
from models.build import count_macs
from pipeline.evaluation.keras_latency import measure_keras_latency, time_calls
from pipeline.random_generator import make_generator
from pipeline.report.sections import Cost, Latency


def measure_cost(network: keras.Model, keras_file: Path, models: dict[str, Path], views: int) -> Cost:
    """Return the cost of a Keras model and of its converted files, by mode, without decoding and resizing.

    views: how often the files compute the network for one picture (export.flips); Keras' time is of one view.
    """
    return Cost(
        parameters=network.count_params(),
        macs=views * count_macs(network),
        bytes={mode: path.stat().st_size for mode, path in {"keras": keras_file, **models}.items()},
        latency_ms={
            "keras": measure_keras_latency(keras_file),
            **{mode: measure_latency(path) for mode, path in models.items()},
        },
    )


def measure_latency(path: Path) -> Latency:
    """Return median and 95th percentile of the milliseconds per picture on one thread, and n."""
    model = Classifier(path, threads=1)
    pixels = make_generator(0, "latency").integers(0, 256, (*model.card.input_size, 3), np.uint8)
    return time_calls(lambda: model.probabilities(pixels))
