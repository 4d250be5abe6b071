"""Anyone's photographs with boxes: the classes are those of the annotations.

    python -m pipeline run photos --images PHOTOS --annotations FILE
    python -m pipeline run photos --images PHOTOS --annotations FILE --pretrained

The network is the project's own, with the included weights; --pretrained fits a linear head to an ImageNet-pretrained
trunk instead, in minutes, which needs fewer photographs, and more time per picture.
"""

from pipeline.settings.fit import FitSettings
from pipeline.settings.recipe import SEARCH, Overrides, Recipe
from pipeline.settings.sections import CalibrateSettings, ExportSettings, NetworkSettings, PatchSettings

PRETRAINED: Overrides = (  # as in minerals_frozen: every training patch once, as it is
    ("network.trunk", "mobilenet_v1"),
    ("network.weights", "imagenet"),
    ("network.input_side", "224"),
    ("augment.flip", "none"),
    ("augment.crop", "0"),
    ("augment.detail", "0"),
    ("augment.aspect", "0"),
    ("augment.rotation", "0"),
    ("augment.brightness", "0"),
    ("augment.contrast", "0"),
    ("augment.saturation", "0"),
    ("augment.hue", "0"),
    ("augment.mixup", "0"),
    ("augment.cutmix", "0"),
    ("fit.kind", "frozen"),
    ("fit.epochs", "1"),
    ("fit.balance", "none"),
    ("export.mode", "dynamic"),
    ("export.flips", "horizontal"),
)

RECIPE = Recipe(
    name="photos",
    title="Your photographs with boxes",
    labels=(),
    patches=PatchSettings(outliers=600),
    network=NetworkSettings(weights="drawn", input_side=128),
    fit=FitSettings(epochs=60, patience=30, batch_size=32, weight_decay=0.02),
    calibrate=CalibrateSettings(kind="neighbours", accepted=0.9),
    export=ExportSettings(max_accuracy_loss=0.02),
    search=SEARCH,
    smoke=(
        ("fit.epochs", "3"),
        ("network.input_side", "32"),
        ("patches.jitters", "0"),
        ("patches.outliers", "10"),
        ("export.calibration_pictures", "20"),
        ("export.max_accuracy_loss", "1.0"),
        ("export.max_unknown_change", "1.0"),
    ),
    pretrained=(*PRETRAINED, ("patches.outliers", "0")),
)
