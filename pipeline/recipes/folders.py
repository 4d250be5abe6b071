"""Anyone's pictures in class folders: the classes are the folders.

    python -m pipeline run folders --images PICTURES
    python -m pipeline run folders --images PICTURES --pretrained

PICTURES: a folder or zip with a folder of pictures for each class, perhaps inside train, validation and test; without a
test part one is split off. The network is the project's own, with the included weights; --pretrained fits a linear
head to an ImageNet-pretrained trunk instead, in minutes.
"""

from pipeline.recipes.photos import PRETRAINED
from pipeline.settings.augment import AugmentSettings
from pipeline.settings.fit import FitSettings
from pipeline.settings.recipe import SEARCH, Recipe
from pipeline.settings.sections import CalibrateSettings, ExportSettings, NetworkSettings, SourceSettings

RECIPE = Recipe(
    name="folders",
    title="Your pictures in class folders",
    labels=(),
    source=SourceSettings(kind="class_folders"),
    augment=AugmentSettings(flip="horizontal", crop=0.4, rotation=0.05),  # whole pictures, most of them upright
    network=NetworkSettings(weights="drawn", input_side=128, background="confidence"),
    fit=FitSettings(epochs=60, patience=20, batch_size=32, weight_decay=0.02),
    calibrate=CalibrateSettings(kind="neighbours", accepted=0.9),
    export=ExportSettings(max_accuracy_loss=0.02),
    search=SEARCH,
    smoke=(
        ("fit.epochs", "3"),
        ("network.input_side", "32"),
        ("export.calibration_pictures", "20"),
        ("export.max_accuracy_loss", "1.0"),
        ("export.max_unknown_change", "1.0"),
    ),
    pretrained=PRETRAINED,
)
