"""CIFAR-10 with under a million parameters, trained from scratch on the training set only.

    python -m pipeline run cifar10
    python -m pipeline run cifar10 --images FOLDER_OR_ZIP

Without --images Keras downloads the original pictures (170 MB, once). The folder or zip holds train/CLASS and
test/CLASS; versions of a picture, a.jpg and a.png, are kept in the same split. A tenth of the training pictures is held
out for validation; the test pictures are used only for evaluation.

Results: docs/results.md and docs/cifar10.md.
"""

from pipeline.data.cifar10 import CLASSES
from pipeline.settings.augment import AugmentSettings
from pipeline.settings.fit import FitSettings
from pipeline.settings.recipe import SEARCH, Recipe
from pipeline.settings.sections import CalibrateSettings, NetworkSettings, SourceSettings, SplitSettings

RECIPE = Recipe(
    name="cifar10",
    title="CIFAR-10, under a million parameters",
    labels=CLASSES,
    source=SourceSettings(kind="cifar10"),
    split=SplitSettings(validation=0.1),
    augment=AugmentSettings(
        flip="horizontal",
        crop=0,
        detail=0,
        aspect=0,
        shift=0.125,
        rotation=0,
        brightness=0,
        contrast=0,
        saturation=0,
        hue=0,
        erasing=0.25,
        mixup=0,
        cutmix=0.25,
    ),
    network=NetworkSettings(trunk="patch_net_32", input_side=32, dropout=0, background="confidence"),
    fit=FitSettings(
        optimizer="sgd",
        epochs=50,
        patience=50,
        batch_size=128,
        learning_rate=0.2,
        warmup_epochs=2,
        weight_decay=5e-3,
        label_smoothing=0.1,
        balance="none",
    ),
    calibrate=CalibrateSettings(accepted=0.95),
    search=SEARCH,
    smoke=(
        ("fit.epochs", "2"),
        ("fit.batch_size", "32"),
        ("fit.learning_rate", "0.02"),
        ("export.calibration_pictures", "20"),
        ("export.max_accuracy_loss", "1.0"),
        ("export.max_unknown_change", "1.0"),
    ),
)
