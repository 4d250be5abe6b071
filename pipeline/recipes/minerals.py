"""Seven minerals from tight patches, with the project's own network trained from scratch.

    python -m pipeline run minerals
    python -m pipeline run minerals --images PHOTOS --annotations FILE

Results: docs/results.md and docs/minerals.md.
"""

from pipeline.drawn.scenes.dataset import MINERALS
from pipeline.settings.fit import FitSettings
from pipeline.settings.recipe import SEARCH, Recipe
from pipeline.settings.sections import CalibrateSettings, NetworkSettings, PatchSettings

RECIPE = Recipe(
    name="minerals",
    title="Seven minerals, tight patches",
    labels=MINERALS,
    patches=PatchSettings(outliers=600),
    network=NetworkSettings(weights="drawn", input_side=128),
    fit=FitSettings(epochs=60, patience=30, batch_size=32, weight_decay=0.02, balance="none"),
    calibrate=CalibrateSettings(kind="neighbours", accepted=0.9),
    embedded=(  # the most accurate settings for five minutes; docs/experiments.csv
        ("source.count", "1200"),
        ("patches.jitters", "0"),
        ("patches.negatives", "2"),
        ("patches.outliers", "0"),
        ("network.input_side", "64"),
        ("network.weights", "none"),  # the included weights were trained on such scenes
        ("fit.batch_size", "64"),
        ("fit.weight_decay", "1e-4"),
        ("fit.epochs", "30"),
        ("fit.patience", "15"),
        ("fit.balance", "weights"),
        ("fit.learning_rate", "3e-3"),
        ("calibrate.kind", "temperature"),
        ("calibrate.accepted", "0.95"),
        ("augment.crop", "0.3"),
        ("augment.detail", "0"),
        ("augment.rotation", "0.05"),
        ("augment.saturation", "0"),
        ("augment.hue", "0"),
        ("augment.mixup", "0"),
        ("augment.cutmix", "0"),
    ),
    search=SEARCH,
    smoke=(
        ("source.count", "60"),
        ("fit.epochs", "2"),
        ("network.input_side", "32"),
        ("patches.jitters", "0"),
        ("patches.negatives", "2"),
        ("patches.outliers", "10"),
        ("export.calibration_pictures", "20"),
        ("export.max_accuracy_loss", "1.0"),
        ("export.max_unknown_change", "1.0"),
    ),
)
