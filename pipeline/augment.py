"""Batches of training pictures -> randomly changed ones, by Keras' own layers, assembled from the recipe."""

from collections.abc import Callable
from typing import Any

from keras import layers

from pipeline.recipe import AugmentSettings

_VALUE_RANGE = (0, 255)
_SATURATION_RANGE = (0, 1)  # Keras clips the saturation itself to it, a share; 255 would give negative colours


def make_augmentation(settings: AugmentSettings, seed: int) -> Callable[[Any, Any], tuple[Any, Any]]:
    """Return a function of (pixels float32 [batch, h, w, 3] in 0..255, labels [batch, classes]) to the same, changed.

    Each picture of the batch is changed by its own draw.
    """
    chain = _layers(settings, seed)
    mixup = layers.MixUp(alpha=settings.mixup, seed=seed) if settings.mixup > 0 else None

    def augment(pixels: Any, labels: Any) -> tuple[Any, Any]:
        for layer in chain:
            pixels = layer(pixels, training=True)
        if mixup is not None:
            mixed = mixup({"images": pixels, "labels": labels}, training=True)
            pixels, labels = mixed["images"], mixed["labels"]
        return pixels, labels

    return augment


def _layers(settings: AugmentSettings, seed: int) -> list[Any]:
    """Assemble the layers that the settings turn on; geometry first, so that colour changes reach filled corners."""
    factors: list[tuple[Any, float, dict[str, Any]]] = [
        (layers.RandomRotation, settings.rotation, {"fill_mode": "reflect"}),
        (layers.RandomZoom, settings.zoom, {"fill_mode": "reflect"}),
        (layers.RandomTranslation, settings.translation, {"fill_mode": "reflect"}),
        (layers.RandomBrightness, settings.brightness, {"value_range": _VALUE_RANGE}),
        (layers.RandomContrast, settings.contrast, {"value_range": _VALUE_RANGE}),
        (layers.RandomSaturation, settings.saturation, {"value_range": _SATURATION_RANGE}),
        (layers.RandomHue, settings.hue, {"value_range": _VALUE_RANGE}),
    ]
    # One layer a direction: Keras' "horizontal_and_vertical" flips both ways or neither, a half turn.
    directions = [] if settings.flip == "none" else settings.flip.split("_and_")
    chain = [layers.RandomFlip(direction, seed=seed - number) for number, direction in enumerate(directions)]
    for number, (layer, factor, options) in enumerate(factors, start=1):
        if factor > 0:
            chain.append(layer(**_strength(layer, factor), seed=seed + number, **options))
    return chain


def _strength(layer: Any, factor: float) -> dict[str, Any]:
    """Name a layer's strength as Keras does."""
    if layer is layers.RandomTranslation:
        return {"height_factor": factor, "width_factor": factor}
    if layer is layers.RandomZoom:
        return {"height_factor": (-factor, factor), "width_factor": (-factor, factor)}
    if layer is layers.RandomSaturation:
        return {"factor": (0.5 - factor, 0.5 + factor)}  # 0.5 is Keras' "unchanged"
    return {"factor": factor}
