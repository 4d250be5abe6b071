"""Augmentation of batches of training pictures: one warp, colours, blur, noise, JPEG, then erasing and mixing.

Keras' layers need one pass over the pictures per change, and TensorFlow's warp computes positions per channel; OpenCV
does warp and colours in a tenth of the time, see docs/experiments.csv.
"""

import math
from collections.abc import Callable

import cv2
import numpy as np

from inference.pictures.encode import HALF_COLOUR, jpeg_bytes
from inference.pictures.image_io import decode_image
from pipeline.random_generator import make_generator
from pipeline.settings.augment import AugmentSettings

_TO_YIQ = np.array([[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])  # NTSC; row 1: brightness
_ERASED = (0.02, 0.25)  # smallest and largest share of a picture covered by an erased square
_QUALITY = (30, 95)  # of JPEG
_MIXED_IN = 0.6  # largest share of a picture replaced by CutMix

Batch = tuple[np.ndarray, np.ndarray]  # pixels uint8 [batch, h, w, 3], labels float32 [batch, classes]


def make_augmentation(settings: AugmentSettings, side: int) -> Callable[[np.ndarray, np.ndarray, int], Batch]:
    """Return a function from (pixels, labels, seed) to augmented pixels [batch, side, side, 3] and labels.

    Each picture gets its own random changes, which depend only on the seed. Pixels may be larger than side, so that
    crops are sharp.
    """

    def augment(pixels: np.ndarray, labels: np.ndarray, seed: int) -> Batch:
        random = make_generator(int(seed), "augment")
        pixels = _warp(pixels, settings, side, random)
        pixels = _recolour(pixels, settings, random)
        pixels = _rebalance(pixels, settings.white_balance, random)
        pixels = _blur(pixels, settings.blur, random)
        pixels = _add_noise(pixels, settings.noise, random)
        pixels = _compress(pixels, settings.jpeg, random)
        pixels = _erase(pixels, settings.erasing, random)
        return _mix(pixels, labels, settings, random)

    return augment


def reduce_pictures(pixels: np.ndarray, side: int) -> np.ndarray:
    """Return pictures of one size, uint8 [batch, h, h, 3], reduced to a side; INTER_AREA averages the pixels."""
    if pixels.shape[1] == side:
        return pixels
    return np.stack([cv2.resize(one, (side, side), interpolation=cv2.INTER_AREA) for one in pixels])


def _warp(pixels: np.ndarray, settings: AugmentSettings, side: int, random: np.random.Generator) -> np.ndarray:
    """Crop, rotate, stretch and flip in one bilinear warp; pixels outside of the picture are reflected."""
    still = settings.flip == "none" and not (settings.crop or settings.aspect or settings.rotation or settings.shift)
    if still and pixels.shape[1] == side:
        return pixels
    matrices = _warp_matrices(len(pixels), pixels.shape[1], side, settings, random)
    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.stack(
        [
            cv2.warpAffine(one, matrix, (side, side), flags=how, borderMode=cv2.BORDER_REFLECT)
            for one, matrix in zip(pixels, matrices, strict=True)
        ]
    )


def _warp_matrices(
    count: int, source: int, side: int, settings: AugmentSettings, random: np.random.Generator
) -> np.ndarray:
    """Return affine matrices, float [count, 2, 3], from column and row in the result to those in the source."""
    share = np.sqrt(random.uniform(1 - settings.crop, 1, count))  # share of the side; areas are uniformly distributed
    stretch = np.exp(random.uniform(-settings.aspect, settings.aspect, count) / 2)
    angle = random.uniform(-settings.rotation, settings.rotation, count) * 2 * math.pi
    mirrored = [name in settings.flip.split("_and_") for name in ("horizontal", "vertical")]
    across, down = (
        np.where(random.random(count) < 0.5 * may, -1, 1) * share * factor * source / side
        for may, factor in zip(mirrored, (stretch, 1 / stretch), strict=True)
    )
    cosine, sine = np.cos(angle), np.sin(angle)
    linear = np.array([[across * cosine, -down * sine], [across * sine, down * cosine]])  # [2, 2, count]
    centre = (source - 1) / 2 + random.uniform(-1, 1, (2, count)) * (1 - share) * (source - 1) / 2
    if settings.shift:
        furthest = round(settings.shift * source)
        centre += random.integers(-furthest, furthest, (2, count), endpoint=True)  # whole pixels, to avoid blurring
    origin = centre - linear.sum(axis=1) * (side - 1) / 2  # [2, count]
    return np.concatenate([linear, origin[:, np.newaxis]], axis=1).transpose(2, 0, 1)


def _recolour(pixels: np.ndarray, settings: AugmentSettings, random: np.random.Generator) -> np.ndarray:
    """Change hue, saturation, contrast (about the picture's mean) and brightness by one matrix per picture.

    Hue and saturation rotate and scale the I-Q plane of YIQ, which keeps the brightness.
    """
    if not (settings.hue or settings.saturation or settings.contrast or settings.brightness):
        return pixels
    count = len(pixels)
    angle = random.uniform(-settings.hue, settings.hue, count) * 2 * math.pi
    strength = random.uniform(1 - settings.saturation, 1 + settings.saturation, count)
    contrast = np.exp(random.uniform(-settings.contrast, settings.contrast, count))
    light = 255 * random.uniform(-settings.brightness, settings.brightness, count)
    chroma = np.zeros((count, 3, 3))
    chroma[:, 0, 0] = 1
    chroma[:, 1, 1] = chroma[:, 2, 2] = strength * np.cos(angle)
    chroma[:, 2, 1] = strength * np.sin(angle)
    chroma[:, 1, 2] = -chroma[:, 2, 1]
    colour = np.linalg.inv(_TO_YIQ) @ chroma @ _TO_YIQ  # [count, 3, 3]
    changed = []
    for one, matrix, slope, shift in zip(pixels, colour, contrast, light, strict=True):
        offset = (1 - slope) * matrix @ np.array(cv2.mean(one)[:3]) + shift
        changed.append(cv2.transform(one, np.column_stack([slope * matrix, offset])))  # saturates at 0 and 255
    return np.stack(changed)


def _rebalance(pixels: np.ndarray, largest: float, random: np.random.Generator) -> np.ndarray:
    """Multiply each colour channel of a picture by its own gain; the three gains have the mean logarithm 0."""
    if largest == 0:
        return pixels
    gains = random.uniform(-largest, largest, (len(pixels), 3))
    gains = np.exp(gains - gains.mean(axis=1, keepdims=True))
    return np.stack([cv2.transform(one, np.diag(gain)) for one, gain in zip(pixels, gains, strict=True)])


def _blur(pixels: np.ndarray, largest: float, random: np.random.Generator) -> np.ndarray:
    """Blur each picture by its own width, in shares of the side."""
    if largest == 0:
        return pixels
    widths = random.uniform(0, largest, len(pixels)) * pixels.shape[1]
    return np.stack([cv2.GaussianBlur(one, (0, 0), width) for one, width in zip(pixels, widths, strict=True)])


def _add_noise(pixels: np.ndarray, largest: float, random: np.random.Generator) -> np.ndarray:
    """Add normal noise of its own strength to every value of each picture."""
    if largest == 0:
        return pixels
    deviations = 255 * random.uniform(0, largest, (len(pixels), 1, 1, 1)).astype(np.float32)
    noisy = pixels + deviations * random.standard_normal(pixels.shape, np.float32)
    return noisy.clip(0, 255).round().astype(np.uint8)


def _compress(pixels: np.ndarray, probability: float, random: np.random.Generator) -> np.ndarray:
    """Compress a share of the pictures as JPEG of a random quality, with halved colour resolution."""
    if probability == 0:
        return pixels
    chosen = random.random(len(pixels)) < probability
    qualities = random.integers(*_QUALITY, len(pixels), endpoint=True)
    compressed = pixels.copy()
    for place in np.flatnonzero(chosen):
        compressed[place] = decode_image(jpeg_bytes(pixels[place], int(qualities[place]), HALF_COLOUR))
    return compressed


def _erase(pixels: np.ndarray, probability: float, random: np.random.Generator) -> np.ndarray:
    """Fill a square of a share of the pictures with a random colour (random erasing, arXiv:1708.04896)."""
    if probability == 0:
        return pixels
    erased = random.random(len(pixels)) < probability
    masks = _squares(pixels, random.uniform(*_ERASED, len(pixels)) * erased, random)
    colours = random.integers(0, 256, (len(pixels), 1, 1, 3), np.uint8)
    return np.where(masks, colours, pixels)


def _mix(pixels: np.ndarray, labels: np.ndarray, settings: AugmentSettings, random: np.random.Generator) -> Batch:
    """Mix pictures and labels with those of the reversed batch: MixUp or CutMix, each for its share of the pictures.

    Sources: MixUp, arXiv:1710.09412, here with mostly small weights of the other picture; CutMix, arXiv:1905.04899.
    """
    if not (settings.mixup or settings.cutmix):
        return pixels, labels
    count = len(pixels)
    kind = random.random(count)
    blend = np.where(kind < settings.mixup, 0.5 * random.random(count) ** 3, 0)  # weight of the other picture
    cut = kind >= 1 - settings.cutmix
    masks = _squares(pixels, random.uniform(0, _MIXED_IN, count) * cut, random)
    share = (blend + masks.mean(axis=(1, 2, 3)))[:, np.newaxis].astype(np.float32)
    other = pixels[::-1]
    mixed = np.where(masks, other, pixels)
    for place in np.flatnonzero(blend):
        mixed[place] = cv2.addWeighted(pixels[place], 1 - blend[place], other[place], blend[place], 0)
    return mixed, labels * (1 - share) + labels[::-1] * share


def _squares(pixels: np.ndarray, shares: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Return bool [batch, h, w, 1]: a square with a share of the area at a random position, clipped at the edge."""
    side = pixels.shape[1]
    half = np.sqrt(shares)[:, np.newaxis] * side / 2
    places = np.arange(side)[np.newaxis] + 0.5
    rows, columns = (np.abs(places - random.uniform(0, side, (len(pixels), 1))) < half for _ in range(2))
    return (rows[:, :, np.newaxis] & columns[:, np.newaxis, :])[..., np.newaxis]
