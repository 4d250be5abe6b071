"""Seven minerals from tight patches, with an ImageNet-pretrained network.

    python -m pipeline run minerals_transfer --images PHOTOS --annotations FILE

The ImageNet weights are downloaded once. Weights of a file (a .weights.h5 of keras.applications without its classifier,
or best.keras of an earlier run) need no download:

    python -m pipeline run minerals_transfer --images PHOTOS --annotations FILE --set network.weights=FILE

The trunk is the most accurate one (docs/experiments.csv): MobileNetV1. For others use --set network.trunk, see
models/backbones.py; MobileNetV3-Large as published is mobilenet_v3_large, but its int8 file is slower than the float
file. fit.trainable_from names a layer of the trunk: change it with the trunk, or set it to "".

Test patches and splits are those of the recipe minerals, so that figures can be compared.
"""

from dataclasses import replace

from pipeline.recipes import minerals
from pipeline.settings.augment import AugmentSettings
from pipeline.settings.fit import FitSettings
from pipeline.settings.sections import NetworkSettings, PatchSettings

RECIPE = replace(
    minerals.RECIPE,
    name="minerals_transfer",
    title="Seven minerals, tight patches, pretrained network",
    patches=PatchSettings(),
    network=NetworkSettings(trunk="mobilenet_v1", head="normalised", weights="imagenet", input_side=160),
    augment=AugmentSettings(detail=0.2, crop=0.5, brightness=0.1, contrast=0.2, saturation=0.3, mixup=0.1, cutmix=0.1),
    fit=FitSettings(
        kind="two_stage",
        optimizer="adam",
        epochs=8,
        head_epochs=2,
        patience=3,
        batch_size=16,
        learning_rate=3e-5,
        balance="none",
        trainable_from="conv_dw_4",
    ),
    embedded=(
        ("source.count", "1200"),
        ("patches.jitters", "0"),
        ("patches.negatives", "2"),
        ("calibrate.kind", "temperature"),
    ),
    search=(
        *minerals.RECIPE.search,
        (
            "network.trunk,network.weights,fit.trainable_from",
            "mobilenet_v1,imagenet,conv_dw_4|mobilenet_v2,imagenet,block_3_expand",
        ),
    ),
    smoke=(
        *minerals.RECIPE.smoke,
        ("network.weights", "none"),
        ("fit.head_epochs", "1"),
    ),
)
