"""Photographs without labels -> a trunk that knows them: it learns to find defects that are drawn into them.

What it is shown: cut-outs of the photographs into which a piece of another place is pasted (CutPaste, Li et al. 2021,
arXiv:2104.04015), or a crack, hole or knot is drawn. It learns to say of every place whether it was touched, which is a
segmentation head as well (DRAEM, Zavrtanik et al. 2021, arXiv:2108.07610, without its reconstruction).
"""

from collections.abc import Sequence

import keras
import numpy as np
from keras import layers, ops

from pipeline.drawn.planks import paint_defect
from pipeline.random_generator import make_generator

CUTOUT_SIDE = 128  # pixels
_BATCH = 16
_UNTOUCHED = 0.3  # share of the cut-outs without a defect
_HEAD_FILTERS = 32
_RARE = 4.0  # weight of touched places, which are few


def teach(maps: keras.Model, photographs: Sequence[np.ndarray], steps: int, rate: float, seed: int) -> keras.Model:
    """Train a trunk's feature maps in place; return the model that gives each place's logit of being touched.

    Args:
        maps: see models.feature_maps.build_feature_maps; of CUTOUT_SIDE.
        photographs: uint8 [height, width, 3], at least CUTOUT_SIDE pixels on each side after mirroring.
        steps: batches of 16 cut-outs.
        rate: the highest learning rate; it falls to 0 as a cosine.
        seed: decides cut-outs and defects.
    """
    keras.utils.set_random_seed(seed)
    network = with_head(maps)
    stride = CUTOUT_SIDE // int(maps.output.shape[1])
    schedule = keras.optimizers.schedules.CosineDecay(rate, steps)
    network.compile(optimizer=keras.optimizers.AdamW(schedule, weight_decay=1e-3), loss=touched_loss)
    random = make_generator(seed, "teaching")
    for _ in range(steps):
        network.train_on_batch(*draw_batch(random, photographs, stride))
    return network


def with_head(maps: keras.Model) -> keras.Model:
    """Return feature maps with the head that says of each place whether it was touched: logits, one feature."""
    hidden = layers.Conv2D(_HEAD_FILTERS, 1, activation="relu", name="head_hidden")(maps.output)
    logit = layers.Conv2D(1, 1, name="head_logit", bias_initializer=keras.initializers.Constant(-3.0))(hidden)
    return keras.Model(maps.input, logit, name=f"{maps.name}_taught")


def as_score(network: keras.Model) -> keras.Model:
    """Return the network with softplus(logit) instead: its distance to a bank of one zero is the score itself."""
    return keras.Model(network.input, layers.Activation("softplus", name="score")(network.output), name=network.name)


def touched_loss(share: keras.KerasTensor, logit: keras.KerasTensor) -> keras.KerasTensor:
    """Return the mean binary cross-entropy over places, touched ones counting more.

    Args: share, of each place that was touched, and logit, float [batch, rows, columns, 1].
    """
    positive = _RARE * share * ops.softplus(-logit)
    return ops.mean(positive + (1 - share) * ops.softplus(logit))


def draw_batch(
    random: np.random.Generator, photographs: Sequence[np.ndarray], stride: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return cut-outs float32 [16, side, side, 3] and the touched share of their places [16, rows, columns, 1]."""
    pixels, shares = [], []
    for _ in range(_BATCH):
        cutout = cut_out(random, photographs)
        mask = np.zeros(cutout.shape[:2], bool)
        if random.random() >= _UNTOUCHED:
            cutout, mask = touch(random, cutout, cut_out(random, photographs))
        pixels.append(cutout)
        rows = CUTOUT_SIDE // stride
        shares.append(mask.reshape(rows, stride, rows, stride).mean(axis=(1, 3)))
    return np.stack(pixels).astype(np.float32), np.stack(shares)[..., np.newaxis].astype(np.float32)


def cut_out(random: np.random.Generator, photographs: Sequence[np.ndarray]) -> np.ndarray:
    """Return float32 [side, side, 3] from anywhere, mirrored and its light changed at random."""
    photograph = photographs[int(random.integers(len(photographs)))]
    lacking = [max(0, CUTOUT_SIDE - side) for side in photograph.shape[:2]]
    padded = np.pad(photograph, ((0, lacking[0]), (0, lacking[1]), (0, 0)), mode="symmetric")
    top, left = (int(random.integers(side - CUTOUT_SIDE + 1)) for side in padded.shape[:2])
    cutout = padded[top : top + CUTOUT_SIDE, left : left + CUTOUT_SIDE].astype(np.float32)
    cutout = cutout[:: int(random.choice([-1, 1])), :: int(random.choice([-1, 1]))]
    return np.clip(cutout * random.uniform(0.85, 1.15) + random.normal(0, 6, 3), 0, 255).astype(np.float32)


def touch(random: np.random.Generator, cutout: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return a cut-out with a pasted piece of another or a drawn defect, and where it was touched, bool."""
    if random.random() < 0.7:
        return paint_defect(random, cutout)
    touched, mask = cutout.copy(), np.zeros(cutout.shape[:2], bool)
    height, width = (round(np.exp(random.uniform(np.log(3), np.log(40)))) for _ in range(2))
    top, left = int(random.integers(CUTOUT_SIDE - height)), int(random.integers(CUTOUT_SIDE - width))
    place = (slice(top, top + height), slice(left, left + width))
    touched[place] = np.clip(other[place] * random.uniform(0.5, 1.3), 0, 255)
    mask[place] = True
    return touched, mask
