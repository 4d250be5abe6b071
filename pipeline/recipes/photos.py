"""Anyone's photographs with boxes: the classes are those of the annotations.

    python -m pipeline run photos --images PHOTOS --annotations FILE
    python -m pipeline run photos --images PHOTOS --annotations FILE --pretrained

The network is the project's own, with the included weights; --pretrained takes an ImageNet-pretrained trunk instead,
which needs fewer photographs, and more time per picture.
"""

from pipeline.settings.recipe import SEARCH, Overrides, Recipe
from pipeline.settings.sections import CalibrateSettings, ExportSettings, FitSettings, NetworkSettings, PatchSettings

PRETRAINED: Overrides = (  # as in minerals_transfer
    ("network.trunk", "mobilenet_v1"),
    ("network.head", "normalised"),
    ("network.weights", "imagenet"),
    ("network.input_side", "160"),
    ("augment.detail", "0.2"),
    ("augment.brightness", "0.1"),
    ("augment.contrast", "0.2"),
    ("augment.saturation", "0.3"),
    ("augment.mixup", "0.1"),
    ("augment.cutmix", "0.1"),
    ("fit.kind", "two_stage"),
    ("fit.optimizer", "adam"),
    ("fit.epochs", "8"),
    ("fit.head_epochs", "2"),
    ("fit.patience", "3"),
    ("fit.batch_size", "16"),
    ("fit.learning_rate", "3e-5"),
    ("fit.trainable_from", "conv_dw_4"),
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
    ),
    pretrained=(*PRETRAINED, ("patches.outliers", "0"), ("augment.crop", "0.5")),
)
