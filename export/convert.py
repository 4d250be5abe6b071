"""Keras model -> flatbuffer: uint8 pixels in, float32 probabilities out, builtin operators only; and -> ONNX."""

import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tensorflow.lite.python.util import modify_model_io_type
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from pipeline.quiet import captured_output

# The last two operators stay in float: this takes a few microseconds, and confidences keep their full resolution. An
# int8 softmax has 256 values and is not supported by the XNNPACK delegate.
FLOAT_OPERATORS = ["FULLY_CONNECTED", "SOFTMAX"]
ONNX_OUTPUTS = ("probabilities", "features")  # of a model with one output, the first


def convert(deployed: keras.Model, mode: str, calibration: np.ndarray) -> bytes:
    """Return the flatbuffer of a model from pixels to probabilities, or to probabilities and features.

    Args:
        deployed: from pixels 0..255 [batch, height, width, 3] to probabilities [batch, labels], and optionally features
            [batch, features].
        mode: a key of MODES.
        calibration: uint8 [pictures, height, width, 3], training patches that set the int8 ranges.
    """
    with captured_output(f"converting to {mode}"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return MODES[mode](deployed, calibration)


def convert_onnx(deployed: keras.Model) -> bytes:
    """Return the ONNX file of a model: float32 pixels [batch, height, width, 3] to ONNX_OUTPUTS."""
    named = keras.Model(deployed.input, dict(zip(ONNX_OUTPUTS, deployed.outputs, strict=False)))
    pixels = keras.InputSpec("float32", shape=deployed.input_shape, name="pixels")
    with tempfile.TemporaryDirectory() as folder, captured_output("converting to onnx"):
        path = Path(folder) / "model.onnx"
        named.export(path, format="onnx", verbose=False, input_signature=[pixels])
        return path.read_bytes()


def _float32(deployed: keras.Model, calibration: np.ndarray) -> bytes:
    return bytes(_converter(deployed, tf.uint8).convert())


def _dynamic(deployed: keras.Model, calibration: np.ndarray) -> bytes:
    """Return the flatbuffer with weights in 8 bits; activations are float and quantized anew in each convolution.

    Nearly as accurate as float where int8 activations cost accuracy, as small as int8, and slower than int8.
    """
    converter = _converter(deployed, tf.uint8)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    return bytes(converter.convert())


def _float16(deployed: keras.Model, calibration: np.ndarray) -> bytes:
    """Return the flatbuffer with weights stored as float16; computations are in float32."""
    converter = _converter(deployed, tf.uint8)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_types = [tf.float16]
    return bytes(converter.convert())


def _int8(deployed: keras.Model, calibration: np.ndarray) -> bytes:
    """Return the flatbuffer with weights and activations in 8 bits, with ranges from the calibration pictures.

    The converter can keep operators in float only through its debugger, which is not used for anything else.
    """
    converter = _converter(deployed, tf.float32)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: _calibration_steps(calibration)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    debugger = tf.lite.experimental.QuantizationDebugger(
        converter=converter,
        debug_dataset=lambda: _calibration_steps(calibration),
        debug_options=tf.lite.experimental.QuantizationDebugOptions(denylisted_ops=FLOAT_OPERATORS),
    )
    return bytes(modify_model_io_type(debugger.get_nondebug_quantized_model(), tf.uint8, tf.float32))


MODES: dict[str, Callable[[keras.Model, np.ndarray], bytes]] = {
    "int8": _int8,
    "dynamic": _dynamic,
    "float16": _float16,
    "float32": _float32,
}


def _converter(deployed: keras.Model, pixel_type: tf.DType) -> Any:
    """Return a converter of the model with a fixed batch of 1, its variables frozen to constants."""
    height, width, channels = deployed.input_shape[1:]
    signature = [tf.TensorSpec((1, height, width, channels), pixel_type, name="pixels")]
    function = tf.function(
        lambda pixels: deployed(tf.cast(pixels, tf.float32), training=False), input_signature=signature
    )
    frozen = convert_variables_to_constants_v2(function.get_concrete_function())
    converter = tf.lite.TFLiteConverter.from_concrete_functions([frozen])
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    return converter


def _calibration_steps(calibration: np.ndarray) -> Iterator[list[np.ndarray]]:
    """Yield float32 [1, height, width, 3] pictures, each with one black and one white pixel.

    With both ends of 0..255 present, the input's scale is exactly 1, so that uint8 pixels are not rounded.
    """
    for picture in calibration:
        step = picture[np.newaxis].astype(np.float32)
        step[0, 0, 0], step[0, -1, -1] = 0.0, 255.0
        yield [step]
