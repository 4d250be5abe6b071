"""Compare ways to quantize a run's network to int8 with the float network on the same validation patches.

    python -m benchmarks.quantization RUN

Calibration with more or fewer pictures, one scale per channel or per tensor, the last layers in float or in 8 bits.
"""

import argparse
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from inference.model.tflite_model import TfliteModel
from inference.pictures.image_io import read_image
from pipeline.classification.stages import run_index
from pipeline.metrics.intervals import share_of
from pipeline.quiet import captured_output, load_tensorflow
from pipeline.report.style import columns
from pipeline.settings.recipe import Recipe, override
from pipeline.settings.run_folder import RunFolder, read_json

Converted = tuple[str, bytes]


def main() -> None:
    """Print one line per way."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="a finished run's folder")
    run = RunFolder(parser.parse_args().run)
    load_tensorflow()
    import keras

    from models.build import with_probabilities

    recipe, index = run.read_recipe(), run_index(run)
    network = keras.models.load_model(run.best, compile=False)
    deployed = with_probabilities(network, read_json(run.calibration, "Finish the run.")["temperature"])
    patches = index.select("validation", recipe.labels)
    pictures = [read_image(patches.path(patch)) for patch in patches.patches]
    labels = np.array([recipe.outputs.index(patch.label) for patch in patches.patches])
    reference: np.ndarray | None = None
    for name, flatbuffer in _ways(deployed, index, recipe):
        answers = _answers(flatbuffer, pictures)
        reference = answers if reference is None else reference
        print(_line(name, answers, reference, labels, len(recipe.labels), len(flatbuffer)), flush=True)


def _ways(deployed: Any, index: Any, recipe: Recipe) -> Iterator[Converted]:
    """Yield the float file first, then each int8 one."""
    from export.calibration import calibration_pictures
    from export.convert import convert

    usual = calibration_pictures(index, recipe)
    yield "float32", convert(deployed, "float32", usual)
    for count in (20, 50, 200, 500):
        pictures = calibration_pictures(index, override(recipe, "export.calibration_pictures", str(count)))
        yield f"int8, {len(pictures)} pictures", convert(deployed, "int8", pictures)
    yield "int8, one scale per tensor", _plain_int8(deployed, usual, _per_tensor)
    yield "int8, last layers too", _plain_int8(deployed, usual, lambda converter: None)


def _plain_int8(deployed: Any, calibration: np.ndarray, change: Callable[[Any], None]) -> bytes:
    """Return the flatbuffer converted without the exception for the last layers."""
    import tensorflow as tf
    from tensorflow.lite.python.util import modify_model_io_type

    from export.convert import _calibration_steps, _converter

    with captured_output("converting"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        converter = _converter(deployed, tf.float32)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: _calibration_steps(calibration)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        change(converter)
        return bytes(modify_model_io_type(converter.convert(), tf.uint8, tf.float32))


def _per_tensor(converter: Any) -> None:
    converter._experimental_disable_per_channel = True


def _answers(flatbuffer: bytes, pictures: list[np.ndarray]) -> np.ndarray:
    """Return float32 [pictures, outputs] by the runner's own interpreter."""
    from inference.pictures.image_io import resize_image

    model = TfliteModel(flatbuffer)
    return np.stack([model.predict(resize_image(picture, model.input_size)) for picture in pictures])


def _line(name: str, answers: np.ndarray, reference: np.ndarray, labels: np.ndarray, classes: int, size: int) -> str:
    best, expected = answers[:, :classes].argmax(axis=1), reference[:, :classes].argmax(axis=1)
    accuracy = share_of(best == labels)
    return (
        f"{name:24} accuracy {columns(accuracy)}  "
        f"same label as float {100 * (best == expected).mean():5.1f} %  "
        f"mean difference {np.abs(answers - reference).mean():.4f}  {size:,} bytes  n = {len(labels)}"
    )


if __name__ == "__main__":
    main()
