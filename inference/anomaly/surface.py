"""Colour and background of a photograph -> scores joined with those of its feature map: surface.npz behind the network.

One Gaussian of seven numbers per position, in numpy alone. Colour shows thin cracks and small spots sharply, which the
features of a network blur.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..model.array_file import Column, arrays_to_file, misfit, read_arrays
from .components import label_components
from .memory_bank import smooth

SURFACE_NAME = "surface.npz"
COLOUR_NUMBERS = 7
_COLUMNS = {"mean": Column(np.float32, 1), "whitening": Column(np.float32, 2), "scale": Column(np.float64, 1)}
_SCALE = ("grain_axis", "feature_median", "feature_power", "colour_median", "colour_power", "masks_background")
_SMOOTHINGS = 4.0, 12.0  # pixels
_DARK = 0.3  # of the median brightness; darker regions at the photograph's edge are background
_LEAST_BACKGROUND = 0.01  # of the photograph's area
_STRIP = 256  # pixels of height that are summed at once
_TINY = 1e-6


@dataclass(frozen=True)
class Surface:
    """The Gaussian of a surface's colour, and how its distances and those of the feature vectors make one score.

    mean: float32 [COLOUR_NUMBERS]. whitening: float32 [COLOUR_NUMBERS, COLOUR_NUMBERS].
    grain_axis: axis along which each colour's median is subtracted, 0: of every column, 1: of every row, -1: none.
    feature_median, colour_median: distances of the bulk. feature_power, colour_power: exponents of the two distances,
        each a multiple of its median, in the score; the bulk scores about 1.
    masks_background: whether large dark regions at the photograph's edge are no part of the surface.
    """

    mean: np.ndarray
    whitening: np.ndarray
    grain_axis: int = -1
    feature_median: float = 1.0
    feature_power: float = 1.0
    colour_median: float = 1.0
    colour_power: float = 0.0
    masks_background: bool = False

    def scores(self, distances: np.ndarray, pixels: np.ndarray, stride: int) -> np.ndarray:
        """Return one score per position, float32 [rows, columns]; background positions have the score of the bulk.

        Args:
            distances: of the feature vectors to their mean, float32 [rows, columns].
            pixels: uint8 [height, width, 3], as the network sees them.
            stride: of the map, in pixels.
        """
        background = self.background(pixels, stride)
        numbers = describe_colour(pixels, stride, background, self.grain_axis)
        scores = self.join(distances, mahalanobis_distances(numbers, self.mean, self.whitening))
        return np.where(background, np.float32(1), scores)

    def background(self, pixels: np.ndarray, stride: int) -> np.ndarray:
        """Return bool [rows, columns], True where there is no surface."""
        if self.masks_background:
            return find_background(pixels, stride)
        return np.zeros((-(-pixels.shape[0] // stride), -(-pixels.shape[1] // stride)), bool)

    def join(self, distances: np.ndarray, colours: np.ndarray) -> np.ndarray:
        """Return the weighted geometric mean of both distances, float32, each as a multiple of its median."""
        features = np.maximum(distances / self.feature_median, _TINY) ** self.feature_power
        return np.asarray(
            features * np.maximum(colours / self.colour_median, _TINY) ** self.colour_power, dtype=np.float32
        )


def mahalanobis_distances(numbers: np.ndarray, mean: np.ndarray, whitening: np.ndarray) -> np.ndarray:
    """Return the Mahalanobis distance of each vector [..., numbers], float32 [...]."""
    return np.asarray(np.sqrt((((numbers - mean) @ whitening) ** 2).sum(axis=-1)), np.float32)


def describe_colour(pixels: np.ndarray, stride: int, background: np.ndarray, grain_axis: int) -> np.ndarray:
    """Return float32 [rows, columns, COLOUR_NUMBERS]: the colour at two smoothings and the contrast inside a position.

    Without the medians along the grain, light that falls off along the photograph and the stripes of the grain do not
    count.
    """
    colours, deviation = cell_colours(pixels, stride)
    layers = [smooth(colours[..., channel], width / stride) for width in _SMOOTHINGS for channel in range(3)]
    numbers = np.stack([*layers, np.log1p(deviation)], axis=2)
    return np.asarray(numbers - _medians(numbers, background, grain_axis), np.float32)


def find_background(pixels: np.ndarray, stride: int) -> np.ndarray:
    """Return bool [rows, columns]: large dark regions at the edge of the photograph, such as a conveyor."""
    brightness = smooth(cell_brightness(pixels, stride), _SMOOTHINGS[0] / stride)
    labels, count = label_components(brightness < _DARK * np.median(brightness))
    edge = np.unique(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]))
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    chosen = [number for number in edge if number and sizes[number] >= _LEAST_BACKGROUND * labels.size]
    return np.isin(labels, chosen)


def cell_colours(pixels: np.ndarray, stride: int) -> tuple[np.ndarray, np.ndarray]:
    """Return of each cell of stride x stride pixels the mean colour and the standard deviation of brightness.

    float32 [rows, columns, 3] and [rows, columns], for uint8 [height, width, 3]; the edge is repeated: 100 pixels at
    stride 8 give 13 cells. Sums are of integers, strip by strip: exact, and without a copy of the whole photograph.
    """
    colours, deviations = [], []
    for strip in _strips(pixels, stride):
        grey = strip.sum(axis=2, dtype=np.uint32)[..., np.newaxis]  # three times the brightness
        count = stride * stride
        mean = _cell_sums(grey, stride)[..., 0] / count
        variance = _cell_sums(grey * grey, stride)[..., 0] / count - mean**2
        deviations.append(np.sqrt(np.maximum(variance, 0)) / 3)
        colours.append(_cell_sums(strip, stride) / count)
    return np.concatenate(colours).astype(np.float32), np.concatenate(deviations).astype(np.float32)


def cell_brightness(pixels: np.ndarray, stride: int) -> np.ndarray:
    """Return the mean of the brightest channel in each cell, float32 [rows, columns]; see cell_colours."""
    strips = _strips(pixels, stride)
    sums = [_cell_sums(strip.max(axis=2, keepdims=True), stride)[..., 0] for strip in strips]
    return (np.concatenate(sums) / stride**2).astype(np.float32)


def _strips(pixels: np.ndarray, stride: int) -> Iterator[np.ndarray]:
    """Yield strips of whole cells from the top, uint8 [height, width, 3], with the edge repeated."""
    each = stride * max(1, _STRIP // stride)
    beyond = -pixels.shape[1] % stride
    for top in range(0, pixels.shape[0], each):
        strip = pixels[top : top + each]
        yield np.pad(strip, ((0, -strip.shape[0] % stride), (0, beyond), (0, 0)), mode="edge")


def _cell_sums(values: np.ndarray, stride: int) -> np.ndarray:
    """Return the sum of each cell of integers [height, width, channels], int64 [rows, columns, channels]."""
    height, width, channels = values.shape
    lines = values.reshape(height // stride, stride, width * channels).sum(axis=1, dtype=np.int64)
    return np.asarray(lines.reshape(len(lines), width // stride, stride, channels).sum(axis=2))


def _medians(numbers: np.ndarray, background: np.ndarray, axis: int) -> np.ndarray:
    """Return the medians along an axis without the background, broadcastable to numbers; 0 where all is background."""
    if axis < 0:
        return np.zeros((1, 1, 1), np.float32)
    hidden = np.ma.array(numbers, mask=np.broadcast_to(background[..., np.newaxis], numbers.shape))
    return np.asarray(np.ma.median(hidden, axis=axis, keepdims=True).filled(0))


def surface_to_file(surface: Surface) -> bytes:
    """Return the bytes of surface.npz."""
    return arrays_to_file(
        {
            "mean": surface.mean.astype(np.float32),
            "whitening": surface.whitening.astype(np.float32),
            "scale": np.array([getattr(surface, name) for name in _SCALE], np.float64),
        }
    )


def read_surface(data: bytes, name: str = "model") -> Surface:
    """Read surface.npz.

    Raises:
        InputError: it is damaged.
    """
    mean, whitening, scale = read_arrays(data, _COLUMNS, SURFACE_NAME, name).values()
    fits = mean.shape == (COLOUR_NUMBERS,) and whitening.shape == (COLOUR_NUMBERS, COLOUR_NUMBERS)
    if not fits or len(scale) != len(_SCALE) or scale[0] not in (-1, 0, 1) or not (scale[[1, 3]] > 0).all():
        raise misfit(SURFACE_NAME, name)
    values = dict(zip(_SCALE, (float(value) for value in scale), strict=True))
    axis, masked = int(values.pop("grain_axis")), bool(values.pop("masks_background"))
    return Surface(mean, whitening, axis, **values, masks_background=masked)
