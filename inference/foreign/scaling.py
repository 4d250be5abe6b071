"""Pixels 0..255 -> the numbers that a network from elsewhere was trained on, and its outputs -> probabilities.

Real input = (pixel - mean) / std, by the network's metadata or by one of SCALINGS. A quantized input takes that real
value as round(real / scale) + zero_point, saturating. Where nothing is said, a uint8 input takes the pixels as they
are, an int8 input pixel - 128 (both are what converters make of pictures), and a float32 input is refused: 0..255,
0..1 and -1..1 are all common and a wrong guess gives wrong answers, not an error.
"""

from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from .metadata import Metadata
from .structure import LOGISTIC, SOFTMAX, Network, TensorInfo

SCALINGS = {"raw": (0.0, 1.0), "unit": (0.0, 255.0), "signed": (127.5, 127.5)}  # to 0..255, 0..1, -1..1
FEWEST_LEVELS = 64  # of 256; a true scaling keeps nearly all, a wrong one for a quantized input 2 or 3
_CHOICES = "--scaling raw (the network was trained on 0..255), unit (0..1) or signed (-1..1)"
_CHANNELS = np.arange(3)
_PLANE = np.arange(256, dtype=np.float64)[:, np.newaxis]  # [level, 1]


@dataclass(frozen=True)
class Conversion:
    """What is done before and after the network.

    levels: [256, 3] of the input's dtype, what each pixel value of each channel becomes; None: pixels stay.
    scale, zero_point: of the output; scale 0 where it is not quantized.
    softmax: whether the outputs are logits.
    pair: whether the only output is the probability of the second of two labels, as Keras trains two classes.
    """

    levels: np.ndarray | None
    scale: float
    zero_point: int
    softmax: bool
    pair: bool = False

    def enter(self, pixels: np.ndarray) -> np.ndarray:
        """Return what the network takes for uint8 [height, width, 3]."""
        return pixels if self.levels is None else self.levels[pixels, _CHANNELS]

    def leave(self, outputs: np.ndarray) -> np.ndarray:
        """Return float32 [classes] in [0, 1] for the network's outputs [classes], which must be finite."""
        values = self.dequantize(outputs)
        if self.softmax:
            powers = np.exp(values - values.max())
            values = powers / powers.sum()
        if self.pair:
            values = np.array([1 - values[0], values[0]])
        return np.clip(values, 0, 1).astype(np.float32)

    def dequantize(self, outputs: np.ndarray) -> np.ndarray:
        """Return the real values of the network's outputs, float64 [classes]."""
        values = outputs.astype(np.float64)
        return (values - self.zero_point) * self.scale if self.scale else values


def make_conversion(network: Network, metadata: Metadata, scaling: str | None, name: str = "model") -> Conversion:
    """Choose how pixels enter and scores leave a network; scaling, a key of SCALINGS, wins over the metadata.

    softmax is False here only where the last operator is a SOFTMAX (probabilities) or a LOGISTIC (independent scores,
    kept as they are); of other networks `are_probabilities` must be asked.

    Raises:
        InputError: nothing says how pixels are scaled, or what is said does not fit the input.
    """
    mean, std = SCALINGS[_known(scaling)] if scaling else (metadata.mean, metadata.std)
    levels = _make_levels(network.input, mean, std, name)
    softmax = network.last_operator not in (SOFTMAX, LOGISTIC)
    if softmax and network.output_count == 1:
        raise InputError(
            f"{name}: a single output must be a probability, from a LOGISTIC operator: a softmax of one is always 1. "
            f"Received: operator {network.last_operator}. Give a network with an output for each label."
        )
    return Conversion(levels, network.output.scale, network.output.zero_point, softmax)


def are_probabilities(values: np.ndarray) -> bool:
    """Tell real values that already are a distribution: all in [0, 1], the sum 1 within 0.05; values [classes]."""
    return bool(values.min() >= 0 and values.max() <= 1 and abs(values.sum() - 1) <= 0.05)


def _known(scaling: str) -> str:
    if scaling not in SCALINGS:
        raise InputError(f"the scaling must be one of {', '.join(SCALINGS)}. Received: {scaling}. Give {_CHOICES}.")
    return scaling


def _make_levels(entry: TensorInfo, mean: object, std: object, name: str) -> np.ndarray | None:
    if mean is None or std is None:
        return _levels_by_dtype(entry, name)
    real = np.broadcast_to((_PLANE - np.array(mean)) / np.array(std), (256, 3))
    if entry.dtype == "float32":
        return _usable(real.astype(np.float32), name)
    limits = np.iinfo(entry.dtype)
    numbers = np.rint(real / (entry.scale or 1.0)) + entry.zero_point
    levels = _usable(np.clip(numbers, limits.min, limits.max).astype(entry.dtype), name)
    return None if entry.dtype == "uint8" and (levels == _PLANE).all() else levels


def _levels_by_dtype(entry: TensorInfo, name: str) -> np.ndarray | None:
    if entry.dtype == "float32":
        raise InputError(
            f"{name}: its metadata do not say which numbers its float32 input takes for pixels. Give {_CHOICES}."
        )
    if entry.dtype == "uint8":
        return None
    return np.broadcast_to(_PLANE - 128, (256, 3)).astype(np.int8)


def _usable(levels: np.ndarray, name: str) -> np.ndarray:
    """Refuse a scaling under which the network would see next to nothing."""
    fewest = min(len(np.unique(levels[:, channel])) for channel in range(3))
    if not np.isfinite(levels).all() or fewest < FEWEST_LEVELS:
        raise InputError(
            f"{name}: the scaling of pixels must fit the input's numbers and leave {FEWEST_LEVELS} of 256 levels "
            f"apart. Received: {fewest} levels. Give {_CHOICES}."
        )
    return levels
